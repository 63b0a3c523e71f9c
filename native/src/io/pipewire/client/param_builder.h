// Builds the parameters of nodes and ports.
#pragma once

#include "io/pipewire/client/library.h"

#include <cstddef>
#include <cstdint>

namespace entrain::pipewire {

ENTRAIN_C_BEGIN

constexpr std::size_t kParamBytes = 512;

// A builder that writes into `memory`.
template <typename Memory>
spa_pod_builder builder_in(Memory &memory) noexcept {
    spa_pod_builder builder{};
    spa_pod_builder_init(&builder, memory.data(), static_cast<std::uint32_t>(memory.size()));
    return builder;
}

ENTRAIN_C_END

}  // namespace entrain::pipewire
