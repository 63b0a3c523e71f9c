// The engine's promises about samples, measured on its output.

#include "sound.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>

namespace {

double decibels(double ratio) { return 20.0 * std::log10(ratio); }

double largest_difference(const Sound &a, const Sound &b, std::size_t first, std::size_t shift) {
    double largest = 0.0;
    for (std::size_t i = first; i + shift < a.left.size(); ++i) {
        largest = std::max(largest, std::fabs(double{a.left[i]} - double{b.left[i + shift]}));
        largest = std::max(largest, std::fabs(double{a.right[i]} - double{b.right[i + shift]}));
    }
    return largest;
}

// A second in which layers, parameters and bypass change, between blocks and beside the grid.
Sound busy_second(const std::vector<std::uint32_t> &blocks) {
    Engine engine;
    const Sound in = noise(kRate);
    Sound out(kRate);
    const std::uint32_t tone = engine.binaural(400, 10, -20);
    engine.route({tone});
    engine.run(in, out, 0, 10007, blocks);
    engine.set(tone, "floor_db", -12.0F);
    engine.set(tone, "beat_hz", 4.0F, 0.3F);
    engine.run(in, out, 10007, 9001, blocks);
    const std::uint32_t second = engine.binaural(250, -7, -18);
    engine.route({second, tone});
    engine.run(in, out, 19008, 9500, blocks);
    entrain_set_bypass(engine, 1);
    engine.run(in, out, 28508, 3001, blocks);
    entrain_set_bypass(engine, 0);
    engine.route({second});
    engine.run(in, out, 31509, kRate - 31509, blocks);
    return out;
}

}  // namespace

TEST_CASE("any block sizes give the same samples") {
    const Sound expected = busy_second({64});
    for (const std::vector<std::uint32_t> &blocks : std::vector<std::vector<std::uint32_t>>{
             {1}, {16}, {17}, {256}, {8192}, {1, 8192, 3, 500}, {63, 65, 5}}) {
        const Sound out = busy_second(blocks);
        REQUIRE(out.left == expected.left);
        REQUIRE(out.right == expected.right);
    }
}

TEST_CASE("the first 50 ms of a tone are right") {
    Engine engine;
    engine.route({engine.binaural(400, 10, -20)});
    const std::uint32_t frames = kRate / 20;
    const Sound in(frames + entrain_latency_frames(engine));
    Sound out(in.left.size());
    engine.run(in, out, 0, in.left.size(), {256});

    const double amplitude = std::sqrt(2.0) * std::pow(10.0, -20.0 / 20.0);
    const double fade_frames = 0.05 * kRate;
    double worst = 0.0;
    for (std::uint32_t i = 0; i < frames; ++i) {
        const double part = (i + 1) / fade_frames;
        const double gain = amplitude * part * part * (3.0 - 2.0 * part);
        const double seconds = static_cast<double>(i) / kRate;
        const std::size_t at = i + entrain_latency_frames(engine);
        worst = std::max(worst, std::fabs(out.left[at] - gain * std::sin(2 * kPi * 405 * seconds)));
        worst = std::max(worst, std::fabs(out.right[at] - gain * std::sin(2 * kPi * 395 * seconds)));
    }
    CHECK(decibels(worst / amplitude) < -120.0);
}

TEST_CASE("adding and removing a layer leaves its neighbour alone") {
    const Sound silence(kRate);
    Sound alone(kRate), together(kRate), other(kRate);
    {
        Engine engine;
        engine.route({engine.binaural(400, 0, -20)});
        engine.run(silence, alone, 0, kRate, {256});
    }
    {
        Engine engine;
        const std::uint32_t tone = engine.binaural(400, 0, -20);
        engine.route({tone});
        engine.run(silence, together, 0, 12000, {256});
        const std::uint32_t guest = engine.binaural(1000, 0, -20);
        engine.route({guest, tone});
        engine.run(silence, together, 12000, 12000, {256});
        engine.route({tone});
        engine.run(silence, together, 24000, kRate - 24000, {256});
    }
    {
        Engine engine;
        engine.run(silence, other, 0, 12000, {256});
        engine.route({engine.binaural(1000, 0, -20)});
        engine.run(silence, other, 12000, 12000, {256});
        engine.route({});
        engine.run(silence, other, 24000, kRate - 24000, {256});
    }
    // Subtracting the guest, rendered by itself, leaves the tone alone.
    for (std::size_t i = 0; i < kRate; ++i) {
        together.left[i] -= other.left[i];
        together.right[i] -= other.right[i];
    }
    CHECK(decibels(largest_difference(alone, together, 0, 0) / 0.1) < -100.0);
}

