// The C ABI survives null pointers, NaN and impossible counts, and a call that fails for lack of
// memory has changed nothing.

#include "made_up_head.h"
#include "sound.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <limits>
#include <new>

#include <poll.h>

namespace {

// Which allocation fails: 1 is the next one; 0 means that none fails.
thread_local long fails_at = 0;
thread_local bool has_failed = false;

void *allocate(std::size_t size, std::size_t alignment) {
    if (fails_at > 0 && --fails_at == 0) {
        has_failed = true;
        throw std::bad_alloc();
    }
    void *memory = nullptr;
    if (posix_memalign(&memory, std::max(alignment, sizeof(void *)), size) != 0)
        throw std::bad_alloc();
    return memory;
}

// Runs `call` with a failure of its first allocation, then of its second one, and so on, until it
// succeeds.
void with_each_failing(const std::function<entrain_status()> &call,
                       const std::function<void()> &check) {
    for (long n = 1;; ++n) {
        CAPTURE(n);
        has_failed = false;
        fails_at = n;
        const entrain_status status = call();
        fails_at = 0;
        if (!has_failed) {
            REQUIRE(status == ENTRAIN_OK);
            CHECK(n > 1);  // otherwise `call` does not allocate, and the test proves nothing
            return;
        }
        REQUIRE(status == ENTRAIN_E_MEMORY);
        check();
    }
}

const float kNaN = std::numeric_limits<float>::quiet_NaN();
const float kInfinity = std::numeric_limits<float>::infinity();
constexpr std::uint32_t kHuge = std::numeric_limits<std::uint32_t>::max();

}  // namespace

