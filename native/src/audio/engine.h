// The part of an engine that the callback and the [any] functions use.
#pragma once

#include "audio/process.h"

#include "entrain/engine.h"

#include <atomic>
#include <cstdint>

// The ABI's [audio] and [any] functions work on this struct.  It is always the base of an
// entrain::Engine (control/engine.h), which builds and owns the objects that the callback uses.
struct entrain_engine {
    std::atomic<std::uint32_t> rate_hz{0};
    std::atomic<std::uint32_t> latency_frames{0};
    std::atomic<bool> has_head{false};
    entrain::Process process;

protected:
    entrain_engine() = default;
    ~entrain_engine() = default;
};
