#include "audio/polyphase_resampler.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace entrain {
namespace {

// Kaiser's window: its side lobes lie 110 dB below.
constexpr double kBeta = 11.2;
// Of half the sample rate: there the gain is -6 dB.
constexpr double kCutoff = 0.97;

using Four = float __attribute__((vector_size(16)));

Four load(const float *from) noexcept {
    Four four;
    std::memcpy(&four, from, sizeof four);
    return four;
}

float sum(Four four) noexcept { return (four[0] + four[2]) + (four[1] + four[3]); }

// The modified Bessel function of order 0.
double bessel_i0(double x) noexcept {
    double term = 1.0, all = 1.0;
    for (int k = 1; term > 1e-16 * all; ++k) {
        term *= (x / (2 * k)) * (x / (2 * k));
        all += term;
    }
    return all;
}

// `x` in frames from the middle; `reach` where the window ends.
double windowed_sinc(double x, double reach) noexcept {
    constexpr double kPi = 3.14159265358979323846;
    const double inside = 1.0 - (x / reach) * (x / reach);
    if (inside <= 0.0) return 0.0;
    const double turn = kPi * kCutoff * x;
    const double sinc = turn == 0.0 ? 1.0 : std::sin(turn) / turn;
    return sinc * bessel_i0(kBeta * std::sqrt(inside)) / bessel_i0(kBeta);
}

}  // namespace

PolyphaseResampler::PolyphaseResampler() : table_((kPhases + 1) * kTaps) {
    std::array<double, kTaps> taps{};
    for (std::uint32_t phase = 0; phase <= kPhases; ++phase) {
        const double later = static_cast<double>(phase) / kPhases;
        double all = 0.0;
        for (std::uint32_t k = 0; k < kTaps; ++k) {
            taps[k] = windowed_sinc(k - (kDelayFrames - 1.0) - later, kDelayFrames);
            all += taps[k];
        }
        // The same gain for every phase.
        for (std::uint32_t k = 0; k < kTaps; ++k)
            table_[phase * kTaps + k] = static_cast<float>(taps[k] / all);
    }
    reset();
}

void PolyphaseResampler::reset() noexcept ENTRAIN_NONBLOCKING {
    for (auto &channel : held_) channel.fill(0.0F);
    held_frames_ = kDelayFrames - 1;
    position_ = held_frames_;
}

std::uint32_t PolyphaseResampler::process(const float *in, std::uint32_t in_frames, double ratio,
                                          float *out, std::uint32_t out_capacity) noexcept
    ENTRAIN_NONBLOCKING {
    const double step =
        1.0 / std::clamp(ratio, 1.0 - kMaxDeviation, 1.0 + kMaxDeviation);
    std::uint32_t made = 0;
    while (in_frames > 0) {
        const std::uint32_t frames = std::min(in_frames, kChunkFrames);
        append(in, frames);
        in += 2 * std::size_t{frames};
        in_frames -= frames;
        for (const double end = held_frames_ - kDelayFrames; position_ < end; position_ += step)
            if (made < out_capacity) frame_at(position_, out + 2 * std::size_t{made++});
        forget();
    }
    return made;
}

void PolyphaseResampler::append(const float *in, std::uint32_t frames) noexcept {
    for (std::uint32_t i = 0; i < frames; ++i)
        for (std::size_t c = 0; c < 2; ++c) held_[c][held_frames_ + i] = in[2 * i + c];
    held_frames_ += frames;
}

void PolyphaseResampler::frame_at(double position, float *out) const noexcept {
    const auto whole = static_cast<std::uint32_t>(position);
    const double phase = (position - whole) * kPhases;
    const auto row = static_cast<std::uint32_t>(phase);
    const auto share = static_cast<float>(phase - row);
    const Four shares{share, share, share, share};
    const float *one = table_.data() + std::size_t{row} * kTaps;
    const float *next = one + kTaps;
    const std::size_t first = whole - (kDelayFrames - 1);
    const float *left = held_[0].data() + first;
    const float *right = held_[1].data() + first;
    Four sum_left{}, sum_right{};
    for (std::uint32_t k = 0; k < kTaps; k += 4) {
        const Four from = load(one + k);
        const Four taps = from + shares * (load(next + k) - from);
        sum_left += taps * load(left + k);
        sum_right += taps * load(right + k);
    }
    out[0] = sum(sum_left);
    out[1] = sum(sum_right);
}

// Keep what the next output frame needs.
void PolyphaseResampler::forget() noexcept {
    const auto old = static_cast<std::uint32_t>(position_) - (kDelayFrames - 1);
    if (old == 0) return;
    for (auto &channel : held_)
        std::copy(channel.begin() + old, channel.begin() + held_frames_, channel.begin());
    held_frames_ -= old;
    position_ -= old;
}

}  // namespace entrain