void *operator new(std::size_t size) { return allocate(size, alignof(std::max_align_t)); }
void *operator new(std::size_t size, std::align_val_t alignment) {
    return allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void *memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void *memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

TEST_CASE("every function accepts a null pointer") {
    Engine engine;
    const std::uint32_t tone = engine.binaural(400, 10, -20);
    engine.route({tone}, true);
    std::uint32_t number = 77;
    float value = 77.0F;
    entrain_engine *made = nullptr;
    entrain_block *block = nullptr;
    entrain_promise promise{};
    entrain_measurement measurement{};

    CHECK(entrain_create(kRate, nullptr) == ENTRAIN_E_ARGUMENT);
    CHECK(entrain_create(7999, &made) == ENTRAIN_E_ARGUMENT);
    CHECK(entrain_create(kHuge, &made) == ENTRAIN_E_ARGUMENT);
    CHECK(made == nullptr);
    entrain_destroy(nullptr);

    CHECK(entrain_block_create(nullptr, kRate, &block) == ENTRAIN_E_ARGUMENT);
    CHECK(entrain_block_create("gain", kRate, nullptr) == ENTRAIN_E_ARGUMENT);
    CHECK(entrain_block_create("gain", 0, &block) == ENTRAIN_E_ARGUMENT);
    CHECK(entrain_block_create("", kRate, &block) == ENTRAIN_E_KIND);
    CHECK(block == nullptr);
    REQUIRE(entrain_block_create("gain", kRate, &block) == ENTRAIN_OK);
    CHECK(entrain_block_set(nullptr, "gain_db", 0) == ENTRAIN_E_ARGUMENT);
    CHECK(entrain_block_set(block, nullptr, 0) == ENTRAIN_E_ARGUMENT);
    CHECK(entrain_block_set(block, "", 0) == ENTRAIN_E_PARAMETER);
    for (const float bad : {kNaN, kInfinity, -kInfinity, 1.0F})
        CHECK(entrain_block_set(block, "gain_db", bad) == ENTRAIN_E_RANGE);
    float sample = 1.0F;
    const float *const in[2] = {&sample, &sample}, *const no_in[2] = {&sample, nullptr};
    float *const out[2] = {&sample, &sample}, *const no_out[2] = {nullptr, &sample};
    entrain_block_process(nullptr, in, out, 1);
    entrain_block_process(block, nullptr, out, 1);
    entrain_block_process(block, in, nullptr, 1);
    entrain_block_process(block, no_in, out, 1);
    entrain_block_process(block, in, no_out, 1);
    entrain_block_process(block, in, out, 0);
    CHECK(sample == 1.0F);
    entrain_block_destroy(block);
    entrain_block_destroy(nullptr);
    CHECK(entrain_block_json(kHuge) == nullptr);
    CHECK(entrain_status_text(static_cast<entrain_status>(15)) != nullptr);

    entrain_process(nullptr, in, out, 1);
    CHECK(sample == 1.0F);
    entrain_process(engine, nullptr, nullptr, 1000);
    entrain_process(engine, nullptr, out, 1);
    entrain_process(engine, in, nullptr, 1);
    CHECK(entrain_set_rate(nullptr, kRate) == ENTRAIN_E_ARGUMENT);
    CHECK(entrain_set_rate(engine, 192001) == ENTRAIN_E_ARGUMENT);
    CHECK(entrain_rate(nullptr) == 0);
    CHECK(entrain_latency_frames(nullptr) == 0);

    CHECK(entrain_add_layer(nullptr, "gain", &number) == ENTRAIN_E_ARGUMENT);
    CHECK(entrain_add_layer(engine, nullptr, &number) == ENTRAIN_E_ARGUMENT);
    CHECK(entrain_add_layer(engine, "gain", nullptr) == ENTRAIN_E_ARGUMENT);
    CHECK(number == 77);
    CHECK(entrain_set_parameter(nullptr, tone, "beat_hz", 1, 0) == ENTRAIN_E_ARGUMENT);
    CHECK(entrain_set_parameter(engine, tone, nullptr, 1, 0) == ENTRAIN_E_ARGUMENT);
    for (const float bad : {kNaN, kInfinity, -kInfinity}) {
        CHECK(entrain_set_parameter(engine, tone, "beat_hz", bad, 0) == ENTRAIN_E_RANGE);
        CHECK(entrain_set_parameter(engine, tone, "beat_hz", 1, bad) == ENTRAIN_E_RANGE);
    }
    CHECK(entrain_get_parameter(nullptr, tone, "beat_hz", 1, &value) == ENTRAIN_E_ARGUMENT);
    CHECK(entrain_get_parameter(engine, tone, nullptr, 1, &value) == ENTRAIN_E_ARGUMENT);
    CHECK(entrain_get_parameter(engine, tone, "beat_hz", 1, nullptr) == ENTRAIN_E_ARGUMENT);
    CHECK(entrain_get_parameter(engine, kHuge, "beat_hz", 1, &value) == ENTRAIN_E_LAYER);
    CHECK(value == 77.0F);
    const entrain_point point{0, 5, 1};
    CHECK(entrain_automate(nullptr, tone, "beat_hz", &point, 1, 0) == ENTRAIN_E_ARGUMENT);
    CHECK(entrain_automate(engine, tone, nullptr, &point, 1, 0) == ENTRAIN_E_ARGUMENT);
    CHECK(entrain_automate(engine, tone, "beat_hz", nullptr, 1, 0) == ENTRAIN_E_ARGUMENT);
    CHECK(entrain_automate(engine, tone, "beat_hz", &point, kHuge, 0) == ENTRAIN_E_ARGUMENT);
    CHECK(entrain_automate(engine, tone, "beat_hz", nullptr, 0, 0) == ENTRAIN_OK);
    CHECK(entrain_route(nullptr, &tone, 1, 0) == ENTRAIN_E_ARGUMENT);
    CHECK(entrain_route(engine, nullptr, 1, 0) == ENTRAIN_E_ARGUMENT);
    CHECK(entrain_route(engine, &tone, kHuge, 0) == ENTRAIN_E_LAYER);

    double seconds = 77.0;
    int runs = 77;
    entrain_run_session(nullptr, 1);
    CHECK(entrain_seek_session(nullptr, 1) == ENTRAIN_E_ARGUMENT);
    CHECK(entrain_seek_session(engine, 604800.1) == ENTRAIN_E_RANGE);
    entrain_read_session(engine, nullptr, nullptr);
    entrain_read_session(engine, &seconds, nullptr);
    entrain_read_session(engine, nullptr, &runs);
    CHECK(seconds == doctest::Approx(1002.0 / kRate));
    CHECK(runs == 1);
    entrain_read_session(nullptr, &seconds, &runs);
    CHECK(seconds == 0.0);
    CHECK(runs == 0);
    entrain_set_bypass(nullptr, 1);
    entrain_set_bypass(engine, -99);
    entrain_set_standalone(nullptr, 1);
    entrain_set_playing(nullptr, 0);
    CHECK(entrain_is_quiet(nullptr) == 0);

    entrain_stats stats;
    entrain_read_stats(engine, nullptr);
    entrain_read_stats(nullptr, &stats);
    CHECK(stats.frames == 0);
    CHECK(entrain_processed_seconds(nullptr) == 0.0);
    entrain_durations durations;
    entrain_read_durations(engine, nullptr);
    entrain_read_durations(nullptr, &durations);
    CHECK(durations.count[0] == 0);
    CHECK(durations.longest_ns == 0);
    entrain_count_xrun(nullptr);
    entrain_count_missing_buffer(nullptr);
    entrain_levels levels;
    entrain_read_levels(engine, nullptr);
    entrain_read_levels(nullptr, &levels);
    CHECK(levels.out_peak[1] == 0.0F);
    entrain_loudness loudness;
    entrain_read_loudness(engine, nullptr, nullptr);
    entrain_read_loudness(engine, &loudness, nullptr);
    entrain_read_loudness(engine, nullptr, &loudness);
    entrain_read_loudness(nullptr, &loudness, &loudness);
    CHECK(loudness.integrated_lufs == 0.0F);
    entrain_reset_loudness(nullptr);
    CHECK(entrain_read_tap(nullptr, 0, 0, &sample, 1) == ENTRAIN_E_ARGUMENT);
    CHECK(entrain_read_tap(engine, 0, 0, nullptr, 1) == ENTRAIN_E_ARGUMENT);
    CHECK(entrain_read_tap(engine, 0, 0, &sample, kHuge) == ENTRAIN_E_OVERRUN);
    CHECK(entrain_read_tap(engine, 0, ~std::uint64_t{0}, &sample, 1) == ENTRAIN_E_OVERRUN);
    CHECK(entrain_read_tap(engine, 0, 0, nullptr, 0) == ENTRAIN_OK);
    CHECK(entrain_measure(nullptr, &promise, &measurement) == ENTRAIN_E_ARGUMENT);
    CHECK(entrain_measure(engine, nullptr, &measurement) == ENTRAIN_E_ARGUMENT);
    CHECK(entrain_measure(engine, &promise, nullptr) == ENTRAIN_E_ARGUMENT);
    promise.interaural_hz = std::numeric_limits<double>::quiet_NaN();
    CHECK(entrain_measure(engine, &promise, &measurement) == ENTRAIN_E_ARGUMENT);
}

TEST_CASE("a back end's functions accept a null pointer") {
    Engine engine;
    entrain_io *io = nullptr;
    CHECK(entrain_io_open(nullptr, "", &io) == ENTRAIN_E_ARGUMENT);
    CHECK(entrain_io_open(engine, nullptr, &io) == ENTRAIN_E_ARGUMENT);
    CHECK(entrain_io_open(engine, "", nullptr) == ENTRAIN_E_ARGUMENT);
    CHECK(io == nullptr);
    const std::string long_name(100'000, 'x');
    REQUIRE(entrain_io_open(engine, long_name.c_str(), &io) == ENTRAIN_OK);
    CHECK(entrain_io_set_target(nullptr, "") == ENTRAIN_E_ARGUMENT);
    CHECK(entrain_io_set_target(io, nullptr) == ENTRAIN_E_ARGUMENT);
    CHECK(entrain_io_set_latency(nullptr, 10) == ENTRAIN_E_ARGUMENT);
    for (const float bad : {kNaN, kInfinity, 3.9F, 501.0F})
        CHECK(entrain_io_set_latency(io, double{bad}) == ENTRAIN_E_RANGE);
    CHECK(entrain_io_set_smart(nullptr, 1) == ENTRAIN_E_ARGUMENT);
    CHECK(entrain_io_set_smart(io, -7) == ENTRAIN_OK);
    CHECK(entrain_io_set_alone(nullptr, 1) == ENTRAIN_E_ARGUMENT);
    CHECK(entrain_io_set_alone(io, -7) == ENTRAIN_OK);
    entrain_io_state state;
    state.generation = 77;
    entrain_io_read_state(nullptr, &state);
    CHECK(state.generation == 0);
    entrain_io_read_state(io, nullptr);
    entrain_io_read_state(io, &state);
    CHECK(std::string(state.target) == long_name.substr(0, sizeof state.target - 1));
    CHECK(entrain_io_fd(nullptr) == -1);
    const auto has_news = [&] {
        pollfd waits{entrain_io_fd(io), POLLIN, 0};
        return poll(&waits, 1, 0) == 1;
    };
    entrain_io_take_news(nullptr);
    CHECK(has_news());
    entrain_io_take_news(io);
    CHECK_FALSE(has_news());
    CHECK(entrain_io_set_target(io, "headphones") == ENTRAIN_OK);
    CHECK(has_news());
    entrain_io_close(io);
    entrain_io_close(nullptr);
}

TEST_CASE("without memory, a back end is not opened") {
    Engine engine;
    entrain_io *io = nullptr;
    with_each_failing([&] { return entrain_io_open(engine, "speakers", &io); },
                      [&] { CHECK(io == nullptr); });
    with_each_failing(
        [&] { return entrain_io_set_target(io, "a name that is longer than a short string"); },
        [&] {
            entrain_io_state state;
            entrain_io_read_state(io, &state);
            CHECK(std::string(state.target) == "speakers");
        });
    entrain_io_close(io);
}

TEST_CASE("without memory, a head is not created") {
    const MadeUpHead made;
    entrain_head *head = nullptr;
    with_each_failing([&] { return entrain_head_create(&made.data, &head); },
                      [&] { CHECK(head == nullptr); });
    entrain_block *block = nullptr;
    REQUIRE(entrain_block_create("scene", 96000, &block) == ENTRAIN_OK);
    with_each_failing([&] { return entrain_block_use_head(block, head); }, [] {});
    entrain_block_destroy(block);
    entrain_head_destroy(head);
}

TEST_CASE("without memory, an engine or a block is not created") {
    entrain_engine *engine = nullptr;
    with_each_failing([&] { return entrain_create(kRate, &engine); },
                      [&] { CHECK(engine == nullptr); });
    entrain_destroy(engine);
    entrain_block *block = nullptr;
    with_each_failing([&] { return entrain_block_create("noise", kRate, &block); },
                      [&] { CHECK(block == nullptr); });
    entrain_block_destroy(block);
}

namespace {

// An engine with automation, moves and fades in progress, and with leaving layers.
struct Busy {
    explicit Busy(std::uint32_t rate_hz = kRate) : engine(rate_hz), in(noise(200'000)) {
        tone = engine.binaural(400, 10, -20);
        gain = engine.add("gain");
        const std::uint32_t other = engine.add("am");
        engine.automate(tone, "carrier_hz",
                        {{0, 300, ENTRAIN_CURVE_LINEAR}, {9, 900, ENTRAIN_CURVE_SMOOTH}}, 10);
        engine.route({gain, other, tone}, true);
        run(3000);
        engine.set(gain, "gain_db", -20, 2);
        engine.set(tone, "beat_hz", 4, 1);
        engine.route({gain, tone});  // the third layer leaves
        run(300);
        engine.automate(tone, "amount", {{0, 0, ENTRAIN_CURVE_LINEAR}, {9, 1, 0}});
        fresh = engine.binaural(700, 5, -20);  // not routed yet
        space = engine.add("speakers");
        REQUIRE(entrain_use_head(engine, head) == ENTRAIN_OK);
    }

    const Sound &run(std::size_t frames) {
        out.left.assign(in.left.size(), 0.0F), out.right.assign(in.left.size(), 0.0F);
        if (done + frames > in.left.size()) done = 0;  // the input repeats
        engine.run(in, out, done, frames, {160});
        done += frames;
        return out;
    }

    Engine engine;
    const MadeUpHead head;
    std::uint32_t tone = 0, gain = 0, fresh = 0, space = 0;
    Sound in;
    Sound out{0};
    std::size_t done = 0;
};

void stays_whole(const std::function<entrain_status(Busy &)> &call) {
    Busy tried, left_alone;
    with_each_failing([&] { return call(tried); },
                      [&] {
                          CHECK(entrain_rate(tried.engine) == entrain_rate(left_alone.engine));
                          CHECK(entrain_latency_frames(tried.engine) ==
                                entrain_latency_frames(left_alone.engine));
                          const Sound &out = tried.run(480), &expected = left_alone.run(480);
                          REQUIRE(out.left == expected.left);
                          REQUIRE(out.right == expected.right);
                      });
    // The call still succeeds afterwards.
    REQUIRE(call(left_alone) == ENTRAIN_OK);
    for (int i = 0; i < 5; ++i) {
        const Sound &out = tried.run(4800), &expected = left_alone.run(4800);
        REQUIRE(out.left == expected.left);
        REQUIRE(out.right == expected.right);
    }
}

}  // namespace

TEST_CASE("a call that fails for lack of memory has changed nothing") {
    SUBCASE("a route") {
        stays_whole([](Busy &busy) {
            const std::uint32_t wanted[] = {busy.fresh, busy.tone};
            return entrain_route(busy.engine, wanted, 2, 0);
        });
    }
    SUBCASE("a route that restarts the session") {
        stays_whole([](Busy &busy) {
            const std::uint32_t wanted[] = {busy.gain, busy.fresh};
            return entrain_route(busy.engine, wanted, 2, 1);
        });
    }
    SUBCASE("a rate") {
        stays_whole([](Busy &busy) { return entrain_set_rate(busy.engine, 96000); });
    }
    SUBCASE("a layer") {
        stays_whole([](Busy &busy) {
            std::uint32_t number = 77;
            const entrain_status status = entrain_add_layer(busy.engine, "noise", &number);
            CHECK((status == ENTRAIN_OK) == (number != 77));
            return status;
        });
    }
    SUBCASE("automation") {
        stays_whole([](Busy &busy) {
            const entrain_point points[] = {{0, 3, 1}, {9, 6, 1}};
            const entrain_status status =
                entrain_automate(busy.engine, busy.tone, "beat_hz", points, 2, 0);
            return status;
        });
    }
    SUBCASE("a head") {
        const MadeUpHead head(44100);
        stays_whole([&head](Busy &busy) { return entrain_use_head(busy.engine, head); });
    }
    SUBCASE("a route with a space") {
        stays_whole([](Busy &busy) {
            const std::uint32_t wanted[] = {busy.gain, busy.tone, busy.space};
            return entrain_route(busy.engine, wanted, 3, 0);
        });
    }
    SUBCASE("a measurement") {
        Busy busy;
        busy.run(100'000);
        const entrain_promise promise{{405, 395}, 10, 200, 0};
        entrain_measurement measurement{};
        measurement.beat_hz = 77.0;
        with_each_failing(
            [&] { return entrain_measure(busy.engine, &promise, &measurement); },
            [&] { CHECK(measurement.beat_hz == 77.0); });
        CHECK(measurement.beat_hz != 77.0);
    }
}

TEST_CASE("layers that are never routed are limited in number, and freed by the next route") {
    Engine engine;
    const std::uint32_t first = engine.add("gain");
    std::uint32_t number = 0, added = 1;
    while (entrain_add_layer(engine, "gain", &number) == ENTRAIN_OK) ++added;
    CHECK(added == ENTRAIN_MOST_LAYERS);
    CHECK(entrain_add_layer(engine, "gain", &number) == ENTRAIN_E_FULL);
    CHECK(number == first + ENTRAIN_MOST_LAYERS - 1);

    engine.route({first});
    float value = 0.0F;
    CHECK(entrain_get_parameter(engine, number, "gain_db", 1, &value) == ENTRAIN_E_LAYER);
    CHECK(entrain_get_parameter(engine, first, "gain_db", 1, &value) == ENTRAIN_OK);
    CHECK(engine.add("gain") == number + 1);  // numbers are not used twice
    const std::uint32_t gone[] = {first, number};
    CHECK(entrain_route(engine, gone, 2, 0) == ENTRAIN_E_LAYER);
}
