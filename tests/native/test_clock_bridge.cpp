// The bridge between two clocks loses nothing at the start, undoes the sink's volume, and keeps
// beats going through every break; its audio functions neither allocate nor lock.

#include "sound.h"
#include "trap.h"

#include "audio/clock_bridge.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <numeric>

using entrain::ClockBridge;
using entrain::Frames;

namespace {

constexpr double kTargetS = 0.008;
constexpr std::uint32_t kBlock = 96;  // 2 ms

struct Bench {
    explicit Bench(std::uint32_t out_hz = kRate) { bridge->set_rates(kRate, out_hz); }

    // Push one block of a constant value times `gain`, and collect the output.
    void push(float value, std::uint32_t frames = kBlock, std::array<float, 2> gain = {1, 1}) {
        std::vector<float> in(2 * frames);
        for (std::size_t i = 0; i < in.size(); ++i) in[i] = value * gain[i % 2];
        trap::enter();
        const Frames out = bridge->push(in.data(), frames);
        caught += trap::leave();
        take(out);
    }
    void start() {
        trap::enter();
        bridge->start(now_s);
        caught += trap::leave();
        while (true) {
            trap::enter();
            const Frames out = bridge->drain();
            caught += trap::leave();
            if (out.count == 0) return;
            take(out);
        }
    }
    void take(Frames out) {
        for (std::uint32_t i = 0; i < out.count; ++i) {
            left.push_back(out.samples[2 * i]);
            right.push_back(out.samples[2 * i + 1]);
        }
    }

    Engine engine;
    std::unique_ptr<ClockBridge> bridge = std::make_unique<ClockBridge>(engine, kTargetS);
    std::vector<float> left, right;
    double now_s = 100.0;
    long caught = 0;
};

std::size_t first_sound(const std::vector<float> &samples) {
    const auto found = std::find_if(samples.begin(), samples.end(),
                                    [](float x) { return std::abs(x) > 0.05F; });
    return static_cast<std::size_t>(found - samples.begin());
}

// Largest difference from a sine of this frequency (an integer in Hz) in the last second.
double residual(const std::vector<float> &samples, double frequency_hz, std::uint32_t rate_hz) {
    double real = 0, imaginary = 0;
    const std::size_t count = rate_hz, first = samples.size() - count;
    for (std::size_t i = 0; i < count; ++i) {
        const double phase = 2 * kPi * frequency_hz * static_cast<double>(i) / rate_hz;
        real += samples[first + i] * std::cos(phase);
        imaginary += samples[first + i] * std::sin(phase);
    }
    real *= 2.0 / static_cast<double>(count);
    imaginary *= 2.0 / static_cast<double>(count);
    double worst = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const double phase = 2 * kPi * frequency_hz * static_cast<double>(i) / rate_hz;
        worst = std::max(worst, std::abs(samples[first + i] - real * std::cos(phase) -
                                         imaginary * std::sin(phase)));
    }
    return worst;
}

}  // namespace

TEST_CASE("the first sample is heard, however late the device wakes") {
    Bench bench;
    for (int i = 0; i < 100; ++i) bench.push(0.0F);
    CHECK(bench.left.empty());
    for (int i = 0; i < 50; ++i) bench.push(0.25F);  // 100 ms without a device
    CHECK(bench.left.empty());
    bench.start();
    for (int i = 0; i < 50; ++i) bench.push(0.25F);

    const auto sounding = static_cast<double>(bench.left.size() - first_sound(bench.left));
    CHECK(sounding >= 100 * kBlock - 200);  // the rest is still inside the filters
    CHECK(bench.caught == 0);
}

TEST_CASE("a start fills the queue up to the target, silence first") {
    Bench bench;
    bench.push(0.0F);
    bench.push(0.25F);
    bench.start();
    const double queued_s = static_cast<double>(bench.left.size()) / kRate;
    CHECK(queued_s == doctest::Approx(kTargetS).epsilon(0.15));
}

// A device behind the bridge, whose queue is measured as a server does.
struct Device {
    explicit Device(Bench &of) : bench(of) {
        bench.start();
        queued_s = kTargetS;
    }
    // Let time pass; blocks arrive together at its end.
    void pass(double seconds, std::uint32_t blocks) {
        bench.now_s += seconds;
        const std::size_t before = bench.left.size();
        if (blocks > 0) is_too_late = bench.bridge->arrived(bench.now_s, blocks * kBlock);
        for (std::uint32_t i = 0; i < blocks; ++i) bench.push(0.25F);
        queued_s += static_cast<double>(bench.left.size() - before) / kRate - seconds;
    }
    void observe() {
        trap::enter();
        bench.bridge->observe(bench.now_s, queued_s);
        bench.caught += trap::leave();
    }
    void run(int blocks) {
        for (int i = 0; i < blocks; ++i) {
            pass(kBlockS, 1);
            if (i % 12 == 0) observe();
        }
    }
    static constexpr double kBlockS = static_cast<double>(kBlock) / kRate;

    Bench &bench;
    double queued_s;
    bool is_too_late = false;
};

