// What the engine says of its own sound is what is in it: on synthesised sound of known content.

#include "control/measurement.h"
#include "known_sound.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <random>
#include <vector>

using entrain::BeatTracker;
using entrain::measure_interaural_phase;
using entrain::measure_modulation;
using entrain::measure_tones;
using entrain::Modulation;
using entrain::Tones;

namespace {

Tones tones_of(const Stereo &sound, std::uint32_t rate_hz, double left_hz, double right_hz) {
    return measure_tones(nullptr, sound.frames().data(), kTap, rate_hz, left_hz, right_hz);
}

void check_nothing(const Tones &tones) {
    for (const auto &ear : tones.ear) {
        CHECK_FALSE(ear.present);
        CHECK(ear.hz == 0.0);
        CHECK(std::isfinite(std::abs(ear.amplitude)));
    }
    CHECK(tones.beat_hz == 0.0);
    CHECK(tones.error_hz == 0.0);
    CHECK(tones.level_db[0] == -200.0);
}

void check_nothing(const Modulation &modulation) {
    for (int ear = 0; ear < 2; ++ear) {
        CHECK_FALSE(modulation.present[ear]);
        CHECK(modulation.index[ear] == 0.0);
        CHECK(modulation.floor[ear] == 0.0);
    }
    CHECK(modulation.error_hz == 0.0);
}

}  // namespace

TEST_CASE("A clean beat is exact to 1 mHz at every rate, from one tap") {
    for (const std::uint32_t rate_hz : kRates) {
        for (const double carrier_hz : {40.0, 200.0, 400.0, 1500.0}) {
            for (const double beat_hz : {-40.0, 0.25, 10.0}) {
                CAPTURE(rate_hz);
                CAPTURE(carrier_hz);
                CAPTURE(beat_hz);
                const double left_hz = carrier_hz + beat_hz / 2;
                const double right_hz = carrier_hz - beat_hz / 2;
                const Tones tones = tones_of({sine(left_hz, 0.1, rate_hz, kTap, 1.0),
                                              sine(right_hz, 0.05, rate_hz, kTap, 2.0)},
                                             rate_hz, left_hz, right_hz);
                CHECK(std::abs(tones.beat_hz - beat_hz) < 1e-3);
                CHECK(std::abs(tones.ear[0].hz - left_hz) < 1e-3);
                // Phases are those of cosines, at frame 0.
                CHECK(std::abs(tones.ear[0].amplitude - std::polar(0.1, 1.0 - kTurn / 4)) < 1e-5);
                CHECK(std::abs(tones.ear[1].amplitude - std::polar(0.05, 2.0 - kTurn / 4)) < 1e-5);
                CHECK(tones.level_db[0] == doctest::Approx(-23.0103).epsilon(0.001 / 23.0));
                CHECK(tones.level_db[1] == doctest::Approx(-29.0309).epsilon(0.001 / 29.0));
            }
        }
    }
}

TEST_CASE("A tone is where it is, not where it was promised") {
    for (const std::uint32_t rate_hz : kRates) {
        CAPTURE(rate_hz);
        for (const double off_hz : {-0.5, 0.004, 0.3}) {
            const Tones tones =
                tones_of({sine(205.0 + off_hz, 0.1, rate_hz), sine(195.0, 0.1, rate_hz)}, rate_hz,
                         205.0, 195.0);
            CHECK(std::abs(tones.ear[0].hz - (205.0 + off_hz)) < 1e-3);
            CHECK(std::abs(tones.ear[1].hz - 195.0) < 1e-3);
            CHECK(std::abs(tones.beat_hz - (10.0 + off_hz)) < 1e-3);
        }
    }
}

