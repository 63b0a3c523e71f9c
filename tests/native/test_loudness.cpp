// Compares loudness with the signals of EBU Tech 3341, whose case numbers are in the test names,
// and with the filters that ITU-R BS.1770 prints for 48 kHz.

#include "audio/loudness.h"
#include "sound.h"
#include "trap.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <complex>
#include <limits>
#include <memory>

using entrain::Chunk;
using entrain::Loudness;

namespace {

constexpr double kTolerance = 0.1;  // LU, required by Tech 3341
constexpr float kSilent = -std::numeric_limits<float>::infinity();

using Frame = std::array<float, 2>;

// A meter with its readings.
class Heard {
public:
    explicit Heard(std::uint32_t rate = kRate, std::uint32_t block = entrain::kChunkFrames)
        : rate_hz(rate), block_(block) {
        meter.set_rate(rate);
    }

    // Play a sine to both ears; `peak_db` is relative to full scale.
    void sine(double peak_db, double seconds, double hz = 1000.0, float right = 1.0F) {
        const double amplitude = std::pow(10.0, peak_db / 20.0);
        const double step = 2.0 * kPi * hz / rate_hz;
        play(seconds, [&](std::uint64_t frame) {
            const double sample = amplitude * std::sin(step * static_cast<double>(frame));
            return Frame{static_cast<float>(sample), right * static_cast<float>(sample)};
        });
    }

    void silence(double seconds) {
        play(seconds, [](std::uint64_t) { return Frame{}; });
    }

    template <class Sample> void play(double seconds, Sample sample) {
        const auto end = frame_ + static_cast<std::uint64_t>(std::lround(seconds * rate_hz));
        Chunk chunk;
        while (frame_ < end) {
            const auto frames =
                static_cast<std::uint32_t>(std::min<std::uint64_t>(block_, end - frame_));
            for (std::uint32_t i = 0; i < frames; ++i) {
                const Frame frame = sample(frame_ + i);
                for (std::size_t c = 0; c < 2; ++c) chunk[c][i] = frame[c];
            }
            meter.add(chunk, frames);
            frame_ += frames;
            if (static_cast<double>(frame_) < watch_from_s * rate_hz) continue;
            for (const auto &[value, range] : {std::pair{meter.momentary_lufs(), &momentary},
                                               std::pair{meter.short_term_lufs(), &short_term}}) {
                range->first = std::min(range->first, value);
                range->second = std::max(range->second, value);
            }
        }
    }

    const std::uint32_t rate_hz;
    double watch_from_s = 1e9;
    std::pair<float, float> momentary{1000.0F, -1000.0F};   // lowest, highest
    std::pair<float, float> short_term{1000.0F, -1000.0F};
    Loudness meter;

private:
    const std::uint32_t block_;
    std::uint64_t frame_ = 0;
};

doctest::Approx lufs(double value) {
    // Approx allows epsilon * (1 + |value|).
    return doctest::Approx(value).epsilon(kTolerance / (1.0 + std::fabs(value)));
}

// Gain in dB of the two filters printed in the recommendation.
double weighting_db(double hz) {
    const std::complex<double> z = std::polar(1.0, -2.0 * kPi * hz / 48000.0);
    const auto shelf = (1.53512485958697 - 2.69169618940638 * z + 1.19839281085285 * z * z) /
                       (1.0 - 1.69065929318241 * z + 0.73248077421585 * z * z);
    const auto high = (1.0 - 2.0 * z + z * z) /
                      (1.0 - 1.99004745483398 * z + 0.99007225036621 * z * z);
    return 20.0 * std::log10(std::abs(shelf * high));
}

}  // namespace

TEST_CASE("cases 1 and 2: a sine of 1 kHz at -23 and -33, at every rate") {
    for (const std::uint32_t rate : {8000U, 11025U, 22050U, 44100U, 48000U, 96000U, 192000U}) {
        for (const double level : {-23.0, -33.0}) {
            Heard heard(rate);
                    heard.sine(level, 4);
            CAPTURE(rate);
            CHECK(heard.meter.momentary_lufs() == lufs(level));
            CHECK(heard.meter.short_term_lufs() == lufs(level));
            CHECK(heard.meter.integrated_lufs() == lufs(level));
        }
    }
}

TEST_CASE("case 3: the relative gate ignores blocks 10 LU below") {
    for (const std::uint32_t rate : {44100U, 48000U}) {
        Heard heard(rate);
            heard.sine(-36, 10);
        heard.sine(-23, 60);
        heard.sine(-36, 10);
        CHECK(heard.meter.integrated_lufs() == lufs(-23));
    }
}

TEST_CASE("case 4: the absolute gate ignores blocks below -70") {
    Heard heard;
    for (const double level : {-72.0, -36.0}) heard.sine(level, 10);
    heard.sine(-23, 60);
    for (const double level : {-36.0, -72.0}) heard.sine(level, 10);
    CHECK(heard.meter.integrated_lufs() == lufs(-23));
}

TEST_CASE("the absolute gate is at -70") {
    Heard below, above;
    below.sine(-70.2, 4);
    above.sine(-69.8, 4);
    CHECK(below.meter.momentary_lufs() == lufs(-70.2));
    CHECK(below.meter.integrated_lufs() == kSilent);
    CHECK(above.meter.integrated_lufs() == lufs(-69.8));
}

TEST_CASE("the relative gate is at -10, to a bin") {
    // Both parts are equally long, so the mean is at -25.8 and the gate at -35.8.
    for (const auto &[quiet, expected] : {std::pair{-35.6, -25.78}, std::pair{-36.0, -23.0}}) {
        Heard heard;
            heard.sine(-23, 30);
        heard.sine(quiet, 30);
        CHECK(heard.meter.integrated_lufs() == lufs(expected));
    }
}

