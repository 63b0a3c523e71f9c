// The two streams between which the sound passes us: a recording of our sink, and one that plays
// on the device.
#pragma once

#include "io/notify.h"
#include "io/pulse/audio/flow.h"
#include "io/pulse/client/pulse.h"

#include <cstdint>
#include <memory>
#include <string>

namespace entrain::pulse {

// A stream that is disconnected before it goes; its callbacks no longer come then.
struct StreamDeleter {
    void operator()(pa_stream *stream) const noexcept;
};
using Stream = std::unique_ptr<pa_stream, StreamDeleter>;

class Streams {
public:
    // `changed` comes when one of the streams gets ready or ends.
    Streams(pa_context *context, entrain_engine *engine, ClockBridge &bridge,
            const io::Notify &changed);

    // Record our sink; it may fall asleep all the same.
    void capture(std::uint32_t rate_hz);
    bool captures() const noexcept { return state(capture_) == PA_STREAM_READY; }
    bool capture_failed() const noexcept { return !PA_STREAM_IS_GOOD(state(capture_)); }

    // Whether the sink that is recorded stays awake also while nobody plays to it.
    void keep_awake(bool awake);

    // Play on this device; where it does so already, or is refused, nothing happens.
    void play_on(const std::string &device, std::uint32_t rate_hz);
    void stop_playing() noexcept;
    bool plays() const noexcept { return state(playback_) == PA_STREAM_READY; }
    // The server has ended the stream or does not let it be; stop_playing() forgets that.
    bool refused() const noexcept { return playback_ && !PA_STREAM_IS_GOOD(state(playback_)); }
    std::uint32_t rate_hz() const noexcept { return rate_hz_; }  // of the device; 0: none

    // As the server numbers them; PA_INVALID_INDEX where there is none.
    std::uint32_t capture_index() const noexcept { return index(capture_); }
    std::uint32_t playback_index() const noexcept { return index(playback_); }

    // Let the sound flow, or the device sleep.
    void flow(bool flows);
    bool flows() const noexcept { return flow_.flows(); }
    // What there is to be told of it.
    const Flow &flow() const noexcept { return flow_; }

private:
    static pa_stream_state_t state(const Stream &stream) noexcept;
    static std::uint32_t index(const Stream &stream) noexcept;
    Stream open(const char *name, std::uint32_t rate_hz);
    void set_corked(bool corked);

    pa_context *context_;
    ClockBridge &bridge_;
    io::Notify changed_;
    Flow flow_;  // longer than the streams, which call it
    Stream capture_;
    Stream waker_;  // records the sink as well, so that it stays awake
    Stream playback_;
    std::string device_;
    std::uint32_t rate_hz_ = 0;
    std::uint32_t capture_rate_hz_ = 0;
};

}  // namespace entrain::pulse
