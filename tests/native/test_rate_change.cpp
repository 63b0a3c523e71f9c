// Everything continues at a new sample rate: an engine whose rate changes sounds like an engine
// that had the new rate from the beginning, whatever is in progress.  Both are rendered and
// compared here.

#include "sound.h"
#include "trap.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <utility>

namespace {

constexpr std::uint32_t kRates[] = {44100, 48000, 88200, 96000, 192000};
constexpr double kChangeS = 0.25;  // an integer number of frames at each rate
constexpr double kEndS = 0.5;
constexpr double kLookS = 0.001;

// An engine that gets the same sines at any rate, and a record of its output and state.
struct Rig {
    explicit Rig(std::uint32_t rate) : engine(rate), rate_hz(rate) {
        tone = engine.binaural(400, 6, -20);
        gain = engine.add("gain");
        engine.set(gain, "gain_db", -3);
    }

    void until(double end_s) {
        while (now_s < end_s - 1e-9) {
            // Up to the next look, in frames since the last change of the rate.
            const double next_s = std::min(end_s, (std::floor(now_s / kLookS + 1e-6) + 1) * kLookS);
            const auto end = static_cast<std::uint64_t>(std::llround((next_s - since_s) * rate_hz));
            const auto frames = static_cast<std::uint32_t>(end - frame);
            in.left.resize(frames), in.right.resize(frames);
            for (std::uint32_t i = 0; i < frames; ++i) {
                const double seconds = since_s + static_cast<double>(frame + i) / rate_hz;
                in.left[i] = static_cast<float>(input * std::sin(2 * kPi * 997 * seconds));
                in.right[i] = static_cast<float>(input * std::sin(2 * kPi * 499 * seconds));
            }
            const std::size_t from = left.size();
            left.resize(from + frames), right.resize(from + frames);
            const float *const source[2] = {in.left.data(), in.right.data()};
            float *const sink[2] = {left.data() + from, right.data() + from};
            trap::enter();
            entrain_process(engine, source, sink, frames);
            caught += trap::leave();
            frame = end;
            now_s = next_s;
            look();
        }
    }

    void change(std::uint32_t rate) {
        REQUIRE(entrain_set_rate(engine, rate) == ENTRAIN_OK);
        rate_hz = rate;
        since_s = now_s;
        frame = 0;
        left.clear(), right.clear();
    }

    using Address = std::pair<std::uint32_t, const char *>;
    std::vector<Address> addresses() const {
        return {{tone, "beat_hz"}, {tone, "carrier_hz"}, {tone, "amount"},
                {gain, "gain_db"}, {gain, "amount"},     {ENTRAIN_LAYER_OUTPUT, "ceiling_db"},
                {ENTRAIN_LAYER_INPUT, "gate_threshold_db"}};
    }

    // Read the state, as `status` does.
    void look() {
        std::vector<double> values;
        for (const auto &[layer, symbol] : addresses()) {
            float value = 0.0F;  // stays 0 for a freed layer
            entrain_get_parameter(engine, layer, symbol, 0, &value);
            values.push_back(double{value});
        }
        double seconds = 0.0;
        entrain_read_session(engine, &seconds, nullptr);
        values.push_back(seconds);
        looks.push_back(values);
    }

