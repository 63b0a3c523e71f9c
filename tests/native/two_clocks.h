// Simulates two clocks and the queue between them, for the latency controller, with durations
// instead of samples.  Times are true seconds; sound is counted in seconds of its nominal rate.
#pragma once

#include "audio/latency_controller.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <random>
#include <vector>

inline double cents(double ratio) { return 1200.0 * std::log2(ratio); }

struct World {
    double in_ppm = 0.0, out_ppm = 0.0;  // deviation of the clocks; positive is too fast
    double block_s = 0.002;              // duration of an arriving block
    double device_s = 0.002;             // duration of a block that the device takes
    double jitter_s = 0.0;               // greatest lateness of a block
    double noise_s = 0.3e-3;             // standard deviation of a measured latency
    double outliers = 0.003;             // share of measurements with errors up to 20 ms
    double observe_s = 0.025;
    bool waits = false;  // a dry device waits; otherwise it goes on, and late sound is dropped
    unsigned seed = 1;
};

class TwoClocks {
public:
    struct Point {
        double time_s;
        double delay_s;     // from a frame's capture to the device
        double latency_s;   // as it would be measured without noise
        double pitch_cents;  // relative to the true ratio of the clocks
        double target_s;
    };

    TwoClocks(const World &world, entrain::LatencyController &controller)
        : world_(world), controller_(controller), random_(world.seed),
          queue_s_(controller.target_s()) {
        controller.restart(clock_s(0.0));
        next_read_ = world_.device_s * uniform();
        next_arrival_ = world_.block_s * uniform();
        captured_at_ = next_arrival_;
    }

    // Run up to a time.
    void run(double until_s) {
        while (std::min(next_arrival_, next_read_) < until_s)
            next_arrival_ <= next_read_ ? arrive() : read();
    }

    void lose() { ++losing_; }      // lose the next block
    void repeat() { ++repeating_; }
    void stall(double seconds) { next_arrival_ = std::max(next_arrival_, next_read_) + seconds; }
    // The device ran dry, after no sound had come for `late_s`.
    void run_dry(double late_s) {
        queue_s_ += controller_.underrun(clock_s(next_arrival_), late_s);
    }
    // The machine sleeps.  The controller's clock runs on or stops, and the queue afterwards is
    // arbitrary.
    void suspend(double seconds, bool clock_runs, double queue_s) {
        if (clock_runs) slept_s_ += seconds;
        queue_s_ = queue_s;
    }

    double time_s() const { return next_arrival_; }
    // Delay that the measured latency does not contain: mean lateness of the blocks.
    double lateness_s() const {
        double sum = 0.0;
        for (const Point &point : trace) sum += point.delay_s - point.latency_s;
        return sum / static_cast<double>(trace.size());
    }
    // Largest value of a figure between two times.
    double worst(double from_s, double to_s, const std::function<double(const Point &)> &of) const {
        double most = 0.0;
        for (const Point &point : trace)
            if (point.time_s >= from_s && point.time_s < to_s)
                most = std::max(most, std::abs(of(point)));
        return most;
    }
    double worst_pitch_cents(double from_s, double to_s = 1e9) const {
        return worst(from_s, to_s, [](const Point &point) { return point.pitch_cents; });
    }
    double worst_error_ms(double from_s, double to_s = 1e9) const {
        const double late_s = lateness_s();
        return worst(from_s, to_s, [late_s](const Point &point) {
            return 1e3 * (point.delay_s - late_s - point.target_s);
        });
    }

    std::vector<Point> trace;
    int underruns = 0;
    double most_queued_s = 0.0;

private:
    double uniform() { return std::generate_canonical<double, 32>(random_); }
    double clock_s(double time_s) const { return 100.0 + slept_s_ + time_s; }
    double in_speed() const { return 1.0 + 1e-6 * world_.in_ppm; }
    double out_speed() const { return 1.0 + 1e-6 * world_.out_ppm; }

    void read() {
        if (queue_s_ < world_.device_s) {
            ++underruns;
            queue_s_ += controller_.underrun(
                clock_s(next_read_),
                next_arrival_ - captured_at_ + world_.block_s + world_.device_s);
        }
        queue_s_ -= world_.device_s;
        if (world_.waits) queue_s_ = std::max(queue_s_, 0.0);
        next_read_ += world_.device_s / out_speed();
    }

    void write(double seconds) {
        const double dropped_s = std::min(to_drop_s_, seconds);
        to_drop_s_ -= dropped_s;
        queue_s_ += (seconds - dropped_s) * controller_.ratio();
        most_queued_s = std::max(most_queued_s, queue_s_);
    }

    void arrive() {
        const double now_s = next_arrival_;
        if (losing_ > 0) {
            --losing_;
        } else {
            write(world_.block_s);
        }
        for (; repeating_ > 0; --repeating_) write(world_.block_s);
        const double age_s = now_s - captured_at_;
        controller_.arrived(clock_s(now_s), age_s + world_.block_s + world_.device_s);
        captured_at_ += world_.block_s / in_speed();
        const double next = std::max(now_s, captured_at_ + world_.jitter_s * uniform());
        if (next > now_s && now_s - observed_at_ >= world_.observe_s) {
            observed_at_ = now_s;
            observe(now_s, age_s);
        }
        next_arrival_ = next;
    }

    void observe(double now_s, double age_s) {
        const double latency_s = queue_s_ + (next_read_ - now_s) * out_speed();
        double measured_s = latency_s + world_.noise_s * normal_(random_);
        if (uniform() < world_.outliers) measured_s += 0.04 * (uniform() - 0.5);
        const double correction_s = controller_.observe(clock_s(now_s), measured_s);
        if (correction_s > 0.0) to_drop_s_ += correction_s;
        if (correction_s < 0.0) queue_s_ -= correction_s;
        trace.push_back({now_s, latency_s + age_s, latency_s,
                         cents(controller_.ratio() * in_speed() / out_speed()),
                         controller_.target_s()});
    }

    const World world_;
    entrain::LatencyController &controller_;
    std::mt19937 random_;
    std::normal_distribution<double> normal_;
    double queue_s_;
    double next_read_ = 0.0;     // when the device takes a block
    double next_arrival_ = 0.0;  // when a block arrives
    double captured_at_ = 0.0;   // when the block's last frame was recorded
    double observed_at_ = 0.0;
    double slept_s_ = 0.0;
    double to_drop_s_ = 0.0;
    int losing_ = 0;
    int repeating_ = 0;
};

// Largest inaudible changes of pitch, while a stream settles and afterwards.
constexpr double kSettled_s = 10.0;
constexpr double kSettlingCents = 3.0;
constexpr double kCents = 0.2;

inline void check_pitch(const TwoClocks &clocks) {
    CHECK(clocks.worst_pitch_cents(0.0, kSettled_s) < kSettlingCents);
    CHECK(clocks.worst_pitch_cents(kSettled_s) < kCents);
}
