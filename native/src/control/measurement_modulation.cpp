// Measures the modulation of the input, from its envelopes before and after processing.
#include "control/measurement.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>

namespace entrain {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr double kLowRateHz = 11025.0;  // folding down leaves the gain unchanged
constexpr double kHop_s = 0.002;        // of the envelopes
constexpr double kMost_s = 2.0;
constexpr std::size_t kMostHops = 1100;
constexpr double kHighestRateHz = 100.0;
constexpr double kLeastPeriods = 1.5;
constexpr double kSilence = 1e-10;      // a hop with a lower mean square has no envelope
constexpr double kMostGain = 4.0;       // of a hop; a higher value is added sound, not gain
constexpr double kSearchPeriods = 0.5;  // range of the search for the rate, in 1/duration

// Linkwitz-Riley high-pass of fourth order: two equal biquads.
class HighPass {
public:
    HighPass() = default;
    HighPass(double corner_hz, double rate_hz) {
        const double k = std::tan(kPi * std::min(corner_hz / rate_hz, 0.2));
        const double norm = 1.0 / (1.0 + std::sqrt(2.0) * k + k * k);
        b_ = norm;
        a1_ = 2.0 * (k * k - 1.0) * norm;
        a2_ = (1.0 - std::sqrt(2.0) * k + k * k) * norm;
    }

    double operator()(double in) { return section(section(in, first_), second_); }

private:
    double section(double in, double (&state)[2]) const {
        const double boosted = b_ * in;
        const double out = boosted + state[0];
        state[0] = state[1] - 2.0 * boosted - a1_ * out;
        state[1] = boosted - a2_ * out;
        return out;
    }

