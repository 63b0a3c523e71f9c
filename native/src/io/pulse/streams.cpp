#include "io/pulse/streams.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace entrain::pulse {

namespace {

constexpr std::uint32_t kFrameBytes = 2 * sizeof(float);
// Smaller ones cost more processor time, larger ones leave less time to be late.
constexpr pa_usec_t kBlockUs = 3'000;
constexpr pa_usec_t kMeasureEveryUs = 25'000;
constexpr pa_usec_t kRequestUs = 50'000;
constexpr pa_usec_t kWakerBlockUs = 500'000;
constexpr double kTellTarget_s = 0.0005;
constexpr double kMostQueued_s = 2.0;
constexpr int kMostUntold = 40;  // about a second
constexpr double kMostExcess_s = 0.005;
constexpr int kExcesses = 120;  // about three seconds

std::string monitor() { return std::string(kSinkName) + ".monitor"; }

double now_s() noexcept { return static_cast<double>(pa_rtclock_now()) * 1e-6; }

std::uint32_t bytes(pa_usec_t time_us, std::uint32_t rate_hz) noexcept {
    return static_cast<std::uint32_t>(time_us * rate_hz / 1'000'000) * kFrameBytes;
}

}  // namespace

void StreamDeleter::operator()(pa_stream *stream) const noexcept {
    pa_stream_set_state_callback(stream, nullptr, nullptr);
    pa_stream_set_read_callback(stream, nullptr, nullptr);
    pa_stream_set_underflow_callback(stream, nullptr, nullptr);
    pa_stream_disconnect(stream);
    pa_stream_unref(stream);
}

Streams::Streams(pa_context *context, entrain_engine *engine, ClockBridge &bridge,
                 io::Notify changed)
    : context_(context), engine_(engine), bridge_(bridge), changed_(std::move(changed)) {}

pa_stream_state_t Streams::state(const Stream &stream) noexcept {
    return stream ? pa_stream_get_state(stream.get()) : PA_STREAM_UNCONNECTED;
}

std::uint32_t Streams::index(const Stream &stream) noexcept {
    return state(stream) == PA_STREAM_READY ? pa_stream_get_index(stream.get()) : PA_INVALID_INDEX;
}

Stream Streams::open(const char *name, std::uint32_t rate_hz) {
    const pa_sample_spec format{PA_SAMPLE_FLOAT32LE, rate_hz, 2};
    pa_channel_map map;
    pa_channel_map_init_stereo(&map);
    const Properties properties(pa_proplist_new());
    pa_proplist_sets(properties.get(), PA_PROP_MEDIA_ROLE, "filter");
    Stream stream(pa_stream_new_with_proplist(context_, name, &format, &map, properties.get()));
    if (stream)
        pa_stream_set_state_callback(
            stream.get(),
            [](pa_stream *, void *self) noexcept {
                auto &streams = *static_cast<Streams *>(self);
                io::guarded(streams.changed_, [&] { streams.changed_(); });
            },
            this);
    return stream;
}

void Streams::capture(std::uint32_t rate_hz) {
    capture_rate_hz_ = rate_hz;
    bridge_.set_device_block(static_cast<double>(kBlockUs) * 1e-6);  // until the device says
    capture_ = open("Entrain", rate_hz);
    if (!capture_) return;
    pa_stream_set_read_callback(
        capture_.get(),
        [](pa_stream *, std::size_t, void *self) noexcept {
            auto &streams = *static_cast<Streams *>(self);
            io::guarded(streams.changed_, [&] { streams.read(); });
        },
        this);
    constexpr auto kServerChooses = static_cast<std::uint32_t>(-1);
    const pa_buffer_attr buffer{kServerChooses, kServerChooses, kServerChooses, kServerChooses,
                                bytes(kBlockUs, rate_hz)};
    constexpr int kFlags = PA_STREAM_DONT_MOVE | PA_STREAM_ADJUST_LATENCY |
                           PA_STREAM_DONT_INHIBIT_AUTO_SUSPEND | PA_STREAM_START_UNMUTED;
    if (pa_stream_connect_record(capture_.get(), monitor().c_str(), &buffer,
                                 static_cast<pa_stream_flags_t>(kFlags)) < 0)
        capture_.reset();
}

