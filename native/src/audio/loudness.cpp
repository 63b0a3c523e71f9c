#include "audio/loudness.h"

#include <algorithm>
#include <cmath>

namespace entrain {

namespace {

constexpr double kPi = 3.14159265358979323846;
// Undoes the K-weighting at 997 Hz: a sine of that frequency reads its own level.
constexpr double kOffsetLufs = -0.691;
// Power below any converter's noise, such as the filters' tail in digital silence.
constexpr double kNothing = 1e-14;

// Analog models of the digital filters that BS.1770 prints for 48 kHz.
constexpr double kShelfHz = 1681.974450955533;
constexpr double kShelfDb = 3.999843853973347;
constexpr double kShelfMiddle = 0.4996667741545416;  // share of the gain at kShelfHz
constexpr double kShelfQ = 0.7071752369554196;
constexpr double kHighPassHz = 38.13547087602444;
constexpr double kHighPassQ = 0.5003270373238773;

#if defined(__x86_64__)
const bool kAvx2 = (__builtin_cpu_init(), __builtin_cpu_supports("avx2") != 0);
#endif

}  // namespace

double Loudness::lufs(double power) noexcept {
    return power < kNothing ? double{kSilent} : kOffsetLufs + 10.0 * std::log10(power);
}

void Loudness::set_rate(std::uint32_t rate_hz) noexcept ENTRAIN_NONBLOCKING {
    if (rate_hz == rate_hz_) return;
    rate_hz_ = rate_hz;
    // Bilinear transform, exact at the corner frequency.
    const double shelf = std::tan(kPi * kShelfHz / rate_hz);
    const double gain = std::pow(10.0, kShelfDb / 20.0);
    const double middle = std::pow(gain, kShelfMiddle) * shelf / kShelfQ;
    const double a0 = 1.0 + shelf / kShelfQ + shelf * shelf;
    const double high = std::tan(kPi * kHighPassHz / rate_hz);
    const double high_a0 = 1.0 + high / kHighPassQ + high * high;
    filters_ = {(gain + middle + shelf * shelf) / a0,
                2.0 * (shelf * shelf - gain) / a0,
                (gain - middle + shelf * shelf) / a0,
                2.0 * (shelf * shelf - 1.0) / a0,
                (1.0 - shelf / kShelfQ + shelf * shelf) / a0,
                2.0 * (high * high - 1.0) / high_a0,
                (1.0 - high / kHighPassQ + high * high) / high_a0};
    state_ = {};
    hops_ = {};
    hop_frames_ = (rate_hz + 5) / 10;
    frames_left_ = hop_frames_;
    hops_until_block_ = kMomentaryHops;
}

// ---- the filters -----------------------------------------------------------------------------

// Both ears of n signals in one vector.
template <> struct Loudness::Ears<1> { using Vector = double __attribute__((vector_size(16))); };
template <> struct Loudness::Ears<2> { using Vector = double __attribute__((vector_size(32))); };

template <std::size_t n>
inline __attribute__((always_inline)) void Loudness::weigh(const Signals<n> &all,
                                                           std::uint32_t at,
                                                           std::uint32_t end) noexcept {
    using Vector = typename Ears<n>::Vector;
    const Filters f = all[0].loudness->filters_;
    Vector w1, w2, v1, v2, sum;
    for (std::size_t c = 0; c < 2 * n; ++c) {
        const State &s = all[c / 2].loudness->state_;
        w1[c] = s.w1[c % 2], w2[c] = s.w2[c % 2];
        v1[c] = s.v1[c % 2], v2[c] = s.v2[c % 2];
        sum[c] = s.sum[c % 2];
    }
    for (; at < end; ++at) {
        Vector sample;
        for (std::size_t c = 0; c < 2 * n; ++c) sample[c] = (*all[c / 2].chunk)[c % 2][at];
        // The newest term comes last, so the feedback path is only two operations long.
        const Vector w = sample - f.a2 * w2 - f.a1 * w1;
        const Vector shelved = f.b1 * w1 + f.b2 * w2 + f.b0 * w;
        w2 = w1;
        w1 = w;
        const Vector v = shelved - f.high_a2 * v2 - f.high_a1 * v1;
        const Vector weighted = (v - v1) - (v1 - v2);
        v2 = v1;
        v1 = v;
        sum += weighted * weighted;
    }
    for (std::size_t c = 0; c < 2 * n; ++c) {
        State &s = all[c / 2].loudness->state_;
        s.w1[c % 2] = w1[c], s.w2[c % 2] = w2[c];
        s.v1[c % 2] = v1[c], s.v2[c % 2] = v2[c];
        s.sum[c % 2] = sum[c];
    }
}

#if defined(__x86_64__)
template <std::size_t n>
__attribute__((target("avx2"))) void Loudness::weigh_avx2(const Signals<n> &all,
                                                          std::uint32_t at,
                                                          std::uint32_t end) noexcept {
    weigh<n>(all, at, end);
}
#endif

template <std::size_t n>
void Loudness::add(const Signals<n> &all, std::uint32_t frames) noexcept {
    for (const Signal &each : all)
        if (each.loudness->reset_.load(std::memory_order_relaxed) &&
            each.loudness->reset_.exchange(false, std::memory_order_relaxed))
            each.loudness->forget();
    for (std::uint32_t at = 0; at < frames;) {
        const std::uint32_t end = at + std::min(frames - at, all[0].loudness->frames_left_);
#if defined(__x86_64__)
        if (kAvx2)
            weigh_avx2<n>(all, at, end);
        else
#endif
            weigh<n>(all, at, end);
        for (const Signal &each : all) {
            each.loudness->frames_left_ -= end - at;
            if (each.loudness->frames_left_ == 0) each.loudness->hop();
        }
        at = end;
    }
}

void Loudness::add(const Chunk &chunk, std::uint32_t frames) noexcept ENTRAIN_NONBLOCKING {
    add<1>({{{this, &chunk}}}, frames);
}

void Loudness::add(Loudness &one, const Chunk &chunk, Loudness &other, const Chunk &other_chunk,
                   std::uint32_t frames) noexcept ENTRAIN_NONBLOCKING {
    add<2>({{{&one, &chunk}, {&other, &other_chunk}}}, frames);
}

// ---- figures ---------------------------------------------------------------------------------

void Loudness::forget() noexcept {
    bins_ = {};
    all_ = {};
    // A hop in progress contains sound from before the reset.
    hops_until_block_ = kMomentaryHops + (frames_left_ < hop_frames_ ? 1 : 0);
    integrated_.store(kSilent, std::memory_order_relaxed);
}

void Loudness::hop() noexcept {
    newest_ = (newest_ + 1) % kShortTermHops;
    hops_[newest_] = (state_.sum[0] + state_.sum[1]) / hop_frames_;
    state_.sum = {};
    frames_left_ = hop_frames_;

    const double block = mean_of_last(kMomentaryHops);
    momentary_.store(static_cast<float>(lufs(block)), std::memory_order_relaxed);
    short_term_.store(static_cast<float>(lufs(mean_of_last(kShortTermHops))),
                      std::memory_order_relaxed);
    if (hops_until_block_ > 1) {
        --hops_until_block_;
        return;
    }
    gate(block);
    integrated_.store(static_cast<float>(integrated()), std::memory_order_relaxed);
}

double Loudness::mean_of_last(std::uint32_t hops) const noexcept {
    double sum = 0.0;
    for (std::uint32_t i = 0; i < hops; ++i)
        sum += hops_[(newest_ + kShortTermHops - i) % kShortTermHops];
    return sum / hops;
}

void Loudness::gate(double power) noexcept {
    const double above = (lufs(power) - kAbsoluteGateLufs) * kBinsPerLu;
    if (!(above > 0.0)) return;
    Bin &bin = bins_[static_cast<std::size_t>(std::min(above, kBins - 1.0))];
    for (Bin *counted : {&bin, &all_}) {
        counted->power += power;
        ++counted->blocks;
    }
}

double Loudness::integrated() const noexcept {
    if (all_.blocks == 0) return double{kSilent};
    const double threshold = lufs(all_.power / all_.blocks) + kRelativeGateLu;
    const double above = (threshold - kAbsoluteGateLufs) * kBinsPerLu;
    // The bin of the threshold counts if more than half of it lies above the threshold.
    const auto first = static_cast<std::uint32_t>(std::max(0.0, std::round(above)));
    Bin heard{};
    for (std::uint32_t i = first; i < kBins; ++i) {
        heard.power += bins_[i].power;
        heard.blocks += bins_[i].blocks;
    }
    return heard.blocks ? lufs(heard.power / heard.blocks) : double{kSilent};
}

}  // namespace entrain
