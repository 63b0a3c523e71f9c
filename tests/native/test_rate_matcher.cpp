// The resampler between two clocks: its sound, its delay, and its processing time.

#include "two_clocks.h"

#include "sound.h"
#include "trap.h"

#include "audio/rate_matcher.h"

#include <doctest/doctest.h>

using entrain::LatencyController;
using entrain::RateMatcher;

namespace {

// Distortion, in dB relative to a tone of amplitude 0.5 that is resampled while the controller
// learns the clock ratio.  The expected tone is fitted at the positions that follow from the
// ratios.
double distortion_db(double tone_hz, double base_ratio) {
    constexpr std::uint32_t kBlock = 96;
    constexpr double kBlock_s = 0.002;
    constexpr int kBlocks = 750;
    RateMatcher matcher;
    matcher.set_nominal_ratio(base_ratio);
    LatencyController controller({});
    std::mt19937 random(3);
    std::normal_distribution<double> noise(0.0, 0.3e-3);
    const std::uint32_t room = RateMatcher::room_for(kBlock, base_ratio);
    std::vector<float> in(2 * kBlock), out(2 * room);
    std::vector<double> phases, samples;
    double latency_s = controller.target_s();
    double position = 0.0;  // next output frame, in input frames
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
    CHECK(std::abs(controller.ratio() - 1.0) > 100e-6);  // the ratio has moved
    // Least squares fit of a sine and a cosine.
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
        matcher.set_nominal_ratio(base_ratio);
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
            worst = std::max(worst, std::abs(waiting - matcher.delay_frames()));
        }
        CHECK(worst < 1.0 + 2.0 / std::min(base_ratio, 1.0));
    }
    RateMatcher matcher;
    CHECK(matcher.delay_frames() / kRate < 0.001);
}

TEST_CASE("input in pieces of any length gives the same sound") {
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

TEST_CASE("rates that hardly differ are matched by one resampler, whatever the controller does") {
    constexpr double kNominal = 47952.0 / 48000.0;
    RateMatcher matcher;
    matcher.set_nominal_ratio(kNominal);
    std::vector<float> in(2 * 96), out(2 * 110);
    std::uint32_t frame = 0;
    float last = 0.0F, step = 0.0F;
    for (int block = 0; block < 400; ++block) {
        for (std::uint32_t i = 0; i < 96; ++i, ++frame)
            in[2 * i] = static_cast<float>(0.5 * std::sin(2.0 * kPi * 440.0 * frame / kRate));
        const double ratio = kNominal * (1.0 - 1e-6 * (900.0 + block));  // past a difference of 0.2 %
        const std::uint32_t made = matcher.process(in.data(), 96, ratio, out.data(), 110);
        for (std::uint32_t i = 0; i < made; ++i) {
            step = std::max(step, std::abs(out[2 * i] - last));
            last = out[2 * i];
        }
    }
    CHECK(step < 0.04F);
}

TEST_CASE("a click comes out where delay_frames() says") {
    RateMatcher matcher;
    std::vector<float> in(2000), out(2000);
    in[2 * 300] = 1.0F;
    const std::uint32_t made = matcher.process(in.data(), 1000, 1.0, out.data(), 1000);
    CHECK(made == 1000 - static_cast<std::uint32_t>(matcher.delay_frames()));
    std::size_t peak = 0;
    for (std::size_t i = 0; i < made; ++i)
        if (out[2 * i] > out[2 * peak]) peak = i;
    CHECK(peak == 300);  // in the output so far; the rest is still inside
    matcher.reset();
    in[2 * 300] = 0.0F;
    CHECK(matcher.process(in.data(), 1000, 1.0, out.data(), 1000) == made);
    for (std::size_t i = 0; i < made; ++i) REQUIRE(out[2 * i] == 0.0F);
    CHECK(matcher.process(in.data(), 0, 1.0, out.data(), 1000) == 0);
    CHECK(matcher.process(in.data(), 1000, 1.0, out.data(), 10) == 10);  // no harm
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
