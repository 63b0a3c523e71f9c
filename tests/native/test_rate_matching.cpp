// Two clocks are matched by pitch that nobody hears: in a simulator, and on tones.
//
// Limits: 0.2 cent once settled, 3 cents in the first ten seconds, 1 ms of latency.

#include "two_clocks.h"

#include "sound.h"
#include "trap.h"

#include "audio/rate_matcher.h"

#include <doctest/doctest.h>

#include <limits>

using entrain::LatencyController;
using entrain::LatencySettings;
using entrain::RateMatcher;

namespace {

constexpr double kSettled_s = 10.0;
constexpr double kSettlingCents = 3.0;
constexpr double kCents = 0.2;

void check_pitch(const TwoClocks &clocks) {
    CHECK(clocks.worst_pitch_cents(0.0, kSettled_s) < kSettlingCents);
    CHECK(clocks.worst_pitch_cents(kSettled_s) < kCents);
}

// A tone of amplitude 0.5, resampled as the controller says while it learns the clocks' ratio.
// What is not that tone, in dB against it: the tone is fitted where the ratios say it is.
double distortion_db(double tone_hz, double base_ratio) {
    constexpr std::uint32_t kBlock = 96;
    constexpr double kBlock_s = 0.002;
    constexpr int kBlocks = 750;
    RateMatcher matcher;
    LatencyController controller({});
    std::mt19937 random(3);
    std::normal_distribution<double> noise(0.0, 0.3e-3);
    const std::uint32_t room = RateMatcher::room_for(kBlock, base_ratio);
    std::vector<float> in(2 * kBlock), out(2 * room);
    std::vector<double> phases, samples;
    double latency_s = controller.target_s();
    double position = 0.0;  // of the next output frame, in input frames
    std::uint32_t frame = 0;
    for (int block = 0; block < kBlocks; ++block) {
        latency_s += (controller.ratio() - 1.0 + 500e-6) * kBlock_s;
        if (block % 12 == 0) controller.observe(block * kBlock_s, latency_s + noise(random));
        const double ratio = base_ratio * controller.ratio();
        for (std::uint32_t i = 0; i < kBlock; ++i, ++frame) {
            in[2 * i] = static_cast<float>(0.5 * std::sin(2.0 * kPi * tone_hz * frame / kRate));
            in[2 * i + 1] = -in[2 * i];
        }
        const std::uint32_t made = matcher.process(in.data(), kBlock, ratio, out.data(), room);
        for (std::uint32_t i = 0; i < made; ++i, position += 1.0 / ratio) {
            phases.push_back(2.0 * kPi * tone_hz * position / kRate);
            samples.push_back(double{out[2 * i]});
            REQUIRE(out[2 * i + 1] == -out[2 * i]);
        }
    }
    CHECK(std::abs(controller.ratio() - 1.0) > 100e-6);  // it has moved
    // Least squares for a sine and a cosine.
    double ss = 0, sc = 0, cc = 0, ys = 0, yc = 0;
    const std::size_t first = 4800;  // after the onset
    for (std::size_t i = first; i < samples.size(); ++i) {
        const double s = std::sin(phases[i]), c = std::cos(phases[i]);
        ss += s * s, sc += s * c, cc += c * c, ys += samples[i] * s, yc += samples[i] * c;
    }
    const double determinant = ss * cc - sc * sc;
    const double sine = (ys * cc - yc * sc) / determinant;
    const double cosine = (yc * ss - ys * sc) / determinant;
    CHECK(std::hypot(sine, cosine) == doctest::Approx(0.5).epsilon(0.01));
    double tone = 0, rest = 0;
    for (std::size_t i = first; i < samples.size(); ++i) {
        const double fit = sine * std::sin(phases[i]) + cosine * std::cos(phases[i]);
        tone += fit * fit;
        rest += (samples[i] - fit) * (samples[i] - fit);
    }
    return 10.0 * std::log10(rest / tone);
}

}  // namespace

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

TEST_CASE("a spell of wrong answers is not taken for lost sound") {
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
                    // The clocks' ratio is remembered: far from the 3 cents of a first start.
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
        REQUIRE(correction_s <= 1.0);  // or it would be deaf for 30 years
    }
    double off_s = 0.02;
    for (int i = 0; i < 2000; ++i) off_s -= controller.observe(time_s += 0.03, 0.01 + off_s);
    CHECK(std::abs(off_s) < 0.5e-3);
    CHECK(std::abs(cents(controller.ratio())) < kCents);
}

TEST_CASE("resampled tones keep THD+N below -100 dB while the ratio moves") {
    for (const double tone_hz : {50.0, 440.0, 1000.0, 4000.0, 10000.0, 16000.0}) {
        CAPTURE(tone_hz);
        CHECK(distortion_db(tone_hz, 1.0) < -100.0);
    }
    CHECK(distortion_db(19000.0, 1.0) < -100.0);
    CHECK(distortion_db(20000.0, 1.0) < -100.0);
    for (const double base_ratio : {44100.0 / 48000.0, 2.0}) {
        CAPTURE(base_ratio);
        CHECK(distortion_db(997.0, base_ratio) < -100.0);
        CHECK(distortion_db(16000.0, base_ratio) < -100.0);
    }
}

