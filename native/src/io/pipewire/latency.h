// The latency of the sound on its way through the engine's filter, reported to both neighbours.
#pragma once

#include "io/pipewire/client/latency_params.h"

#include <array>
#include <cstdint>
#include <vector>

namespace entrain::pipewire {

// Replaces pw_filter's own report, which adds our delay only when a neighbour's latency changes:
// not when the rate changes, and on PipeWire 0.3 never if the device's latency is zero.
//
// thread:   the loop's
class Latency {
public:
    // `awake` is an input that carries no sound.  The server combines the latencies of all inputs
    // that an output is linked to, as minimum and maximum, so `awake` reports the same as `in`.
    Latency(pw_filter *filter, const std::array<void *, 2> &in, const std::array<void *, 2> &out,
            void *awake);

    // Take a latency that the neighbour on this port has reported.
    void received(void *port, const spa_pod *param) noexcept;
    // Set the engine's own delay.
    void set_own(std::uint32_t frames) noexcept;

private:
    void tell(std::size_t direction) noexcept;

    pw_filter *filter_;
    // The index is the latency's direction: 0 comes from the device, 1 from the players.
    std::array<std::vector<void *>, 2> to_;
    std::array<std::array<void *, 2>, 2> from_;
    std::array<std::array<spa_latency_info, 2>, 2> received_;
    spa_process_latency_info own_{};
};

}  // namespace entrain::pipewire
