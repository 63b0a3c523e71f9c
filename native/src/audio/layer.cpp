#include "audio/layer.h"

#include <algorithm>
#include <cmath>

namespace entrain {

namespace {
constexpr double kFadeSeconds = 0.05;
static_assert(kStepFrames == kGridFrames && kMostSteps == kChunkFrames / kGridFrames + 1);
}

Layer::Layer(std::uint32_t number_, Group group_, std::unique_ptr<dsp> block,
             std::deque<Parameter> parameters, std::uint32_t rate_hz)
    : number(number_),
      group(group_),
      block_(std::move(block)),
      parameters_(std::move(parameters)),
      fade_step_(1.0 / (kFadeSeconds * rate_hz)),
      grid_steps_per_second_(static_cast<double>(rate_hz) / kGridFrames) {
    if (group != Group::input && group != Group::output)
        parameters_.emplace_back("amount", &amount_, 1.0F, 0.0F, 1.0F);
    if (group != Group::generator) return;
    // As native/python/entrain/block.py describes them (PLACE).
    parameters_.emplace_back("azimuth_deg", &place_.azimuth_deg, 0.0F, -360.0F, 360.0F, 360.0,
                             true);
    parameters_.emplace_back("elevation_deg", &place_.elevation_deg, 0.0F, -90.0F, 90.0F, 0.0,
                             true);
    parameters_.emplace_back("distance_m", &place_.distance_m, 1.0F, 0.3F, 20.0F);
    parameters_.emplace_back("path", &place_.path, 0.0F, 0.0F, 5.0F, 0.0, true);
    parameters_.emplace_back("path_hz", &place_.path_hz, 0.05F, 0.0F, 4.0F);
    parameters_.emplace_back("path_deg", &place_.path_deg, 90.0F, -360.0F, 360.0F, 0.0, true);
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
    place_fade_ = former.place_fade_;
    latest_ = former.latest_;
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
    const bool routed = group != Group::input && group != Group::output;
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
        if (routed) fill_amounts(done, span);
        if (keeps_whereabouts_)
            keep_whereabouts(static_cast<std::uint32_t>(moment.frame % kGridFrames) + done, span);
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
    blend(before, chunk, chunk, frames, leaving, waiting);
}

void Layer::surround(const Moment &moment, const Surroundings &surroundings, const Chunk &music,
                     Chunk &heard, std::uint32_t frames, bool leaving, bool waiting) noexcept {
    if (silent(leaving)) return;
    if (!leaving) gone_.store(false, std::memory_order_relaxed);  // the head has come back
    block_->surround(surroundings);
    Chunk around;
    copy(music, around, frames);
    compute(moment, around, frames);
    blend(heard, around, heard, frames, leaving, waiting);
}

// `to` is one of the other two.
void Layer::blend(const Chunk &before, const Chunk &after, Chunk &to, std::uint32_t frames,
                  bool leaving, bool waiting) noexcept {
    // Only a layer that has fully faded in waits, so that few layers run however often they change.
    const bool fading =
        !presence_.is_at(!leaving) && !(leaving && waiting && presence_.is_open());
    if (whole_ && !fading) {  // nearly always
        if (&to != &after) copy(after, to, frames);
        return;
    }
    for (std::uint32_t i = 0; i < frames; ++i) {
        const float gain =
            amounts_[i] * (fading ? presence_.next(!leaving, fade_step_) : 1.0F);
        for (std::size_t c = 0; c < 2; ++c)
            to[c][i] = gain >= 1.0F   ? after[c][i]
                       : gain <= 0.0F ? before[c][i]
                                      : before[c][i] + gain * (after[c][i] - before[c][i]);
    }
}

bool Layer::generate(const Moment &moment, const Chunk &input, Chunk &sound,
                     std::uint32_t frames, bool leaving, bool placed) noexcept {
    if (silent(leaving)) return false;
    if (!heard_) place_fade_ = Fade{placed};
    keeps_whereabouts_ = placed || !place_fade_.is_closed();
    copy(input, sound, frames);
    compute(moment, sound, frames);
    const bool fading = !presence_.is_at(!leaving);
    if (whole_ && !fading) return true;  // nearly always
    for (std::uint32_t i = 0; i < frames; ++i) {
        const float gain =
            amounts_[i] * (fading ? presence_.next(!leaving, fade_step_) : 1.0F);
        for (std::size_t c = 0; c < 2; ++c) sound[c][i] *= gain;
    }
    return true;
}

bool Layer::share_of_place(bool placed, float *shares, std::uint32_t frames) noexcept {
    if (place_fade_.is_at(placed)) return false;
    for (std::uint32_t i = 0; i < frames; ++i) shares[i] = place_fade_.next(placed, fade_step_);
    return true;
}

// For each step of the grid that begins in these frames.
void Layer::keep_whereabouts(std::uint32_t since_step, std::uint32_t frames) noexcept {
    if (since_step < kGridFrames) whereabouts_[0] = latest_;  // the piece begins
    const double step_s = 1.0 / grid_steps_per_second_;
    for (std::uint32_t step = (since_step + kGridFrames - 1) / kGridFrames;
         step * kGridFrames < since_step + frames; ++step) {
        latest_.advance(step_s);
        latest_.place = place_;
        whereabouts_[step] = latest_;
    }
}

}  // namespace entrain