TEST_CASE("after the device ran dry the queue returns to the target") {
    // Blocks that arrive at once, and late blocks that follow.
    std::uint32_t at_once = 0, later = 0;
    SUBCASE("hardly any sound is late") { at_once = 5; }
    SUBCASE("much sound comes at once") { at_once = 20; }
    SUBCASE("much sound is late, and comes little by little") { at_once = 2, later = 18; }
    Bench bench;
    Device device(bench);
    device.run(5000);
    for (const bool again : {false, true}) {
        CAPTURE(again);
        const double late_s = (at_once + later - 1) * Device::kBlockS;
        CHECK(!device.is_too_late);
        device.pass(late_s + Device::kBlockS, at_once);
        CHECK(device.is_too_late == (late_s + Device::kBlockS > bench.bridge->target_s()));
        trap::enter();
        bench.bridge->underrun(bench.now_s);
        while (true) {
            const Frames out = bench.bridge->drain();
            if (out.count == 0) break;
            device.queued_s += static_cast<double>(out.count) / kRate;
        }
        bench.caught += trap::leave();
        device.observe();
        for (std::uint32_t i = 0; i < later; ++i) device.pass(0.0, 1);
        const double target_s = bench.bridge->target_s();
        if (!again) CHECK(target_s == kTargetS);
        else CHECK(target_s > std::max(kTargetS + 0.004, late_s + 0.004));
        CHECK(device.queued_s == doctest::Approx(target_s).epsilon(0.05));
        device.run(1000);  // no later correction
        CHECK(device.queued_s == doctest::Approx(target_s).epsilon(0.05));
    }
    CHECK(bench.caught == 0);
}

TEST_CASE("late sound does not count as lost, however often it is late") {
    Bench bench;
    Device device(bench);
    device.run(5000);
    double most_off_s = 0.0;
    for (int i = 0; i < 200; ++i) {
        device.pass(5 * Device::kBlockS, 1);
        device.observe();
        device.pass(0.0, 4);
        most_off_s = std::max(most_off_s, std::abs(device.queued_s - kTargetS));
        device.run(i % 5);
    }
    CHECK(most_off_s < 0.3e-3);
}

TEST_CASE("a correction is heard as a short fade, not as a click") {
    double off_s = 0.0;
    std::uint32_t times = 1;  // the usual rate
    SUBCASE("longer than the fade") { off_s = 0.0153; }
    SUBCASE("shorter") { off_s = 0.0027; }
    SUBCASE("at a high rate") { off_s = 0.0153, times = 8; }
    const std::uint32_t rate_hz = times * kRate;
    const double step = 0.25 * 2 * kPi * 100.0 / rate_hz;  // between two frames of the tone
    Bench bench;
    bench.bridge->set_rates(rate_hz, rate_hz);
    Device device(bench);
    std::size_t frame = 0;
    for (std::uint32_t i = 0; i < 1000 * times; ++i) {
        const double block_s = Device::kBlockS / times;
        bench.now_s += block_s;
        device.queued_s -= block_s;
        std::vector<float> in(2 * kBlock);
        for (std::uint32_t k = 0; k < kBlock; ++k, ++frame)
            in[2 * k] = in[2 * k + 1] = static_cast<float>(
                0.25 * std::sin(2 * kPi * 100.0 * static_cast<double>(frame) / rate_hz));
        bench.bridge->arrived(bench.now_s, kBlock);
        trap::enter();
        const Frames out = bench.bridge->push(in.data(), kBlock);
        bench.caught += trap::leave();
        bench.take(out);
        device.queued_s += static_cast<double>(out.count) / rate_hz;
        if (i == 700 * times) device.queued_s += off_s;
        if (i % (12 * times) == 0) device.observe();
    }
    CHECK(std::abs(device.queued_s - kTargetS) < 0.5e-3);  // the correction has been made
    double most = 0.0;
    for (std::size_t i = bench.left.size() / 2; i + 1 < bench.left.size(); ++i)
        most = std::max(most, std::abs(double{bench.left[i + 1]} - double{bench.left[i]}));
    CHECK(most < step + 0.5 / (0.9 * rate_hz * std::min(off_s, 0.005)));
    CHECK(bench.caught == 0);
}

TEST_CASE("the bridge does not wait long for sound that never comes") {
    double lost_s = 0.0;
    SUBCASE("little") { lost_s = 0.1; }
    SUBCASE("much") { lost_s = 0.9; }
    Bench bench;
    Device device(bench);
    device.run(5000);
    device.pass(lost_s, 1);  // the server has lost the rest
    bench.bridge->underrun(bench.now_s);
    device.run(480);  // 0.96 s
    CHECK(device.queued_s == doctest::Approx(kTargetS).epsilon(0.06));
}

