// Holds the latency of a playback queue at a target by adjusting the resampling ratio.
//
// Sound arrives by one clock and is played by another.  The queue between them is measured
// regularly, with noise.  From these measurements the controller estimates the latency and the
// drift between the two clocks, and sets the resampling ratio.  It reads no clock itself: callers
// pass in the time in seconds, from a monotonic clock.
#pragma once

#include "audio/realtime.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace entrain {

struct LatencySettings {
    double target_s = 0.010;
    double maximum_s = 0.200;  // underruns never raise the target above this
};

// All functions are [audio] and belong to one thread.
class LatencyController {
public:
    static constexpr double kMaxDeviation = 0.0015;  // of the ratio from 1

    explicit LatencyController(const LatencySettings &settings) noexcept;

    // Aim at another latency from now on.  A correction brings the latency there at once.
    void set_target(double target_s) noexcept ENTRAIN_NONBLOCKING;

    // Playback starts, or starts again.  The estimated clock ratio is kept.  A raised target that
    // is due to be lowered returns to its initial value at once.
    void restart(double now_s) noexcept ENTRAIN_NONBLOCKING;

    // Report the latency from the last written frame to the device, measured right after a write;
    // call this every 10 to 50 ms.  Returns a correction in seconds to make at once: drop that much
    // of the sound to come (> 0), or insert that much silence (< 0); usually 0.  After more than a
    // second without a call, the controller assumes that the machine was suspended and restarts.
    double observe(double now_s, double latency_s) noexcept ENTRAIN_NONBLOCKING;

    // Report how late the first frame of a block arrived; call this for every block.  A raised
    // target is not lowered below the greatest lateness of the last 12 to 24 s.
    void arrived(double now_s, double late_s) noexcept ENTRAIN_NONBLOCKING;

    // The queue ran empty after no sound had come for `late_s`.  The late sound is dropped.  The second
    // underrun within minutes, or any underrun while the target is raised, raises the target to a
    // value that would have prevented it.  Returns how much silence to insert at once, in seconds.
    // Without underruns the target is lowered again, by 5 ms in a minute; after 30 s a target of
    // more than 40 ms is lowered most of the way at once.  An underrun after more than a second
    // without observe() is the end of a standstill and raises no target.
    double underrun(double now_s, double late_s) noexcept ENTRAIN_NONBLOCKING;

    // Output frames per input frame, relative to the nominal rates.  Only observe() changes it.
    double ratio() const noexcept { return ratio_; }
    // Estimated ratio of the clocks themselves.
    double clock_ratio() const noexcept { return 1.0 - drift_; }
    double target_s() const noexcept { return target_s_; }
    double latency_s() const noexcept { return predict(last_s_, moved_s_); }  // an estimate
    double noise_s() const noexcept;  // standard deviation of the latencies given to observe()
    std::uint64_t underruns() const noexcept { return underruns_; }
    std::uint64_t corrections() const noexcept { return corrections_; }

private:
    static constexpr std::size_t kPending = 64;

    struct Observation {
        double time_s;
        double moved_s;  // moved_s_ at that time
        double latency_s;
    };

    double predict(double time_s, double moved_s) const noexcept {
        return level_s_ + (moved_s - base_moved_s_) + drift_ * (time_s - base_s_);
    }
    void advance(double now_s) noexcept;
    void gather(double tolerance_s) noexcept;
    double finish_gathering() noexcept;
    void absorb(const Observation &seen) noexcept;
    void push(const Observation &seen) noexcept;
    void drop_oldest() noexcept;
    const Observation &pending(std::size_t index) const noexcept {
        return pending_[(first_ + index) % pending_.size()];
    }
    bool has_jumped() const noexcept;
    double surprise_s(std::size_t count) const noexcept;
    bool agree(double surprise) const noexcept;
    double spread() const noexcept;
    void steer(double elapsed_s) noexcept;

    LatencySettings settings_;
    double target_s_;
    double target_slope_ = 0.0;  // seconds per second
    double ratio_ = 1.0;
    double moved_s_ = 0.0;  // latency that the ratio and inserted silence have added so far
    double last_s_ = 0.0;
    double started_s_ = 0.0;
    bool has_started_ = false;

    // Kalman filter: latency, and its drift at ratio 1, as of the last absorbed observation.
    double level_s_ = 0.0;
    double drift_ = 0.0;
    double base_s_ = 0.0;
    double base_moved_s_ = 0.0;
    double var_level_, var_drift_, covariance_ = 0.0;
    double var_noise_;
    bool noise_is_unknown_ = true;

    // Observations wait here for half a second, so that a jump is noticed before the filter sees
    // it.
    std::array<Observation, kPending> pending_{};
    std::size_t first_ = 0;
    std::size_t count_ = 0;
    bool gathering_ = true;  // after a start or a jump, while the latency is measured anew
    double tolerance_s_ = 0.0;
    double gathering_since_s_ = 0.0;
    double blind_until_s_ = 0.0;

    double pressure_ = 0.0;  // count of underruns, which decays with time
    double last_underrun_s_ = -1e9;  // initially long ago
    double last_raise_s_ = -1e9;
    double hold_s_;
    // Greatest lateness of sound, within this spell and within the last one.
    double late_from_s_ = -1e9;
    double latest_s_ = 0.0;
    double last_latest_s_ = 0.0;
    std::uint64_t underruns_ = 0;
    std::uint64_t corrections_ = 0;
};

}  // namespace entrain