TEST_CASE("What is not there is not found") {
    constexpr std::uint32_t kRate = 48000;
    SUBCASE("silence") {
        const Stereo silence{Ear(kTap), Ear(kTap)};
        check_nothing(tones_of(silence, kRate, 205.0, 195.0));
        const std::vector<float> frames = silence.frames();
        check_nothing(measure_modulation(frames.data(), frames.data(), kTap, kRate, 16.0, 120.0));
        check_nothing(measure_modulation(nullptr, frames.data(), kTap, kRate, 16.0, 120.0));
        CHECK_FALSE(measure_interaural_phase(frames.data(), kTap, kRate, 10.0).slope.present);
    }
    SUBCASE("noise") {
        for (unsigned seed = 1; seed <= 10; ++seed)
            check_nothing(
                tones_of({pink(kTap, seed), pink(kTap, 100 + seed)}, kRate, 205.0, 195.0));
    }
    SUBCASE("a strong tone beside the promised one") {
        for (const std::uint32_t rate_hz : kRates) {
            for (const double beside_hz : {-8.0, -3.3, 2.0, 3.0, 4.1, 5.0, 6.2, 40.0}) {
                CAPTURE(rate_hz);
                CAPTURE(beside_hz);
                const Ear ear = sine(200.0 + beside_hz, 0.5, rate_hz);
                check_nothing(tones_of({ear, ear}, rate_hz, 200.0, 200.0));
            }
        }
    }
    SUBCASE("the other ear's tone") {
        const Tones tones = tones_of({sine(205.0, 0.1, kRate), Ear(kTap)}, kRate, 205.0, 195.0);
        CHECK(tones.ear[0].present);
        CHECK_FALSE(tones.ear[1].present);
        CHECK(tones.beat_hz == 0.0);
    }
}

TEST_CASE("Too little sound or senseless questions give nothing, and never NaN") {
    constexpr std::uint32_t kRate = 48000;
    const std::vector<float> frames =
        Stereo{sine(205.0, 0.1, kRate), sine(195.0, 0.1, kRate)}.frames();
    for (const std::uint32_t count : {0U, 1U, 100U, 4000U}) {
        CAPTURE(count);
        check_nothing(measure_tones(nullptr, frames.data(), count, kRate, 205.0, 195.0));
        check_nothing(measure_tones(frames.data(), frames.data(), count, kRate, 205.0, 195.0));
        check_nothing(measure_modulation(frames.data(), frames.data(), count, kRate, 16.0, 120.0));
        const auto phase = measure_interaural_phase(frames.data(), count, kRate, 10.0);
        CHECK_FALSE(phase.slope.present);
        CHECK(phase.coherence == 0.0);
    }
    const double nan = std::numeric_limits<double>::quiet_NaN();
    for (const double hz : {0.0, -200.0, 30000.0, nan})
        check_nothing(measure_tones(nullptr, frames.data(), kTap, kRate, hz, 195.0));
    for (const double hz : {0.0, -16.0, 0.5, 1000.0, nan})
        check_nothing(measure_modulation(nullptr, frames.data(), kTap, kRate, hz, 120.0));
    check_nothing(measure_tones(nullptr, nullptr, kTap, kRate, 205.0, 195.0));
    check_nothing(measure_tones(nullptr, frames.data(), kTap, 0, 205.0, 195.0));
    check_nothing(measure_modulation(nullptr, nullptr, kTap, kRate, 16.0, 120.0));

    std::vector<float> broken = frames;
    broken[40001] = std::numeric_limits<float>::quiet_NaN();
    const Tones tones = measure_tones(nullptr, broken.data(), kTap, kRate, 205.0, 195.0);
    CHECK(tones.ear[0].present);
    CHECK_FALSE(tones.ear[1].present);
    CHECK(tones.ear[1].amplitude == 0.0);
    const Modulation modulation =
        measure_modulation(frames.data(), broken.data(), kTap, kRate, 16.0, 120.0);
    CHECK_FALSE(modulation.present[1]);
    CHECK(modulation.index[1] == 0.0);
}

TEST_CASE("Of a long recording the last two seconds count") {
    constexpr std::uint32_t kRate = 48000;
    constexpr std::size_t kFrames = 6 * kRate;
    Stereo sound{sine(205.0, 0.1, kRate, kFrames), sine(195.0, 0.1, kRate, kFrames)};
    for (std::size_t i = 0; i < 3 * kRate; ++i) sound.left[i] = sound.right[i] = 0.0;
    const Tones tones = measure_tones(nullptr, sound.frames(0, kFrames).data(), kFrames, kRate,
                                      205.0, 195.0, 1000);
    CHECK(std::abs(tones.beat_hz - 10.0) < 1e-3);
    CHECK(tones.middle_s == doctest::Approx(5.0 + 1000.0 / kRate).epsilon(0.01));
}