TEST_CASE("case 5: blocks above the gate count by their power") {
    Heard heard;
    heard.sine(-26, 20);
    heard.sine(-20, 20.1);
    heard.sine(-26, 20);
    CHECK(heard.meter.integrated_lufs() == lufs(-23));
}

TEST_CASE("case 9: short-term loudness holds still over 3 s of a pattern of 3 s") {
    Heard heard;
    heard.watch_from_s = 3;
    for (int i = 0; i < 5; ++i) {
        heard.sine(-20, 1.34);
        heard.sine(-30, 1.66);
    }
    CHECK(heard.short_term.first == lufs(-23));
    CHECK(heard.short_term.second == lufs(-23));
}

TEST_CASE("case 12: momentary loudness holds still over 0.4 s of a pattern of 0.4 s") {
    Heard heard;
    heard.watch_from_s = 1;
    for (int i = 0; i < 25; ++i) {
        heard.sine(-20, 0.18);
        heard.sine(-30, 0.22);
    }
    CHECK(heard.momentary.first == lufs(-23));
    CHECK(heard.momentary.second == lufs(-23));
}

TEST_CASE("momentary loudness is of 400 ms, short-term of 3 s") {
    Heard heard;
    heard.sine(-23, 0.2);
    CHECK(heard.meter.momentary_lufs() == lufs(-26.01));
    heard.sine(-23, 1.3);
    CHECK(heard.meter.short_term_lufs() == lufs(-26.01));
    heard.silence(0.4);  // the filters' tail is still above silence
    CHECK(heard.meter.momentary_lufs() < -60.0F);
    CHECK(heard.meter.short_term_lufs() == lufs(-26.01));
    heard.silence(3.1);
    CHECK(heard.meter.momentary_lufs() == kSilent);
    CHECK(heard.meter.short_term_lufs() == kSilent);
    CHECK(heard.meter.integrated_lufs() == lufs(-23.46));  // 12 blocks full, 3/4, 1/2, 1/4
}

TEST_CASE("one ear has half the power") {
    Heard heard;
    heard.sine(-20, 1, 1000, 0);
    CHECK(heard.meter.momentary_lufs() == lufs(-23.01));
}

TEST_CASE("the weighting matches the printed filters, at every rate") {
    for (const std::uint32_t rate : {44100U, 48000U, 96000U, 192000U}) {
        for (const double hz : {20.0, 40.0, 100.0, 500.0, 1500.0, 2500.0, 5000.0, 10000.0}) {
            Heard heard(rate);
                    heard.sine(-20, 1, hz);
            CAPTURE(rate);
            CAPTURE(hz);
            CHECK(heard.meter.momentary_lufs() == lufs(-20.691 + weighting_db(hz)));
        }
    }
}

TEST_CASE("silence has no loudness") {
    Heard heard;
    CHECK(heard.meter.momentary_lufs() == kSilent);
    heard.silence(4);
    CHECK(heard.meter.momentary_lufs() == kSilent);
    CHECK(heard.meter.short_term_lufs() == kSilent);
    CHECK(heard.meter.integrated_lufs() == kSilent);
}

TEST_CASE("the size of the blocks does not matter") {
    const Sound sound = noise(kRate);
    const auto sample = [&](std::uint64_t frame) {
        return Frame{sound.left[frame % kRate], sound.right[frame % kRate]};
    };
    Heard whole;
    whole.play(4, sample);
    for (const std::uint32_t block : {1U, 7U, 16U, 63U}) {
        Heard pieces(kRate, block);
        pieces.play(4, sample);
        CHECK(pieces.meter.momentary_lufs() == whole.meter.momentary_lufs());
        CHECK(pieces.meter.short_term_lufs() == whole.meter.short_term_lufs());
        CHECK(pieces.meter.integrated_lufs() == whole.meter.integrated_lufs());
    }
}

TEST_CASE("a reset discards earlier sound") {
    Heard heard;
    heard.sine(-10, 2.05);
    heard.meter.reset();
    heard.sine(-40, 0.449);
    CHECK(heard.meter.integrated_lufs() == kSilent);
    heard.sine(-40, 1);
    CHECK(heard.meter.integrated_lufs() == lufs(-40));
    CHECK(heard.meter.short_term_lufs() > -15.0F);
}

TEST_CASE("a new rate keeps the integrated value") {
    Heard heard;
    heard.sine(-23, 2);
    heard.meter.set_rate(96000);
    CHECK(heard.meter.integrated_lufs() == lufs(-23));
    heard.sine(-23, 4, 500);  // 1 kHz on a clock twice as fast
    CHECK(heard.meter.short_term_lufs() < -22.0F);
    CHECK(heard.meter.integrated_lufs() == lufs(-23));
}

TEST_CASE("the loudest possible input is measured") {
    Heard heard;
    heard.play(2, [](std::uint64_t frame) {
        const float square = frame / 8 % 2 ? 16.0F : -16.0F;
        return Frame{square, square};
    });
    // 27.1 dB, plus at most 4 dB from the shelf
    CHECK(heard.meter.momentary_lufs() > 26.0F);
    CHECK(heard.meter.momentary_lufs() < 31.0F);
    CHECK(heard.meter.integrated_lufs() == lufs(double{heard.meter.momentary_lufs()}));
}

TEST_CASE("measuring neither allocates nor locks") {
    const auto meter = std::make_unique<Loudness>();
    Chunk chunk{};
    chunk[0].fill(0.5F);
    trap::enter();
    for (const std::uint32_t rate : {44100U, 48000U}) {
        meter->set_rate(rate);
        for (int i = 0; i < 1000; ++i) meter->add(chunk, entrain::kChunkFrames);
        meter->reset();
    }
    CHECK(trap::leave() == 0);
}
