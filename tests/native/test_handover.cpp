// The control thread changes everything while the callback runs.

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
    // What went is freed: a leak would be megabytes by now.
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