TEST_CASE("Known input does not hide a beat") {
    // 20 dB below the third octave of noise around it.
    constexpr std::uint32_t kRate = 48000;
    const Stereo input{pink(kTap, 1), pink(kTap, 2)};
    const double level = third_octave_rms(input.left, 200.0, kRate) * std::sqrt(2.0) * 0.1;
    const Ear left = sine(205.0, level, kRate), right = sine(195.0, level, kRate);
    const std::vector<float> before = input.frames();

    SUBCASE("that passes as it is") {
        const Stereo out{sum(input.left, left), sum(input.right, right)};
        CHECK_FALSE(tones_of(out, kRate, 205.0, 195.0).ear[0].present);
        const Tones tones =
            measure_tones(before.data(), out.frames().data(), kTap, kRate, 205.0, 195.0);
        CHECK(std::abs(tones.beat_hz - 10.0) < 1e-3);
        CHECK(tones.level_db[0] == doctest::Approx(20.0 * std::log10(level) - 3.01).epsilon(0.001));
    }
    SUBCASE("that is modulated") {
        const Stereo out{sum(modulated(input.left, 16.0, 0.5, kRate), left),
                         sum(modulated(input.right, 16.0, 0.5, kRate), right)};
        const Tones tones = measure_tones(before.data(), out.frames().data(), kTap, kRate, 205.0,
                                          195.0, 0, 16.0);
        REQUIRE(tones.error_hz > 0.0);
        CHECK(tones.error_hz < 0.1);
        CHECK(std::abs(tones.beat_hz - 10.0) < 4.0 * tones.error_hz);
        CHECK(std::abs(tones.level_db[0] - (20.0 * std::log10(level) - 3.01)) < 1.5);
    }
    SUBCASE("with no beat in it") {
        check_nothing(measure_tones(before.data(), before.data(), kTap, kRate, 205.0, 195.0));
        const Stereo out{modulated(input.left, 16.0, 0.5, kRate),
                         modulated(input.right, 16.0, 0.5, kRate)};
        check_nothing(measure_tones(before.data(), out.frames().data(), kTap, kRate, 205.0, 195.0,
                                    0, 16.0));
    }
}

namespace {

// Seconds 0, 1, 2, ... of a long sound, read a little late each time.
void track(BeatTracker &tracker, const Stereo &sound, const Stereo *input, std::size_t seconds,
           double modulation_hz = 0.0) {
    constexpr std::uint32_t kRate = 48000;
    constexpr std::uint64_t kHour = 3600ULL * kRate;
    for (std::size_t k = 0; k < seconds; ++k) {
        const std::size_t first = k * kRate + (k * 7919) % 2400;
        const std::vector<float> before =
            input ? input->frames(first) : std::vector<float>{};
        tracker.add(measure_tones(input ? before.data() : nullptr, sound.frames(first).data(),
                                  kTap, kRate, 205.0, 195.0, kHour + first, modulation_hz));
    }
}

}  // namespace

