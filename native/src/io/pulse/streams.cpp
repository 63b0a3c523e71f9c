#include "io/pulse/streams.h"

#include <utility>

namespace entrain::pulse {

namespace {

// Smaller blocks cost more processor time.  Larger blocks tolerate less delay of the audio thread.
constexpr pa_usec_t kBlockUs = 4'000;
constexpr pa_usec_t kRequestUs = 50'000;
constexpr pa_usec_t kWakerBlockUs = 500'000;

std::string monitor() { return std::string(kSinkName) + ".monitor"; }

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
                 const io::Notify &changed)
    : context_(context), bridge_(bridge), changed_(changed), flow_(engine, bridge, changed) {}

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
    bridge_.set_device_block(static_cast<double>(kBlockUs) * 1e-6);  // until it is measured
    capture_ = open("Entrain", rate_hz);
    if (!capture_) return;
    pa_stream_set_read_callback(capture_.get(), Flow::recorded, &flow_);
    constexpr auto kServerChooses = static_cast<std::uint32_t>(-1);
    const pa_buffer_attr buffer{kServerChooses, kServerChooses, kServerChooses, kServerChooses,
                                bytes(kBlockUs, rate_hz)};
    constexpr int kFlags = PA_STREAM_DONT_MOVE | PA_STREAM_ADJUST_LATENCY |
                           PA_STREAM_DONT_INHIBIT_AUTO_SUSPEND | PA_STREAM_START_UNMUTED;
    if (pa_stream_connect_record(capture_.get(), monitor().c_str(), &buffer,
                                 static_cast<pa_stream_flags_t>(kFlags)) < 0)
        capture_.reset();
}

// The server suspends a sink without players, unless a stream without DONT_INHIBIT_AUTO_SUSPEND
// records it.  This flag cannot change while a stream exists, so a second stream without the flag
// records the sink and discards the sound.
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
    pa_stream_set_underflow_callback(playback_.get(), Flow::ran_dry, &flow_);
    // We write whenever sound arrives, not when the server asks.  `tlength` only has to be so long
    // that the server agrees to the smallest blocks.
    constexpr auto kServerChooses = static_cast<std::uint32_t>(-1);
    const pa_buffer_attr buffer{kServerChooses, bytes(2 * kRequestUs + 2 * kBlockUs, rate_hz), 0,
                                bytes(kRequestUs, rate_hz), kServerChooses};
    // Set the stream's volume, relative to the device's, and unmute it.  Otherwise the server
    // restores the volume and mute that the user once set for this stream.
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
    flow_.stop();
    flow_.forget_queue();
    playback_.reset();
    device_.clear();
    rate_hz_ = 0;
}

void Streams::flow(bool flows) {
    if (!plays() || flows == this->flows()) return;
    if (flows) {
        // Fill the queue before the device starts, so that it never runs dry at the start.
        flow_.start(playback_.get(), rate_hz_);
        set_corked(false);
    } else {
        flow_.stop();
        set_corked(true);
        forget(pa_stream_flush(playback_.get(), nullptr, nullptr));
    }
}

void Streams::set_corked(bool corked) {
    forget(pa_stream_cork(playback_.get(), corked ? 1 : 0, nullptr, nullptr));
}

}  // namespace entrain::pulse
