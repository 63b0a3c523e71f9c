// Holds the latency of a playback queue at a target by the resampling ratio alone.
//
// Sound arrives in one clock and is played in another.  What is queued between them is measured
// every now and then, with noise; the controller estimates from it the latency and how fast the
// two clocks drift apart, and says at which ratio to resample.  It looks at no clock itself:
// times are passed in, monotonic, in seconds.
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

// Everything here is [audio], except where it says otherwise, and belongs to one thread.
class LatencyController {
public:
    static constexpr double kMaxDeviation = 0.0015;  // of the ratio from 1

    explicit LatencyController(const LatencySettings &settings) noexcept;

    // Aim at another latency from now on: reached at once, by a correction.
    void set_target(double target_s) noexcept ENTRAIN_NONBLOCKING;

    // Playback starts, or starts again: what is learned of the clocks' ratio is kept.  A target
    // that would be on its way down is down at once.
    void restart(double now_s) noexcept ENTRAIN_NONBLOCKING;

    // The sound between the last written frame and the device is this long, measured right after
    // a write; to be told every 10 to 50 ms.  Returns what to do at once: drop so many seconds of
    // the sound to come (> 0), insert so much silence (< 0), or as a rule nothing (0).  After a
    // second without a call the machine has slept: that is a restart.
    double observe(double now_s, double latency_s) noexcept ENTRAIN_NONBLOCKING;

    // Sound has arrived whose first frame is so late; to be told of every block.  A raised target
    // is lowered no further than what came within the last 12 to 24 s needs.
    void arrived(double now_s, double late_s) noexcept ENTRAIN_NONBLOCKING;

    // The queue ran empty, after sound had not come for so long; what comes too late is lost.  A
    // second time within minutes, or any time while the target is raised already, raises it to what
    // would have been enough: returns how much silence to insert at once.  Without underruns it is
    // lowered again, by 5 ms in a minute; after 30 s most of it at once, if it is more than 40 ms.
    double underrun(double now_s, double late_s) noexcept ENTRAIN_NONBLOCKING;

    // Output frames per input frame, both at nominal rates.  Changes in observe() only, slowly.
    double ratio() const noexcept { return ratio_; }
    // The same of the clocks themselves, as estimated.
    double clock_ratio() const noexcept { return 1.0 - drift_; }
    double target_s() const noexcept { return target_s_; }
    double latency_s() const noexcept { return predict(last_s_, moved_s_); }  // as estimated
    double noise_s() const noexcept;  // standard deviation of what observe() is told
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
    double moved_s_ = 0.0;  // latency that the ratio and silence inserted have added so far
    double last_s_ = 0.0;
    double started_s_ = 0.0;
    bool has_started_ = false;

    // Kalman filter: the latency, and its drift at ratio 1, as of the last observation absorbed.
    double level_s_ = 0.0;
    double drift_ = 0.0;
    double base_s_ = 0.0;
    double base_moved_s_ = 0.0;
    double var_level_, var_drift_, covariance_ = 0.0;
    double var_noise_;
    bool noise_is_unknown_ = true;

    // Observations wait here half a second before the filter sees them: a jump is noticed first.
    std::array<Observation, kPending> pending_{};
    std::size_t first_ = 0;
    std::size_t count_ = 0;
    bool gathering_ = true;  // after a start or a jump: measuring where the latency is now
    double tolerance_s_ = 0.0;
    double gathering_since_s_ = 0.0;
    double blind_until_s_ = 0.0;

    double pressure_ = 0.0;  // recent underruns
    double last_underrun_s_ = -1e9;  // long ago
    double last_raise_s_ = -1e9;
    double hold_s_;
    // How late sound came at most, in this spell and in the last.
    double late_from_s_ = -1e9;
    double latest_s_ = 0.0;
    double last_latest_s_ = 0.0;
    std::uint64_t underruns_ = 0;
    std::uint64_t corrections_ = 0;
};

}  // namespace entrain