    double b_ = 1.0, a1_ = 0.0, a2_ = 0.0;
    double first_[2]{}, second_[2]{};
};

struct Envelopes {
    std::size_t hops = 0;
    double hop_s = 0.0;
    double start_s = 0.0;               // middle of the first hop, relative to the middle of all frames
    double power[2][2][kMostHops];      // before/after, ear
};

// Computes the mean square of each hop, above the corner frequency.
void follow(const float *const (&frames)[2], std::uint32_t count, std::uint32_t rate_hz,
            double corner_hz, Envelopes &envelopes) {
    const auto fold =
        static_cast<std::uint32_t>(std::max(std::floor(rate_hz / kLowRateHz), 1.0));
    const double low_rate_hz = static_cast<double>(rate_hz) / fold;
    const auto hop = static_cast<std::uint32_t>(std::max(std::lround(kHop_s * low_rate_hz), 1L));
    const auto most = static_cast<std::uint32_t>(kMost_s * low_rate_hz / hop);
    const std::uint32_t hops = std::min(count / (hop * fold), most);
    const std::uint32_t skipped = count - hops * hop * fold;
    envelopes.hops = hops;
    envelopes.hop_s = hop / low_rate_hz;
    envelopes.start_s = (0.5 * (count - 1.0) - 0.5 * (hops * hop * fold - 1.0)) / rate_hz -
                        0.5 * (hops - 1.0) * envelopes.hop_s;
    const double scale = 1.0 / (static_cast<double>(fold) * fold * hop);
    for (std::size_t which = 0; which < 2; ++which) {
        if (!frames[which]) continue;
        const float *frame = frames[which] + 2 * std::size_t{skipped};
        HighPass left_filter(corner_hz, low_rate_hz), right_filter = left_filter;
        for (std::uint32_t h = 0; h < hops; ++h) {
            double power[2]{};
            for (std::uint32_t i = 0; i < hop; ++i) {
                float left = 0.0F, right = 0.0F;
                for (std::uint32_t k = 0; k < fold; ++k, frame += 2) {
                    left += frame[0];
                    right += frame[1];
                }
                const double l = left_filter(double{left}), r = right_filter(double{right});
                power[0] += l * l;
                power[1] += r * r;
            }
            envelopes.power[which][0][h] = scale * power[0];
            envelopes.power[which][1][h] = scale * power[1];
        }
    }
}

// Removes ripple at 250 Hz and above, which comes from the periods of tones.
void smooth(double *power, std::size_t hops) {
    double last = power[0];
    for (std::size_t i = 0; i < hops; ++i) {
        const double here = power[i];
        const double next = i + 1 < hops ? power[i + 1] : here;
        power[i] = 0.25 * last + 0.5 * here + 0.25 * next;
        last = here;
    }
}

// Gain of hops and smoothing for a modulation at this rate.
double smoothing_gain(double rate_hz, double hop_s) {
    const double x = kPi * rate_hz * hop_s;
    return std::sin(x) / x * std::cos(x) * std::cos(x);
}

// Modulation index for an amplitude in a smoothed envelope.  Smoothing acts on power, before the
// root, so its gain depends on the index; the index is found by iteration.
double unsmoothed(double amplitude, double rate_hz, double hop_s) {
    constexpr int kPhases = 64;
    const double first = smoothing_gain(rate_hz, hop_s);
    const double second = smoothing_gain(2.0 * rate_hz, hop_s);
    double index = amplitude / first;
    if (index > 1.0) return index;
    for (int turns = 0; turns < 4; ++turns) {
        double mean = 0.0, wave = 0.0;
        for (int i = 0; i < kPhases; ++i) {
            const double s = std::sin(2.0 * kPi * i / kPhases);
            const double half = 0.5 * index * index;  // of (1 + m s)^2, harmonic by harmonic
            const double power = 1.0 + half + 2.0 * index * first * s -
                                 half * second * (1.0 - 2.0 * s * s);
            const double root = std::sqrt(std::max(power, 0.0));
            mean += root;
            wave += 2.0 * root * s;
        }
        if (!(wave > 0.0)) break;
        index *= amplitude * mean / wave;
    }
    return index;
}

// Gain of one ear over time, and the weight of each of its points.
struct Gain {
    std::size_t hops = 0;
    double hop_s = 0.0;
    double start_s = 0.0;
    double value[kMostHops];
    double weight[kMostHops];  // 0...1
    double duration_s() const { return static_cast<double>(hops) * hop_s; }
};

// Computes the gain of one ear; returns false if there is too little sound.
bool gain_of(const double *before, double *after, const Envelopes &envelopes, Gain &gain) {
    const std::size_t hops = envelopes.hops;
    gain.hops = hops;
    gain.hop_s = envelopes.hop_s;
    gain.start_s = envelopes.start_s;
    smooth(after, hops);
    const double *reference = before ? before : after;
    double mean = 0.0;
    for (std::size_t i = 0; i < hops; ++i) mean += reference[i] / static_cast<double>(hops);
    if (!(mean > kSilence)) return false;
    std::size_t sounding = 0;
    for (std::size_t i = 0; i < hops; ++i) {
        const double power = before ? before[i] : mean;
        const bool sounds = power > kSilence;
        sounding += sounds;
        // Louder hops are more precise, but the loudest must not outweigh all others.
        gain.weight[i] = sounds ? power / (power + mean) : 0.0;
        gain.value[i] = sounds ? std::min(std::sqrt(after[i] / power), kMostGain) : 0.0;
    }
    return 2 * sounding >= hops;
}

constexpr std::size_t kSteady = 6;
constexpr std::size_t kTurning = 8;

// Least squares fit of a constant, a trend, two harmonics of the rate, and a drift of the first
// one.
template <std::size_t kTerms>
class Fit {
public:
    Fit(const Gain &gain, double rate_hz) {
        double normal[kTerms][kTerms]{};
        double right[kTerms]{};
        Oscillator tone(rate_hz, gain);
        double term[kTerms];
        for (std::size_t i = 0; i < gain.hops; ++i, tone.step()) {
            basis(gain, tone, i, term);
            for (std::size_t row = 0; row < kTerms; ++row) {
                const double weighted = gain.weight[i] * term[row];
                for (std::size_t column = 0; column <= row; ++column)
                    normal[row][column] += weighted * term[column];
                right[row] += weighted * gain.value[i];
            }
        }
        solve(normal, right);
    }

