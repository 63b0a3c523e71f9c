// entrain_process() never allocates, frees or locks, whatever the input is.

#include "sound.h"
#include "trap.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <mutex>

TEST_CASE("the trap catches what it should") {
    if (!trap::counts) return;
    trap::enter();
    void *volatile memory = std::malloc(100);  // volatile, so that the compiler keeps it
    std::free(memory);
    static std::mutex mutex;
    mutex.lock();
    mutex.unlock();
    CHECK(trap::leave() == 3);
}

TEST_CASE("processing neither allocates nor locks while everything changes") {
    Engine engine;
    const Sound in = noise(kRate);
    Sound out(kRate);
    std::vector<std::uint32_t> layers;
    const std::vector<std::string> kinds = layer_kinds();
    REQUIRE(kinds.size() > 1);
    const std::vector<std::uint32_t> blocks{64, 1, 300};
    long caught = 0;
    std::mt19937 random(2);
    for (int round = 0; round < 200; ++round) {
        switch (random() % 9) {
            case 0: layers.push_back(engine.add(kinds[random() % kinds.size()].c_str())); break;
            case 1: if (!layers.empty()) layers.erase(layers.begin()); break;
            case 2: if (!layers.empty()) engine.set(layers.back(), "amount", 0.5F); break;
            case 3: entrain_set_bypass(engine, static_cast<int>(random() % 3)); break;
            case 4: entrain_set_playing(engine, static_cast<int>(random() % 2)); break;
            case 5: entrain_set_standalone(engine, static_cast<int>(random() % 2)); break;
            case 6: entrain_run_session(engine, static_cast<int>(random() % 2)); break;
            case 7:
                if (!layers.empty())
                    engine.automate(layers.back(), "amount",
                                    {{0, 0, ENTRAIN_CURVE_SMOOTH}, {1, 1, ENTRAIN_CURVE_STEP}}, 1);
                entrain_seek_session(engine, static_cast<double>(random() % 10));
                break;
            default: entrain_set_rate(engine, random() % 2 ? 44100 : 48000); break;
        }
        engine.route(layers, random() % 4 == 0);
        trap::enter();
        const float *const source[2] = {in.left.data(), in.right.data()};
        float *const sink[2] = {out.left.data(), out.right.data()};
        for (const std::uint32_t block : blocks) entrain_process(engine, source, sink, block);
        caught += trap::leave();
    }
    CHECK(caught == 0);
}
