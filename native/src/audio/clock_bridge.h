// From the sink's clock to the device's: what was captured is made to fit, and then processed.
//
//   captured ─ undo the sink's volume ─ rate matcher ─ engine ─► to be queued for the device
//                                            ▲
//                       latency controller ──┘
//
// The engine counts the device's frames, so that a beat is as exact as the device's own clock.
#pragma once

#include "audio/latency_controller.h"
#include "audio/rate_matcher.h"
#include "audio/realtime.h"

#include "entrain/engine.h"

#include <array>
#include <cstdint>
#include <vector>

namespace entrain {

// Interleaved, left and right.
struct Frames {
    const float *samples = nullptr;
    std::uint32_t count = 0;
};

// Visible outside of libentrain: back ends are libraries of their own, and more than one of them
// lies between two clocks.  Where two threads are named, they must not run at the same time.
class __attribute__((visibility("default"))) ClockBridge {
public:
    static constexpr std::uint32_t kBlockFrames = 256;
    static constexpr double kLongestWaitS = 2.0;  // for the device, before sound is lost

    // [control] Throws std::bad_alloc.
    ClockBridge(entrain_engine *engine, double target_s);
    ~ClockBridge();
    ClockBridge(const ClockBridge &) = delete;
    ClockBridge &operator=(const ClockBridge &) = delete;
    void set_rates(std::uint32_t in_hz, std::uint32_t out_hz);
    void set_target(double target_s) noexcept;
    // How long a sound waits inside, between what was captured and the engine.
    double matching_s() const noexcept;

    // ---- [audio] -------------------------------------------------------------------------

    // What the device takes at once.
    void set_device_block(double block_s) noexcept ENTRAIN_NONBLOCKING { block_s_ = block_s; }

    // What each channel was multiplied with before it came here.
    void set_gain(std::array<float, 2> gain) noexcept ENTRAIN_NONBLOCKING;

    // The device is about to play: from now on what comes in comes out.  Until then it is kept,
    // from the first sample on that is not silence; take it with drain() until that is empty.
    void start(double now_s) noexcept ENTRAIN_NONBLOCKING;
    void stop() noexcept ENTRAIN_NONBLOCKING;
    Frames drain() noexcept ENTRAIN_NONBLOCKING;

    // Take captured frames, kBlockFrames at most; null is silence.  The result lives until the
    // next call.
    Frames push(const float *in, std::uint32_t frames) noexcept ENTRAIN_NONBLOCKING;

    // How much sound is queued for the device beyond what it takes at once, measured right after
    // a block was queued.
    void observe(double now_s, double queued_s) noexcept ENTRAIN_NONBLOCKING;

    // So many frames have arrived together, to be pushed next.  Returns whether they are so late
    // that the device must have run dry, whoever may tell so later.
    bool arrived(double now_s, std::uint32_t frames) noexcept ENTRAIN_NONBLOCKING;

    // The device ran dry, and goes on counting: what comes too late is to be dropped.
    void underrun(double now_s) noexcept ENTRAIN_NONBLOCKING;

    double target_s() const noexcept { return controller_.target_s(); }
    double latency_s() const noexcept { return controller_.latency_s(); }  // as estimated

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
    std::array<float, 2> undo_{1.0F, 1.0F};    // moves there
    std::array<std::uint32_t, 2> wait_frames_{};  // before it rises
    double block_s_ = 0.0;
    double capture_s_ = 0.0;      // sound that has arrived in all
    double newest_s_ = 0.0;       // when the last of it came
    // When sound would have begun that is never late: by the earliest of this spell and the last.
    double spell_from_s_ = 0.0;
    double lead_s_ = 0.0;
    double last_lead_s_ = 0.0;
    // How late it came at most, in the same two.
    double worst_late_s_ = 0.0;
    double last_worst_late_s_ = 0.0;
    bool has_arrived_ = false;
    std::uint32_t skip_frames_ = 0;            // of what comes in
    std::uint32_t insert_frames_ = 0;          // of silence, before what comes next
    std::uint32_t fade_frames_ = 0;
    std::array<float, 2 * kMostFadeFrames> tail_{};  // what fades out over what comes next
    std::uint32_t tail_frames_ = 0;
    std::uint32_t mixed_frames_ = 0;  // so many of them have done so
    std::vector<float> kept_;                  // interleaved, allocated once
    std::size_t kept_frames_ = 0;
    std::size_t drained_frames_ = 0;
    std::array<float, 2 * kBlockFrames> in_{};
    std::array<float, 2 * kOutFrames> out_{};
    std::array<std::array<float, kOutFrames>, 2> planes_{};
};

}  // namespace entrain