TEST_CASE("Beats are tracked through successive taps") {
    constexpr std::uint32_t kRate = 48000;
    constexpr std::size_t kFrames = 62 * kRate;
    BeatTracker tracker;
    SUBCASE("clean ones to 1 uHz, off the promise by 2 mHz") {
        constexpr std::size_t kShort = 12 * kRate;
        const Stereo sound{sine(205.002, 0.1, kRate, kShort), sine(195.0, 0.1, kRate, kShort)};
        track(tracker, sound, nullptr, 10);
        REQUIRE(tracker.beat().present);
        CHECK(std::abs(tracker.beat().hz - 10.002) < 1e-6);
        CHECK(tracker.seconds() == doctest::Approx(9.0).epsilon(0.02));
    }
    SUBCASE("15 dB below unknown noise: within a minute to 5 mHz, as it says itself") {
        const Stereo input{pink(kFrames, 5), pink(kFrames, 6)};
        const double level = third_octave_rms(Ear(input.left.begin(),
                                                  input.left.begin() + 4 * kRate),
                                              200.0, kRate) *
                             std::sqrt(2.0) * std::pow(10.0, -15.0 / 20.0);
        const Stereo sound{sum(input.left, sine(205.0, level, kRate, kFrames)),
                           sum(input.right, sine(195.0, level, kRate, kFrames))};
        track(tracker, sound, nullptr, 60);
        const BeatTracker::Beat beat = tracker.beat();
        REQUIRE(beat.present);
        CHECK(beat.error_hz < 2e-3);
        CHECK(std::abs(beat.hz - 10.0) < std::min(5e-3, 4.0 * beat.error_hz));
    }
    SUBCASE("15 dB below known noise that is modulated: in half a minute to 1 mHz") {
        constexpr std::size_t kHalf = 32 * kRate;
        const Stereo input{pink(kHalf, 5), pink(kHalf, 6)};
        const double level = third_octave_rms(Ear(input.left.begin(),
                                                  input.left.begin() + 4 * kRate),
                                              200.0, kRate) *
                             std::sqrt(2.0) * std::pow(10.0, -15.0 / 20.0);
        const Stereo sound{
            sum(modulated(input.left, 16.0, 0.5, kRate), sine(205.0, level, kRate, kHalf)),
            sum(modulated(input.right, 16.0, 0.5, kRate), sine(195.0, level, kRate, kHalf))};
        track(tracker, sound, &input, 30, 16.0);
        REQUIRE(tracker.beat().present);
        CHECK(std::abs(tracker.beat().hz - 10.0) < 1e-3);
    }
    SUBCASE("but none in noise alone, however long") {
        const Stereo noise{pink(kFrames, 7), pink(kFrames, 8)};
        for (std::size_t k = 0; k < 60; ++k) {
            const std::size_t first = k * kRate;
            tracker.add(measure_tones(nullptr, noise.frames(first).data(), kTap, kRate, 205.0,
                                      195.0, first));
            CHECK_FALSE(tracker.beat().present);
        }
    }
    SUBCASE("and it starts anew after a gap, a step back or a new promise") {
        const std::vector<float> frames =
            Stereo{sine(205.0, 0.1, kRate), sine(195.0, 0.1, kRate)}.frames();
        const auto add = [&](double seconds, double left_hz) {
            tracker.add(measure_tones(nullptr, frames.data(), kTap, kRate, left_hz, 195.0,
                                      static_cast<std::uint64_t>(seconds * kRate)));
        };
        for (const double seconds : {0.0, 1.0, 2.0}) add(seconds, 205.0);
        CHECK(tracker.seconds() == doctest::Approx(2.0));
        CHECK_FALSE(tracker.beat().present);  // three are too few
        add(3.0, 205.0);
        CHECK(tracker.beat().present);
        add(5.0, 205.0);
        CHECK(tracker.seconds() == 0.0);
        add(6.0, 205.0);
        add(1.0, 205.0);
        CHECK(tracker.seconds() == 0.0);
        add(2.0, 205.0);
        add(3.0, 205.1);
        CHECK(tracker.seconds() == 0.0);
        CHECK_FALSE(tracker.beat().present);
        // Bounded memory: the last 64.
        for (int k = 0; k < 100; ++k) add(10.0 + k, 205.0);
        CHECK(tracker.seconds() == doctest::Approx(63.0));
    }
}

TEST_CASE("The index of a modulation is what depth promises, whatever the input") {
    for (const std::uint32_t rate_hz : kRates) {
        const std::size_t onset = rate_hz / 10;  // of the filters
        const std::size_t frames = kTap + onset;
        const Ear tone = sine(440.0, 0.2, rate_hz, frames);
        const Stereo inputs[] = {{pink(frames, 1), pink(frames, 2)},
                                     {tone, tone},
                                     {notes(frames, rate_hz, 3), notes(frames, rate_hz, 4)}};
        for (int which = 0; which < 3; ++which) {
            const Stereo &input = inputs[which];
            const std::vector<float> before = input.frames(onset);
            for (const double rate : {2.0, 6.0, 16.0, 40.0}) {
                const double periods = rate * kTap / rate_hz;
                if (periods < 1.6) continue;
                CAPTURE(rate_hz);
                CAPTURE(which);
                CAPTURE(rate);
                const Stereo out{modulated(input.left, rate, 0.5, rate_hz),
                                 modulated(input.right, rate, 0.25, rate_hz)};
                const Modulation found = measure_modulation(
                    before.data(), out.frames(onset).data(), kTap, rate_hz, rate, kCorner_hz);
                CHECK(found.present[0]);
                CHECK(std::abs(found.index[0] - 0.5) < 0.03);
                CHECK(std::abs(found.index[1] - 0.25) < 0.02);
                CHECK(found.floor[0] < 0.03);
                CHECK(std::abs(found.rate_hz - rate) < std::max(0.02, 0.02 * rate / periods));
                const double phase = rate * (static_cast<double>(onset) + 0.5 * kTap) / rate_hz;
                const double wrong = found.phase[0] - phase;
                CHECK(std::abs(wrong - std::round(wrong)) < 0.04);  // the filters are late
            }
        }
    }
}

