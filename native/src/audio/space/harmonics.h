// Spherical harmonics up to the third order, in ACN order with SN3D normalization (AmbiX).
#pragma once

#include "audio/direction.h"

#include <array>
#include <cmath>

namespace entrain::space {

constexpr int kMostChannels = 16;

constexpr int channels_of(int order) noexcept { return (order + 1) * (order + 1); }

// Gains of a source from this direction.  A turned scene is a scene of turned directions, so the
// space turns directions, and needs no matrix for scenes.
inline std::array<float, kMostChannels> harmonics(const Direction &d) noexcept {
    const double x = d.x, y = d.y, z = d.z;
    const double third = std::sqrt(3.0), fifteenth = std::sqrt(15.0);
    const double five_eighths = std::sqrt(0.625), three_eighths = std::sqrt(0.375);
    const std::array<double, kMostChannels> gains{
        1.0,
        y,
        z,
        x,
        third * x * y,
        third * y * z,
        0.5 * (3.0 * z * z - 1.0),
        third * x * z,
        0.5 * third * (x * x - y * y),
        five_eighths * y * (3.0 * x * x - y * y),
        fifteenth * x * y * z,
        three_eighths * y * (5.0 * z * z - 1.0),
        0.5 * z * (5.0 * z * z - 3.0),
        three_eighths * x * (5.0 * z * z - 1.0),
        0.5 * fifteenth * z * (x * x - y * y),
        five_eighths * x * (x * x - 3.0 * y * y)};
    std::array<float, kMostChannels> rounded{};
    for (std::size_t i = 0; i < gains.size(); ++i) rounded[i] = static_cast<float>(gains[i]);
    return rounded;
}

}  // namespace entrain::space
