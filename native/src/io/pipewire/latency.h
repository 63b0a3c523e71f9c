// How late the sound is on its way through the engine's filter, told to both of its neighbours.
#pragma once

#include "io/pipewire/client/latency_params.h"

#include <array>
#include <cstdint>
#include <vector>

namespace entrain::pipewire {

// In place of pw_filter's own way, which adds our delay only when a neighbour's changes: not when
// the rate does, and on PipeWire 0.3 not at all where the device's is zero.  All on the loop's
// thread.
class Latency {
public:
    // `awake` is an input that carries no sound.  The server takes the least and the most of what
    // all inputs say that an output leads to, so this one says what the others say.
    Latency(pw_filter *filter, const std::array<void *, 2> &in, const std::array<void *, 2> &out,
            void *awake);

    // What is linked to this port has said how late it is.
    void received(void *port, const spa_pod *param) noexcept;
    // How late the engine is.
    void set_own(std::uint32_t frames) noexcept;

private:
    void tell(std::size_t direction) noexcept;

    pw_filter *filter_;
    // By direction: of a latency that comes from the device, and of one from the players.
    std::array<std::vector<void *>, 2> to_;
    std::array<std::array<void *, 2>, 2> from_;
    std::array<std::array<spa_latency_info, 2>, 2> received_;
    spa_process_latency_info own_{};
};

}  // namespace entrain::pipewire