TEST_CASE("A modulation's rate is measured, not repeated") {
    constexpr std::uint32_t kRate = 48000;
    const Stereo input{pink(kTap, 1), pink(kTap, 2)};
    const std::vector<float> before = input.frames();
    for (const double rate : {15.75, 16.1}) {
        const Stereo out{modulated(input.left, rate, 0.5, kRate),
                         modulated(input.right, rate, 0.5, kRate)};
        const Modulation found =
            measure_modulation(before.data(), out.frames().data(), kTap, kRate, 16.0, kCorner_hz);
        CHECK(std::abs(found.rate_hz - rate) < 0.01);
        CHECK(std::abs(found.index[0] - 0.5) < 0.03);
        CHECK(found.error_hz > 0.0);
    }
}

TEST_CASE("The input's own rhythm is not counted") {
    for (const std::uint32_t rate_hz : kRates) {
        CAPTURE(rate_hz);
        // Noise, and notes that swing at the very rate.
        Stereo input{pink(kTap, 1), notes(kTap, rate_hz, 3)};
        for (std::size_t i = 0; i < kTap; ++i)
            input.right[i] *=
                1.0 + 0.6 * std::sin(kTurn * 16.0 * static_cast<double>(i) / rate_hz);
        const std::vector<float> before = input.frames();
        const Stereo out{modulated(input.left, 16.0, 0.0, rate_hz),
                         modulated(input.right, 16.0, 0.0, rate_hz)};
        const std::vector<float> after = out.frames();
        const Modulation found =
            measure_modulation(before.data(), after.data(), kTap, rate_hz, 16.0, kCorner_hz);
        CHECK(found.present[0]);
        CHECK(found.index[0] < 0.05);
        CHECK(found.index[1] < 0.05);
        // Without the input to compare, it is counted, and noise has a floor.
        const Modulation own =
            measure_modulation(nullptr, after.data(), kTap, rate_hz, 16.0, kCorner_hz);
        CHECK(own.index[0] < 0.1);
        CHECK(own.index[1] > 0.4);
    }
}

TEST_CASE("Tones laid under the input barely change its index") {
    constexpr std::uint32_t kRate = 48000;
    const Stereo input{pink(kTap, 1), pink(kTap, 2)};
    const double level = third_octave_rms(input.left, 200.0, kRate) * std::sqrt(2.0) * 0.5;
    const Stereo out{
        sum(modulated(input.left, 16.0, 0.5, kRate), sine(205.0, level, kRate)),
        sum(modulated(input.right, 16.0, 0.5, kRate), sine(195.0, level, kRate))};
    const Modulation found = measure_modulation(input.frames().data(), out.frames().data(),
                                                kTap, kRate, 16.0, kCorner_hz);
    CHECK(std::abs(found.index[0] - 0.5) < 0.03);
    CHECK(std::abs(found.index[1] - 0.5) < 0.03);
}

TEST_CASE("Ears that are shifted apart turn against each other at the beat") {
    for (const std::uint32_t rate_hz : kRates) {
        CAPTURE(rate_hz);
        // An input of many partials, shifted in the band of `selfbinaural`; bass and treble not.
        Stereo out{Ear(kTap), Ear(kTap)};
        std::mt19937 random(1);
        std::uniform_real_distribution<double> uniform;
        for (int partial = 0; partial < 100; ++partial) {
            const double hz = 60.0 * std::exp2(6.0 * uniform(random));
            const double shift_hz = hz > 150.0 && hz < 1500.0 ? 5.0 : 0.0;
            const double phase = kTurn * uniform(random);
            out.left = sum(out.left, sine(hz + shift_hz, 0.01, rate_hz, kTap, phase));
            out.right = sum(out.right, sine(hz - shift_hz, 0.01, rate_hz, kTap, phase));
        }
        const std::vector<float> frames = out.frames();
        const double limit_hz = 0.03 * rate_hz / 44100.0;
        const auto promised = measure_interaural_phase(frames.data(), kTap, rate_hz, 10.0);
        CHECK(promised.slope.present);
        CHECK(std::abs(promised.slope.hz - 10.0) < limit_hz);
        CHECK(promised.coherence > 0.7);
        const auto beside = measure_interaural_phase(frames.data(), kTap, rate_hz, 9.7);
        CHECK(std::abs(beside.slope.hz - 10.0) < limit_hz);
        CHECK_FALSE(measure_interaural_phase(frames.data(), kTap, rate_hz, -10.0).slope.present);
    }
    const Stereo apart{pink(kTap, 1), pink(kTap, 2)};
    CHECK_FALSE(measure_interaural_phase(apart.frames().data(), kTap, 48000, 10.0).slope.present);
}
