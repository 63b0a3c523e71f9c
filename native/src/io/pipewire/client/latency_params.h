// Latency parameters: of the device that a port leads to (INPUT), of the player that it comes from
// (OUTPUT), and a node's own.
#pragma once

#include "io/pipewire/client/param_builder.h"

#include <cstddef>
#include <cstdint>

namespace entrain::pipewire {

ENTRAIN_C_BEGIN

inline spa_process_latency_info process_latency(std::uint32_t frames) noexcept {
    spa_process_latency_info latency{};
    latency.rate = frames;  // the member is unsigned before 1.2 and signed since
    return latency;
}

inline spa_latency_info no_latency(std::size_t direction) noexcept {
    spa_latency_info info{};
    info.direction = static_cast<spa_direction>(direction);
    return info;
}

// The minimum and maximum of all latencies.
template <typename Infos>
spa_latency_info combined(std::size_t direction, const Infos &infos) noexcept {
    spa_latency_info info{};
    spa_latency_info_combine_start(&info, static_cast<spa_direction>(direction));
    for (const spa_latency_info &other : infos) spa_latency_info_combine(&info, &other);
    spa_latency_info_combine_finish(&info);
    return info;
}

// Build a latency as a parameter in `memory`.
template <typename Memory>
const spa_pod *process_latency_param(const spa_process_latency_info &latency,
                                     Memory &memory) noexcept {
    spa_pod_builder builder = builder_in(memory);
    return spa_process_latency_build(&builder, SPA_PARAM_ProcessLatency, &latency);
}
template <typename Memory>
const spa_pod *latency_param(const spa_latency_info &latency, Memory &memory) noexcept {
    spa_pod_builder builder = builder_in(memory);
    return spa_latency_build(&builder, SPA_PARAM_Latency, &latency);
}

ENTRAIN_C_END

}  // namespace entrain::pipewire
