// Carries sound from the sink's clock to the device's: resamples the captured sound and processes
// it.
//
//   captured ─ undo the sink's volume ─ rate matcher ─ engine ─► queue of the device
//                                            ▲
//                       latency controller ──┘
//
// The engine counts the device's frames, so a beat is as exact as the device's clock.
#pragma once

#include "audio/latency_controller.h"
#include "audio/rate_matcher.h"
#include "audio/realtime.h"

#include "entrain/engine.h"

#include <array>
#include <cstdint>
#include <vector>

namespace entrain {

// Interleaved samples, left and right.
struct Frames {
    const float *samples = nullptr;
    std::uint32_t count = 0;
};

// Exported from libentrain, since several back ends, which are libraries of their own, bridge two
// clocks.  A [control] function must not run at the same time as an [audio] function.
class __attribute__((visibility("default"))) ClockBridge {
public:
    static constexpr std::uint32_t kBlockFrames = 256;
    static constexpr double kLongestWaitS = 2.0;  // sound kept while the device is not ready

    // [control] Throws std::bad_alloc.
    ClockBridge(entrain_engine *engine, double target_s);
    ~ClockBridge();
    ClockBridge(const ClockBridge &) = delete;
    ClockBridge &operator=(const ClockBridge &) = delete;
    void set_rates(std::uint32_t in_hz, std::uint32_t out_hz);
    void set_target(double target_s) noexcept;
    // Delay inside the matcher, between the capture and the engine.
    double matching_s() const noexcept;

    // ---- [audio] -------------------------------------------------------------------------

    // Set how much sound the device takes at once.
    void set_device_block(double block_s) noexcept ENTRAIN_NONBLOCKING { block_s_ = block_s; }

    // Set the gain that each captured channel has been multiplied with; the bridge undoes it.
    void set_gain(std::array<float, 2> gain) noexcept ENTRAIN_NONBLOCKING;

    // The device is about to play: from now on captured sound comes out.  Before start(), sound is
    // kept from its first nonzero sample on; fetch it with drain() until drain() returns no frames.
    void start(double now_s) noexcept ENTRAIN_NONBLOCKING;
    void stop() noexcept ENTRAIN_NONBLOCKING;
    Frames drain() noexcept ENTRAIN_NONBLOCKING;

    // Process captured frames, at most kBlockFrames; a null `in` means silence.  The result is
    // valid until the next call.
    Frames push(const float *in, std::uint32_t frames) noexcept ENTRAIN_NONBLOCKING;

    // Report how much sound the device's queue holds beyond one device block, measured right after
    // a block was queued.
    void observe(double now_s, double queued_s) noexcept ENTRAIN_NONBLOCKING;

    // Report that this many frames have arrived together; push them next.  Returns whether they
    // are so late that the device must have run dry, even if no underrun is reported until later.
    bool arrived(double now_s, std::uint32_t frames) noexcept ENTRAIN_NONBLOCKING;

    // Report that the device ran dry while its clock went on: the sound that is too late is
    // dropped.
    void underrun(double now_s) noexcept ENTRAIN_NONBLOCKING;

    double target_s() const noexcept { return controller_.target_s(); }
    double latency_s() const noexcept { return controller_.latency_s(); }  // an estimate

private:
    void undo_volume(const float *in, std::uint32_t frames) noexcept;
    double late_s(double now_s) const noexcept;
    void keep(std::uint32_t frames) noexcept;
    void insert(double seconds) noexcept;
    std::uint32_t cut(std::uint32_t frames) noexcept;
    Frames convert(const float *in, std::uint32_t frames) noexcept;
    void process(std::uint32_t frames) noexcept;

    static constexpr std::uint32_t kOutFrames = 32768;  // room for a block at the highest ratio
    static constexpr std::uint32_t kMostFadeFrames = 4096;

    entrain_engine *engine_;
    LatencyController controller_;
    RateMatcher matcher_;
    std::uint32_t in_hz_ = 48000;
    std::uint32_t out_hz_ = 48000;
    bool flowing_ = false;
    std::array<float, 2> wanted_{1.0F, 1.0F};  // inverse of the sink's volume
    std::array<float, 2> undo_{1.0F, 1.0F};    // gain in use; moves to `wanted_`
    std::array<std::uint32_t, 2> wait_frames_{};  // until `undo_` may rise
    double block_s_ = 0.0;
    double capture_s_ = 0.0;      // total duration of the sound that has arrived
    double newest_s_ = 0.0;       // time at which the last sound arrived
    // A spell is a quarter of a second of arrivals.  The lead is the time at which a capture that
    // is never late would have begun: the earliest estimate within this spell, and the last one.
    double spell_from_s_ = 0.0;
    double lead_s_ = 0.0;
    double last_lead_s_ = 0.0;
    // Greatest lateness within this spell, and within the last one.
    double worst_late_s_ = 0.0;
    double last_worst_late_s_ = 0.0;
    bool has_arrived_ = false;
    std::uint32_t skip_frames_ = 0;            // captured frames still to be dropped
    std::uint32_t insert_frames_ = 0;          // silence to insert before the next sound
    std::uint32_t fade_frames_ = 0;
    std::array<float, 2 * kMostFadeFrames> tail_{};  // sound that fades out over the next sound
    std::uint32_t tail_frames_ = 0;
    std::uint32_t mixed_frames_ = 0;  // frames of the tail that have faded out already
    std::vector<float> kept_;                  // interleaved, allocated once
    std::size_t kept_frames_ = 0;
    std::size_t drained_frames_ = 0;
    std::array<float, 2 * kBlockFrames> in_{};
    std::array<float, 2 * kOutFrames> out_{};
    std::array<std::array<float, kOutFrames>, 2> planes_{};
};

}  // namespace entrain
