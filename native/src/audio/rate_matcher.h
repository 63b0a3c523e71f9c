// Resamples stereo sound from one clock to another: with our own polyphase resampler if both have
// the same nominal rate, otherwise with libsamplerate.
#pragma once

#include "audio/polyphase_resampler.h"
#include "audio/realtime.h"

#include <cstdint>

struct SRC_STATE_tag;

namespace entrain {

class RateMatcher {
public:
    // Limits of the ratio of output to input frames, with room for the latency controller.  They
    // allow 8 kHz (hands-free headsets) to 768 kHz (the best converters), and back.
    static constexpr double kMostRatio = 96.2;
    static constexpr double kLeastRatio = 1.0 / kMostRatio;

    // [control] Out of memory, throws std::bad_alloc, or valid() is false and process() is silent.
    RateMatcher();
    ~RateMatcher();
    RateMatcher(const RateMatcher &) = delete;
    RateMatcher &operator=(const RateMatcher &) = delete;
    bool valid() const noexcept { return state_ != nullptr; }

    // ---- [audio] -------------------------------------------------------------------------
    // Resample between these nominal rates from now on (output over input), and forget all sound.
    // Later ratios must be near this one.  Initially 1.
    void set_nominal_ratio(double ratio) noexcept ENTRAIN_NONBLOCKING;

    // Forget all sound.
    void reset() noexcept ENTRAIN_NONBLOCKING;

    // Resample `in_frames` interleaved frames, all of them at `ratio`, and return the number of
    // output frames.  After a reset, the first delay_frames() of input give no output.  Frames that
    // do not fit into `out_capacity` are lost; see room_for().  `in` and `out` must not overlap.
    std::uint32_t process(const float *in, std::uint32_t in_frames, double ratio, float *out,
                          std::uint32_t out_capacity) noexcept ENTRAIN_NONBLOCKING;

    // ---- [any] ---------------------------------------------------------------------------
    // Capacity that is enough for the output of `in_frames`.
    static std::uint32_t room_for(std::uint32_t in_frames, double ratio) noexcept {
        return static_cast<std::uint32_t>(in_frames * ratio) + 8;
    }
    // Delay inside the matcher, in input frames; constant to within three frames of the slower
    // side.
    double delay_frames() const noexcept {
        if (nominal_ratio_ == 1.0) return PolyphaseResampler::kDelayFrames;
        return nominal_ratio_ < 1.0 ? delay_frames_ / nominal_ratio_ : delay_frames_;
    }

private:
    std::uint32_t convert(const float *in, std::uint32_t in_frames, double ratio, float *out,
                          std::uint32_t out_capacity) noexcept ENTRAIN_NONBLOCKING;

    double nominal_ratio_ = 1.0;
    PolyphaseResampler near_one_;
    SRC_STATE_tag *state_;
    double delay_frames_ = 0.0;  // delay of libsamplerate
};

}  // namespace entrain
