// Automation: values, curves, frames, and the session's clock.

#include "audio/automation.h"
#include "sound.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace {

using entrain::Breakpoint;
using entrain::Curve;
using entrain::Lane;

constexpr double at(std::size_t frame) { return static_cast<double>(frame) / kRate; }

// The left ear of a tone of amplitude 0.1 * sqrt(2), with a frequency for each frame.
template <class Frequency> std::vector<double> expected_tone(std::size_t frames, Frequency hz) {
    std::vector<double> tone(frames);
    double phase = 0.0;
    for (std::size_t i = 0; i < frames; ++i) {
        tone[i] = 0.1 * std::sqrt(2.0) * std::sin(2.0 * kPi * phase);
        phase += hz(i) / kRate;
    }
    return tone;
}

// Largest difference between output and expected tone from `first` on, in dB below the tone.
double error_db(const Engine &engine, const Sound &out, const std::vector<double> &tone,
                std::size_t first) {
    const std::size_t latency = entrain_latency_frames(engine);
    double worst = 0.0;
    for (std::size_t i = first; i + latency < out.left.size(); ++i)
        worst = std::max(worst, std::fabs(double{out.left[i + latency]} - tone[i]));
    return 20.0 * std::log10(worst / 0.1414);
}

float shown(entrain_engine *engine, std::uint32_t layer, const char *symbol) {
    float value = 0.0F;
    REQUIRE(entrain_get_parameter(engine, layer, symbol, 0, &value) == ENTRAIN_OK);
    return value;
}

constexpr std::size_t kFadeIn = kRate / 20;

}  // namespace

TEST_CASE("a lane has the value of its curve") {
    std::size_t cursor = 99;  // any value is allowed
    const Lane lane{0,
                    {{100, 1.0, Curve::step},
                     {200, 2.0, Curve::linear},
                     {300, 4.0, Curve::exponential},
                     {400, 16.0, Curve::smooth},
                     {500, 0.0, Curve::linear}}};
    const auto value = [&](std::uint64_t frame) { return lane.at(frame, cursor).value; };
    CHECK(value(0) == 1.0);
    CHECK(value(199) == 1.0);
    CHECK(value(200) == 2.0);
    CHECK(value(250) == 3.0);
    CHECK(value(300) == 4.0);
    CHECK(value(350) == doctest::Approx(8.0));
    CHECK(value(450) == doctest::Approx(8.0));
    CHECK(value(425) == doctest::Approx(16.0 * (1.0 - 0.15625)));
    CHECK(value(10'000'000) == 0.0);
    CHECK(value(150) == 1.0);  // backwards too

    CHECK(lane.at(0, cursor).next == 100);
    CHECK(lane.at(199, cursor).next == 1);
    CHECK(lane.at(250, cursor).next == 50);
    CHECK(lane.at(500, cursor).next == Lane::kNever);
    CHECK_FALSE(lane.at(150, cursor).moves);
    CHECK(lane.at(250, cursor).moves);
    CHECK_FALSE(lane.at(501, cursor).moves);
}

TEST_CASE("a lane with a loop repeats") {
    std::size_t cursor = 0;
    const Lane lane{0, {{0, 0.0, Curve::linear}, {100, 10.0, Curve::linear}}, 150};
    CHECK(lane.at(120, cursor).value == 10.0);
    CHECK(lane.at(120, cursor).next == 30);
    CHECK(lane.at(150, cursor).value == 0.0);
    CHECK(lane.at(150 * 1000 + 50, cursor).value == 5.0);
}

TEST_CASE("a step lands on its frame, on the grid and beside it") {
    for (const std::size_t frame : {9600U, 9601U, 9607U, 9615U}) {
        Engine engine;
        const std::uint32_t tone = engine.binaural(400, 0, -20);
        engine.automate(tone, "carrier_hz",
                        {{0, 400, ENTRAIN_CURVE_STEP}, {at(frame), 700, ENTRAIN_CURVE_STEP}});
        engine.route({tone}, true);
        const Sound in(kRate);
        Sound out(kRate);
        engine.run(in, out, 0, kRate, {480});
        const auto tone_at = [&](std::size_t when) {
            return expected_tone(kRate, [&](std::size_t i) { return i < when ? 400.0 : 700.0; });
        };
        CHECK(error_db(engine, out, tone_at(frame), kFadeIn) < -120.0);
        CHECK(error_db(engine, out, tone_at(frame + 1), kFadeIn) > -60.0);
    }
}