    Engine engine;
    std::uint32_t rate_hz, tone = 0, gain = 0;
    double input = 0.05;
    double since_s = 0.0, now_s = 0.0;
    std::uint64_t frame = 0;
    Sound in{0};
    std::vector<float> left, right;
    std::vector<std::vector<double>> looks;
    long caught = 0;
};

struct State {
    std::string name;
    std::map<double, std::function<void(Rig &)>> script;
    double tolerance;  // for the samples
};

void begin(Rig &rig) { rig.engine.route({rig.gain, rig.tone}, true); }

// Runs up to the change, makes it, and runs on.
void perform(Rig &rig, const State &state, const std::vector<std::uint32_t> &rates) {
    bool changed = false;
    for (const auto &[at_s, act] : state.script) {
        if (at_s > kChangeS && !std::exchange(changed, true)) {
            rig.until(kChangeS);
            for (const std::uint32_t rate : rates) rig.change(rate);
        }
        rig.until(at_s);
        act(rig);
    }
    if (!changed) {
        rig.until(kChangeS);
        for (const std::uint32_t rate : rates) rig.change(rate);
    }
    rig.until(kEndS);
}

// Tolerances for a tone of 0.14.  The grid begins at another frame, so moves may happen up to 16
// frames earlier or later.
constexpr double kStill = 1e-6;
constexpr double kMoves = 4e-3;   // 100 ms of the resulting phase error
constexpr double kQuick = 8e-3;   // a move within 20 ms
constexpr double kAtOnce = 2e-2;  // a move within 16 or 32 frames
constexpr double kFar = 4e-2;     // a carrier that moves by 100 Hz within 20 ms

using Points = std::vector<entrain_point>;
const Points kBeats{{0, 6, ENTRAIN_CURVE_LINEAR}, {1, 3, ENTRAIN_CURVE_STEP}};
const Points kCarriers{{0.1, 300, ENTRAIN_CURVE_SMOOTH}, {0.5, 360, ENTRAIN_CURVE_STEP}};
const Points kAmounts{{0, 0.2, ENTRAIN_CURVE_LINEAR}, {0.4, 1, ENTRAIN_CURVE_STEP}};

void automated(Rig &rig) {
    rig.engine.automate(rig.tone, "beat_hz", kBeats);
    rig.engine.automate(rig.tone, "carrier_hz", kCarriers);
    rig.engine.automate(rig.tone, "amount", kAmounts);
    begin(rig);
}

const std::vector<State> &states() {
    static const std::vector<State> all{
        {"nothing moves", {{0, begin}}, kStill},
        {"automation runs", {{0, automated}}, kMoves},
        {"automation in a loop",
         {{0,
           [](Rig &rig) {
               rig.engine.automate(rig.tone, "amount", kAmounts, 0.41);
               begin(rig);
           }}},
         kAtOnce},
        {"ended by hand",
         {{0, automated},
          {0.1,
           [](Rig &rig) {
               rig.engine.set(rig.tone, "beat_hz", 7);
               rig.engine.set(rig.tone, "amount", 0.4F);
               rig.engine.set(rig.tone, "carrier_hz", 350);
           }}},
         kMoves},
        {"ended by hand at the value that it began with",
         {{0, automated}, {0.1, [](Rig &rig) { rig.engine.set(rig.tone, "beat_hz", 6); }}},
         kMoves},
        {"ended by hand in the moment of the change",
         {{0, automated},
          {kChangeS, [](Rig &rig) { rig.engine.set(rig.tone, "beat_hz", 7, 0.2F); }}},
         kMoves},
        {"a move that has begun",
         {{0, begin},
          {0.1,
           [](Rig &rig) {
               rig.engine.set(rig.tone, "beat_hz", 12, 0.3F);
               rig.engine.set(rig.gain, "gain_db", -9, 0.3F);
               rig.engine.set(ENTRAIN_LAYER_OUTPUT, "ceiling_db", -9, 0.3F);
               rig.engine.set(ENTRAIN_LAYER_INPUT, "gate_threshold_db", -50, 0.3F);
           }}},
         kMoves},
        {"a move of 20 ms that has begun",
         {{0, begin}, {0.24, [](Rig &rig) { rig.engine.set(rig.gain, "gain_db", -9); }}},
         kQuick},
        {"a move that is asked for in the moment of the change",
         {{0, begin}, {kChangeS, [](Rig &rig) { rig.engine.set(rig.gain, "gain_db", -9, 0.2F); }}},
         kMoves},
        {"a move that takes the place of automation",
         {{0, automated},
          {0.2,
           [](Rig &rig) {
               rig.engine.set(rig.tone, "beat_hz", 12, 0.3F);
               rig.engine.set(rig.tone, "amount", 0.1F, 0.3F);
           }}},
         kMoves},
        {"the sleep timer's fade",
         {{0, automated},
          {0.1,
           [](Rig &rig) {
               rig.engine.set(rig.tone, "amount", 0, 0.5F);
               rig.engine.set(rig.gain, "amount", 0, 0.5F);
           }}},
         kMoves},
        {"a layer that comes",
         {{0, [](Rig &rig) { rig.engine.route({rig.gain, rig.tone = rig.engine.binaural(400, 6, -20)},
                                              true); }},
          {0.22,
           [](Rig &rig) { rig.engine.route({rig.gain, rig.tone, rig.engine.binaural(700, 4, -20)}); }}},
         kMoves},
        {"a layer that goes",
         {{0, automated}, {0.22, [](Rig &rig) { rig.engine.route({rig.gain}); }}},
         kMoves},
        {"a layer that is told to go in the moment of the change",
         {{0, begin}, {kChangeS, [](Rig &rig) { rig.engine.route({rig.gain}); }}},
         kMoves},
        {"a processor that waits for another one",
         {{0, begin},
          {0.22,
           [](Rig &rig) {
               const std::uint32_t next = rig.engine.add("gain");
               rig.engine.set(next, "gain_db", -6);
               rig.engine.route({next, rig.tone});
           }}},
         kMoves},
        {"the session stands still",
         {{0, automated}, {0.15, [](Rig &rig) { entrain_run_session(rig.engine, 0); }},
          {0.4, [](Rig &rig) { entrain_run_session(rig.engine, 1); }}},
         kMoves},
        {"the session has been moved",
         {{0, automated}, {0.245, [](Rig &rig) { entrain_seek_session(rig.engine, 0.05); }}},
         kQuick},
        {"the session is moved in the moment of the change",
         {{0, automated}, {kChangeS, [](Rig &rig) { entrain_seek_session(rig.engine, 0.3); }}},
         kQuick},
        {"automation that is not routed yet",
         {{0, begin},
          {0.2, [](Rig &rig) { rig.engine.automate(rig.tone, "amount", kAmounts); }},
          {0.4, [](Rig &rig) { rig.engine.route({rig.gain, rig.tone}); }}},
         kQuick},
        {"automation that is routed in the moment of the change",
         {{0, begin},
          {kChangeS,
           [](Rig &rig) {
               rig.engine.automate(rig.tone, "amount", kAmounts);
               rig.engine.route({rig.gain, rig.tone});
           }}},
         kQuick},
        {"automation that is taken away in the moment of the change",
         {{0, automated},
          {kChangeS,
           [](Rig &rig) {
               rig.engine.automate(rig.tone, "amount", {});
               rig.engine.route({rig.gain, rig.tone});
           }}},
         kQuick},
        {"the session begins in the moment of the change",
         {{0, begin}, {kChangeS, automated}},
         kFar},
        {"a fade into bypass",
         {{0, begin}, {0.24, [](Rig &rig) { entrain_set_bypass(rig.engine, ENTRAIN_BYPASS_EXACT); }}},
         kMoves},
        {"bypass",
         {{0, begin}, {0.1, [](Rig &rig) { entrain_set_bypass(rig.engine, ENTRAIN_BYPASS_MATCHED); }}},
         kStill},
        {"the tones' fade after the last player has gone",
         {{0, begin},
          {0.2,
           [](Rig &rig) {
               entrain_set_standalone(rig.engine, 0);
               entrain_set_playing(rig.engine, 0);
               rig.input = 0.0;
           }}},
         kMoves},
    };
    return all;
}

// A parameter may be read one step of the grid earlier or later; it moves this much in between.
constexpr double kStep = 1e-3;

void compare(const State &state, std::uint32_t from_hz, std::uint32_t to_hz,
             const std::vector<std::uint32_t> &rates, const Rig &expected) {
    CAPTURE(state.name);
    CAPTURE(from_hz);
    CAPTURE(to_hz);
    Rig rig(from_hz);
    perform(rig, state, rates);
    CHECK(rig.caught == 0);

    // Parameters may be one look earlier or later.
    REQUIRE(rig.looks.size() == expected.looks.size());
    const std::vector<Rig::Address> addresses = rig.addresses();
    for (std::size_t i = 1; i + 1 < rig.looks.size(); ++i)
        for (std::size_t k = 0; k < rig.looks[i].size(); ++k) {
            const auto around = {expected.looks[i - 1][k], expected.looks[i][k],
                                 expected.looks[i + 1][k]};
            const double least = std::min(around), most = std::max(around);
            const double value = rig.looks[i][k];
            CAPTURE(i);
            CAPTURE(k < addresses.size() ? addresses[k].second : "session");
            REQUIRE(value >= least - kStep * (std::fabs(least) + 1));
            REQUIRE(value <= most + kStep * (std::fabs(most) + 1));
        }

    // The output, once the limiter's delay is filled.
    REQUIRE(expected.left.size() > rig.left.size());
    const std::size_t offset = expected.left.size() - rig.left.size();
    double worst = 0.0;
    std::size_t at = 0;
    for (std::size_t i = 2 * entrain_latency_frames(rig.engine); i < rig.left.size(); ++i) {
        const double error =
            std::max(std::fabs(double{rig.left[i]} - double{expected.left[offset + i]}),
                     std::fabs(double{rig.right[i]} - double{expected.right[offset + i]}));
        if (error > worst) worst = error, at = i;
    }
    const double worst_s = static_cast<double>(at) / to_hz;
    CAPTURE(worst_s);
    CHECK(worst < state.tolerance);
}

}  // namespace

