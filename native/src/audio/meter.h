// Level meter of one stereo signal.
#pragma once

#include "audio/layer.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace entrain {

// Accepts any input; infinity ranks above every finite sample, NaN above infinity.
inline float highest_magnitude(const float *samples, std::uint32_t frames) noexcept {
    // Without the sign bit, floats have the same order as integers, and the vector unit may compare
    // integers in any order.
    std::int32_t highest = 0;
    for (std::uint32_t i = 0; i < frames; ++i) {
        std::int32_t bits;
        std::memcpy(&bits, samples + i, sizeof bits);
        highest = std::max(highest, bits & 0x7fffffff);
    }
    float level;
    std::memcpy(&level, &highest, sizeof level);
    return level;
}

inline double sum_of_squares(const float *samples, std::uint32_t frames) noexcept {
    // Four independent sums, so that no addition waits for the one before it.
    using Floats = float __attribute__((vector_size(16)));
    using Doubles = double __attribute__((vector_size(32)));
    Doubles sums{};
    std::uint32_t i = 0;
    for (; i + 4 <= frames; i += 4) {
        Floats some;
        std::memcpy(&some, samples + i, sizeof some);
        const Doubles exact = __builtin_convertvector(some, Doubles);
        sums += exact * exact;
    }
    for (; i < frames; ++i) sums[0] += double{samples[i]} * double{samples[i]};
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

class Meter {
public:
    // [audio] Samples must be finite.
    void add(const Chunk &chunk, std::uint32_t frames) noexcept {
        for (std::size_t c = 0; c < 2; ++c) {
            square_[c] += sum_of_squares(chunk[c].data(), frames);
            highest_[c] = std::max(highest_[c], highest_magnitude(chunk[c].data(), frames));
        }
    }

    // [audio] At the end of a callback: update the displayed levels with the added samples.
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
