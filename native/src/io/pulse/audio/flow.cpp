#include "io/pulse/audio/flow.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace entrain::pulse {

namespace {

constexpr pa_usec_t kMeasureEveryUs = 25'000;
constexpr double kAnnounceTarget_s = 0.0005;
constexpr double kMostQueued_s = 2.0;
constexpr int kMostUnknown = 40;  // about a second
constexpr double kMostExcess_s = 0.005;
constexpr int kExcesses = 120;  // about three seconds

double now_s() noexcept { return static_cast<double>(pa_rtclock_now()) * 1e-6; }

}  // namespace

Flow::Flow(entrain_engine *engine, ClockBridge &bridge, io::Notify changed)
    : engine_(engine), bridge_(bridge), changed_(std::move(changed)) {}

void Flow::start(pa_stream *playback, std::uint32_t rate_hz) {
    playback_ = playback;
    rate_hz_ = rate_hz;
    bridge_.start(now_s());
    drain();
}

void Flow::stop() noexcept {
    if (std::exchange(playback_, nullptr) != nullptr) bridge_.stop();
}

void Flow::forget_queue() noexcept {
    measuring_ = false;
    excess_s_ = 0.0;
    excesses_ = 0;
}

void Flow::recorded(pa_stream *capture, std::size_t, void *self) noexcept {
    auto &flow = *static_cast<Flow *>(self);
    io::guarded(flow.changed_, [&] { flow.read(capture); });
}

void Flow::ran_dry(pa_stream *, void *self) noexcept {
    auto &flow = *static_cast<Flow *>(self);
    io::guarded(flow.changed_, [&] {
        if (!flow.flows()) return;
        entrain_count_xrun(flow.engine_);
        flow.dry_ = true;  // read() measures the delay when the next sound arrives
        flow.changed_();
    });
}

void Flow::read(pa_stream *capture) {
    const void *data = nullptr;
    std::size_t size = 0;
    const bool too_late = bridge_.arrived(
        now_s(),
        static_cast<std::uint32_t>(pa_stream_readable_size(capture) / kFrameBytes));
    if (flows()) {
        // Raise the target before this sound is queued.  Otherwise the silence that this inserts
        // would be a second break after the sound.
        if (std::exchange(dry_, false) || too_late) bridge_.underrun(now_s());
        drain();
    }
    while (pa_stream_readable_size(capture) > 0) {
        if (pa_stream_peek(capture, &data, &size) < 0 || size == 0) break;
        const auto *samples = static_cast<const float *>(data);  // null if samples were lost
        auto left = static_cast<std::uint32_t>(size / kFrameBytes);
        block_frames_ = left;
        while (left > 0) {
            const std::uint32_t frames = std::min(left, ClockBridge::kBlockFrames);
            write(bridge_.push(samples, frames));
            if (samples != nullptr) samples += 2 * frames;
            left -= frames;
        }
        pa_stream_drop(capture);
    }
    if (flows()) measure();
}

void Flow::write(Frames frames) {
    if (frames.count == 0 || !flows() || pa_stream_get_state(playback_) != PA_STREAM_READY) return;
    // Without a prebuffer the server's clock also runs while the queue is empty.  The server drops
    // the samples whose time has passed, so the delay stays the same.
    pa_stream_write(playback_, frames.samples, frames.count * kFrameBytes, nullptr, 0,
                    PA_SEEK_RELATIVE);
}

void Flow::drain() {
    while (true) {
        const Frames frames = bridge_.drain();
        if (frames.count == 0) return;
        write(frames);
    }
}

// Asks right after a block was queued, so that the answers are comparable.
void Flow::measure() {
    const pa_usec_t now_us = pa_rtclock_now();
    if (measuring_ || now_us < measured_us_ + kMeasureEveryUs) return;
    measured_us_ = now_us;
    measuring_ = true;
    forget(pa_stream_update_timing_info(
        playback_,
        [](pa_stream *, int success, void *self) noexcept {
            auto &flow = *static_cast<Flow *>(self);
            io::guarded(flow.changed_, [&] {
                flow.measuring_ = false;
                if (success != 0 && flow.flows()) flow.measured();
            });
        },
        this));
}

void Flow::measured() {
    const pa_timing_info *info = pa_stream_get_timing_info(playback_);
    if (info == nullptr || info->write_index_corrupt != 0 || info->read_index_corrupt != 0) return;
    // If the device's thread is late, its share would be negative and the server reports 0.  Skip
    // such answers, unless this device always reports 0.
    if (info->sink_usec != 0) unknown_ = 0;
    else if (unknown_ < kMostUnknown) {
        ++unknown_;
        return;
    }
    const double queue_s = static_cast<double>(info->write_index - info->read_index) /
                           (static_cast<double>(kFrameBytes) * rate_hz_);
    const double block_s = static_cast<double>(info->configured_sink_usec) * 1e-6;
    const double device_s = static_cast<double>(info->sink_usec) * 1e-6 - block_s;
    bridge_.set_device_block(block_s);
    const double all_s = std::clamp(queue_s + device_s + block_s, 0.0, kMostQueued_s);
    queued_ = std::chrono::microseconds(static_cast<std::int64_t>(1e6 * all_s));
    timeval now;
    pa_gettimeofday(&now);
    const double age_s = static_cast<double>(pa_timeval_diff(&now, &info->timestamp)) * 1e-6;
    bridge_.observe(now_s(), queue_s + device_s - age_s);
    look_for_excess();
    const double aimed_s = bridge_.target_s() + excess_s_;
    if (std::abs(aimed_s - announced_s_) > kAnnounceTarget_s) {
        announced_s_ = aimed_s;
        changed_();
    }
}

// The queue reaches its target within 1-2 s, unless the server uses larger buffers than requested.
void Flow::look_for_excess() {
    const double excess_s = bridge_.latency_s() - bridge_.target_s();
    excesses_ = excess_s > kMostExcess_s ? excesses_ + 1 : 0;
    if (excesses_ == 0)
        excess_s_ = 0.0;
    else if (excesses_ >= kExcesses && std::abs(excess_s - excess_s_) > kMostExcess_s)
        excess_s_ = excess_s;
}

}  // namespace entrain::pulse
