// The control thread changes everything while the callback runs.

#include "made_up_head.h"
#include "sound.h"

#include <doctest/doctest.h>
#include <malloc.h>

#include <atomic>
#include <thread>

namespace {
std::size_t bytes_in_use() { return mallinfo2().uordblks; }
}  // namespace

TEST_CASE("routes and parameters change under a running callback") {
    Engine engine;
    std::atomic<bool> stop{false};
    std::atomic<bool> finite{true};
    std::thread callback([&] {
        const Sound in = noise(512);
        Sound out(512);
        while (!stop) {
            engine.run(in, out, 0, 512, {512});
            for (const float sample : out.left)
                if (!std::isfinite(sample)) finite = false;
        }
    });
    std::vector<std::uint32_t> layers;
    std::mt19937 random(3);
    std::size_t after_warm_up = 0;
    for (int round = 0; round < 4000; ++round) {
        if (layers.size() < 4) layers.push_back(engine.binaural(300, 10, -40));
        if (random() % 2) layers.erase(layers.begin());
        engine.route(layers);
        for (const std::uint32_t layer : layers) engine.set(layer, "carrier_hz", 400, 0.01F);
        if (round % 100 == 0) entrain_set_rate(engine, round % 200 ? 48000 : 44100);
        if (round == 1000) after_warm_up = bytes_in_use();
        if (round % 50 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    // Removed layers are freed; a leak would have grown to megabytes by now.
    CHECK(bytes_in_use() < after_warm_up + 2'000'000);
    stop = true;
    callback.join();
    CHECK(finite);
}

TEST_CASE("changes while no callback runs do not pile up") {
    Engine engine;
    for (int round = 0; round < 100; ++round) engine.route({engine.binaural(300, 10, -40)});
    const std::size_t before = bytes_in_use();
    for (int round = 0; round < 5000; ++round) engine.route({engine.binaural(300, 10, -40)});
    CHECK(bytes_in_use() < before + 100'000);
}

TEST_CASE("a layer that has faded out is freed, and its number with it") {
    Engine engine;
    const Sound in = noise(kRate);
    Sound out(kRate);
    const std::uint32_t tone = engine.binaural(300, 10, -40);
    engine.route({tone});
    engine.run(in, out, 0, kRate, {256});
    engine.route({});
    CHECK(entrain_set_parameter(engine, tone, "beat_hz", 5, 0) == ENTRAIN_E_LAYER);
    const std::uint32_t again[] = {tone};
    CHECK(entrain_route(engine, again, 1, 0) == ENTRAIN_E_LAYER);
}

TEST_CASE("a protocol runs, and is measured, under a running callback") {
    Engine engine;
    std::atomic<bool> stop{false};
    std::thread callback([&] {
        const Sound in = noise(512);
        Sound out(512);
        while (!stop) {
            engine.run(in, out, 0, 512, {300, 64, 1});
            // Still ten times as fast as real time, but slow enough for measuring.
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    });
    const auto wait_for = [&](std::uint64_t frames) {
        entrain_stats stats{};
        while (stats.frames < frames) {
            std::this_thread::yield();
            entrain_durations durations;
            entrain_read_stats(engine, &stats);
            entrain_read_durations(engine, &durations);
        }
    };
    wait_for(kRate + kRate / 2);  // measuring takes a second of sound
    std::atomic<bool> looked{true};
    std::atomic<bool> measured{false};
    std::thread reader([&] {
        std::vector<float> tap(2 * 1024);
        const entrain_promise promise{{305, 295}, 16, 120, 10};
        while (!stop) {
            entrain_stats stats;
            entrain_levels levels;
            entrain_loudness before, after;
            entrain_measurement found;
            entrain_read_stats(engine, &stats);
            entrain_read_levels(engine, &levels);
            entrain_read_loudness(engine, &before, &after);
            // Both reads may come too late.
            const entrain_status tapped =
                entrain_read_tap(engine, 0, stats.frames - 1024, tap.data(), 1024);
            const entrain_status known = entrain_measure(engine, &promise, &found);
            if (known == ENTRAIN_OK) measured = true;
            if ((tapped != ENTRAIN_OK && tapped != ENTRAIN_E_OVERRUN) ||
                (known != ENTRAIN_OK && known != ENTRAIN_E_OVERRUN))
                looked = false;
        }
    });
    std::uint32_t tone = engine.binaural(300, 10, -40);
    const std::uint32_t swing = engine.add("am");
    for (int round = 0; round < 400; ++round) {
        const auto late = 0.01 * (round % 7);
        engine.automate(tone, "beat_hz",
                        {{0, 4, ENTRAIN_CURVE_EXPONENTIAL}, {late + 0.01, 12, ENTRAIN_CURVE_STEP}},
                        round % 3 ? 0.1 : 0.0);
        engine.automate(swing, "depth", {{late, 0, ENTRAIN_CURVE_SMOOTH}, {0.1, 1, 0}});
        engine.route({swing, tone}, round % 5 == 0);
        entrain_run_session(engine, round % 4 != 0);
        if (round % 3 == 0) entrain_seek_session(engine, late);
        if (round % 10 == 0) engine.set(swing, "depth", 0.5F);
        if (round % 16 == 0) entrain_reset_loudness(engine);
        if (round % 20 == 0) {
            engine.route({swing});
            tone = engine.binaural(300, 10, -40);
        }
        entrain_set_bypass(engine, round % 3);
        entrain_set_playing(engine, round % 2);
        double seconds = 0.0;
        int runs = 0;
        entrain_read_session(engine, &seconds, &runs);
        if (round % 8 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    while (!measured) std::this_thread::yield();
    stop = true;
    callback.join();
    reader.join();
    CHECK(looked);
}

TEST_CASE("heads, places and turns change under a running callback") {
    Engine engine;
    const MadeUpHead heads[2] = {MadeUpHead(48000), MadeUpHead(44100, 200)};
    std::atomic<bool> stop{false};
    std::atomic<bool> finite{true};
    std::thread callback([&] {
        const Sound in = noise(512);
        Sound out(512);
        while (!stop) {
            engine.run(in, out, 0, 512, {300, 64, 1});
            for (const float sample : out.left)
                if (!std::isfinite(sample)) finite = false;
        }
    });
    std::thread tracker([&] {
        for (int i = 0; !stop; ++i) {
            const float turn[4] = {1.0F, 0.0F, 0.0F, static_cast<float>(i % 100) / 50.0F};
            entrain_turn_head(engine, turn);
            entrain_space space;
            entrain_read_space(engine, &space);
            if (!(std::fabs(space.turn[0]) <= 1.001F)) finite = false;
        }
    });
    const std::vector<std::string> kinds = space_kinds();
    const std::uint32_t rain = engine.add("noise");
    std::uint32_t space = engine.add(kinds[0].c_str());
    for (int round = 0; round < 1000; ++round) {
        entrain_use_head(engine, round % 7 ? heads[round % 2].head() : nullptr);
        entrain_place(engine, rain, round % 3 != 0);
        engine.route({rain, space});
        engine.set(space, "azimuth_deg", static_cast<float>(round % 360));
        engine.set(rain, "azimuth_deg", static_cast<float>(-(round % 360)), 0.1F);
        if (round % 20 == 0) {
            engine.route({rain});
            space = engine.add(kinds[static_cast<std::size_t>(round / 20) % kinds.size()].c_str());
        }
        if (round % 100 == 0) entrain_set_rate(engine, round % 200 ? 48000 : 44100);
        if (round % 16 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    stop = true;
    callback.join();
    tracker.join();
    CHECK(finite);
}