TEST_CASE("without layers and in bypass the input comes out bit for bit, only later") {
    Engine engine;
    const std::uint32_t tone = engine.binaural(400, 10, -20);
    const std::size_t latency = entrain_latency_frames(engine);
    const Sound in = noise(kRate);
    Sound out(kRate);

    SUBCASE("without layers") {
        engine.run(in, out, 0, kRate, {256});
        CHECK(largest_difference(in, out, 0, latency) == 0.0);
    }
    SUBCASE("in bypass, even above full scale") {
        engine.route({tone});
        entrain_set_bypass(engine, 1);
        const Sound loud = noise(kRate, 3.0F);
        engine.run(loud, out, 0, kRate, {256});
        CHECK(largest_difference(loud, out, kRate / 10, latency) == 0.0);
    }
}

TEST_CASE("NaN and infinity never reach the output and are gone at once") {
    Engine engine;
    engine.route({engine.binaural(400, 10, -20)});
    Sound in = noise(kRate), out(kRate), clean = in, expected(kRate);
    const float bad[] = {std::numeric_limits<float>::quiet_NaN(),
                         std::numeric_limits<float>::infinity(),
                         -std::numeric_limits<float>::infinity()};
    for (std::size_t i = 0; i < 300; ++i) {
        in.left[20000 + i] = bad[i % 3];
        clean.left[20000 + i] = 0.0F;
    }
    engine.run(in, out, 0, kRate, {256});
    entrain_stats stats;
    entrain_read_stats(engine, &stats);
    CHECK(stats.nonfinite == 300);

    Engine other;
    other.route({other.binaural(400, 10, -20)});
    other.run(clean, expected, 0, kRate, {256});
    CHECK(out.left == expected.left);
    CHECK(out.right == expected.right);
}

TEST_CASE("an input of 16 times full scale and more is still limited") {
    Engine engine;
    Sound in = noise(kRate, 1000.0F), out(kRate);
    engine.run(in, out, 0, kRate, {256});
    CHECK(*std::max_element(out.left.begin(), out.left.end()) <= 1.0F);
}

TEST_CASE("generators fade when the input ends and say when they are quiet") {
    Engine engine;
    entrain_set_standalone(engine, 0);
    engine.route({engine.binaural(400, 10, -20)});
    Sound in(2 * kRate);
    for (std::size_t i = 0; i < kRate; ++i) in.left[i] = i % 2 ? 0.001F : -0.001F;
    Sound out(2 * kRate);
    engine.run(in, out, 0, kRate, {256});
    CHECK(entrain_is_quiet(engine) == 0);
    entrain_set_playing(engine, 0);
    engine.run(in, out, kRate, kRate / 20, {256});
    CHECK(entrain_is_quiet(engine) == 0);
    engine.run(in, out, kRate + kRate / 20, kRate - kRate / 20, {256});
    CHECK(entrain_is_quiet(engine) == 1);
    CHECK(out.left.back() == 0.0F);
    // Faded, not cut: no step larger than the tone's own slope.
    float step = 0.0F, own = 0.0F;
    for (std::size_t i = kRate / 2; i < kRate; ++i)
        own = std::max(own, std::fabs(out.left[i] - out.left[i - 1]));
    for (std::size_t i = kRate; i < 2 * kRate; ++i)
        step = std::max(step, std::fabs(out.left[i] - out.left[i - 1]));
    CHECK(step <= 1.01F * own);
}

TEST_CASE("standalone generators go on in silence, and fade when nothing is to play") {
    Engine engine;
    engine.route({engine.binaural(400, 10, -20)});
    const Sound in(4 * kRate);
    Sound out(in.left.size());
    engine.run(in, out, 0, 3 * kRate, {256});
    CHECK(std::fabs(*std::max_element(out.left.end() - 2 * kRate, out.left.end() - kRate)) > 0.1F);
    entrain_set_playing(engine, 0);
    engine.run(in, out, 3 * kRate, kRate, {256});
    CHECK(entrain_is_quiet(engine) == 1);
    CHECK(out.left.back() == 0.0F);
}

