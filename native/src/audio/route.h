// Which layers are heard, in which order: made by the control thread, never changed afterwards.
#pragma once

#include "audio/layer.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace entrain {

struct Route {
    struct Entry {
        Layer *layer;
        bool leaving;  // fades out; the next route will not have it
        std::shared_ptr<const Automation> automation;  // may be null
    };
    std::uint64_t serial = 0;
    std::uint64_t restart = 0;  // the session begins anew where this number is a new one
    std::uint32_t rate_hz = 0;
    std::uint32_t latency_frames = 0;
    Layer *input = nullptr;         // what happens to the programme first
    std::vector<Entry> processors;  // in the order in which they act
    std::vector<Entry> generators;
    Layer *output = nullptr;  // the limiter
};

}  // namespace entrain