TEST_CASE("everything in progress continues at another sample rate") {
    for (const State &state : states())
        for (const std::uint32_t to_hz : kRates) {
            Rig expected(to_hz);
            perform(expected, state, {});
            for (const std::uint32_t from_hz : kRates)
                if (from_hz != to_hz) compare(state, from_hz, to_hz, {to_hz}, expected);
        }
}

TEST_CASE("of several rates before the next callback, the last one counts") {
    for (const State &state : states()) {
        Rig expected(48000);
        perform(expected, state, {});
        compare(state, 44100, 48000, {96000, 192000, 48000}, expected);
        compare(state, 48000, 48000, {96000, 48000}, expected);
    }
}

// Output of a layer of this kind in the 0.75 s after the change; for noises and bells only the
// sound that they add.
std::vector<float> heard_of(const std::string &kind, bool added, std::uint32_t from_hz,
                            std::uint32_t to_hz) {
    constexpr double kSettledS = 1.25, kHeardS = 0.75;
    Rig rig(from_hz);
    const std::uint32_t layer = rig.engine.add(kind.c_str());
    if (kind == "bell") rig.engine.set(layer, "every_s", 0.6F);
    rig.engine.route({layer}, true);
    rig.until(kSettledS);
    if (from_hz != to_hz) rig.change(to_hz);
    rig.until(kSettledS + kHeardS);
    CHECK(rig.caught == 0);
    const auto frames = static_cast<std::size_t>(std::lround(kHeardS * to_hz));
    std::vector<float> heard(rig.left.end() - static_cast<std::ptrdiff_t>(frames), rig.left.end());
    const double latency_s = static_cast<double>(entrain_latency_frames(rig.engine)) / to_hz;
    for (std::size_t i = 0; added && i < frames; ++i) {
        const double seconds = kSettledS - latency_s + static_cast<double>(i) / to_hz;
        heard[i] -= static_cast<float>(rig.input * std::sin(2 * kPi * 997 * seconds));
    }
    return heard;
}

