// An engine, as far as the callback and whoever looks at it know it.
#pragma once

#include "audio/process.h"

#include "entrain/engine.h"

#include <atomic>
#include <cstdint>

// What the ABI's [audio] and [any] functions work on.  It is always a part of an entrain::Engine
// (control/engine.h), which builds and owns what the callback uses.
struct entrain_engine {
    std::atomic<std::uint32_t> rate_hz{0};
    std::atomic<std::uint32_t> latency_frames{0};
    entrain::Process process;

protected:
    entrain_engine() = default;
    ~entrain_engine() = default;
};
