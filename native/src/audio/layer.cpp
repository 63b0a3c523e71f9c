#include "audio/layer.h"

#include <algorithm>

namespace entrain {

namespace {
constexpr double kFadeSeconds = 0.05;
}

Layer::Layer(std::uint32_t number_, Group group_, std::unique_ptr<dsp> block,
             std::deque<Parameter> parameters, std::uint32_t rate_hz)
    : number(number_),
      group(group_),
      block_(std::move(block)),
      parameters_(std::move(parameters)),
      fade_step_(1.0 / (kFadeSeconds * rate_hz)),
      grid_steps_per_second_(static_cast<double>(rate_hz) / kGridFrames) {}

void Layer::compute(std::uint64_t frame, Chunk &chunk, std::uint32_t frames) noexcept {
    const std::uint32_t version = version_.load(std::memory_order_acquire);
    bool stepping = moving_ || version != seen_;
    for (std::uint32_t done = 0; done < frames;) {
        const auto phase = static_cast<std::uint32_t>((frame + done) % kGridFrames);
        if (stepping && phase == 0) {
            if (version != seen_) {
                seen_ = version;
                for (Parameter &parameter : parameters_) parameter.take(grid_steps_per_second_);
            }
            moving_ = false;
            for (Parameter &parameter : parameters_) {
                parameter.step();
                moving_ = moving_ || parameter.is_moving();
            }
        }
        // Between two changes a block may run in one go: its samples do not depend on it.
        stepping = moving_ || version != seen_;
        const std::uint32_t rest = frames - done;
        const std::uint32_t span = stepping ? std::min(kGridFrames - phase, rest) : rest;
        float *channels[2] = {chunk[0].data() + done, chunk[1].data() + done};
        block_->compute(static_cast<int>(span), channels, channels);
        done += span;
    }
}

bool Layer::silent(bool leaving) noexcept {
    if (!leaving || !presence_.is_closed()) return false;
    gone_.store(true, std::memory_order_release);
    return true;
}

void Layer::process(std::uint64_t frame, Chunk &chunk, std::uint32_t frames,
                    bool leaving) noexcept {
    if (silent(leaving)) return;
    if (presence_.is_at(!leaving)) {
        compute(frame, chunk, frames);
        return;
    }
    const Chunk before = chunk;
    compute(frame, chunk, frames);
    for (std::uint32_t i = 0; i < frames; ++i) {
        const float gain = presence_.next(!leaving, fade_step_);
        for (std::size_t c = 0; c < 2; ++c)
            chunk[c][i] = before[c][i] + gain * (chunk[c][i] - before[c][i]);
    }
}

void Layer::generate(std::uint64_t frame, const Chunk &programme, Chunk &sum,
                     std::uint32_t frames, bool leaving) noexcept {
    if (silent(leaving)) return;
    Chunk sound = programme;
    compute(frame, sound, frames);
    const bool fading = !presence_.is_at(!leaving);
    for (std::uint32_t i = 0; i < frames; ++i) {
        const float gain = fading ? presence_.next(!leaving, fade_step_) : 1.0F;
        for (std::size_t c = 0; c < 2; ++c) sum[c][i] += gain * sound[c][i];
    }
}

}  // namespace entrain