// The server lets a sink sleep that nobody plays to, unless somebody records it who does not say
// that it may.  That cannot be said anew of a stream, so there is another one, whose sound is
// thrown away.
void Streams::keep_awake(bool awake) {
    if (!awake) return waker_.reset();
    if (waker_) return;
    waker_ = open("Entrain", capture_rate_hz_);
    if (!waker_) return;
    pa_stream_set_read_callback(
        waker_.get(),
        [](pa_stream *stream, std::size_t, void *) noexcept {
            const void *data = nullptr;
            std::size_t size = 0;
            while (pa_stream_peek(stream, &data, &size) == 0 && size > 0) pa_stream_drop(stream);
        },
        nullptr);
    constexpr auto kServerChooses = static_cast<std::uint32_t>(-1);
    const pa_buffer_attr buffer{kServerChooses, kServerChooses, kServerChooses, kServerChooses,
                                bytes(kWakerBlockUs, capture_rate_hz_)};
    constexpr int kFlags = PA_STREAM_DONT_MOVE | PA_STREAM_START_UNMUTED;
    if (pa_stream_connect_record(waker_.get(), monitor().c_str(), &buffer,
                                 static_cast<pa_stream_flags_t>(kFlags)) < 0)
        waker_.reset();
}

void Streams::play_on(const std::string &device, std::uint32_t rate_hz) {
    if (playback_ && device == device_ && rate_hz == rate_hz_) return;
    stop_playing();
    device_ = device;
    if (std::exchange(rate_hz_, rate_hz) != rate_hz) bridge_.set_rates(capture_rate_hz_, rate_hz);
    playback_ = open("Entrain", rate_hz);
    if (!playback_) return;
    pa_stream_set_underflow_callback(
        playback_.get(),
        [](pa_stream *, void *self) noexcept {
            auto &streams = *static_cast<Streams *>(self);
            io::guarded(streams.changed_, [&] { streams.ran_dry(); });
        },
        this);
    // We write as sound comes in, whatever the server asks for: `tlength` only has to be long
    // enough for it to agree to blocks of the smallest size.
    constexpr auto kServerChooses = static_cast<std::uint32_t>(-1);
    const pa_buffer_attr buffer{kServerChooses, bytes(2 * kRequestUs + 2 * kBlockUs, rate_hz), 0,
                                bytes(kRequestUs, rate_hz), kServerChooses};
    // With a volume of its own, relative to the device's, and not muted: else the server restores
    // those that somebody has given it at another time.
    constexpr int kFlags = PA_STREAM_DONT_MOVE | PA_STREAM_ADJUST_LATENCY |
                           PA_STREAM_START_CORKED | PA_STREAM_START_UNMUTED |
                           PA_STREAM_RELATIVE_VOLUME;
    pa_cvolume volume;
    pa_cvolume_set(&volume, 2, PA_VOLUME_NORM);
    if (pa_stream_connect_playback(playback_.get(), device.c_str(), &buffer,
                                   static_cast<pa_stream_flags_t>(kFlags), &volume, nullptr) < 0)
        playback_.reset();
}

void Streams::stop_playing() noexcept {
    playback_.reset();
    device_.clear();
    rate_hz_ = 0;
    if (std::exchange(flows_, false)) bridge_.stop();
    measuring_ = false;
    excess_s_ = 0.0;
    excesses_ = 0;
}

void Streams::flow(bool flows) {
    if (!plays() || flows == flows_) return;
    flows_ = flows;
    if (flows) {
        // First the queue, then the device: so it never runs dry at the start.
        bridge_.start(now_s());
        drain();
        set_corked(false);
    } else {
        bridge_.stop();
        set_corked(true);
        forget(pa_stream_flush(playback_.get(), nullptr, nullptr));
    }
}