TEST_CASE("an engine that starts without an input, or bypassed, starts silent") {
    Engine engine;
    engine.route({engine.binaural(400, 10, -20)});
    entrain_set_standalone(engine, 0);
    SUBCASE("without an input") { entrain_set_playing(engine, 0); }
    SUBCASE("bypassed") { entrain_set_bypass(engine, 1); }
    const Sound in(kRate);
    Sound out(kRate);
    engine.run(in, out, 0, kRate, {256});
    CHECK(std::all_of(out.left.begin(), out.left.end(), [](float x) { return x == 0.0F; }));
}

TEST_CASE("a new sample rate keeps layers and values") {
    Engine engine;
    const std::uint32_t tone = engine.binaural(400, 10, -20);
    engine.route({tone});
    Sound silence(kRate), out(kRate);
    engine.run(silence, out, 0, 4800, {256});
    REQUIRE(entrain_set_rate(engine, 44100) == ENTRAIN_OK);
    CHECK(entrain_rate(engine) == 44100);
    engine.run(silence, out, 0, 44100, {256});
    int crossings = 0;
    for (std::size_t i = 22050; i < 44100; ++i)
        if (out.left[i - 1] < 0.0F && out.left[i] >= 0.0F) ++crossings;
    CHECK(crossings == doctest::Approx(405.0 / 2.0).epsilon(0.01));
    engine.set(tone, "carrier_hz", 300);
    float value = 0.0F;
    entrain_get_parameter(engine, tone, "carrier_hz", 1, &value);
    CHECK(value == 300.0F);
}

TEST_CASE("an impossible request is refused and changes nothing") {
    Engine engine;
    const std::uint32_t tone = engine.binaural(400, 10, -20);
    engine.route({tone});
    std::uint32_t other = 0;
    CHECK(entrain_add_layer(engine, "nonsense", &other) == ENTRAIN_E_KIND);
    CHECK(entrain_add_layer(engine, "limiter", &other) == ENTRAIN_E_KIND);
    CHECK(entrain_set_parameter(engine, 99, "beat_hz", 1, 0) == ENTRAIN_E_LAYER);
    CHECK(entrain_set_parameter(engine, tone, "nonsense", 1, 0) == ENTRAIN_E_PARAMETER);
    CHECK(entrain_set_parameter(engine, tone, "beat_hz", 1000, 0) == ENTRAIN_E_RANGE);
    CHECK(entrain_set_parameter(engine, tone, "beat_hz", std::nanf(""), 0) == ENTRAIN_E_RANGE);
    CHECK(entrain_set_parameter(engine, tone, "beat_hz", 5, std::nanf("")) == ENTRAIN_E_RANGE);
    const std::uint32_t twice[] = {tone, tone}, unknown[] = {tone, 99};
    CHECK(entrain_route(engine, twice, 2, 0) == ENTRAIN_E_LAYER);
    CHECK(entrain_route(engine, unknown, 2, 0) == ENTRAIN_E_LAYER);
    entrain_engine *none = nullptr;
    CHECK(entrain_create(0, &none) == ENTRAIN_E_ARGUMENT);
    float value = 0.0F;
    REQUIRE(entrain_get_parameter(engine, tone, "beat_hz", 1, &value) == ENTRAIN_OK);
    CHECK(value == 10.0F);
}

TEST_CASE("the tap holds the output") {
    Engine engine;
    const Sound in = noise(100000);
    Sound out(100000);
    engine.run(in, out, 0, 100000, {256});
    std::vector<float> tapped(2 * 65536);
    REQUIRE(entrain_read_tap(engine, 0, 100000 - 65536, tapped.data(), 65536) == ENTRAIN_OK);
    for (std::size_t i = 0; i < 65536; ++i) {
        REQUIRE(tapped[2 * i] == out.left[100000 - 65536 + i]);
        REQUIRE(tapped[2 * i + 1] == out.right[100000 - 65536 + i]);
    }
    CHECK(entrain_read_tap(engine, 0, 100000 - 65537, tapped.data(), 16) == ENTRAIN_E_OVERRUN);
    CHECK(entrain_read_tap(engine, 0, 99999, tapped.data(), 2) == ENTRAIN_E_OVERRUN);
}