    // RMS amplitude of the fit's residue at neighbouring rates, spaced 1/duration.
    double floor(const Gain &gain, double rate_hz) const {
        constexpr double kBeside[] = {1.5, 2.5, 3.5, 4.5};
        double left[kMostHops];
        double weights = 0.0;
        Oscillator tone(rate_hz, gain);
        double term[kTerms];
        for (std::size_t i = 0; i < gain.hops; ++i, tone.step()) {
            basis(gain, tone, i, term);
            double fitted = 0.0;
            for (std::size_t k = 0; k < kTerms; ++k) fitted += value[k] * term[k];
            left[i] = gain.weight[i] * (gain.value[i] - fitted);
            weights += gain.weight[i];
        }
        double power = 0.0;
        int used = 0;
        for (const double beside : kBeside) {
            for (const double sign : {-1.0, 1.0}) {
                const double neighbour_hz = rate_hz + sign * beside / gain.duration_s();
                if (neighbour_hz * gain.duration_s() < 0.75) continue;
                double c = 0.0, s = 0.0;
                Oscillator other(neighbour_hz, gain);
                for (std::size_t i = 0; i < gain.hops; ++i, other.step()) {
                    c += left[i] * other.cosine;
                    s += left[i] * other.sine;
                }
                power += 4.0 * (c * c + s * s) / (weights * weights);
                ++used;
            }
        }
        return std::sqrt(power / used);
    }

    double amplitude() const { return std::hypot(value[2], value[3]); }
    // How much too low the rate is, from how the phase turns over the duration.
    double rate_error_hz(const Gain &gain) const {
        static_assert(kTerms > kSteady);
        const double power = value[2] * value[2] + value[3] * value[3];
        return (value[3] * value[6] - value[2] * value[7]) / power /
               (kPi * gain.duration_s());
    }

    double value[kTerms]{};  // 1, t, cos, sin, cos 2, sin 2, t cos, t sin; t from -1 to 1

private:
    struct Oscillator {
        Oscillator(double rate_hz, const Gain &gain)
            : cosine(std::cos(2.0 * kPi * rate_hz * gain.start_s)),
              sine(std::sin(2.0 * kPi * rate_hz * gain.start_s)),
              step_cosine(std::cos(2.0 * kPi * rate_hz * gain.hop_s)),
              step_sine(std::sin(2.0 * kPi * rate_hz * gain.hop_s)) {}
        void step() {
            const double c = cosine * step_cosine - sine * step_sine;
            sine = cosine * step_sine + sine * step_cosine;
            cosine = c;
        }
        double cosine, sine, step_cosine, step_sine;
    };

    static void basis(const Gain &gain, const Oscillator &tone, std::size_t i, double *term) {
        const double t = (gain.start_s + static_cast<double>(i) * gain.hop_s) * 2.0 /
                         gain.duration_s();
        term[0] = 1.0;
        term[1] = t;
        term[2] = tone.cosine;
        term[3] = tone.sine;
        term[4] = tone.cosine * tone.cosine - tone.sine * tone.sine;
        term[5] = 2.0 * tone.cosine * tone.sine;
        if constexpr (kTerms > kSteady) {
            term[6] = t * tone.cosine;
            term[7] = t * tone.sine;
        }
    }

