// The latency controller matches two simulated clocks by inaudible changes of pitch.
//
// Limits: 0.2 cent once settled, 3 cents in the first ten seconds, 1 ms of latency.

#include "two_clocks.h"

#include "sound.h"

#include "audio/rate_matcher.h"

#include <doctest/doctest.h>

#include <limits>

using entrain::LatencyController;
using entrain::LatencySettings;

TEST_CASE("neither drift nor jitter of half the target breaks the sound or is heard") {
    for (const double jitter_s : {0.0, 0.005})
        for (const double in_ppm : {-500.0, 0.0, 500.0})
            for (const double out_ppm : {-500.0, 0.0, 500.0})
                for (const unsigned seed : {1U, 2U}) {
                    World world;
                    world.in_ppm = in_ppm;
                    world.out_ppm = out_ppm;
                    world.jitter_s = jitter_s;
                    world.seed = seed;
                    CAPTURE(jitter_s);
                    CAPTURE(in_ppm);
                    CAPTURE(out_ppm);
                    CAPTURE(seed);
                    LatencyController controller({});
                    TwoClocks clocks(world, controller);
                    clocks.run(40.0);
                    check_pitch(clocks);
                    CHECK(clocks.underruns == 0);
                    CHECK(clocks.most_queued_s < 2.0 * controller.target_s());
                    CHECK(clocks.worst_error_ms(kSettled_s) < 1.0);
                    CHECK(controller.corrections() <= 1);  // at the start
                    CHECK(1e6 * std::abs(controller.clock_ratio() -
                                         (1.0 + 1e-6 * out_ppm) / (1.0 + 1e-6 * in_ppm)) < 60.0);
                }
}

TEST_CASE("noise of 2 ms in the measured latency is not heard") {
    for (const unsigned seed : {1U, 2U, 3U})
        for (const double ppm : {-500.0, 500.0}) {
            World world;
            world.in_ppm = ppm;
            world.noise_s = 0.002;
            world.observe_s = 0.02;
            world.seed = seed;
            LatencyController controller({});
            TwoClocks clocks(world, controller);
            clocks.run(40.0);
            check_pitch(clocks);
            CHECK(clocks.underruns == 0);
            CHECK(controller.noise_s() == doctest::Approx(0.002).epsilon(0.3));
        }
}

TEST_CASE("after a lost or doubled block the latency is back within a second") {
    for (const unsigned seed : {1U, 2U, 3U})
        for (const double block_s : {0.002, 0.005})
            for (const bool is_lost : {true, false}) {
                World world;
                world.in_ppm = 500.0;
                world.out_ppm = -200.0;
                world.jitter_s = 0.001;
                world.block_s = block_s;
                world.seed = seed;
                CAPTURE(seed);
                CAPTURE(block_s);
                CAPTURE(is_lost);
                LatencyController controller({});
                TwoClocks clocks(world, controller);
                for (double at_s = 15.0; at_s < 60.0; at_s += 11.0) {
                    clocks.run(at_s);
                    is_lost ? clocks.lose() : clocks.repeat();
                    clocks.run(at_s + 10.0);
                    CHECK(clocks.worst_error_ms(at_s, at_s + 0.1) > 1.5);
                    CHECK(clocks.worst_error_ms(at_s + 1.0, at_s + 10.0) < 1.0);
                }
                check_pitch(clocks);
                CHECK(controller.corrections() >= 5);
                CHECK(controller.corrections() <= 6);
            }
}

TEST_CASE("a spell of wrong measurements does not count as lost sound") {
    for (const unsigned seed : {1U, 2U, 3U, 4U, 5U}) {
        CAPTURE(seed);
        std::mt19937 random(seed);
        const auto uniform = [&random] { return std::generate_canonical<double, 32>(random); };
        LatencyController controller({});
        controller.restart(0.0);
        constexpr double kStep_s = 0.03;
        double worst_s = 0.0, latency_s = controller.target_s();
        for (int step = 0; step < 10000; ++step) {
            const bool is_spell = step > 1000 && step % 400 < 25;  // 0.75 s
            double answer_s = latency_s + 0.2e-3 * (uniform() - 0.5);
            if (is_spell && uniform() < 0.7) answer_s += 0.03 * uniform();
            latency_s -= controller.observe(step * kStep_s, answer_s);
            latency_s += (controller.ratio() - 1.0) * kStep_s;
            worst_s = std::max(worst_s, std::abs(latency_s - controller.target_s()));
        }
        CHECK(controller.corrections() <= 1);  // at the start
        CHECK(worst_s < 1e-3);
    }
}

