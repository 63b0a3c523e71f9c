#include "audio/layer.h"

#include <algorithm>
#include <cmath>

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
      grid_steps_per_second_(static_cast<double>(rate_hz) / kGridFrames) {
    if (group == Group::generator || group == Group::processor)
        parameters_.emplace_back("amount", &amount_, 1.0F, 0.0F, 1.0F);
}

void Layer::follow(const Automation *automation) noexcept {
    if (automation == automation_) return;
    automation_ = automation;
    for (std::size_t i = 0; i < parameters_.size(); ++i)
        parameters_[i].follow(lane_of(i), heard_, grid_steps_per_second_);
    stale_ = true;
}

void Layer::resume(const Layer &former, const Automation *automation) noexcept {
    automation_ = automation;
    heard_ = former.heard_;
    presence_ = former.presence_;
    runs_ = former.runs_;
    // The limiter starts with an empty delay line, and so with nothing to limit.
    if (group != Group::output)
        block_->resume(*former.block_,
                       static_cast<int>(std::lround(grid_steps_per_second_ * kGridFrames)));
    const double rate_ratio = grid_steps_per_second_ / former.grid_steps_per_second_;
    for (std::size_t i = 0; i < parameters_.size(); ++i)
        parameters_[i].resume(former.parameters_[i], lane_of(i), heard_, grid_steps_per_second_,
                              rate_ratio);
    amount_now_ = former.amount_now_;
    amount_target_ = former.amount_target_;
    amount_step_ = former.amount_step_;
    amount_frames_ = former.amount_frames_;
    stale_ = moving_ = true;
}

const Lane *Layer::lane_of(std::size_t parameter) const noexcept {
    if (!automation_) return nullptr;
    for (const Lane &lane : automation_->lanes)
        if (lane.parameter == parameter) return &lane;
    return nullptr;
}

void Layer::land() noexcept {
    if (!automation_) return;
    for (Parameter &parameter : parameters_) parameter.land(heard_, grid_steps_per_second_);
    stale_ = true;
}

void Layer::evaluate(const SessionTime &session, bool grid) noexcept {
    moving_ = false;
    to_breakpoint_ = Lane::kNever;
    for (Parameter &parameter : parameters_) {
        to_breakpoint_ = std::min(to_breakpoint_, parameter.evaluate(session, grid));
        moving_ = moving_ || parameter.is_moving();
    }
    stale_ = false;
    if (amount_ == amount_target_) return;
    amount_target_ = amount_;
    if (heard_) {
        amount_frames_ = kGridFrames;
        amount_step_ = (amount_ - amount_now_) / float{kGridFrames};
    } else {
        amount_now_ = amount_;
    }
}

void Layer::compute(const Moment &moment, Chunk &chunk, std::uint32_t frames) noexcept {
    const std::uint32_t version = version_.load(std::memory_order_acquire);
    if (automation_ && runs_ != moment.session.runs) stale_ = true;
    runs_ = moment.session.runs;
    if (!heard_) stale_ = true;
    const bool protocol = group == Group::generator || group == Group::processor;
    whole_ = true;
    for (std::uint32_t done = 0; done < frames;) {
        const auto phase = static_cast<std::uint32_t>((moment.frame + done) % kGridFrames);
        const SessionTime now{moment.session.frame + (runs_ ? done : 0), runs_};
        if (phase == 0 && version != seen_) {
            seen_ = version;
            for (Parameter &parameter : parameters_) parameter.take(grid_steps_per_second_);
            moving_ = true;
        }
        if (stale_ || to_breakpoint_ == 0 || (phase == 0 && moving_))
            evaluate(now, phase == 0);
        heard_ = true;
        // Between two changes a block runs in one call: its samples do not depend on the length.
        std::uint32_t span = frames - done;
        if (moving_ || version != seen_) span = std::min(span, kGridFrames - phase);
        if (to_breakpoint_ < span) span = static_cast<std::uint32_t>(to_breakpoint_);
        float *channels[2] = {chunk[0].data() + done, chunk[1].data() + done};
        block_->compute(static_cast<int>(span), channels, channels);
        if (protocol) fill_amounts(done, span);
        if (to_breakpoint_ != Lane::kNever) to_breakpoint_ -= span;
        done += span;
    }
}

void Layer::fill_amounts(std::uint32_t first, std::uint32_t frames) noexcept {
    if (amount_frames_ == 0) {
        whole_ = whole_ && amount_now_ >= 1.0F;
        std::fill_n(amounts_.data() + first, frames, amount_now_);
        return;
    }
    whole_ = false;
    for (std::uint32_t i = first; i < first + frames; ++i) {
        if (amount_frames_ > 0) {
            --amount_frames_;
            amount_now_ = amount_frames_ == 0 ? amount_target_ : amount_now_ + amount_step_;
        }
        amounts_[i] = amount_now_;
    }
}

bool Layer::silent(bool leaving) noexcept {
    if (!leaving || !presence_.is_closed()) return false;
    gone_.store(true, std::memory_order_release);
    return true;
}

void Layer::process(const Moment &moment, Chunk &chunk, std::uint32_t frames, bool leaving,
                    bool waiting) noexcept {
    if (silent(leaving)) return;
    Chunk before;
    copy(chunk, before, frames);
    compute(moment, chunk, frames);
    // Only a layer that has fully faded in waits, so that few layers run however often they change.
    const bool fading =
        !presence_.is_at(!leaving) && !(leaving && waiting && presence_.is_open());
    if (whole_ && !fading) return;  // nearly always
    for (std::uint32_t i = 0; i < frames; ++i) {
        const float gain =
            amounts_[i] * (fading ? presence_.next(!leaving, fade_step_) : 1.0F);
        if (gain >= 1.0F) continue;
        for (std::size_t c = 0; c < 2; ++c)
            chunk[c][i] = gain > 0.0F ? before[c][i] + gain * (chunk[c][i] - before[c][i])
                                      : before[c][i];
    }
}

void Layer::generate(const Moment &moment, const Chunk &input, Chunk &sum,
                     std::uint32_t frames, bool leaving) noexcept {
    if (silent(leaving)) return;
    Chunk sound;
    copy(input, sound, frames);
    compute(moment, sound, frames);
    const bool fading = !presence_.is_at(!leaving);
    if (whole_ && !fading) {  // nearly always
        for (std::size_t c = 0; c < 2; ++c)
            for (std::uint32_t i = 0; i < frames; ++i) sum[c][i] += sound[c][i];
        return;
    }
    for (std::uint32_t i = 0; i < frames; ++i) {
        const float gain =
            amounts_[i] * (fading ? presence_.next(!leaving, fade_step_) : 1.0F);
        for (std::size_t c = 0; c < 2; ++c) sum[c][i] += gain * sound[c][i];
    }
}

}  // namespace entrain
