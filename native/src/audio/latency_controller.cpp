#include "audio/latency_controller.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace entrain {
namespace {

// Initial guesses: drift between two ordinary clocks, noise of a measurement.
constexpr double kFirstDrift = 400e-6;
constexpr double kFirstNoise_s = 0.7e-3;
constexpr double kLeastNoise_s = 0.05e-3;
constexpr double kMaxDrift = 1300e-6;
// How fast clocks wander, as a random walk: 1 ppm in a second, 60 ppm in an hour.
constexpr double kDriftWalk = 1e-12;  // per second
constexpr double kLevelWalk = 1e-10;  // s^2 per second, for effects outside the model

// Return to the target with this time constant, but limited: 58 ppm are 0.1 cent of pitch.
constexpr double kReturn_s = 5.0;
constexpr double kPull = 50e-6;
constexpr double kLeastPull = 10e-6;
constexpr double kPitch = 110e-6;  // limit for pull, lowering and error of the drift together
constexpr double kSlew = 30e-6;   // per second
// The same during the first seconds, while the clock ratio is unknown.
constexpr double kSettlingReturn_s = 1.5;
constexpr double kSettlingPull = 600e-6;
constexpr double kSettlingSlew = 1000e-6;
constexpr double kSettlingFrom_s = 4.0;  // settling fades out between these two times
constexpr double kSettlingTo_s = 7.5;
constexpr double kSettled_s = 9.5;

// A larger shift of the latency is a lost or doubled block, not drift.
constexpr double kJump_s = 0.95e-3;
constexpr double kStartTolerance_s = 0.25e-3;  // at a break, another correction is inaudible
constexpr double kJumpTolerance_s = 0.5e-3;
constexpr double kMostAtOnce_s = 1.0;
constexpr double kWindow_s = 0.5;
constexpr double kShortWindow_s = 0.15;  // used while the drift is the greater uncertainty
constexpr double kUnsureDrift = 100e-6;
constexpr std::size_t kFewest = 6;  // observations that can outvote an outlier
constexpr double kSharp_s = 0.15e-3;  // standard error that is small enough for a correction
constexpr std::size_t kEnoughToAgree = 12;
constexpr double kPatience_s = 3.0;  // with contradictory observations
constexpr double kSleep_s = 1.0;  // a longer gap between observations means a suspended machine
// Standard error of the trimmed mean, relative to the plain mean.
constexpr double kTrimmedError = 1.25;

constexpr double kGrace_s = 2.0;    // underruns this soon after a start do not count
constexpr double kSetUp_s = 10.0;   // earlier underruns count half, since programs are starting
constexpr double kOneUnderrun_s = 1.0;  // underruns within this time of the first have one cause
constexpr double kForget_s = 600.0;
constexpr double kEnough = 1.5;  // two underruns within five minutes
constexpr double kRaise_s = 4.5e-3;  // least raise: a machine that was late once is late again
constexpr double kSpare_s = 2.2e-3;  // margin above the greatest lateness
constexpr double kHold_s = 5.0;  // before the target is lowered; longer if that was too soon
constexpr double kLongerHold = 4.0;
constexpr double kLongestHold_s = 3600.0;
// The target stays above the greatest lateness of this spell and the last one.
constexpr double kLateSpell_s = 12.0;
constexpr double kLateSpare_s = 0.5e-3;
constexpr double kMostLowering = 100e-6;  // seconds per second: 0.17 cent of pitch
constexpr double kLeastLowering = 20e-6;
// A target that is raised by so much puts the sound visibly behind the picture.  It is not lowered
// by the ratio, for a quarter of an hour, but after this time at once, to this little above.
constexpr double kVisible_s = 40e-3;
constexpr double kCut_s = 30.0;
constexpr double kCutTo_s = 2e-3;

double square(double x) noexcept { return x * x; }

// Mean without the lowest and the highest quarter, so that outliers do not count.
double trimmed_mean(double *values, std::size_t count) noexcept {
    std::sort(values, values + count);
    const std::size_t cut = count / 4;
    double sum = 0.0;
    for (std::size_t i = cut; i < count - cut; ++i) sum += values[i];
    return sum / static_cast<double>(count - 2 * cut);
}

}  // namespace

