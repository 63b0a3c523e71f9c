// Level of one stereo signal, for people to look at.
#pragma once

#include "audio/layer.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>

namespace entrain {

class Meter {
public:
    // [audio]
    void add(const Chunk &chunk, std::uint32_t frames) noexcept {
        // Four sums at a time: each waits for nobody but itself.
        double even[2] = {square_[0], square_[1]}, odd[2] = {};
        float highest[2] = {highest_[0], highest_[1]};
        for (std::uint32_t i = 0; i < frames; ++i) {
            for (std::size_t c = 0; c < 2; ++c) {
                const float sample = chunk[c][i];
                const double square = double{sample} * double{sample};
                (i % 2 == 0 ? even : odd)[c] += square;
                highest[c] = std::max(highest[c], std::fabs(sample));
            }
        }
        for (std::size_t c = 0; c < 2; ++c) {
            square_[c] = even[c] + odd[c];
            highest_[c] = highest[c];
        }
    }

    // [audio] At the end of a callback: fold what was added into the figures shown.
    void publish(std::uint32_t frames, std::uint32_t rate_hz) noexcept {
        const double seconds = static_cast<double>(frames) / rate_hz;
        const double keep = std::exp(-seconds / kMeanSeconds);
        const auto fall = static_cast<float>(std::pow(10.0, -kFallDbPerSecond / 20.0 * seconds));
        for (std::size_t c = 0; c < 2; ++c) {
            mean_[c] = keep * mean_[c] + (1.0 - keep) * square_[c] / frames;
            falling_[c] = std::max(fall * falling_[c], highest_[c]);
            square_[c] = 0.0;
            highest_[c] = 0.0F;
            rms_[c].store(static_cast<float>(std::sqrt(mean_[c])), std::memory_order_relaxed);
            peak_[c].store(falling_[c], std::memory_order_relaxed);
        }
    }

    // [any]
    float rms(std::size_t c) const noexcept { return rms_[c].load(std::memory_order_relaxed); }
    float peak(std::size_t c) const noexcept { return peak_[c].load(std::memory_order_relaxed); }

private:
    static constexpr double kMeanSeconds = 0.3;
    static constexpr double kFallDbPerSecond = 20.0;

    std::atomic<float> rms_[2]{};
    std::atomic<float> peak_[2]{};
    double square_[2]{};
    double mean_[2]{};
    float highest_[2]{};
    float falling_[2]{};
};

}  // namespace entrain
