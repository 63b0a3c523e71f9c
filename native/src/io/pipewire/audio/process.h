// PipeWire's audio callback.
//
// It calls two functions of the client library, which are safe in real time:
//   pw_filter_get_dsp_buffer  takes a buffer from the port's lock-free ring and queues it again;
//                             intended for this callback
//   pw_loop_signal_event      one write to a non-blocking eventfd, without a lock; only when the
//                             quantum or the rate changes
#pragma once

#include "audio/realtime.h"

#include "entrain/engine.h"

#include <array>
#include <atomic>
#include <cstdint>

struct pw_loop;
struct spa_io_clock;
struct spa_io_position;
struct spa_source;

namespace entrain::pipewire {

// The data that the callback and the loop's thread share.
struct Cycle {
    // Set before the filter is connected:
    entrain_engine *engine = nullptr;
    std::array<void *, 2> in{};   // ports, as pw_filter_add_port() returned them
    std::array<void *, 2> out{};
    pw_loop *loop = nullptr;      // signalled through `news` when rate_hz or quantum changes
    spa_source *news = nullptr;

    // [control] -> [audio]
    std::atomic<bool> fresh{true};    // the graph has been stopped: its clock may have jumped
    std::atomic<bool> linked{false};  // every port is linked, so every port has a buffer
    std::atomic<bool> mono{false};    // both outputs are linked to one port, which adds them

    // [audio] -> [control]
    std::atomic<std::uint32_t> rate_hz{0};
    std::atomic<std::uint32_t> quantum_frames{0};

    // Owned by the callback:
    std::uint32_t clock_id = 0;
    std::uint64_t clock_position = 0;
};

// pw_filter_events.process of the engine's filter; `data` is a Cycle.
//
// thread:   [audio]
void process(void *data, spa_io_position *position) noexcept ENTRAIN_NONBLOCKING;

}  // namespace entrain::pipewire