    // Cholesky; the coefficient of a linearly dependent term stays 0.
    void solve(double (&normal)[kTerms][kTerms], double (&right)[kTerms]) {
        for (std::size_t row = 0; row < kTerms; ++row) {
            const double diagonal = normal[row][row];
            for (std::size_t column = 0; column <= row; ++column) {
                double sum = normal[row][column];
                for (std::size_t k = 0; k < column; ++k) sum -= normal[row][k] * normal[column][k];
                if (row != column)
                    normal[row][column] = sum * normal[column][column];
                else  // the inverse of the root
                    normal[row][row] = sum > 1e-9 * diagonal ? 1.0 / std::sqrt(sum) : 0.0;
            }
            for (std::size_t k = 0; k < row; ++k) right[row] -= normal[row][k] * right[k];
            right[row] *= normal[row][row];
        }
        for (std::size_t row = kTerms; row-- > 0;) {
            for (std::size_t k = row + 1; k < kTerms; ++k) right[row] -= normal[k][row] * value[k];
            value[row] = right[row] * normal[row][row];
        }
    }
};

// The rate near the promised one; the promised one if there is no modulation.
double refine(const Gain &gain, double promised_hz) {
    double rate_hz = promised_hz;
    const double search_hz = kSearchPeriods / gain.duration_s();
    for (int turns = 0; turns < 4; ++turns) {
        const Fit<kTurning> fit(gain, rate_hz);
        if (!(fit.amplitude() > 0.0)) return promised_hz;
        const double step_hz = fit.rate_error_hz(gain);
        rate_hz = std::clamp(rate_hz + step_hz, promised_hz - search_hz, promised_hz + search_hz);
        if (std::abs(step_hz) < 1e-4) break;
    }
    return rate_hz;
}

}  // namespace

Modulation measure_modulation(const float *before, const float *after, std::uint32_t count,
                              std::uint32_t rate_hz, double promised_rate_hz, double corner_hz) {
    Modulation modulation;
    modulation.rate_hz = promised_rate_hz;
    if (!(promised_rate_hz > 0.0 && promised_rate_hz <= kHighestRateHz) || !after || rate_hz < 4000)
        return modulation;

    // Starts an octave above the corner, where the unmodulated sound below it has faded.
    const double above_hz = corner_hz > 0.0 ? 2.0 * corner_hz : 20.0;
    Envelopes envelopes;
    follow({before, after}, count, rate_hz, above_hz, envelopes);
    const double duration_s = static_cast<double>(envelopes.hops) * envelopes.hop_s;
    if (duration_s < 0.1 || duration_s * promised_rate_hz < kLeastPeriods) return modulation;

    double weights = 0.0, rates = 0.0;
    for (std::size_t ear = 0; ear < 2; ++ear) {
        Gain gain;
        double *const reference = before ? envelopes.power[0][ear] : nullptr;
        if (reference) smooth(reference, envelopes.hops);
        if (!gain_of(reference, envelopes.power[1][ear], envelopes, gain)) continue;
        const double found_hz = refine(gain, promised_rate_hz);
        std::optional<Fit<kSteady>> fit(std::in_place, gain, found_hz);
        double floor = fit->floor(gain, found_hz);
        const bool modulated = fit->amplitude() > 3.0 * floor;
        if (!modulated) {
            fit.emplace(gain, promised_rate_hz);
            floor = fit->floor(gain, promised_rate_hz);
        }
        const double mean = fit->value[0];
        if (!(mean > 0.0)) continue;
        modulation.present[ear] = true;
        modulation.index[ear] =
            unsmoothed(fit->amplitude() / mean, promised_rate_hz, envelopes.hop_s);
        modulation.floor[ear] = floor / mean / smoothing_gain(promised_rate_hz, envelopes.hop_s);
        const double cycles = std::atan2(fit->value[2], fit->value[3]) / (2.0 * kPi);
        modulation.phase[ear] = cycles - std::floor(cycles);
        if (!modulated) continue;
        // Phase noise with half the floor's power, over the duration.
        const double error_hz = std::sqrt(6.0) / (2.0 * kPi * gain.duration_s()) *
                                std::max(floor / fit->amplitude(), 1e-9);
        weights += 1.0 / (error_hz * error_hz);
        rates += found_hz / (error_hz * error_hz);
    }
    if (weights > 0.0) {
        modulation.rate_hz = rates / weights;
        modulation.error_hz = 1.0 / std::sqrt(weights);
    }
    return modulation;
}

}  // namespace entrain
