// Heads, placed generators and the head's turn through the C ABI, and the callback that hears them.

#include "audio/space/space_blocks.h"
#include "audio/surroundings.h"
#include "control/heads.h"
#include "made_up_head.h"
#include "sound.h"
#include "trap.h"

#include <doctest/doctest.h>

#include <limits>
#include <memory>
#include <utility>

namespace {

const float kNaN = std::numeric_limits<float>::quiet_NaN();

entrain_status created(const entrain_head_data &data) {
    entrain_head *head = nullptr;
    const entrain_status status = entrain_head_create(&data, &head);
    CHECK((status == ENTRAIN_OK) == (head != nullptr));
    entrain_head_destroy(head);
    return status;
}

}  // namespace

TEST_CASE("a head with wrong counts, missing arrays or odd numbers is refused") {
    MadeUpHead made;
    CHECK(created(made.data) == ENTRAIN_OK);
    CHECK(entrain_head_create(nullptr, nullptr) == ENTRAIN_E_ARGUMENT);
    CHECK(entrain_head_create(&made.data, nullptr) == ENTRAIN_E_ARGUMENT);
    entrain_head_destroy(nullptr);
    using Data = entrain_head_data;
    for (const auto &[field, bad] : std::vector<std::pair<std::uint32_t Data::*, std::uint32_t>>{
             {&Data::rate_hz, 7999}, {&Data::rate_hz, 192001}, {&Data::taps, 15},
             {&Data::taps, 4097},    {&Data::azimuths, 3},     {&Data::azimuths, 721},
             {&Data::elevations, 2}, {&Data::elevations, 362}, {&Data::widths, 1},
             {&Data::order, 4},      {&Data::decoder_taps, 15}, {&Data::first_order_taps, 3}}) {
        Data data = made.data;
        data.*field = bad;
        CHECK(created(data) == ENTRAIN_E_ARGUMENT);
    }
    for (const auto field : {&Data::responses, &Data::delays_s, &Data::gain_db, &Data::decoder,
                             &Data::first_order_decoder}) {
        Data data = made.data;
        data.*field = nullptr;
        CHECK(created(data) == ENTRAIN_E_ARGUMENT);
    }
    for (std::vector<float> *array : {&made.responses, &made.delays_s, &made.gain_db,
                                      &made.decoder, &made.first})
        for (const float bad : {kNaN, std::numeric_limits<float>::infinity(), 65.0F, -65.0F}) {
            const float former = std::exchange(array->back(), bad);
            CHECK(created(made.data) == ENTRAIN_E_RANGE);
            array->back() = former;
        }
    CHECK(created(made.data) == ENTRAIN_OK);
}

TEST_CASE("functions of the space accept a null pointer") {
    Engine engine;
    entrain_space space;
    const float turn[4] = {1, 0, 0, 0}, zero[4] = {}, odd[4] = {1, kNaN, 0, 0};
    CHECK(entrain_use_head(nullptr, nullptr) == ENTRAIN_E_ARGUMENT);
    CHECK(entrain_use_head(engine, nullptr) == ENTRAIN_OK);
    CHECK(entrain_block_use_head(nullptr, nullptr) == ENTRAIN_E_ARGUMENT);
    CHECK(entrain_place(nullptr, 3, 1) == ENTRAIN_E_ARGUMENT);
    CHECK(entrain_turn_head(nullptr, turn) == ENTRAIN_E_ARGUMENT);
    CHECK(entrain_turn_head(engine, nullptr) == ENTRAIN_E_ARGUMENT);
    CHECK(entrain_turn_head(engine, zero) == ENTRAIN_E_RANGE);
    CHECK(entrain_turn_head(engine, odd) == ENTRAIN_E_RANGE);
    CHECK(entrain_turn_head(engine, turn) == ENTRAIN_OK);
    entrain_read_space(engine, nullptr);
    entrain_read_space(engine, &space);
    CHECK(space.turn[0] == 1.0F);
    CHECK(std::isinf(space.age_s));
    entrain_read_space(nullptr, &space);
    CHECK(space.turn[0] == 0.0F);
}

