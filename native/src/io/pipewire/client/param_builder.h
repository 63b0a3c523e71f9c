// Where a parameter of a node or a port is built.
#pragma once

#include "io/pipewire/client/library.h"

#include <cstddef>
#include <cstdint>

namespace entrain::pipewire {

ENTRAIN_C_BEGIN

constexpr std::size_t kParamBytes = 512;

// Builds parameters that lie in `memory`.
template <typename Memory>
spa_pod_builder builder_in(Memory &memory) noexcept {
    spa_pod_builder builder{};
    spa_pod_builder_init(&builder, memory.data(), static_cast<std::uint32_t>(memory.size()));
    return builder;
}

ENTRAIN_C_END

}  // namespace entrain::pipewire