TEST_CASE("a ramp is followed on the grid, from breakpoint to breakpoint") {
    Engine engine;
    const std::uint32_t tone = engine.binaural(400, 0, -20);
    const std::size_t begin = 4805, end = 24003;
    engine.automate(tone, "carrier_hz",
                    {{at(begin), 400, ENTRAIN_CURVE_LINEAR}, {at(end), 800, ENTRAIN_CURVE_LINEAR}});
    engine.route({tone}, true);
    const Sound in(kRate);
    Sound out(kRate);
    engine.run(in, out, 0, kRate, {480});
    // A value holds for 16 frames, one step of the grid; the last breakpoint has an exact frame.
    const auto tone_hz = [&](std::size_t i) {
        if (i >= end) return 800.0;
        const std::size_t step = std::max(i / 16 * 16, begin);
        return i < begin ? 400.0
                         : 400.0 + 400.0 * static_cast<double>(step - begin) /
                                       static_cast<double>(end - begin);
    };
    CHECK(error_db(engine, out, expected_tone(kRate, tone_hz), kFadeIn) < -100.0);
}

TEST_CASE("amount takes a layer away and brings it back, to the bit") {
    Engine engine;
    const std::uint32_t tone = engine.binaural(400, 10, -20);
    engine.automate(tone, "amount",
                    {{0, 0, ENTRAIN_CURVE_STEP},
                     {at(9603), 1, ENTRAIN_CURVE_STEP},
                     {at(20001), 0, ENTRAIN_CURVE_STEP}});
    engine.route({tone}, true);
    const Sound in(kRate);
    Sound out(kRate);
    engine.run(in, out, 0, kRate, {480});
    const std::size_t latency = entrain_latency_frames(engine);
    const auto loud = [](float sample) { return sample != 0.0F; };
    const auto begin = out.left.begin();
    const auto first = std::find_if(begin, out.left.end(), loud) - begin;
    CHECK(static_cast<std::size_t>(first) == 9603 + latency);
    const auto last = std::find_if(out.left.rbegin(), out.left.rend(), loud).base() - begin;
    CHECK(static_cast<std::size_t>(last) == 20001 + latency + 15);  // a ramp of 16 frames to zero
}

TEST_CASE("requests to the clock between two callbacks are carried out in order") {
    Engine engine;
    const Sound in(4800);
    Sound out(4800);
    double seconds = 0.0;
    int runs = 0;
    engine.run(in, out, 0, 480, {480});
    entrain_seek_session(engine, 5.0);
    entrain_run_session(engine, 0);
    engine.route({}, true);
    engine.run(in, out, 0, 4800, {480});
    entrain_read_session(engine, &seconds, &runs);
    CHECK(seconds == 0.1);
    CHECK(runs == 1);

    entrain_seek_session(engine, 2.0);
    entrain_set_rate(engine, 96000);
    engine.run(in, out, 0, 4800, {480});
    entrain_set_rate(engine, 48000);
    entrain_read_session(engine, &seconds, &runs);
    CHECK(seconds == 2.05);
}

TEST_CASE("a session that restarts is at 0 s at once, even before the callback runs") {
    Engine engine;
    const Sound in(4 * kRate);
    Sound out(4 * kRate);
    double seconds = -1.0;
    int runs = 0;
    engine.route({}, true);
    engine.run(in, out, 0, 2 * kRate, {480});
    entrain_read_session(engine, &seconds, &runs);
    CHECK(seconds == 2.0);

    engine.route({}, true);  // no callback runs in the meantime
    entrain_read_session(engine, &seconds, &runs);
    CHECK(seconds == 0.0);
    entrain_set_rate(engine, 96000);
    entrain_set_rate(engine, 48000);
    entrain_read_session(engine, &seconds, &runs);
    CHECK(seconds == 0.0);
    entrain_seek_session(engine, 1.5);
    entrain_read_session(engine, &seconds, &runs);
    CHECK(seconds == doctest::Approx(1.5));

    engine.route({}, true);
    engine.run(in, out, 2 * kRate, 480, {480});
    entrain_read_session(engine, &seconds, &runs);
    CHECK(seconds == 0.01);
}

