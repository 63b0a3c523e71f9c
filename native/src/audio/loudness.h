// Loudness of a stereo signal after ITU-R BS.1770-5 and EBU R 128 (Tech 3341).
//
//   sample ─► K-weighting ─► square ─► sum of 100 ms ─┬─► last 4:  momentary ─► gates ─► integrated
//                                                     └─► last 30: short-term
//
// Constant memory: integrated loudness is kept as a histogram, whatever its length.
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
    // [audio] Does nothing if the rate is what it was.  Else what is heard begins anew; integrated
    // loudness goes on.
    void set_rate(std::uint32_t rate_hz) noexcept ENTRAIN_NONBLOCKING;

    // [audio] After set_rate().  Samples must be finite.  Denormals should be flushed.
    void add(const Chunk &chunk, std::uint32_t frames) noexcept ENTRAIN_NONBLOCKING;

    // [audio] The same for two of one rate that always get their frames together; quicker than one
    // after the other, as the filters of one wait for nothing of the other's.
    static void add(Loudness &one, const Chunk &chunk, Loudness &other, const Chunk &other_chunk,
                    std::uint32_t frames) noexcept ENTRAIN_NONBLOCKING;

    // [any] Integrated loudness begins anew with the next sample that is added.
    void reset() noexcept { reset_.store(true, std::memory_order_relaxed); }

    // [any] LUFS, as of the last full 100 ms; -inf where there is (or was) nothing to hear.
    float momentary_lufs() const noexcept { return read(momentary_); }    // of 400 ms
    float short_term_lufs() const noexcept { return read(short_term_); }  // of 3 s
    float integrated_lufs() const noexcept { return read(integrated_); }  // since the reset

private:
    using Shown = std::atomic<float>;
    using Pair = std::array<double, 2>;  // left and right

    static constexpr float kSilent = -std::numeric_limits<float>::infinity();
    static constexpr double kAbsoluteGateLufs = -70.0;
    static constexpr double kRelativeGateLu = -10.0;
    static constexpr std::uint32_t kMomentaryHops = 4;
    static constexpr std::uint32_t kShortTermHops = 30;

    // What passed the absolute gate, by loudness.  The highest bin holds 16 times full scale.
    static constexpr double kBinsPerLu = 10.0;
    static constexpr std::uint32_t kBins = 1050;
    struct Bin {
        double power;  // summed, so that a bin's width does not round the mean
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
    // The same bits, whichever does it.
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

    // Owned by the callback.  First the shelf, then the high-pass, whose zeros need no factors.
    struct Filters {
        double b0, b1, b2, a1, a2;
        double high_a1, high_a2;
    };
    struct State {
        Pair w1, w2;  // shelf, direct form 2
        Pair v1, v2;  // high-pass, direct form 2
        Pair sum;     // of squares in this hop
    };
    Filters filters_{};
    State state_{};
    std::uint32_t rate_hz_ = 0;
    std::uint32_t hop_frames_ = 0;
    std::uint32_t frames_left_ = 0;                 // of this hop
    std::array<double, kShortTermHops> hops_{};     // mean squares, both ears added; a ring
    std::uint32_t newest_ = 0;
    std::uint32_t hops_until_block_ = kMomentaryHops;  // a gating block has 4 hops after a reset
    std::array<Bin, kBins> bins_{};
    Bin all_{};
};

}  // namespace entrain
