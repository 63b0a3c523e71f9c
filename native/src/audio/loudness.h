// Loudness of a stereo signal after ITU-R BS.1770-5 and EBU R 128 (Tech 3341).
//
//   sample ─► K-weighting ─► square ─► sum of 100 ms ─┬─► last 4:  momentary ─► gates ─► integrated
//                                                     └─► last 30: short-term
//
// Memory is constant: integrated loudness is kept as a histogram, however long it runs.
#pragma once

#include "audio/layer.h"
#include "audio/realtime.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <limits>

namespace entrain {

class Loudness {
public:
    // [audio] If the rate has changed, momentary and short-term loudness start anew; integrated
    // loudness goes on.
    void set_rate(std::uint32_t rate_hz) noexcept ENTRAIN_NONBLOCKING;

    // [audio] Call set_rate() first.  Samples must be finite.  Denormals should be flushed.
    void add(const Chunk &chunk, std::uint32_t frames) noexcept ENTRAIN_NONBLOCKING;

    // [audio] The same for two meters with the same rate and the same number of frames.  Quicker
    // than two calls, since the filters of the two signals are independent.
    static void add(Loudness &one, const Chunk &chunk, Loudness &other, const Chunk &other_chunk,
                    std::uint32_t frames) noexcept ENTRAIN_NONBLOCKING;

    // [any] Integrated loudness starts anew with the next sample.
    void reset() noexcept { reset_.store(true, std::memory_order_relaxed); }

    // [any] LUFS, as of the last complete 100 ms; -inf for silence.
    float momentary_lufs() const noexcept { return read(momentary_); }    // over 400 ms
    float short_term_lufs() const noexcept { return read(short_term_); }  // over 3 s
    float integrated_lufs() const noexcept { return read(integrated_); }  // since reset()

private:
    using Shown = std::atomic<float>;
    using Pair = std::array<double, 2>;  // left and right

    static constexpr float kSilent = -std::numeric_limits<float>::infinity();
    static constexpr double kAbsoluteGateLufs = -70.0;
    static constexpr double kRelativeGateLu = -10.0;
    static constexpr std::uint32_t kMomentaryHops = 4;
    static constexpr std::uint32_t kShortTermHops = 30;

    // Histogram of blocks above the absolute gate.  The highest bin is at 16 times full scale.
    static constexpr double kBinsPerLu = 10.0;
    static constexpr std::uint32_t kBins = 1050;
    struct Bin {
        double power;  // sum, so that the width of the bin does not round the mean
        std::uint32_t blocks;
    };

    static float read(const Shown &shown) noexcept {
        return shown.load(std::memory_order_relaxed);
    }
    struct Signal {
        Loudness *loudness;
        const Chunk *chunk;
    };
    template <std::size_t n> using Signals = std::array<Signal, n>;
    template <std::size_t n> struct Ears;
    template <std::size_t n>
    static void add(const Signals<n> &all, std::uint32_t frames) noexcept;
    // Both functions give the same bits.
    template <std::size_t n>
    static void weigh(const Signals<n> &all, std::uint32_t at, std::uint32_t end) noexcept;
    template <std::size_t n>
    static void weigh_avx2(const Signals<n> &all, std::uint32_t at, std::uint32_t end) noexcept;
    static double lufs(double power) noexcept;
    double mean_of_last(std::uint32_t hops) const noexcept;
    void forget() noexcept;
    void hop() noexcept;
    void gate(double power) noexcept;
    double integrated() const noexcept;

    Shown momentary_{kSilent};
    Shown short_term_{kSilent};
    Shown integrated_{kSilent};
    std::atomic<bool> reset_{false};

    // Owned by the callback.  The shelf comes first, then the high-pass, whose zeros need no
    // factors.
    struct Filters {
        double b0, b1, b2, a1, a2;
        double high_a1, high_a2;
    };
    struct State {
        Pair w1, w2;  // shelf, direct form 2
        Pair v1, v2;  // high-pass, direct form 2
        Pair sum;     // of the squares in this hop
    };
    Filters filters_{};
    State state_{};
    std::uint32_t rate_hz_ = 0;
    std::uint32_t hop_frames_ = 0;
    std::uint32_t frames_left_ = 0;                 // in this hop
    std::array<double, kShortTermHops> hops_{};     // ring of mean squares, both ears added
    std::uint32_t newest_ = 0;
    std::uint32_t hops_until_block_ = kMomentaryHops;  // a gating block needs 4 hops after a reset
    std::array<Bin, kBins> bins_{};
    Bin all_{};
};

}  // namespace entrain
