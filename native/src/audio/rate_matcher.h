// Resamples stereo sound from one clock to another: by a polyphase resampler of our own where both
// have the same nominal rate, else by libsamplerate.
#pragma once

#include "audio/polyphase_resampler.h"
#include "audio/realtime.h"

#include <cstdint>

struct SRC_STATE_tag;

namespace entrain {

class RateMatcher {
public:
    // Output frames per input frame, the controller's share included.
    // From a hands-free headset's 8 kHz to the 768 kHz of the best converters, and back.
    static constexpr double kMostRatio = 96.2;
    static constexpr double kLeastRatio = 1.0 / kMostRatio;

    // [control] Throws std::bad_alloc, or is not valid() and process() is silent.
    RateMatcher();
    ~RateMatcher();
    RateMatcher(const RateMatcher &) = delete;
    RateMatcher &operator=(const RateMatcher &) = delete;
    bool valid() const noexcept { return state_ != nullptr; }

    // ---- [audio] -------------------------------------------------------------------------
    // Forget all sound.  Also between two ratios that are far apart.
    void reset() noexcept ENTRAIN_NONBLOCKING;

    // Resample `in_frames` interleaved frames, all of them at `ratio`, and return how many frames
    // came out.  After a reset the first delay_frames() of input give none.  What does not fit
    // into `out_capacity` frames is lost: see room_for().  `in` and `out` must not overlap.
    std::uint32_t process(const float *in, std::uint32_t in_frames, double ratio, float *out,
                          std::uint32_t out_capacity) noexcept ENTRAIN_NONBLOCKING;

    // ---- [any] ---------------------------------------------------------------------------
    // Enough output frames for so many input frames.
    static std::uint32_t room_for(std::uint32_t in_frames, double ratio) noexcept {
        return static_cast<std::uint32_t>(in_frames * ratio) + 8;
    }
    // How many input frames a sound waits inside; constant to within three frames of the slower
    // side.
    double delay_frames(double ratio) const noexcept {
        if (is_near_one(ratio)) return PolyphaseResampler::kDelayFrames;
        return ratio < 1.0 ? delay_frames_ / ratio : delay_frames_;
    }

private:
    static bool is_near_one(double ratio) noexcept {
        return ratio > 1.0 - PolyphaseResampler::kMaxDeviation &&
               ratio < 1.0 + PolyphaseResampler::kMaxDeviation;
    }

    PolyphaseResampler near_one_;
    SRC_STATE_tag *state_;
    double delay_frames_ = 0.0;  // of libsamplerate
};

}  // namespace entrain