LatencyController::LatencyController(const LatencySettings &settings) noexcept
    : settings_(settings),
      target_s_(settings.target_s),
      var_level_(square(settings.target_s)),
      var_drift_(square(kFirstDrift)),
      var_noise_(square(kFirstNoise_s)),
      hold_s_(kHold_s) {
    level_s_ = target_s_;
}

double LatencyController::noise_s() const noexcept { return std::sqrt(var_noise_); }

void LatencyController::set_target(double target_s) noexcept ENTRAIN_NONBLOCKING {
    settings_.target_s = target_s_ = target_s;
    settings_.maximum_s = std::max(settings_.maximum_s, target_s);
    pressure_ = 0.0;
    gather(kStartTolerance_s);
}

void LatencyController::restart(double now_s) noexcept ENTRAIN_NONBLOCKING {
    if (now_s - last_underrun_s_ >= hold_s_) target_s_ = settings_.target_s;
    if (has_started_)
        var_drift_ = std::min(var_drift_ + kDriftWalk * std::abs(now_s - last_s_),
                              square(kFirstDrift));
    has_started_ = true;
    started_s_ = last_s_ = base_s_ = blind_until_s_ = now_s;
    base_moved_s_ = moved_s_;
    ratio_ = std::clamp(1.0 - drift_, 1.0 - kMaxDeviation, 1.0 + kMaxDeviation);
    gather(kStartTolerance_s);
}

double LatencyController::observe(double now_s, double latency_s) noexcept ENTRAIN_NONBLOCKING {
    if (!std::isfinite(now_s) || !std::isfinite(latency_s)) return 0.0;
    if (!has_started_ || now_s < last_s_ || now_s - last_s_ > kSleep_s) restart(now_s);
    const double elapsed_s = now_s - last_s_;
    advance(now_s);
    double correction_s = 0.0;
    if (now_s >= blind_until_s_) {
        push({now_s, moved_s_, latency_s});
        if (gathering_) {
            correction_s = finish_gathering();
        } else {
            const double wait_s = var_drift_ > square(kUnsureDrift) ? kShortWindow_s : kWindow_s;
            while (count_ > 0 && now_s - pending(0).time_s > wait_s) {
                absorb(pending(0));
                drop_oldest();
            }
            if (has_jumped()) gather(kJumpTolerance_s);
        }
    }
    steer(elapsed_s);
    return correction_s;
}

double LatencyController::underrun(double now_s, double late_s) noexcept ENTRAIN_NONBLOCKING {
    ++underruns_;
    if (!std::isfinite(now_s) || !std::isfinite(late_s)) return 0.0;
    // After a standstill, the next observation restarts the controller.
    if (now_s - last_s_ > kSleep_s) return 0.0;
    const double since_s = now_s - last_underrun_s_;
    // While the latency is being corrected, further underruns carry no information.
    if (!has_started_ || gathering_ || std::abs(since_s) < kOneUnderrun_s) return 0.0;
    last_underrun_s_ = now_s;
    if (now_s - started_s_ < kGrace_s || now_s < blind_until_s_) return 0.0;
    const bool is_raised = target_s_ > settings_.target_s;
    const bool was_raised = now_s - last_raise_s_ < kForget_s;
    const double weight = now_s - started_s_ < kSetUp_s ? 0.5 : 1.0;
    pressure_ = std::max(pressure_ - since_s / kForget_s, 0.0) + weight;
    if (!is_raised && !was_raised) hold_s_ = kHold_s;
    else if (since_s > hold_s_) hold_s_ = std::min(kLongerHold * hold_s_, kLongestHold_s);
    if (pressure_ < kEnough && !is_raised) return 0.0;
    last_raise_s_ = now_s;
    const double wanted_s = std::max(target_s_ + kRaise_s, late_s + kSpare_s);
    const double raise_s = std::max(std::min(wanted_s, settings_.maximum_s) - target_s_, 0.0);
    target_s_ += raise_s;
    moved_s_ += raise_s;
    return raise_s;
}

void LatencyController::arrived(double now_s, double late_s) noexcept ENTRAIN_NONBLOCKING {
    if (!(std::abs(now_s - late_from_s_) <= kLateSpell_s)) {
        last_latest_s_ = std::exchange(latest_s_, 0.0);
        late_from_s_ = now_s;
    }
    if (late_s > latest_s_) latest_s_ = late_s;
}

