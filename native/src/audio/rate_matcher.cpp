#include "audio/rate_matcher.h"

#include <samplerate.h>

#include <algorithm>
#include <vector>

namespace entrain {

// The fastest of the sinc converters reaches only -97 dB; this one takes 1 ms, -121 dB, and passes
// nine tenths of the band.
RateMatcher::RateMatcher() : state_(src_new(SRC_SINC_MEDIUM_QUALITY, 2, nullptr)) {
    if (!valid()) return;
    constexpr std::uint32_t kFrames = 1024;
    const std::vector<float> silence(2 * kFrames);
    std::vector<float> out(4 * kFrames);
    const std::uint32_t made = process(silence.data(), kFrames, 2.0, out.data(), 2 * kFrames);
    delay_frames_ = kFrames - made / 2.0;
    reset();
}

RateMatcher::~RateMatcher() { src_delete(state_); }

void RateMatcher::reset() noexcept ENTRAIN_NONBLOCKING {
    near_one_.reset();
    if (valid()) src_reset(state_);
}

std::uint32_t RateMatcher::process(const float *in, std::uint32_t in_frames, double ratio,
                                   float *out, std::uint32_t out_capacity) noexcept
    ENTRAIN_NONBLOCKING {
    if (!valid()) return 0;
    if (is_near_one(ratio)) return near_one_.process(in, in_frames, ratio, out, out_capacity);
    ratio = std::clamp(ratio, kLeastRatio, kMostRatio);
    // By itself libsamplerate would go to a new ratio in a ramp as long as the room for output,
    // not as the block, and so lag behind by many blocks.  The controller's steps are far below
    // what could be heard, and they leave the phase continuous.
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
