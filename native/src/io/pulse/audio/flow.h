// Passes each block of sound from the recording of our sink through the bridge to the stream that
// plays on the device.
//
// It calls the client library to read and write streams and to ask how much is queued.  These calls
// allocate messages to the server, but never wait for it.
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

// All functions run on the loop's thread, or with its lock held.
class Flow {
public:
    // Calls `changed` when the target latency or the excess has changed, or the device ran dry.
    Flow(entrain_engine *engine, ClockBridge &bridge, io::Notify changed);

    // Start the flow to a ready stream with this rate; it lasts until stop().  Queues the sound in
    // the bridge at once.
    void start(pa_stream *playback, std::uint32_t rate_hz);
    void stop() noexcept;
    bool flows() const noexcept { return playback_ != nullptr; }
    // Discard the measurements of the queue, before another stream with another queue starts.
    void forget_queue() noexcept;

    // Callbacks of the two streams: sound was recorded; the device ran dry.
    static void recorded(pa_stream *capture, std::size_t bytes, void *self) noexcept;
    static void ran_dry(pa_stream *playback, void *self) noexcept;

    // The last measured time between writing a sample and hearing it.
    std::chrono::microseconds queued() const noexcept { return queued_; }

    // How far the queue stays above its target, if the server enforces larger buffers; else 0.
    double excess_s() const noexcept { return excess_s_; }

    // The size of the last recorded block.
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
    pa_stream *playback_ = nullptr;  // null while no sound flows
    std::uint32_t rate_hz_ = 0;
    std::uint32_t block_frames_ = 0;
    bool dry_ = false;  // the device ran dry after the last recorded block
    bool measuring_ = false;
    int unknown_ = 0;  // measurements in a row without the device's share
    pa_usec_t measured_us_ = 0;
    std::chrono::microseconds queued_{0};
    double announced_s_ = 0.0;  // target plus excess at the last call of `changed_`
    double excess_s_ = 0.0;
    int excesses_ = 0;  // measurements in a row that found an excess
};

}  // namespace entrain::pulse
