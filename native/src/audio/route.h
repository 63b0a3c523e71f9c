// Which layers are heard, in which order.  The control thread makes a route, never changes it
// afterwards, and frees it together with the layers that only this route still owns.
#pragma once

#include "audio/layer.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace entrain {

struct Head;

struct Route {
    struct Entry {
        std::shared_ptr<Layer> layer;
        bool leaving;  // fades out; the next route does not contain it
        std::shared_ptr<const Automation> automation;  // may be null
        bool placed = false;  // a generator that is given to the space
    };
    std::uint64_t serial = 0;
    std::uint64_t restart = 0;  // a new number restarts the session
    std::uint64_t rebuilds = 0;  // a new number says that all layers are new instances
    std::uint32_t rate_hz = 0;
    std::uint32_t latency_frames = 0;
    std::shared_ptr<Layer> input;   // conditions the input first
    std::vector<Entry> processors;  // in the order in which they act
    std::vector<Entry> space;       // one, and others that leave
    std::shared_ptr<const Head> head;  // of this sample rate; null if `space` only leaves
    std::uint32_t tail_frames = 0;  // for which the space sounds on after its last input
    std::vector<Entry> generators;
    std::shared_ptr<Layer> output;  // the limiter
};

}  // namespace entrain