TEST_CASE("all input is used at once and comes out a constant time later") {
    std::mt19937 random(6);
    for (const double base_ratio : {0.25, 0.5, 44100.0 / 48000.0, 1.0, 2.0, 4.0}) {
        CAPTURE(base_ratio);
        RateMatcher matcher;
        REQUIRE(matcher.valid());
        double expected = 0.0, worst = 0.0;
        std::uint64_t made = 0;
        for (int block = 0; block < 200; ++block) {
            const double ppm = static_cast<double>(random() % 3000) - 1500.0;
            const double ratio = base_ratio * (1.0 + 1e-6 * ppm);
            const auto frames = static_cast<std::uint32_t>(1 + random() % 2048);
            const std::uint32_t room = RateMatcher::room_for(frames, ratio);
            std::vector<float> in(2 * frames, 0.1F), out(2 * room);
            const std::uint32_t now = matcher.process(in.data(), frames, ratio, out.data(), room);
            REQUIRE(now < room);
            made += now;
            expected += frames * ratio;
            if (made == 0) continue;
            const double waiting = (expected - static_cast<double>(made)) / base_ratio;
            worst = std::max(worst, std::abs(waiting - matcher.delay_frames(base_ratio)));
        }
        CHECK(worst < 1.0 + 2.0 / std::min(base_ratio, 1.0));
    }
    RateMatcher matcher;
    CHECK(matcher.delay_frames(1.0) / kRate < 0.001);
}

TEST_CASE("pieces of any length give the same sound") {
    std::mt19937 random(8);
    std::vector<float> in(2 * 20000);
    for (float &sample : in) sample = std::generate_canonical<float, 24>(random) - 0.5F;
    for (const double ratio : {0.9985, 1.0, 1.0001, 1.0015}) {
        CAPTURE(ratio);
        RateMatcher whole, pieces;
        std::vector<float> one(2 * 20100), other(2 * 20100);
        const std::uint32_t made = whole.process(in.data(), 20000, ratio, one.data(), 20100);
        std::uint32_t at = 0, come = 0;
        while (at < 20000) {
            const auto frames = std::min(20000 - at, static_cast<std::uint32_t>(1 + random() % 700));
            come += pieces.process(in.data() + 2 * at, frames, ratio, other.data() + 2 * come,
                                   20100 - come);
            at += frames;
        }
        REQUIRE(come == made);
        double worst = 0.0;
        for (std::size_t i = 0; i < 2 * made; ++i)
            worst = std::max(worst, std::abs(double{one[i]} - double{other[i]}));
        CHECK(worst < 1e-6);
    }
}

TEST_CASE("a click comes out where delay_frames() says") {
    RateMatcher matcher;
    std::vector<float> in(2000), out(2000);
    in[2 * 300] = 1.0F;
    const std::uint32_t made = matcher.process(in.data(), 1000, 1.0, out.data(), 1000);
    CHECK(made == 1000 - static_cast<std::uint32_t>(matcher.delay_frames(1.0)));
    std::size_t peak = 0;
    for (std::size_t i = 0; i < made; ++i)
        if (out[2 * i] > out[2 * peak]) peak = i;
    CHECK(peak == 300);  // of the sound that came out at once: the rest is still inside
    matcher.reset();
    in[2 * 300] = 0.0F;
    CHECK(matcher.process(in.data(), 1000, 1.0, out.data(), 1000) == made);
    for (std::size_t i = 0; i < made; ++i) REQUIRE(out[2 * i] == 0.0F);
    CHECK(matcher.process(in.data(), 0, 1.0, out.data(), 1000) == 0);
    CHECK(matcher.process(in.data(), 1000, 1.0, out.data(), 10) == 10);  // no room: no harm
}

TEST_CASE("matching neither allocates nor locks") {
    RateMatcher matcher;
    LatencyController controller({});
    const std::vector<float> in(2 * 4096, 0.25F);
    std::vector<float> out(2 * 20000);
    std::mt19937 random(7);
    long caught = 0;
    double time_s = 0.0;
    for (int i = 0; i < 3000; ++i) {
        trap::enter();
        if (i % 500 == 499) controller.restart(time_s);
        if (i % 100 == 99) controller.underrun(time_s, 0.02);
        if (i % 300 == 299) matcher.reset();
        const double noise_s = 1e-6 * static_cast<double>(random() % 4000);
        const double jump_s = i % 200 < 100 ? 0.008 : 0.0;
        controller.observe(time_s += i % 700 ? 0.02 : 10.0, 0.01 + noise_s + jump_s);
        matcher.process(in.data(), static_cast<std::uint32_t>(random() % 512), controller.ratio(),
                        out.data(), 20000);
        caught += trap::leave();
    }
    CHECK(caught == 0);
    CHECK(controller.corrections() > 10);
}
