// How a head and its ears change sound from every direction, at one sample rate.  Made by the
// control thread (control/heads.h), never changed afterwards.
#pragma once

#include "audio/direction.h"
#include "audio/space/kernels.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace entrain {

// Decoder of an Ambisonic scene: filters from each channel (ACN, SN3D) to the ears.
struct Decoder {
    int channels = 0;  // 0: none
    std::vector<float> filters;  // [channel][space::filter_floats(partition)]
};

// A pair of speakers is heard through responses of directions, or through one of the decoders; it
// differs in loudness.
enum class Hearing : std::size_t { directions, high_order, first_order };
constexpr std::size_t kGainRows = 3;

struct Head {
    std::uint64_t serial = 0;  // every head has another number
    std::uint32_t rate_hz = 0;
    int partition = 0;
    int azimuths = 0, elevations = 0;
    std::vector<float> filters;  // [elevation][azimuth][space::filter_floats(partition)]
    std::vector<float> delays;   // [elevation][azimuth][ear], in frames; the earlier ear has 0
    std::vector<float> gains;    // [Hearing][angle between a pair of speakers, 0 to 360 degrees]
    Decoder first_order, high_order;

    // What a blend for one direction is made of: the neighbours in the grid, and their shares.
    struct Neighbours {
        std::array<std::size_t, 4> place{};
        std::array<float, 4> share{};
        int count = 0;
    };

    Neighbours around(const Direction &direction) const noexcept {
        const double turns = azimuth_deg(direction) / 360.0;
        const double column = (turns - std::floor(turns)) * azimuths;
        const double row = std::clamp((elevation_deg(direction) + 90.0) / 180.0, 0.0, 1.0) *
                           (elevations - 1);
        const auto left = static_cast<int>(column) % azimuths;
        const int low = std::min(static_cast<int>(row), elevations - 2);
        const double across = column - std::floor(column), up = row - low;
        Neighbours found;
        const auto add = [&](int at_row, int at_column, double share) {
            if (share <= 1e-6) return;  // in the middle of a column or row two would have none
            const auto i = static_cast<std::size_t>(found.count++);
            found.place[i] = static_cast<std::size_t>(at_row) * static_cast<std::size_t>(azimuths) +
                             static_cast<std::size_t>(at_column);
            found.share[i] = static_cast<float>(share);
        };
        const int right = (left + 1) % azimuths;
        add(low, left, (1.0 - across) * (1.0 - up));
        add(low, right, across * (1.0 - up));
        add(low + 1, left, (1.0 - across) * up);
        add(low + 1, right, across * up);
        return found;
    }

    // Blend the filter of a direction; `delay` receives the delays of the ears.
    void blend(const Direction &direction, const space::Kernels &kernels, float *filter,
               std::array<double, 2> &delay) const noexcept {
        const Neighbours near = around(direction);
        const auto floats = static_cast<std::size_t>(space::filter_floats(partition));
        std::array<const float *, 4> from{};
        delay = {0.0, 0.0};
        for (std::size_t i = 0; i < static_cast<std::size_t>(near.count); ++i) {
            from[i] = filters.data() + near.place[i] * floats;
            for (std::size_t ear = 0; ear < 2; ++ear)
                delay[ear] += double{near.share[i]} * double{delays[2 * near.place[i] + ear]};
        }
        kernels.blend(from.data(), near.share.data(), near.count, filter);
    }

    // The decoder for a scene of this order.
    Hearing hearing(int order) const noexcept {
        return order > 1 && high_order.channels > 0 ? Hearing::high_order : Hearing::first_order;
    }

    // Gain for both of two speakers that are so far apart.
    double gain_of_width(double width_deg, Hearing hearing) const noexcept {
        const std::size_t widths = gains.size() / kGainRows;
        const double place =
            std::clamp(width_deg / 360.0, 0.0, 1.0) * static_cast<double>(widths - 1);
        const auto low = std::min(static_cast<std::size_t>(place), widths - 2);
        const double part = place - static_cast<double>(low);
        const float *of = gains.data() + static_cast<std::size_t>(hearing) * widths + low;
        return (1.0 - part) * double{of[0]} + part * double{of[1]};
    }
};

}  // namespace entrain
