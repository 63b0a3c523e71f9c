// Resamples stereo sound between two clocks of the same nominal rate: by a windowed sinc of
// 48 taps, stored in 512 phases and interpolated linearly between them.
//
// It loses 0.1 dB at 19 kHz of 44.1 kHz and at 21 kHz of 48 kHz, and what it adds to tones below
// them is weaker than -100 dB.  It delays by half a millisecond.  libsamplerate, which knows any
// ratio, needs twice that and five times as much processor time for such a quality.
#pragma once

#include "audio/realtime.h"

#include <array>
#include <cstdint>
#include <vector>

namespace entrain {

class PolyphaseResampler {
public:
    // The greatest deviation of the ratio from 1.
    static constexpr double kMaxDeviation = 0.002;
    // How many input frames a sound waits inside.
    static constexpr std::uint32_t kDelayFrames = 24;

    // [control] Throws std::bad_alloc.
    PolyphaseResampler();

    // ---- [audio] -------------------------------------------------------------------------
    void reset() noexcept ENTRAIN_NONBLOCKING;

    // Resample `in_frames` interleaved frames, all of them at `ratio` (output frames per input
    // frame), and return how many frames came out.  What does not fit into `out_capacity` frames
    // is lost.
    std::uint32_t process(const float *in, std::uint32_t in_frames, double ratio, float *out,
                          std::uint32_t out_capacity) noexcept ENTRAIN_NONBLOCKING;

private:
    static constexpr std::uint32_t kTaps = 2 * kDelayFrames;
    static constexpr std::uint32_t kPhases = 512;
    static constexpr std::uint32_t kChunkFrames = 256;

    void append(const float *in, std::uint32_t frames) noexcept;
    void frame_at(double position, float *out) const noexcept;
    void forget() noexcept;

    std::vector<float> table_;  // the taps of phase 0, of phase 1, … up to a whole frame later
    std::array<std::array<float, kTaps + kChunkFrames>, 2> held_{};  // input, a channel each
    std::uint32_t held_frames_ = 0;
    double position_ = 0.0;  // of the next output frame, in `held_`
};

}  // namespace entrain