// Advance the time: apply the effect of the ratio on the latency, and lower a raised target.
void LatencyController::advance(double now_s) noexcept {
    const double elapsed_s = now_s - last_s_;
    last_s_ = now_s;
    moved_s_ += (ratio_ - 1.0) * elapsed_s;
    // The target must also cover occasional lateness that has not caused an underrun yet.
    const double needed_s = std::max(latest_s_, last_latest_s_) + kLateSpare_s;
    const double lowest_s = std::max(settings_.target_s, std::min(needed_s, target_s_));
    target_slope_ = 0.0;
    const double quiet_s = now_s - last_underrun_s_;
    if (target_s_ <= lowest_s || quiet_s < hold_s_) return;
    if (target_s_ > lowest_s + kVisible_s) {
        if (quiet_s < kCut_s) return;
        target_s_ = lowest_s + kCutTo_s;
        return gather(kStartTolerance_s);
    }
    target_slope_ = -std::clamp(kPitch - kLeastPull - 3.0 * std::sqrt(var_drift_),
                                kLeastLowering, kMostLowering);
    target_s_ = std::max(target_s_ + target_slope_ * elapsed_s, lowest_s);
}

// Discard the estimated latency and measure it anew.  A difference from the target of more than
// `tolerance_s` is corrected at once.
void LatencyController::gather(double tolerance_s) noexcept {
    gathering_ = true;
    gathering_since_s_ = last_s_;
    tolerance_s_ = tolerance_s;
    first_ = count_ = 0;
}

double LatencyController::finish_gathering() noexcept {
    if (count_ < kFewest) return 0.0;
    const double error_s =
        kTrimmedError * noise_s() / std::sqrt(static_cast<double>(count_));
    if (error_s > kSharp_s && last_s_ - gathering_since_s_ < kWindow_s &&
        count_ < pending_.size())
        return 0.0;
    const double surprise = surprise_s(count_);
    if (!agree(surprise) && last_s_ - gathering_since_s_ < kPatience_s) {
        if (count_ >= kEnoughToAgree) drop_oldest();
        return 0.0;
    }
    const double now_level_s = predict(last_s_, moved_s_) + surprise;
    const double off_s = now_level_s - target_s_;
    const double correction_s =
        std::abs(off_s) > tolerance_s_ ? std::clamp(off_s, -kMostAtOnce_s, kMostAtOnce_s) : 0.0;
    if (correction_s != 0.0) ++corrections_;
    if (noise_is_unknown_) var_noise_ = spread();
    noise_is_unknown_ = false;
    level_s_ = now_level_s - correction_s;
    base_s_ = last_s_;
    base_moved_s_ = moved_s_;
    var_level_ = square(error_s);
    covariance_ = 0.0;
    gathering_ = std::abs(correction_s) >= kMostAtOnce_s;  // there may be more to correct
    gathering_since_s_ = last_s_;
    first_ = count_ = 0;
    // Dropping sound takes as long as the sound would have lasted.
    blind_until_s_ = last_s_ + std::max(correction_s, 0.0) + (correction_s != 0.0 ? 0.02 : 0.0);
    return correction_s;
}

// Whether the pending observations agree.  On a machine that is often late, many observations are
// wrong for a while.
bool LatencyController::agree(double surprise) const noexcept {
    if (noise_is_unknown_) return true;
    const double limit_s = std::max(kJumpTolerance_s, 3.0 * noise_s());
    std::size_t apart = 0;
    for (std::size_t i = 0; i < count_; ++i) {
        const Observation &seen = pending(i);
        const double above_s = seen.latency_s - predict(seen.time_s, seen.moved_s);
        if (std::abs(above_s - surprise) > limit_s) ++apart;
    }
    return 6 * apart <= count_;
}

// Variance of the pending observations, estimated from the differences between neighbours.
double LatencyController::spread() const noexcept {
    std::array<double, kPending> squares;
    for (std::size_t i = 0; i + 1 < count_; ++i)
        squares[i] = square(pending(i + 1).latency_s - pending(i).latency_s);
    const std::size_t middle = (count_ - 1) / 2;
    std::nth_element(squares.begin(), squares.begin() + middle, squares.begin() + count_ - 1);
    return std::max(squares[middle] / (2.0 * 0.455), square(kLeastNoise_s));
}

