// Resamples stereo sound between two clocks of the same nominal rate, with a windowed sinc of 48
// taps in 512 phases and linear interpolation between phases.
//
// The loss is 0.1 dB at 19 kHz (rate 44.1 kHz) and at 21 kHz (48 kHz); distortion of lower tones is
// below -100 dB.  The delay is 0.5 ms.  libsamplerate, which supports any ratio, has twice the
// delay and needs five times as much processor time for the same quality.
#pragma once

#include "audio/realtime.h"

#include <array>
#include <cstdint>
#include <vector>

namespace entrain {

class PolyphaseResampler {
public:
    // Greatest deviation of the ratio from 1.
    static constexpr double kMaxDeviation = 0.002;
    // Delay inside the resampler, in input frames.
    static constexpr std::uint32_t kDelayFrames = 24;

    // [control] Throws std::bad_alloc.
    PolyphaseResampler();

    // ---- [audio] -------------------------------------------------------------------------
    void reset() noexcept ENTRAIN_NONBLOCKING;

    // Resample `in_frames` interleaved frames, all of them at `ratio` (output frames per input
    // frame), and return the number of output frames.  Frames that do not fit into `out_capacity`
    // are lost.
    std::uint32_t process(const float *in, std::uint32_t in_frames, double ratio, float *out,
                          std::uint32_t out_capacity) noexcept ENTRAIN_NONBLOCKING;

private:
    static constexpr std::uint32_t kTaps = 2 * kDelayFrames;
    static constexpr std::uint32_t kPhases = 512;
    static constexpr std::uint32_t kChunkFrames = 256;

    void append(const float *in, std::uint32_t frames) noexcept;
    void frame_at(double position, float *out) const noexcept;
    void forget() noexcept;

    std::vector<float> table_;  // taps of phases 0, 1, … up to one frame later
    std::array<std::array<float, kTaps + kChunkFrames>, 2> held_{};  // input frames of each channel
    std::uint32_t held_frames_ = 0;
    double position_ = 0.0;  // position of the next output frame in `held_`
};

}  // namespace entrain