TEST_CASE("generators fade when the input falls silent, and come back with it") {
    Engine engine;
    entrain_set_standalone(engine, 0);
    engine.route({engine.binaural(400, 10, -20)});
    Sound in(9 * kRate);
    const auto sounds = [](std::size_t i) { return i < kRate || i >= 8 * kRate; };
    for (std::size_t i = 0; i < in.left.size(); ++i)
        in.right[i] = sounds(i) ? (i % 2 ? 0.01F : -0.01F) : 1e-4F;
    Sound out(in.left.size());
    engine.run(in, out, 0, in.left.size(), {256});
    const auto loudest = [&](double from_s, double to_s) {
        const auto begin = out.left.begin();
        return *std::max_element(begin + static_cast<std::ptrdiff_t>(from_s * kRate),
                                 begin + static_cast<std::ptrdiff_t>(to_s * kRate));
    };
    CHECK(loudest(0.2, 1.0) == doctest::Approx(0.1414).epsilon(0.01));
    CHECK(loudest(2.0, 2.9) == doctest::Approx(0.1414).epsilon(0.01));  // not the end, only a pause
    CHECK(loudest(3.9, 4.1) == doctest::Approx(0.0707).epsilon(0.1));
    CHECK(loudest(5.1, 8.0) == 0.0F);
    CHECK(loudest(8.1, 9.0) == doctest::Approx(0.1414).epsilon(0.01));
}

TEST_CASE("a matched bypass is as loud as the output was, and never louder than the input") {
    const Sound in = noise(8 * kRate, 0.05F);
    const auto gain_db = [&](double layer_db, int bypass) {
        Engine engine;
        // The limiter's ceiling is the engine's only way to be softer without a processor.
        if (layer_db < 0.0) engine.set(ENTRAIN_LAYER_OUTPUT, "ceiling_db", -12.0F);
        Sound loud = in, out(8 * kRate);
        for (float &sample : loud.left) sample *= 6.0F;
        for (float &sample : loud.right) sample *= 6.0F;
        const Sound &source = layer_db < 0.0 ? loud : in;
        if (layer_db > 0.0) engine.route({engine.binaural(400, 10, -20)});
        engine.run(source, out, 0, 6 * kRate, {480});
        entrain_loudness before, after;
        entrain_read_loudness(engine, &before, &after);
        entrain_set_bypass(engine, bypass);
        engine.run(source, out, 6 * kRate, 2 * kRate, {480});
        const std::size_t at = 7 * kRate, late = entrain_latency_frames(engine);
        const double gain = decibels(out.left[at + late] / source.left[at]);
        if (bypass == ENTRAIN_BYPASS_MATCHED && layer_db < 0.0)
            CHECK(gain == doctest::Approx(double{after.short_term_lufs - before.short_term_lufs})
                              .epsilon(0.01));
        return gain;
    };
    CHECK(gain_db(-1, ENTRAIN_BYPASS_EXACT) == 0.0);
    CHECK(gain_db(-1, ENTRAIN_BYPASS_MATCHED) < -1.0);
    CHECK(gain_db(1, ENTRAIN_BYPASS_MATCHED) == 0.0);
}

TEST_CASE("loudness follows BS.1770, before and after") {
    Engine engine;
    Sound in(10 * kRate), out(10 * kRate);
    // EBU Tech 3341, case 1: a stereo sine of -23 dBFS (peak) at 1 kHz has -23 LUFS.
    for (std::size_t i = 0; i < in.left.size(); ++i) {
        const double phase = 2.0 * kPi * 1000.0 * static_cast<double>(i) / kRate;
        in.left[i] = in.right[i] =
            static_cast<float>(std::pow(10.0, -23.0 / 20.0) * std::sin(phase));
    }
    engine.run(in, out, 0, in.left.size(), {480});
    entrain_loudness before, after;
    entrain_read_loudness(engine, &before, &after);
    for (const entrain_loudness &each : {before, after}) {
        CHECK(each.momentary_lufs == doctest::Approx(-23.0).epsilon(0.004));
        CHECK(each.short_term_lufs == doctest::Approx(-23.0).epsilon(0.004));
        CHECK(each.integrated_lufs == doctest::Approx(-23.0).epsilon(0.004));
    }
    entrain_reset_loudness(engine);
    engine.run(Sound(480), out, 0, 480, {480});
    entrain_read_loudness(engine, &before, &after);
    CHECK(std::isinf(before.integrated_lufs));
}