void Streams::set_corked(bool corked) {
    forget(pa_stream_cork(playback_.get(), corked ? 1 : 0, nullptr, nullptr));
}

void Streams::read() {
    const void *data = nullptr;
    std::size_t size = 0;
    const bool too_late = bridge_.arrived(
        now_s(),
        static_cast<std::uint32_t>(pa_stream_readable_size(capture_.get()) / kFrameBytes));
    if (flows_) {
        // Before this sound is queued: else the silence that raises the target would be a second
        // break behind it.
        if (std::exchange(dry_, false) || too_late) bridge_.underrun(now_s());
        drain();
    }
    while (pa_stream_readable_size(capture_.get()) > 0) {
        if (pa_stream_peek(capture_.get(), &data, &size) < 0 || size == 0) break;
        const auto *samples = static_cast<const float *>(data);  // null where some were lost
        auto left = static_cast<std::uint32_t>(size / kFrameBytes);
        block_frames_ = left;
        while (left > 0) {
            const std::uint32_t frames = std::min(left, ClockBridge::kBlockFrames);
            write(bridge_.push(samples, frames));
            if (samples != nullptr) samples += 2 * frames;
            left -= frames;
        }
        pa_stream_drop(capture_.get());
    }
    if (flows_) measure();
}

void Streams::write(Frames frames) {
    if (frames.count == 0 || !plays()) return;
    // Without a prebuffer the server goes on counting where it has nothing to play: what comes late
    // is dropped as far as its time has passed, and the delay stays what it was.
    pa_stream_write(playback_.get(), frames.samples, frames.count * kFrameBytes, nullptr, 0,
                    PA_SEEK_RELATIVE);
}

void Streams::drain() {
    while (true) {
        const Frames frames = bridge_.drain();
        if (frames.count == 0) return;
        write(frames);
    }
}

// Asked right after a block was queued, so that the answers are comparable.
void Streams::measure() {
    const pa_usec_t now_us = pa_rtclock_now();
    if (measuring_ || now_us < measured_us_ + kMeasureEveryUs) return;
    measured_us_ = now_us;
    measuring_ = true;
    forget(pa_stream_update_timing_info(
        playback_.get(),
        [](pa_stream *, int success, void *self) noexcept {
            auto &streams = *static_cast<Streams *>(self);
            io::guarded(streams.changed_, [&] {
                streams.measuring_ = false;
                if (success != 0 && streams.flows_) streams.measured();
            });
        },
        this));
}

void Streams::measured() {
    const pa_timing_info *info = pa_stream_get_timing_info(playback_.get());
    if (info == nullptr || info->write_index_corrupt != 0 || info->read_index_corrupt != 0) return;
    // A device's thread that is late itself has less than nothing left, which the server makes 0:
    // wait for an answer that can be true, unless this device gives no other.
    if (info->sink_usec != 0) untold_ = 0;
    else if (untold_ < kMostUntold) {
        ++untold_;
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
    if (std::abs(aimed_s - told_s_) > kTellTarget_s) {
        told_s_ = aimed_s;
        changed_();
    }
}

// What is aimed at is reached within a second or two, unless the server gives other buffers than
// those that were asked for.
void Streams::look_for_excess() {
    const double excess_s = bridge_.latency_s() - bridge_.target_s();
    excesses_ = excess_s > kMostExcess_s ? excesses_ + 1 : 0;
    if (excesses_ == 0)
        excess_s_ = 0.0;
    else if (excesses_ >= kExcesses && std::abs(excess_s - excess_s_) > kMostExcess_s)
        excess_s_ = excess_s;
}

void Streams::ran_dry() {
    if (!flows_) return;
    entrain_count_xrun(engine_);
    dry_ = true;  // how late the sound is, its arrival tells
    changed_();
}

}  // namespace entrain::pulse