TEST_CASE("the sink's volume is undone") {
    Bench bench;
    bench.start();
    SUBCASE("half") {
        bench.bridge->set_gain({0.125F, 0.125F});
        for (int i = 0; i < 50; ++i) bench.push(0.25F, kBlock, {0.125F, 0.125F});
        CHECK(bench.left.back() == doctest::Approx(0.25).epsilon(0.001));
        CHECK(bench.right.back() == doctest::Approx(0.25).epsilon(0.001));
    }
    SUBCASE("one side lower than the other") {
        bench.bridge->set_gain({1e-3F, 0.5F});
        for (int i = 0; i < 400; ++i) bench.push(0.25F, kBlock, {1e-3F, 0.5F});
        CHECK(bench.left.back() == doctest::Approx(0.25).epsilon(0.001));
        CHECK(bench.right.back() == doctest::Approx(0.25).epsilon(0.001));
    }
    SUBCASE("above 100 %") {
        bench.bridge->set_gain({2.0F, 2.0F});
        for (int i = 0; i < 50; ++i) bench.push(0.25F, kBlock, {2.0F, 2.0F});
        CHECK(bench.left.back() == doctest::Approx(0.25).epsilon(0.001));
    }
    SUBCASE("below 1 % is silence") {
        bench.bridge->set_gain({0.9e-6F, 0.9e-6F});
        for (int i = 0; i < 50; ++i) bench.push(0.25F, kBlock, {0.9e-6F, 0.9e-6F});
        CHECK(bench.left.back() == 0.0F);
    }
    CHECK(bench.caught == 0);
}

TEST_CASE("no change of the volume is louder than before and after") {
    // The capture shows the change one block before, with, or after the notification.
    for (const int told : {-1, 0, 1}) {
        for (const bool rises : {true, false}) {
            CAPTURE(told);
            CAPTURE(rises);
            if (rises && told > 0) continue;  // the bridge cannot react to a late notification
            Bench bench;
            bench.start();
            const float before = rises ? 0.01F : 1.0F, after = rises ? 1.0F : 0.01F;
            bench.bridge->set_gain({before, before});
            for (int i = -200; i < 100; ++i) {
                if (i == told) bench.bridge->set_gain({after, after});
                const float gain = i < 0 ? before : after;
                bench.push(0.25F, kBlock, {gain, gain});
            }
            const float peak = *std::max_element(bench.left.begin(), bench.left.end());
            CHECK(peak < 0.26F);
            CHECK(bench.left.back() == doctest::Approx(0.25).epsilon(0.001));
        }
    }
}

TEST_CASE("beats are made in the device's clock and go on through every break") {
    for (const std::uint32_t out_hz : {kRate, 44100U}) {
        CAPTURE(out_hz);
        Bench bench(out_hz);
        entrain_set_rate(bench.engine, out_hz);
        bench.engine.route({bench.engine.binaural(400, 10, -20)});
        bench.start();
        for (int i = 0; i < 1000; ++i) {
            bench.now_s += 0.002;
            bench.push(0.0F);
            trap::enter();
            if (i % 10 == 5) {  // measure; some values are far off, so sound is dropped or inserted
                const double queued_s = i % 400 > 200 ? kTargetS + 0.02 : kTargetS;
                bench.bridge->observe(bench.now_s, queued_s);
            }
            if (i == 700) bench.bridge->underrun(bench.now_s);
            bench.caught += trap::leave();
        }
        CHECK(residual(bench.left, 405, out_hz) < 1e-6);
        CHECK(residual(bench.right, 395, out_hz) < 1e-6);
        CHECK(bench.caught == 0);
    }
}

TEST_CASE("sound passes unprocessed while the engine is at another rate") {
    Bench bench(44100);
    bench.start();
    for (int i = 0; i < 50; ++i) bench.push(0.25F);
    CHECK(bench.left.back() == doctest::Approx(0.25).epsilon(0.001));
}

TEST_CASE("a tone passes unchanged from any rate to any other") {
    // From hands-free headsets to the servers' highest rate; the sink keeps the first device's
    // rate.
    constexpr std::uint32_t kAll[] = {8000, 44100, 192000, 384000};
    for (const std::uint32_t in_hz : kAll)
        for (const std::uint32_t out_hz : kAll) {
            CAPTURE(in_hz);
            CAPTURE(out_hz);
            Bench bench;
            bench.bridge->set_rates(in_hz, out_hz);
            bench.start();
            std::vector<float> in(2 * ClockBridge::kBlockFrames);
            std::uint64_t frame = 0;
            for (double seconds = 0.0; seconds < 1.2;
                 seconds += static_cast<double>(ClockBridge::kBlockFrames) / in_hz) {
                for (std::uint32_t i = 0; i < ClockBridge::kBlockFrames; ++i, ++frame)
                    in[2 * i] = in[2 * i + 1] = static_cast<float>(
                        0.1 * std::sin(2 * kPi * 1000.0 * static_cast<double>(frame % in_hz) /
                                       in_hz));
                trap::enter();
                const Frames out = bench.bridge->push(in.data(), ClockBridge::kBlockFrames);
                bench.caught += trap::leave();
                bench.take(out);
            }
            CHECK(static_cast<double>(bench.left.size()) / out_hz ==
                  doctest::Approx(1.2).epsilon(0.05));
            REQUIRE(bench.left.size() > out_hz);
            CHECK(20.0 * std::log10(residual(bench.left, 1000.0, out_hz) / 0.1) < -100.0);
            CHECK(bench.caught == 0);
        }
}
