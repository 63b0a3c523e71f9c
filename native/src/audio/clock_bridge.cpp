#include "audio/clock_bridge.h"

#include <algorithm>
#include <cmath>
#include <new>
#include <utility>

namespace entrain {

namespace {

constexpr float kMuted = 1e-6F;       // a lower gain is not undone: the sound is lost in noise
constexpr double kPauseS = 1.0;       // a longer gap in the capture means that the sink was asleep
constexpr double kSpellS = 0.25;      // long enough to contain sound that is not late
constexpr double kLatestS = 0.2;      // sound that is later than this is lost
constexpr double kWaitS = 0.005;      // see set_gain()
constexpr float kRisePerS = 500.0F;
constexpr double kFadeS = 256.0 / 48000.0;
constexpr std::uint32_t kMostInserted = 2048;  // frames of silence in one piece

std::uint32_t frames_of(double seconds, std::uint32_t rate_hz) noexcept {
    return static_cast<std::uint32_t>(std::max(0.0, std::round(seconds * rate_hz)));
}

}  // namespace

ClockBridge::ClockBridge(entrain_engine *engine, double target_s)
    : engine_(engine), controller_(LatencySettings{target_s}) {
    if (!matcher_.valid()) throw std::bad_alloc();
    set_rates(in_hz_, out_hz_);
}

ClockBridge::~ClockBridge() = default;

void ClockBridge::set_target(double target_s) noexcept { controller_.set_target(target_s); }

double ClockBridge::matching_s() const noexcept {
    return matcher_.delay_frames() / in_hz_;
}

void ClockBridge::set_rates(std::uint32_t in_hz, std::uint32_t out_hz) {
    in_hz_ = in_hz;
    out_hz_ = out_hz;
    fade_frames_ = std::min(frames_of(kFadeS, in_hz), kMostFadeFrames);
    skip_frames_ = tail_frames_ = mixed_frames_ = 0;
    kept_.assign(2 * frames_of(kLongestWaitS, in_hz), 0.0F);
    kept_frames_ = drained_frames_ = 0;
    matcher_.set_nominal_ratio(static_cast<double>(out_hz_) / in_hz_);
}

// A change of the volume is known some milliseconds before or after it is heard.  The inverse gain
// falls at once and rises a little later, so the sound is never louder than before and after.
void ClockBridge::set_gain(std::array<float, 2> gain) noexcept ENTRAIN_NONBLOCKING {
    for (std::size_t c = 0; c < 2; ++c) {
        const float wanted = gain[c] < kMuted ? 0.0F : 1.0F / gain[c];
        if (wanted > wanted_[c] && undo_[c] >= wanted_[c])
            wait_frames_[c] = frames_of(kWaitS, in_hz_);
        wanted_[c] = wanted;
    }
}

void ClockBridge::start(double now_s) noexcept ENTRAIN_NONBLOCKING {
    flowing_ = true;
    skip_frames_ = tail_frames_ = mixed_frames_ = 0;
    drained_frames_ = 0;
    controller_.restart(now_s);
    // The matcher delays the first frames.
    const double kept_s = static_cast<double>(kept_frames_) / in_hz_ - matching_s();
    // A device that was asleep takes its first block at once.
    insert_frames_ = frames_of(controller_.target_s() + block_s_ - kept_s, out_hz_);
}

void ClockBridge::stop() noexcept ENTRAIN_NONBLOCKING {
    flowing_ = false;
    kept_frames_ = drained_frames_ = 0;
    matcher_.reset();
}

Frames ClockBridge::drain() noexcept ENTRAIN_NONBLOCKING {
    if (insert_frames_ > 0) return convert(nullptr, 0);
    const auto left = static_cast<std::uint32_t>(kept_frames_ - drained_frames_);
    const std::uint32_t frames = std::min(left, kBlockFrames);
    if (frames == 0) {
        kept_frames_ = drained_frames_ = 0;
        return {};
    }
    const float *in = kept_.data() + 2 * drained_frames_;
    drained_frames_ += frames;
    return convert(in, frames);
}

Frames ClockBridge::push(const float *in, std::uint32_t frames) noexcept ENTRAIN_NONBLOCKING {
    frames = std::min(frames, kBlockFrames);
    undo_volume(in, frames);
    if (flowing_) return convert(in_.data(), cut(frames));
    keep(frames);
    return {};
}

// Copies `in`, or silence if it is null, to in_.
void ClockBridge::undo_volume(const float *in, std::uint32_t frames) noexcept {
    if (in == nullptr) {
        in_.fill(0.0F);
        in = in_.data();
    }
    if (undo_ == wanted_) {  // nearly always
        for (std::uint32_t i = 0; i < 2 * frames; ++i) in_[i] = in[i] * undo_[i % 2];
        return;
    }
    const float rise = 1.0F + kRisePerS / static_cast<float>(in_hz_);
    for (std::size_t c = 0; c < 2; ++c)
        for (std::uint32_t i = 0; i < frames; ++i) {
            if (wait_frames_[c] > 0)
                --wait_frames_[c];
            else
                undo_[c] = std::max(undo_[c], 1e-3F) * rise;  // a gain of 0 could not rise
            undo_[c] = std::min(undo_[c], wanted_[c]);
            in_[2 * i + c] = in[2 * i + c] * undo_[c];
        }
}

void ClockBridge::observe(double now_s, double queued_s) noexcept ENTRAIN_NONBLOCKING {
    // Late sound is on its way, so it counts as part of the latency.
    const double correction_s = controller_.observe(now_s, queued_s + late_s(now_s));
    if (correction_s > 0.0) {
        skip_frames_ = frames_of(correction_s, in_hz_);
        tail_frames_ = mixed_frames_ = 0;
    } else if (correction_s < 0.0) {
        insert(-correction_s);
    }
}

void ClockBridge::underrun(double now_s) noexcept ENTRAIN_NONBLOCKING {
    insert(controller_.underrun(now_s, std::max(worst_late_s_, last_worst_late_s_)));
}

bool ClockBridge::arrived(double now_s, std::uint32_t frames) noexcept ENTRAIN_NONBLOCKING {
    const double late_by_s = late_s(now_s);
    const bool is_pause = now_s - newest_s_ > kPauseS;
    capture_s_ += static_cast<double>(frames) / in_hz_;
    const double begun_s = now_s - capture_s_;
    // Start anew after a pause, and after sound was lost.
    if (!has_arrived_ || is_pause || late_s(now_s) > kLatestS) {
        has_arrived_ = true;
        lead_s_ = last_lead_s_ = begun_s;
        worst_late_s_ = last_worst_late_s_ = 0.0;
        spell_from_s_ = now_s;
    } else if (now_s - spell_from_s_ > kSpellS) {
        last_lead_s_ = std::exchange(lead_s_, begun_s);
        last_worst_late_s_ = std::exchange(worst_late_s_, 0.0);
        spell_from_s_ = now_s;
    }
    if (late_by_s <= kLatestS) {  // no target would have saved later sound
        controller_.arrived(now_s, late_by_s);
        worst_late_s_ = std::max(worst_late_s_, late_by_s);
    }
    newest_s_ = now_s;
    lead_s_ = std::min(lead_s_, begun_s);
    return flowing_ && !is_pause && late_by_s > controller_.latency_s() + block_s_;
}

// How late the next frame is at this time.
double ClockBridge::late_s(double now_s) const noexcept {
    if (!has_arrived_) return 0.0;
    return std::max(now_s - capture_s_ - std::min(lead_s_, last_lead_s_), 0.0);
}

void ClockBridge::keep(std::uint32_t frames) noexcept {
    const auto end = in_.begin() + 2 * frames;
    if (kept_frames_ == 0 && std::all_of(in_.begin(), end, [](float x) { return x == 0.0F; }))
        return;
    // After waiting so long for the device, the beginning of the sound is outdated.
    if (2 * (kept_frames_ + frames) > kept_.size()) kept_frames_ = 0;
    std::copy(in_.begin(), end, kept_.begin() + static_cast<std::ptrdiff_t>(2 * kept_frames_));
    kept_frames_ += frames;
}

// Insert silence; the next sound fades in.
void ClockBridge::insert(double seconds) noexcept {
    if (seconds <= 0.0) return;
    insert_frames_ += frames_of(seconds, out_hz_);
    tail_.fill(0.0F);
    tail_frames_ = fade_frames_;
    mixed_frames_ = 0;
}

// Drop captured sound; its beginning fades out over the sound that follows.
std::uint32_t ClockBridge::cut(std::uint32_t frames) noexcept {
    const std::uint32_t dropped = std::min(skip_frames_, frames);
    if (dropped > 0) {
        skip_frames_ -= dropped;
        frames -= dropped;
        const std::uint32_t held = std::min(dropped, fade_frames_ - tail_frames_);
        std::copy_n(in_.begin(), 2 * held, tail_.begin() + 2 * tail_frames_);
        tail_frames_ += held;
        std::copy_n(in_.begin() + 2 * dropped, 2 * frames, in_.begin());
    }
    for (std::uint32_t i = 0; i < frames && mixed_frames_ < tail_frames_; ++i, ++mixed_frames_) {
        const float share =
            static_cast<float>(mixed_frames_ + 1) / static_cast<float>(tail_frames_ + 1);
        for (std::size_t c = 0; c < 2; ++c) {
            const float old = tail_[2 * mixed_frames_ + c];
            in_[2 * i + c] = old + share * (in_[2 * i + c] - old);
        }
    }
    return frames;
}

Frames ClockBridge::convert(const float *in, std::uint32_t frames) noexcept {
    const std::uint32_t inserted = std::min(insert_frames_, kMostInserted);
    static_assert(kOutFrames - kMostInserted >= kBlockFrames * RateMatcher::kMostRatio + 8);
    insert_frames_ -= inserted;
    std::fill_n(out_.begin(), 2 * inserted, 0.0F);

    std::uint32_t made = 0;
    if (frames > 0) {
        const double ratio = controller_.ratio() * out_hz_ / in_hz_;
        made = matcher_.process(in, frames, ratio, out_.data() + 2 * inserted,
                                kOutFrames - inserted);
    }
    process(inserted + made);
    return {out_.data(), inserted + made};
}

void ClockBridge::process(std::uint32_t frames) noexcept {
    if (entrain_rate(engine_) != out_hz_) return;  // the engine is being rebuilt: do not process
    for (std::uint32_t i = 0; i < frames; ++i)
        for (std::size_t c = 0; c < 2; ++c) planes_[c][i] = out_[2 * i + c];
    float *const planes[2] = {planes_[0].data(), planes_[1].data()};
    entrain_process(engine_, planes, planes, frames);
    for (std::uint32_t i = 0; i < frames; ++i)
        for (std::size_t c = 0; c < 2; ++c) out_[2 * i + c] = planes_[c][i];
}

}  // namespace entrain
