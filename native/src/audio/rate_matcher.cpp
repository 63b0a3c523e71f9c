#include "audio/rate_matcher.h"

#include <samplerate.h>

#include <algorithm>
#include <vector>

namespace entrain {

// The fastest sinc converter of libsamplerate reaches only -97 dB.  This one reaches -121 dB with a
// delay of 1 ms, and passes nine tenths of the band.
RateMatcher::RateMatcher() : state_(src_new(SRC_SINC_MEDIUM_QUALITY, 2, nullptr)) {
    if (!valid()) return;
    constexpr std::uint32_t kFrames = 1024;
    const std::vector<float> silence(2 * kFrames);
    std::vector<float> out(4 * kFrames);
    const std::uint32_t made = convert(silence.data(), kFrames, 2.0, out.data(), 2 * kFrames);
    delay_frames_ = kFrames - made / 2.0;
    reset();
}

RateMatcher::~RateMatcher() { src_delete(state_); }

void RateMatcher::set_nominal_ratio(double ratio) noexcept ENTRAIN_NONBLOCKING {
    nominal_ratio_ = ratio;
    reset();
}

void RateMatcher::reset() noexcept ENTRAIN_NONBLOCKING {
    near_one_.reset();
    if (valid()) src_reset(state_);
}

std::uint32_t RateMatcher::process(const float *in, std::uint32_t in_frames, double ratio,
                                   float *out, std::uint32_t out_capacity) noexcept
    ENTRAIN_NONBLOCKING {
    if (!valid()) return 0;
    if (nominal_ratio_ == 1.0) return near_one_.process(in, in_frames, ratio, out, out_capacity);
    return convert(in, in_frames, ratio, out, out_capacity);
}

// With libsamplerate.
std::uint32_t RateMatcher::convert(const float *in, std::uint32_t in_frames, double ratio,
                                   float *out, std::uint32_t out_capacity) noexcept
    ENTRAIN_NONBLOCKING {
    ratio = std::clamp(ratio, kLeastRatio, kMostRatio);
    // Without src_set_ratio(), libsamplerate would ramp to a new ratio over the capacity of the
    // output instead of the block, and lag many blocks behind.  The controller's steps are far too
    // small to be heard, and they leave the phase continuous.
    src_set_ratio(state_, ratio);
    SRC_DATA data{};
    data.src_ratio = ratio;
    std::uint32_t used = 0;
    std::uint32_t made = 0;
    while (used < in_frames && made < out_capacity) {
        data.data_in = in + 2 * std::size_t{used};
        data.input_frames = in_frames - used;
        data.data_out = out + 2 * std::size_t{made};
        data.output_frames = out_capacity - made;
        if (src_process(state_, &data) != 0) break;
        if (data.input_frames_used == 0 && data.output_frames_gen == 0) break;
        used += static_cast<std::uint32_t>(data.input_frames_used);
        made += static_cast<std::uint32_t>(data.output_frames_gen);
    }
    return made;
}

}  // namespace entrain