TEST_CASE("the clock starts with the protocol, pauses and seeks") {
    Engine engine;
    const std::uint32_t tone = engine.binaural(400, 0, -20);
    engine.automate(tone, "beat_hz", {{0, 0, ENTRAIN_CURVE_LINEAR}, {1, 40, ENTRAIN_CURVE_LINEAR}});
    const Sound in(4 * kRate);
    Sound out(4 * kRate);
    engine.run(in, out, 0, 1000, {100});  // before the session has begun
    engine.route({tone}, true);
    engine.run(in, out, 1000, kRate / 2, {480});
    double seconds = 0.0;
    int runs = 0;
    entrain_read_session(engine, &seconds, &runs);
    CHECK(seconds == 0.5);
    CHECK(runs == 1);
    CHECK(shown(engine, tone, "beat_hz") == doctest::Approx(20.0).epsilon(0.001));

    entrain_run_session(engine, 0);
    engine.run(in, out, 30000, 9600, {480});
    entrain_read_session(engine, &seconds, &runs);
    CHECK(seconds == 0.5);
    CHECK(runs == 0);
    CHECK(shown(engine, tone, "beat_hz") == doctest::Approx(20.0).epsilon(0.001));

    REQUIRE(entrain_seek_session(engine, 0.75) == ENTRAIN_OK);
    entrain_read_session(engine, &seconds, &runs);
    CHECK(seconds == doctest::Approx(0.75));  // before any callback
    CHECK(runs == 0);
    engine.run(in, out, 39600, 240, {16});  // a quarter of the 20 ms
    CHECK(shown(engine, tone, "beat_hz") == doctest::Approx(22.5).epsilon(0.01));
    engine.run(in, out, 39840, 960, {480});
    CHECK(shown(engine, tone, "beat_hz") == doctest::Approx(30.0).epsilon(0.001));

    entrain_run_session(engine, 1);
    engine.run(in, out, 40800, kRate, {480});
    CHECK(shown(engine, tone, "beat_hz") == 40.0F);
    CHECK(entrain_seek_session(engine, -1.0) == ENTRAIN_E_RANGE);
    CHECK(entrain_seek_session(engine, std::nan("")) == ENTRAIN_E_RANGE);

    engine.route({tone}, true);
    engine.run(in, out, 0, 4800, {480});
    entrain_read_session(engine, &seconds, &runs);
    CHECK(seconds == 0.1);
    CHECK(shown(engine, tone, "beat_hz") == doctest::Approx(4.0).epsilon(0.01));
}

TEST_CASE("a value set by hand ends the automation, a new automation ends that") {
    Engine engine;
    const std::uint32_t tone = engine.binaural(400, 0, -20);
    engine.automate(tone, "beat_hz", {{0, 5, ENTRAIN_CURVE_LINEAR}, {9, 40, ENTRAIN_CURVE_LINEAR}});
    engine.route({tone}, true);
    const Sound in(kRate);
    Sound out(kRate);
    engine.run(in, out, 0, 4800, {480});
    engine.set(tone, "beat_hz", 2);
    engine.run(in, out, 0, 9600, {480});
    CHECK(shown(engine, tone, "beat_hz") == 2.0F);
    engine.route({tone});  // no new automation
    engine.run(in, out, 0, 9600, {480});
    CHECK(shown(engine, tone, "beat_hz") == 2.0F);
    engine.automate(tone, "beat_hz", {{0, 7, ENTRAIN_CURVE_STEP}});
    engine.route({tone});
    engine.run(in, out, 0, 9600, {480});
    CHECK(shown(engine, tone, "beat_hz") == 7.0F);
    engine.automate(tone, "beat_hz", {});
    engine.route({tone});
    engine.run(in, out, 0, 9600, {480});
    CHECK(shown(engine, tone, "beat_hz") == 2.0F);
}

TEST_CASE("a new sample rate keeps the session's place") {
    Engine engine;
    const std::uint32_t tone = engine.binaural(400, 0, -20);
    engine.automate(tone, "beat_hz",
                    {{0, 0, ENTRAIN_CURVE_LINEAR}, {10, 40, ENTRAIN_CURVE_LINEAR}});
    engine.route({tone}, true);
    const Sound in(kRate);
    Sound out(kRate);
    engine.run(in, out, 0, kRate, {480});
    REQUIRE(entrain_set_rate(engine, 96000) == ENTRAIN_OK);
    engine.run(in, out, 0, kRate, {480});
    double seconds = 0.0;
    int runs = 0;
    entrain_read_session(engine, &seconds, &runs);
    CHECK(seconds == doctest::Approx(1.5));
    CHECK(shown(engine, tone, "beat_hz") == doctest::Approx(6.0).epsilon(0.001));
}