TEST_CASE("only a generator that may sound the same in both ears can be placed, and only eight") {
    Engine engine;
    CHECK(entrain_place(engine, ENTRAIN_LAYER_OUTPUT, 1) == ENTRAIN_E_LAYER);
    CHECK(entrain_place(engine, 99, 1) == ENTRAIN_E_LAYER);
    CHECK(entrain_place(engine, engine.add("am"), 1) == ENTRAIN_E_LAYER);
    CHECK(entrain_place(engine, engine.add("binaural"), 1) == ENTRAIN_E_KIND);
    for (int i = 0; i < ENTRAIN_MOST_PLACED; ++i) {
        const std::uint32_t noise = engine.add("noise");
        CHECK(entrain_place(engine, noise, 1) == ENTRAIN_OK);
        CHECK(entrain_place(engine, noise, 1) == ENTRAIN_OK);
    }
    const std::uint32_t last = engine.add("noise");
    CHECK(entrain_place(engine, last, 0) == ENTRAIN_OK);
    CHECK(entrain_place(engine, last, 1) == ENTRAIN_E_FULL);
}

TEST_CASE("the variants of a block for different processors give the same sound") {
    const MadeUpHead head;
    entrain::Surroundings surroundings;
    surroundings.head = head.head()->head.get();
    const auto heard = [&](std::unique_ptr<dsp> block) {
        Sound sound = noise(kRate);
        block->init(static_cast<int>(kRate));
        block->surround(surroundings);
        float *channels[2] = {sound.left.data(), sound.right.data()};
        block->compute(static_cast<int>(kRate), channels, channels);
        return sound.left;
    };
    const auto check = [](const std::vector<float> &a, const std::vector<float> &b) {
        float largest = 0.0F;
        for (std::size_t i = 0; i < a.size(); ++i)
            largest = std::max(largest, std::fabs(a[i] - b[i]));
        CHECK(largest < 1e-6F);
    };
    check(heard(entrain::make_speakers()), heard(entrain::make_plain_speakers()));
    check(heard(entrain::make_scene()), heard(entrain::make_plain_scene()));
}

TEST_CASE("a head at another rate is the one that an engine of that rate makes of it") {
    const MadeUpHead head;
    entrain_head *other = nullptr;
    CHECK(entrain_head_at_rate(nullptr, kRate, &other) == ENTRAIN_E_ARGUMENT);
    CHECK(entrain_head_at_rate(head, 192001, &other) == ENTRAIN_E_ARGUMENT);
    CHECK(entrain_head_at_rate(head, kRate, nullptr) == ENTRAIN_E_ARGUMENT);
    const auto heard = [](const entrain_head *through) {
        Engine engine(44100);
        entrain_use_head(engine, through);
        engine.route({engine.add("speakers")});
        const Sound in = noise(4410);
        Sound out(4410);
        engine.run(in, out, 0, 4410, {64});
        return out.left;
    };
    REQUIRE(entrain_head_at_rate(head, 44100, &other) == ENTRAIN_OK);
    CHECK(heard(other) == heard(head));
    CHECK(heard(other) != heard(nullptr));
    entrain_head_destroy(other);
}

TEST_CASE("an engine frees a head that it does not use any more, and has none at a new rate") {
    Engine engine;
    const auto has_head = [&] {
        entrain_space space;
        entrain_read_space(engine, &space);
        return space.has_head != 0;
    };
    const auto run = [&] {
        const Sound in = noise(4800);
        Sound out(4800);
        engine.run(in, out, 0, 4800, {64});
        double seconds = 0.0;
        entrain_read_session(engine, &seconds, nullptr);
    };
    std::weak_ptr<const entrain::Head> first, second;
    {
        const MadeUpHead one, other;
        first = one.head()->head;
        second = other.head()->head;
        entrain_use_head(engine, one);
        engine.route({engine.add("speakers")});
        run();
        entrain_use_head(engine, other);
    }
    CHECK(!first.expired());  // the callback may still use it
    run();
    CHECK(first.expired());
    CHECK(has_head());
    SUBCASE("it is taken away") { entrain_use_head(engine, nullptr); }
    SUBCASE("the rate changes") { entrain_set_rate(engine, 44100); }
    CHECK(!has_head());
    run();
    CHECK(second.expired());
}