TEST_CASE("after a suspension the latency is back within a second") {
    for (const unsigned seed : {1U, 2U, 3U})
        for (const bool clock_runs : {true, false})
            for (const double queue_s : {0.0, 0.003, 0.015, 0.1}) {
                World world;
                world.in_ppm = -500.0;
                world.out_ppm = 300.0;
                world.jitter_s = 0.001;
                world.seed = seed;
                CAPTURE(seed);
                CAPTURE(clock_runs);
                CAPTURE(queue_s);
                LatencyController controller({});
                TwoClocks clocks(world, controller);
                for (const double slept_s : {3.0, 3600.0, 36000.0}) {
                    const double at_s = clocks.time_s() + 15.0;
                    clocks.run(at_s);
                    clocks.suspend(slept_s, clock_runs, queue_s);
                    clocks.run(at_s + 10.0);
                    CHECK(clocks.worst_error_ms(at_s + 1.0, at_s + 10.0) < 1.0);
                    // The clock ratio is kept, so the pitch moves far less than the 3 cents of a
                    // first start.
                    const double limit_cents = clock_runs ? 1.0 : kCents;
                    CHECK(clocks.worst_pitch_cents(at_s, at_s + 10.0) < limit_cents);
                }
            }
}

TEST_CASE("a day, with clocks that wander by 100 ppm and underruns now and then") {
    // One step for each observation; no queue in blocks, hence thirty times as fast.
    constexpr double kStep_s = 0.05;
    std::mt19937 random(4);
    const auto uniform = [&random] { return std::generate_canonical<double, 32>(random); };
    LatencyController controller({});
    controller.restart(0.0);
    double latency_s = controller.target_s();
    double walk_ppm = 200.0, worst_early_cents = 0.0, worst_cents = 0.0, worst_ms = 0.0;
    double highest_s = 0.0, lowest_s = 1.0, last_underrun_s = 0.0;
    bool is_bounded = true;
    for (int step = 0; step < 24 * 3600 * 20; ++step) {
        const double time_s = step * kStep_s;
        walk_ppm += 0.1 * (uniform() - 0.5);
        const double in_ppm = 100.0 * std::sin(2.0 * kPi * time_s / 7200.0);
        const double true_ratio = (1.0 + 1e-6 * walk_ppm) / (1.0 + 1e-6 * in_ppm);
        latency_s += (controller.ratio() - true_ratio) * kStep_s;
        const double noise_s = 2e-3 * (uniform() + uniform() - 1.0);
        const double outlier_s = uniform() < 0.002 ? 0.03 * (uniform() - 0.5) : 0.0;
        const double before = controller.ratio();
        latency_s -= controller.observe(time_s, latency_s + noise_s + outlier_s);
        if (step % (5 * 3600 * 20) > 5 * 3600 * 20 - 4 * 20 * 60 && step % 1200 == 0)
            latency_s += controller.underrun(last_underrun_s = time_s, 0.0);
        highest_s = std::max(highest_s, controller.target_s());
        lowest_s = std::min(lowest_s, controller.target_s());
        const double ratio = controller.ratio();
        is_bounded = is_bounded && std::abs(ratio - 1.0) <= LatencyController::kMaxDeviation;
        const double off_cents = std::abs(cents(ratio / true_ratio));
        double &worst = time_s < kSettled_s ? worst_early_cents : worst_cents;
        worst = std::max(worst, off_cents);
        if (time_s > kSettled_s) {
            is_bounded = is_bounded && std::abs(ratio - before) < 50e-6 * kStep_s;
            const double off_ms = 1e3 * std::abs(latency_s - controller.target_s());
            if (time_s - last_underrun_s > 1.0) worst_ms = std::max(worst_ms, off_ms);
        }
    }
    CHECK(is_bounded);
    CHECK(worst_early_cents < kSettlingCents);
    CHECK(worst_cents < kCents);
    CHECK(worst_ms < 1.0);
    CHECK(highest_s > 0.0119);
    CHECK(lowest_s == 0.010);
    CHECK(controller.target_s() == 0.010);
}

TEST_CASE("nonsense does no harm") {
    LatencyController controller({});
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const double infinity = std::numeric_limits<double>::infinity();
    double time_s = 0.0;
    std::mt19937 random(5);
    for (int i = 0; i < 20000; ++i) {
        time_s += 0.03;
        double told_s = time_s, latency_s = 0.01;
        switch (random() % 8) {
            case 0: latency_s = nan; break;
            case 1: latency_s = 1e9; break;
            case 2: latency_s = -1e9; break;
            case 3: told_s = nan; break;
            case 4: told_s = infinity; break;
            case 5: told_s = time_s - 1000.0; break;
            case 6: controller.underrun(nan, 0.0); break;
            case 7: controller.underrun(told_s, nan); break;
            case 8: controller.arrived(nan, 0.01); break;
            case 9: controller.arrived(infinity, nan); break;
            default: break;
        }
        const double correction_s = controller.observe(told_s, latency_s);
        REQUIRE(std::isfinite(correction_s));
        REQUIRE(std::abs(controller.ratio() - 1.0) <= LatencyController::kMaxDeviation);
        REQUIRE(controller.target_s() >= 0.010);
        REQUIRE(controller.target_s() <= LatencySettings{}.maximum_s);
    }
    for (int i = 0; i < 100; ++i) {
        const double correction_s = controller.observe(time_s += 0.03, 1e9);
        REQUIRE(correction_s <= 1.0);  // a larger one would blind the controller for 30 years
    }
    double off_s = 0.02;
    for (int i = 0; i < 2000; ++i) off_s -= controller.observe(time_s += 0.03, 0.01 + off_s);
    CHECK(std::abs(off_s) < 0.5e-3);
    CHECK(std::abs(cents(controller.ratio())) < kCents);
}
