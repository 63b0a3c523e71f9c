// The two streams between which the sound passes us: a recording of our sink, and one that plays
// on the device.
#pragma once

#include "audio/clock_bridge.h"
#include "io/notify.h"
#include "io/pulse/pulse.h"

#include <chrono>
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
    Streams(pa_context *context, entrain_engine *engine, ClockBridge &bridge, io::Notify changed);

    // Record our sink; it may fall asleep all the same.
    void capture(std::uint32_t rate_hz);
    bool captures() const noexcept { return state(capture_) == PA_STREAM_READY; }
    bool capture_failed() const noexcept { return !PA_STREAM_IS_GOOD(state(capture_)); }

    // Whether the sink that is recorded stays awake also while no programme plays to it.
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
    bool flows() const noexcept { return flows_; }

    // How long it takes until what is written now is heard, as last measured.
    std::chrono::microseconds queued() const noexcept { return queued_; }

    // By how much the queue is longer than aimed at, where the server keeps it so.
    double excess_s() const noexcept { return excess_s_; }

    // Frames that came at once last.
    std::uint32_t block_frames() const noexcept { return block_frames_; }

private:
    static pa_stream_state_t state(const Stream &stream) noexcept;
    static std::uint32_t index(const Stream &stream) noexcept;
    Stream open(const char *name, std::uint32_t rate_hz);
    void read();
    void write(Frames frames);
    void drain();
    void measure();
    void measured();
    void look_for_excess();
    void ran_dry();
    void set_corked(bool corked);

    pa_context *context_;
    entrain_engine *engine_;
    ClockBridge &bridge_;
    io::Notify changed_;
    Stream capture_;
    Stream waker_;  // records the sink as well, so that it stays awake
    Stream playback_;
    std::string device_;
    std::uint32_t rate_hz_ = 0;
    std::uint32_t capture_rate_hz_ = 0;
    std::uint32_t block_frames_ = 0;
    bool flows_ = false;
    bool dry_ = false;  // since sound came last
    bool measuring_ = false;
    int untold_ = 0;  // measurements in a row without the device's share
    pa_usec_t measured_us_ = 0;
    std::chrono::microseconds queued_{0};
    double told_s_ = 0.0;    // of the queue, to whoever looks at target and excess
    double excess_s_ = 0.0;
    int excesses_ = 0;  // measurements in a row that have found one
};

}  // namespace entrain::pulse