TEST_CASE("at most one space is routed") {
    Engine engine;
    const std::uint32_t both[] = {engine.add("speakers"), engine.add("speakers")};
    CHECK(entrain_route(engine, both, 2, 0) == ENTRAIN_E_LAYER);
    CHECK(entrain_route(engine, both, 1, 0) == ENTRAIN_OK);
}

TEST_CASE("the callback neither allocates nor locks while the space changes") {
    Engine engine;
    const MadeUpHead heads[2] = {MadeUpHead(48000), MadeUpHead(44100, 300, 24, 13)};
    const Sound in = noise(kRate);
    Sound out(kRate);
    std::mt19937 random(4);
    std::vector<std::uint32_t> generators;
    std::vector<std::string> kinds = space_kinds();
    std::uint32_t space = engine.add(kinds[0].c_str());
    long caught = 0;
    for (int round = 0; round < 400; ++round) {
        switch (random() % 9) {
            case 0: generators.push_back(engine.add(random() % 2 ? "noise" : "isochronic")); break;
            case 1: if (!generators.empty()) generators.erase(generators.begin()); break;
            case 2: space = engine.add(kinds[random() % kinds.size()].c_str()); break;
            case 3: entrain_use_head(engine, random() % 4 ? heads[random() % 2].head() : nullptr); break;
            case 4: engine.set(space, "azimuth_deg", static_cast<float>(random() % 360)); break;
            case 5:
                engine.set(space, "path", static_cast<float>(random() % 6));
                engine.set(space, "distance_m", 0.3F + 0.2F * static_cast<float>(random() % 6));
                break;
            case 6:
                if (!generators.empty())
                    entrain_place(engine, generators[random() % generators.size()],
                                  static_cast<int>(random() % 2));
                break;
            case 7: {
                const float turn[4] = {1.0F, static_cast<float>(random() % 10), 0.0F, 0.5F};
                entrain_turn_head(engine, turn);
                break;
            }
            default: entrain_set_rate(engine, random() % 2 ? 44100 : 96000); break;
        }
        std::vector<std::uint32_t> layers = generators;
        const bool is_on = random() % 8 != 0;
        if (is_on) layers.push_back(space);
        engine.route(layers);
        if (!is_on) space = engine.add(kinds[random() % kinds.size()].c_str());
        trap::enter();
        const float *const source[2] = {in.left.data(), in.right.data()};
        float *const sink[2] = {out.left.data(), out.right.data()};
        for (const std::uint32_t block : {64U, 1U, 300U, 1000U})
            entrain_process(engine, source, sink, block);
        caught += trap::leave();
        for (std::size_t i = 0; i < 1000; ++i)
            if (!std::isfinite(out.left[i]) || !std::isfinite(out.right[i])) FAIL("not finite");
    }
    CHECK(caught == 0);
}

TEST_CASE("an engine is quiet only after the space has sounded on") {
    const MadeUpHead head;
    const auto frames_until_quiet = [&](bool space) {
        Engine engine;
        entrain_use_head(engine, head);
        std::vector<std::uint32_t> layers{engine.add("noise")};
        if (space) layers.push_back(engine.add("speakers"));
        engine.route(layers);
        const Sound in = noise(kRate, 0.0F);
        Sound out(kRate);
        engine.run(in, out, 0, 4800, {64});
        entrain_set_playing(engine, 0);
        std::uint32_t frames = 0;
        while (!entrain_is_quiet(engine) && frames < kRate) {
            engine.run(in, out, 0, 64, {64});
            frames += 64;
        }
        return frames;
    };
    CHECK(frames_until_quiet(true) >= frames_until_quiet(false) + 500);
}
