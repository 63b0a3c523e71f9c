// Our two audio streams: one records our sink, the other plays on the device.
#pragma once

#include "io/notify.h"
#include "io/pulse/audio/flow.h"
#include "io/pulse/client/pulse.h"

#include <cstdint>
#include <memory>
#include <string>

namespace entrain::pulse {

// Disconnects a stream before it is released, so that no callback arrives afterwards.
struct StreamDeleter {
    void operator()(pa_stream *stream) const noexcept;
};
using Stream = std::unique_ptr<pa_stream, StreamDeleter>;

class Streams {
public:
    // Calls `changed` when one of the streams becomes ready or ends.
    Streams(pa_context *context, entrain_engine *engine, ClockBridge &bridge,
            const io::Notify &changed);

    // Record our sink.  This alone does not keep the sink awake.
    void capture(std::uint32_t rate_hz);
    bool captures() const noexcept { return state(capture_) == PA_STREAM_READY; }
    bool capture_failed() const noexcept { return !PA_STREAM_IS_GOOD(state(capture_)); }

    // Whether the sink stays awake even while no player runs.
    void keep_awake(bool awake);

    // Play on this device.  Does nothing if the stream already plays there or was refused there.
    void play_on(const std::string &device, std::uint32_t rate_hz);
    void stop_playing() noexcept;
    bool plays() const noexcept { return state(playback_) == PA_STREAM_READY; }
    // True after the server has refused or ended the playback stream, until stop_playing().
    bool refused() const noexcept { return playback_ && !PA_STREAM_IS_GOOD(state(playback_)); }
    std::uint32_t rate_hz() const noexcept { return rate_hz_; }  // the device's; 0 without a device

    // The streams' numbers on the server; PA_INVALID_INDEX if the stream does not exist.
    std::uint32_t capture_index() const noexcept { return index(capture_); }
    std::uint32_t playback_index() const noexcept { return index(playback_); }

    // Start or stop the flow of sound.  While it is stopped, the device may sleep.
    void flow(bool flows);
    bool flows() const noexcept { return flow_.flows(); }
    const Flow &flow() const noexcept { return flow_; }

private:
    static pa_stream_state_t state(const Stream &stream) noexcept;
    static std::uint32_t index(const Stream &stream) noexcept;
    Stream open(const char *name, std::uint32_t rate_hz);
    void set_corked(bool corked);

    pa_context *context_;
    ClockBridge &bridge_;
    io::Notify changed_;
    Flow flow_;  // declared before the streams, which call it, so that it is destroyed after them
    Stream capture_;
    Stream waker_;  // also records the sink, to keep it awake
    Stream playback_;
    std::string device_;
    std::uint32_t rate_hz_ = 0;
    std::uint32_t capture_rate_hz_ = 0;
};

}  // namespace entrain::pulse