TEST_CASE("any block sizes give the same samples, whatever happens over time") {
    const auto busy = [](const std::vector<std::uint32_t> &blocks) {
        Engine engine;
        const Sound in = noise(2 * kRate);
        Sound out(2 * kRate);
        const std::uint32_t tone = engine.binaural(400, 10, -20);
        engine.automate(tone, "carrier_hz",
                        {{0, 300, ENTRAIN_CURVE_EXPONENTIAL},
                         {0.10001, 500, ENTRAIN_CURVE_SMOOTH},
                         {0.2, 250, ENTRAIN_CURVE_STEP}},
                        0.30007);
        engine.automate(tone, "amount",
                        {{0.05, 1, ENTRAIN_CURVE_LINEAR}, {0.4, 0.2, ENTRAIN_CURVE_LINEAR}}, 0.5);
        engine.route({tone}, true);
        engine.run(in, out, 0, 20007, blocks);
        entrain_run_session(engine, 0);
        engine.run(in, out, 20007, 5003, blocks);
        entrain_seek_session(engine, 3.21);
        entrain_run_session(engine, 1);
        engine.run(in, out, 25010, 20001, blocks);
        engine.set(tone, "amount", 0.7F, 0.1F);
        engine.automate(tone, "beat_hz", {{3.5, 3, ENTRAIN_CURVE_LINEAR}, {4, 9, 0}});
        engine.route({tone});
        engine.run(in, out, 45011, 20002, blocks);
        engine.route({tone}, true);
        engine.run(in, out, 65013, 2 * kRate - 65013, blocks);
        return out;
    };
    const Sound expected = busy({64});
    for (const std::vector<std::uint32_t> &blocks :
         std::vector<std::vector<std::uint32_t>>{{1}, {16}, {17}, {256}, {8192}, {1, 8192, 3, 500}}) {
        const Sound out = busy(blocks);
        REQUIRE(out.left == expected.left);
        REQUIRE(out.right == expected.right);
    }
}

TEST_CASE("invalid automation is refused and changes nothing") {
    Engine engine;
    const std::uint32_t tone = engine.binaural(400, 10, -20);
    const auto refused = [&](const std::vector<entrain_point> &points, double loop_s = 0.0) {
        return entrain_automate(engine, tone, "beat_hz", points.data(),
                                static_cast<std::uint32_t>(points.size()), loop_s);
    };
    CHECK(refused({{1, 5, 1}, {0.5, 6, 1}}) == ENTRAIN_E_RANGE);           // back in time
    CHECK(refused({{-1, 5, 1}}) == ENTRAIN_E_RANGE);
    CHECK(refused({{std::nan(""), 5, 1}}) == ENTRAIN_E_RANGE);
    CHECK(refused({{0, std::nan(""), 1}}) == ENTRAIN_E_RANGE);
    CHECK(refused({{0, 201, 1}}) == ENTRAIN_E_RANGE);
    CHECK(refused({{0, 5, 4}}) == ENTRAIN_E_RANGE);
    CHECK(refused({{0, -5, 2}, {1, 5, 0}}) == ENTRAIN_E_RANGE);            // exponential through 0
    CHECK(refused({{0, 5, 1}, {9, 6, 1}}, 8.0) == ENTRAIN_E_RANGE);        // after the loop's end
    CHECK(refused({{0, 5, 1}}, std::nan("")) == ENTRAIN_E_RANGE);
    CHECK(entrain_automate(engine, tone, "nonsense", nullptr, 0, 0) == ENTRAIN_E_PARAMETER);
    CHECK(entrain_automate(engine, 99, "beat_hz", nullptr, 0, 0) == ENTRAIN_E_LAYER);
    CHECK(refused({{0, 5, 1}, {0, 6, 1}}) == ENTRAIN_OK);                  // the last one counts
    CHECK(refused({}) == ENTRAIN_OK);
}
