// Which layers are heard, in which order: made by the control thread, never changed afterwards.
// The control thread also frees it, and so whatever it alone still owns.
#pragma once

#include "audio/layer.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace entrain {

struct Route {
    struct Entry {
        std::shared_ptr<Layer> layer;
        bool leaving;  // fades out; the next route will not have it
        std::shared_ptr<const Automation> automation;  // may be null
    };
    std::uint64_t serial = 0;
    std::uint64_t restart = 0;  // the session begins anew where this number is a new one
    std::uint64_t rebuilds = 0;  // where this number is a new one, all layers are new instances
    std::uint32_t rate_hz = 0;
    std::uint32_t latency_frames = 0;
    std::shared_ptr<Layer> input;   // what happens to the input first
    std::vector<Entry> processors;  // in the order in which they act
    std::vector<Entry> generators;
    std::shared_ptr<Layer> output;  // the limiter
};

}  // namespace entrain