double level_db(const std::vector<float> &of, double from_s, double to_s, std::uint32_t rate_hz) {
    double power = 0.0;
    const auto end = static_cast<std::size_t>(to_s * rate_hz);
    for (auto i = static_cast<std::size_t>(from_s * rate_hz); i < end; ++i)
        power += double{of[i]} * double{of[i]};
    return 10.0 * std::log10(1e-12 + power / ((to_s - from_s) * rate_hz));
}

TEST_CASE("a block's state is kept at another sample rate") {
    // Phases, rhythms, filters, and levels that follow the input.
    for (const std::string &kind : layer_kinds()) {
        const bool is_noise = kind == "noise" || kind == "pulse" || kind == "spin";
        const bool is_exact = !is_noise && kind != "bell";  // a bell may be struck a frame later
        for (const auto &rates : std::vector<std::pair<std::uint32_t, std::uint32_t>>{
                 {44100, 96000}, {192000, 44100}}) {
            const std::uint32_t from_hz = rates.first, to_hz = rates.second;
            CAPTURE(kind);
            CAPTURE(from_hz);
            CAPTURE(to_hz);
            const std::vector<float> expected = heard_of(kind, !is_exact, to_hz, to_hz);
            std::vector<float> heard = heard_of(kind, !is_exact, from_hz, to_hz);
            constexpr double kFirstS = 0.004;  // enough to fill the limiter's delay twice
            const double most_db = is_noise ? 3.0 : 0.5;
            for (double at_s = kFirstS; at_s < 0.6; at_s += 0.1)
                CHECK(std::fabs(level_db(heard, at_s, at_s + 0.1, to_hz) -
                                level_db(expected, at_s, at_s + 0.1, to_hz)) < most_db);
            if (!is_exact) continue;
            for (std::size_t i = 0; i < heard.size(); ++i) heard[i] -= expected[i];
            CHECK(level_db(heard, kFirstS, 0.7, to_hz) <
                  level_db(expected, kFirstS, 0.7, to_hz) - 60.0);
        }
    }
}
