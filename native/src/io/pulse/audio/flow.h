// What runs with each block of sound: from the recording of our sink through the bridge to the
// stream that plays on the device.
//
// Of the client library it calls what reads and writes streams and asks how much is queued.  Those
// calls allocate messages to the server, but never wait for it.
#pragma once

#include "audio/clock_bridge.h"
#include "io/notify.h"
#include "io/pulse/client/pulse.h"

#include "entrain/engine.h"

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace entrain::pulse {

constexpr std::uint32_t kFrameBytes = 2 * sizeof(float);

// Everything is on the loop's thread, or has its lock.
class Flow {
public:
    // `changed` comes when what is aimed at has changed, or the device ran dry.
    Flow(entrain_engine *engine, ClockBridge &bridge, io::Notify changed);

    // Let the sound flow to a stream of this rate that is ready, which goes on until stop().  What
    // is there already is queued at once.
    void start(pa_stream *playback, std::uint32_t rate_hz);
    void stop() noexcept;
    bool flows() const noexcept { return playback_ != nullptr; }
    // The next stream's queue is another one.
    void forget_queue() noexcept;

    // The callbacks of the two streams: something was recorded; the device ran dry.
    static void recorded(pa_stream *capture, std::size_t bytes, void *self) noexcept;
    static void ran_dry(pa_stream *playback, void *self) noexcept;

    // How long it takes until what is written now is heard, as last measured.
    std::chrono::microseconds queued() const noexcept { return queued_; }

    // By how much the queue is longer than aimed at, where the server keeps it so.
    double excess_s() const noexcept { return excess_s_; }

    // Frames that came at once last.
    std::uint32_t block_frames() const noexcept { return block_frames_; }

private:
    void read(pa_stream *capture);
    void write(Frames frames);
    void drain();
    void measure();
    void measured();
    void look_for_excess();

    entrain_engine *engine_;
    ClockBridge &bridge_;
    io::Notify changed_;
    pa_stream *playback_ = nullptr;  // null while nothing flows
    std::uint32_t rate_hz_ = 0;
    std::uint32_t block_frames_ = 0;
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
