// Sound of known content: tones, noise, music, and what the block `am` makes of them.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

inline constexpr double kTurn = 2.0 * 3.14159265358979323846;
inline constexpr std::uint32_t kTap = 65536;  // frames
inline constexpr std::uint32_t kRates[] = {44100, 48000, 96000, 192000};
inline constexpr double kCorner_hz = 120.0;

using Ear = std::vector<double>;

struct Stereo {
    Ear left, right;
    // As the tap keeps it.
    std::vector<float> frames(std::size_t first = 0, std::size_t count = kTap) const {
        std::vector<float> interleaved;
        for (std::size_t i = first; i < first + count; ++i) {
            interleaved.push_back(static_cast<float>(left[i]));
            interleaved.push_back(static_cast<float>(right[i]));
        }
        return interleaved;
    }
};

inline Ear sine(double hz, double amplitude, std::uint32_t rate_hz, std::size_t frames = kTap,
                double phase = 0.0) {
    Ear ear(frames);
    for (std::size_t i = 0; i < frames; ++i)
        ear[i] = amplitude * std::sin(kTurn * hz * static_cast<double>(i) / rate_hz + phase);
    return ear;
}

inline Ear sum(Ear ear, const Ear &other) {
    for (std::size_t i = 0; i < ear.size(); ++i) ear[i] += other[i];
    return ear;
}

// Paul Kellet's filter; about -20 dB.
inline Ear pink(std::size_t frames, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<double> white;
    double a = 0.0, b = 0.0, c = 0.0;
    Ear ear(frames);
    for (std::size_t i = 0; i < frames + 4800; ++i) {
        const double w = white(random);
        a = 0.99765 * a + 0.0990460 * w;
        b = 0.96300 * b + 0.2965164 * w;
        c = 0.57000 * c + 1.0526913 * w;
        if (i >= 4800) ear[i - 4800] = 0.04 * (a + b + c + 0.1848 * w);
    }
    return ear;
}

// Notes of five partials that begin at any time and decay within a fraction of a second.
inline Ear notes(std::size_t frames, std::uint32_t rate_hz, unsigned seed) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<double> uniform;
    Ear ear(frames);
    const double end_s = static_cast<double>(frames) / rate_hz;
    for (double onset_s = -1.0; onset_s < end_s; onset_s += 0.05 + 0.3 * uniform(random)) {
        const double hz = 110.0 * std::exp2(std::floor(36.0 * uniform(random)) / 12.0);
        const double decay_s = 0.1 + 0.4 * uniform(random);
        const double amplitude = 0.05 + 0.1 * uniform(random);
        const auto first = static_cast<std::size_t>(std::max(onset_s * rate_hz, 0.0));
        for (std::size_t i = first; i < frames; ++i) {
            const double t = static_cast<double>(i) / rate_hz - onset_s;
            if (t < 0.0) continue;
            if (t > 8.0 * decay_s) break;
            const double envelope = amplitude * std::exp(-t / decay_s) * std::min(1.0, t / 0.005);
            for (int partial = 1; partial <= 5; ++partial)
                ear[i] += envelope / partial * std::sin(kTurn * hz * partial * t);
        }
    }
    return ear;
}

// Butterworth of second order; two of them are one of Linkwitz-Riley's.
inline Ear filtered(Ear ear, double corner_hz, std::uint32_t rate_hz, bool high) {
    const double k = std::tan(kTurn / 2.0 * corner_hz / rate_hz);
    const double norm = 1.0 / (1.0 + std::sqrt(2.0) * k + k * k);
    const double b0 = high ? norm : k * k * norm, b1 = high ? -2.0 * b0 : 2.0 * b0;
    const double a1 = 2.0 * (k * k - 1.0) * norm, a2 = (1.0 - std::sqrt(2.0) * k + k * k) * norm;
    double first = 0.0, second = 0.0;
    for (double &sample : ear) {
        const double in = sample;
        sample = b0 * in + first;
        first = b1 * in - a1 * sample + second;
        second = b0 * in - a2 * sample;
    }
    return ear;
}

// What the block `am` promises: nothing below the corner, 1 + m*sin above it, the power kept.
inline Ear modulated(const Ear &ear, double rate, double depth, std::uint32_t rate_hz) {
    const auto twice = [&](bool high) {
        return filtered(filtered(ear, kCorner_hz, rate_hz, high), kCorner_hz, rate_hz, high);
    };
    Ear low = twice(false), high = twice(true);
    const double power = std::sqrt(1.0 + 0.5 * depth * depth);
    for (std::size_t i = 0; i < ear.size(); ++i) {
        const double phase = kTurn * rate * static_cast<double>(i) / rate_hz;
        high[i] = low[i] + high[i] * (1.0 + depth * std::sin(phase)) / power;
    }
    return high;
}

// RMS of white-in-the-neighbourhood noise in the third octave around `hz`, from its periodogram.
inline double third_octave_rms(const Ear &ear, double hz, std::uint32_t rate_hz) {
    double density = 0.0;
    int bins = 0;
    for (std::size_t first = 0; first + rate_hz <= ear.size(); first += rate_hz) {
        for (double f = std::round(0.9 * hz); f <= 1.1 * hz; f += 3.0, ++bins) {
            double c = 0.0, s = 0.0;
            for (std::size_t i = 0; i < rate_hz; ++i) {
                const double phase = kTurn * f * static_cast<double>(i) / rate_hz;
                c += ear[first + i] * std::cos(phase);
                s += ear[first + i] * std::sin(phase);
            }
            density += 2.0 * (c * c + s * s) / rate_hz / rate_hz;
        }
    }
    return std::sqrt(density / bins * hz * (std::exp2(1.0 / 6.0) - std::exp2(-1.0 / 6.0)));
}