// One step of the Kalman filter.
void LatencyController::absorb(const Observation &seen) noexcept {
    const double elapsed_s = seen.time_s - base_s_;
    level_s_ = predict(seen.time_s, seen.moved_s);
    base_s_ = seen.time_s;
    base_moved_s_ = seen.moved_s;
    var_level_ += elapsed_s * (2.0 * covariance_ + elapsed_s * var_drift_ + kLevelWalk);
    covariance_ += elapsed_s * var_drift_;
    var_drift_ += elapsed_s * kDriftWalk;

    const double variance = var_level_ + var_noise_;
    const double limit = 3.0 * std::sqrt(variance);
    const double surprise = std::clamp(seen.latency_s - level_s_, -limit, limit);
    const double level_gain = var_level_ / variance;
    const double drift_gain = covariance_ / variance;
    level_s_ += level_gain * surprise;
    drift_ = std::clamp(drift_ + drift_gain * surprise, -kMaxDrift, kMaxDrift);
    var_drift_ -= drift_gain * covariance_;
    covariance_ -= drift_gain * var_level_;
    var_level_ -= level_gain * var_level_;
    var_noise_ += 0.02 * (square(surprise) - variance);
    var_noise_ = std::max(var_noise_, square(kLeastNoise_s));
}

void LatencyController::push(const Observation &seen) noexcept {
    if (count_ == pending_.size()) {
        if (!gathering_) absorb(pending(0));
        drop_oldest();
    }
    pending_[(first_ + count_++) % pending_.size()] = seen;
}

void LatencyController::drop_oldest() noexcept {
    first_ = (first_ + 1) % pending_.size();
    --count_;
}

// How far the newest `count` pending observations lie above the prediction.
double LatencyController::surprise_s(std::size_t count) const noexcept {
    std::array<double, kPending> above_s;
    double sum_s = 0.0;
    for (std::size_t i = 0; i < count; ++i) {
        const Observation &seen = pending(count_ - count + i);
        above_s[i] = seen.latency_s - predict(seen.time_s, seen.moved_s);
        sum_s += above_s[i];
    }
    const double mean_s = sum_s / static_cast<double>(count);
    // Nearly always true, and saves the sorting.
    if (!gathering_ && std::abs(mean_s) < 0.5 * kJump_s) return mean_s;
    return trimmed_mean(above_s.data(), count);
}

bool LatencyController::has_jumped() const noexcept {
    // All observations reveal a small jump in much noise; the newer half reveals a large one
    // sooner.
    for (std::size_t count = count_; count >= kFewest && 2 * count >= count_; count -= count_ / 2) {
        const double variance = square(kTrimmedError) * var_noise_ / static_cast<double>(count) +
                                var_level_ + square(kWindow_s) * var_drift_;
        if (std::abs(surprise_s(count)) > std::max(kJump_s, 4.5 * std::sqrt(variance))) return true;
    }
    return false;
}

void LatencyController::steer(double elapsed_s) noexcept {
    const double age_s = last_s_ - started_s_;
    const double settling =
        std::clamp((kSettlingTo_s - age_s) / (kSettlingTo_s - kSettlingFrom_s), 0.0, 1.0);
    const double pull = std::clamp(kPitch - 3.0 * std::sqrt(var_drift_) + target_slope_,
                                   kLeastPull, kPull);
    const double most = pull + settling * (kSettlingPull - pull);
    const double return_s = kReturn_s + settling * (kSettlingReturn_s - kReturn_s);
    const double off_s = gathering_ ? 0.0 : latency_s() - target_s_;
    const double wanted = 1.0 - drift_ + target_slope_ - std::clamp(off_s / return_s, -most, most);
    const double step = (age_s < kSettled_s ? kSettlingSlew : kSlew) * elapsed_s;
    ratio_ = std::clamp(wanted, ratio_ - step, ratio_ + step);
    ratio_ = std::clamp(ratio_, 1.0 - kMaxDeviation, 1.0 + kMaxDeviation);
}

}  // namespace entrain
