#include "control/measurement.h"

#include "control/measurement_line.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>

namespace entrain {
namespace {

constexpr double kLeast_s = 0.1;
constexpr std::uint32_t kMost_s = 2;
constexpr double kSilentDb = -200.0;  // stands for silence

double decibels(double power) { return power > 0.0 ? 10.0 * std::log10(power) : kSilentDb; }

Complex turn(double cycles) { return std::polar(1.0, 2.0 * kPi * (cycles - std::floor(cycles))); }

// The last two seconds of some frames.
struct Excerpt {
    std::uint32_t skipped = 0;
    std::uint32_t count = 0;
};

std::optional<Excerpt> excerpt(const float *frames, std::uint32_t count, std::uint32_t rate_hz) {
    if (!frames || rate_hz == 0 || count < kLeast_s * rate_hz) return std::nullopt;
    const std::uint32_t most = kMost_s * std::min(rate_hz, 1U << 30);
    const std::uint32_t kept = std::min(count, most);
    return Excerpt{count - kept, kept};
}

Line line_at(double promised_hz, const Found &found, double least_snr) {
    Line line;
    line.amplitude = found.at_zero;
    if (!(found.snr >= least_snr)) return line;
    line.present = true;
    line.hz = promised_hz + found.offset_hz;
    line.error_hz = found.error_hz;
    line.snr_db = decibels(found.snr);
    return line;
}

const double kLeastSnr = std::pow(10.0, kMinSnrDb / 10.0);

// ---- mixing down -------------------------------------------------------------------------------

constexpr std::size_t kWindowHops = 4;
constexpr std::size_t kMostHop = 512;

double blackman_harris(double cycles) {  // from -0.5 to 0.5
    const double c = std::cos(2.0 * kPi * cycles);
    const double c2 = 2.0 * c * c - 1.0;
    return 0.35875 + 0.48829 * c + 0.14128 * c2 + 0.01168 * (2.0 * c * c2 - c);
}

// Sinc with a pass band of +-500 Hz, in a Hann window of 4/1200 s.
double band_window(double cycles) {
    const double x = kPi * 2.0 * 500.0 * (4.0 / 1200.0) * cycles;
    const double sinc = std::abs(x) < 1e-9 ? 1.0 : std::sin(x) / x;
    return sinc * (0.5 + 0.5 * std::cos(2.0 * kPi * cycles));
}

// The sound of both ears around `hz`, low-passed by a window of four hops.  Phases are relative to
// a tone of `hz` with phase 0 in the middle of the window, so a tone still turns from hop to hop.
class MixDown {
public:
    MixDown(std::uint32_t rate_hz, double hop_rate_hz, const double (&hz)[2],
            double (*window)(double)) {
        const double highest_hz = std::max(hz[0], hz[1]);
        fold_ = std::max(rate_hz / 11025U, 1U);
        if (highest_hz > 0.2 * rate_hz / fold_) fold_ = std::max(rate_hz / 44100U, 1U);
        const double folded_hz = static_cast<double>(rate_hz) / fold_;
        hop_ = std::min(static_cast<std::size_t>(std::lround(folded_hz / hop_rate_hz)), kMostHop);
        const std::size_t taps = kWindowHops * hop_;
        double sum = 0.0;
        for (std::size_t i = 0; i < taps; ++i)
            sum += window((static_cast<double>(i) + 0.5) / static_cast<double>(taps) - 0.5);
        for (std::size_t ear = 0; ear < 2; ++ear) {
            const double scale = 2.0 / (sum * folding_gain(hz[ear] / rate_hz));
            for (std::size_t i = 0; i < taps; ++i) {
                const double at = static_cast<double>(i) + 0.5 - static_cast<double>(taps) / 2.0;
                const double weight = scale * window(at / static_cast<double>(taps));
                const double angle = 2.0 * kPi * hz[ear] * at / folded_hz;
                table_[i][2 * ear] = weight * std::cos(angle);
                table_[i][2 * ear + 1] = -weight * std::sin(angle);
            }
        }
    }

    std::size_t frames_per_hop() const { return hop_ * fold_; }
    // The frame in the middle of the first window; further windows are frames_per_hop() apart.
    double first_middle() const {
        return fold_ * (2.0 * static_cast<double>(hop_) - 0.5) - 1.0;
    }

    // Calls use(k, left, right) for each window k.
    template <typename Use>
    void run(const float *frames, std::uint32_t count, Use use) {
        double sums[kWindowHops][4]{};  // of windows in progress
        double rising[2]{};
        const std::size_t hops = count / frames_per_hop();
        for (std::size_t hop = 0; hop < hops; ++hop, frames += 2 * frames_per_hop()) {
            fold(frames, rising);
            for (std::size_t part = 0; part < kWindowHops; ++part)
                add(sums[(hop + kWindowHops - part) % kWindowHops], table_ + part * hop_);
            double(&sum)[4] = sums[(hop + 1) % kWindowHops];
            if (hop + 1 >= kWindowHops)  // earlier windows began before the frames
                use(hop + 1 - kWindowHops, Complex(sum[0], sum[1]), Complex(sum[2], sum[3]));
            std::fill_n(sum, 4, 0.0);
        }
    }

private:
    // A triangle over two folds is summed into one frame, in its middle.  Aliases of a tone of
    // 400 Hz are 58 dB down.
    double folding_gain(double cycles) const {
        const double box = std::sin(kPi * cycles * fold_) / std::sin(kPi * cycles);
        return box * box;
    }

    // `rising` is the half of the triangle that the frames before have begun.
    void fold(const float *frames, double (&rising)[2]) {
        for (std::size_t i = 0; i < hop_; ++i) {
            double left = 0.0, right = 0.0, left_rises = 0.0, right_rises = 0.0;
            double step = 1.0;
            for (std::uint32_t k = 0; k < fold_; ++k, frames += 2, step += 1.0) {
                left += double{frames[0]};
                right += double{frames[1]};
                left_rises += step * double{frames[0]};
                right_rises += step * double{frames[1]};
            }
            folded_[i][0] = rising[0] + fold_ * left - left_rises;
            folded_[i][1] = rising[1] + fold_ * right - right_rises;
            rising[0] = left_rises;
            rising[1] = right_rises;
        }
    }

    void add(double (&sum)[4], const double (*table)[4]) const {
        double a = sum[0], b = sum[1], c = sum[2], d = sum[3];
        for (std::size_t i = 0; i < hop_; ++i) {
            a += folded_[i][0] * table[i][0];
            b += folded_[i][0] * table[i][1];
            c += folded_[i][1] * table[i][2];
            d += folded_[i][1] * table[i][3];
        }
        sum[0] = a, sum[1] = b, sum[2] = c, sum[3] = d;
    }

    std::size_t hop_ = 0;
    std::uint32_t fold_ = 1;
    double table_[kWindowHops * kMostHop][4];
    double folded_[kMostHop][2];
};

constexpr double kHighestModulationHz = 100.0;
constexpr double kSlowRateHz = 200.0;  // rate of the signals in which lines are searched

// Sets the times of points that are `step_s` apart, around 0.
void spread(double *time_s, std::size_t count, double step_s) {
    for (std::size_t i = 0; i < count; ++i)
        time_s[i] = (static_cast<double>(i) - 0.5 * static_cast<double>(count - 1)) * step_s;
}

// Complex least squares by Cholesky; the coefficient of a linearly dependent term stays 0.
template <std::size_t kTerms>
void solve(Complex (&normal)[kTerms][kTerms], Complex (&right)[kTerms], std::size_t terms) {
    double inverse[kTerms]{};  // of the diagonal
    for (std::size_t row = 0; row < terms; ++row) {
        const double diagonal = normal[row][row].real();
        for (std::size_t column = 0; column <= row; ++column) {
            Complex sum = normal[row][column];
            for (std::size_t k = 0; k < column; ++k)
                sum -= times(normal[row][k], std::conj(normal[column][k]));
            if (row != column)
                normal[row][column] = sum * inverse[column];
            else if (sum.real() > 1e-9 * diagonal + 1e-30)
                inverse[row] = 1.0 / std::sqrt(sum.real());
        }
        for (std::size_t k = 0; k < row; ++k) right[row] -= times(normal[row][k], right[k]);
        right[row] *= inverse[row];
    }
    for (std::size_t row = terms; row-- > 0;) {
        for (std::size_t k = row + 1; k < terms; ++k)
            right[row] -= times(std::conj(normal[k][row]), right[k]);
        right[row] *= inverse[row];
    }
}

// Subtracts the input from `all`.  The input may have been filtered and modulated on its way, so
// its gain is complex, has three taps, and sidebands if `modulation_hz` > 0.  A line at `line_hz`
// is fitted at the same time, so that the input takes no share of the line.
void remove_input(const Complex *input, double modulation_hz, const Points &all,
                      double line_hz, Complex *rest) {
    constexpr std::size_t kMostTerms = 11;
    const std::size_t terms = modulation_hz > 0.0 ? kMostTerms : 5;
    const auto fill = [&](std::size_t i, Complex sideband, Complex (&term)[kMostTerms]) {
        for (std::size_t tap = 0; tap < 3; ++tap) {
            const std::size_t at = std::clamp(i + tap, std::size_t{1}, all.count) - 1;
            term[2 + tap] = input[at];
            if (terms == 5) continue;
            term[5 + tap] = times(input[at], sideband);
            term[8 + tap] = times(input[at], std::conj(sideband));
        }
    };
    Complex normal[kMostTerms][kMostTerms], right[kMostTerms], term[kMostTerms];
    Rotor line(line_hz, all), sideband(modulation_hz, all);
    for (std::size_t i = 0; i < all.count; ++i, ++line, ++sideband) {
        term[0] = *line;
        term[1] = *line * (all.time_s[i] / all.span_s);
        fill(i, *sideband, term);
        for (std::size_t row = 0; row < terms; ++row) {
            for (std::size_t column = 0; column <= row; ++column)
                normal[row][column] += times(std::conj(term[row]), term[column]);
            right[row] += times(std::conj(term[row]), all.value[i]);
        }
    }
    solve(normal, right, terms);
    Rotor again(modulation_hz, all);
    for (std::size_t i = 0; i < all.count; ++i, ++again) {
        fill(i, *again, term);
        rest[i] = all.value[i];
        for (std::size_t k = 2; k < terms; ++k) rest[i] -= times(right[k], term[k]);
    }
}

bool audible(double hz, std::uint32_t rate_hz) { return hz >= 10.0 && hz <= 0.45 * rate_hz; }

}  // namespace

Tones measure_tones(const float *before, const float *after, std::uint32_t count,
                    std::uint32_t rate_hz, double left_hz, double right_hz, std::uint64_t first,
                    double modulation_hz) {
    Tones tones;
    tones.level_db[0] = tones.level_db[1] = kSilentDb;
    const auto part = excerpt(after, count, rate_hz);
    const std::uint32_t folded_hz = rate_hz / std::max(rate_hz / 44100U, 1U);
    if (!part || !audible(left_hz, folded_hz) || !audible(right_hz, folded_hz)) return tones;
    if (!(modulation_hz <= kHighestModulationHz)) modulation_hz = 0.0;
    tones.promised_hz[0] = left_hz;
    tones.promised_hz[1] = right_hz;

    Complex slow[2][2][kMostPoints];  // after/before, ear
    double time_s[kMostPoints];
    std::size_t points = 0;
    MixDown mix(rate_hz, kSlowRateHz, tones.promised_hz, blackman_harris);
    const double step_s = static_cast<double>(mix.frames_per_hop()) / rate_hz;
    const double start_s =
        (static_cast<double>(first + part->skipped) + mix.first_middle()) / rate_hz;
    for (std::size_t which = 0; which < 2; ++which) {
        const float *const frames = which == 0 ? after : before;
        if (!frames) continue;
        mix.run(frames + 2 * std::size_t{part->skipped}, part->count,
                [&](std::size_t k, Complex left, Complex right) {
                    if (k >= kMostPoints) return;
                    const double now_s = start_s + static_cast<double>(k) * step_s;
                    slow[which][0][k] = times(left, turn(-left_hz * now_s));
                    slow[which][1][k] = times(right, turn(-right_hz * now_s));
                    points = k + 1;
                });
    }
    if (points < 8) return tones;
    spread(time_s, points, step_s);
    tones.middle_s = start_s + 0.5 * static_cast<double>(points - 1) * step_s;
    tones.measured = true;
    for (std::size_t ear = 0; ear < 2; ++ear) {
        const Points all{slow[0][ear], time_s, points, step_s,
                         static_cast<double>(points) * step_s, true, kSearchHz};
        LineFinder finder(all);
        Found found;
        if (before) {
            Complex rest[kMostPoints];
            double last_hz = 1.0;
            for (int turns = 0; turns < 3 && std::abs(found.offset_hz - last_hz) > 1e-5; ++turns) {
                last_hz = found.offset_hz;
                remove_input(slow[1][ear], modulation_hz, all, last_hz, rest);
                found = finder.find(rest);
            }
        } else {
            found = finder.find(all.value);
        }
        tones.ear[ear] = line_at(tones.promised_hz[ear], found, kLeastSnr);
        if (tones.ear[ear].present)
            tones.level_db[ear] = decibels(0.5 * std::norm(found.amplitude));
    }
    if (tones.ear[0].present && tones.ear[1].present) {
        tones.beat_hz = tones.ear[0].hz - tones.ear[1].hz;
        tones.error_hz = std::hypot(tones.ear[0].error_hz, tones.ear[1].error_hz);
    }
    return tones;
}

InterauralPhase measure_interaural_phase(const float *frames, std::uint32_t count,
                                         std::uint32_t rate_hz, double promised_beat_hz) {
    constexpr std::size_t kGroup = 6;
    InterauralPhase phase;
    const auto part = excerpt(frames, count, rate_hz);
    if (!part || !audible(1300.0, rate_hz) || !(std::abs(promised_beat_hz) <= 50.0)) return phase;

    Complex slow[kMostPoints];
    std::size_t points = 0;
    MixDown mix(rate_hz, kGroup * kSlowRateHz, {725.0, 725.0}, band_window);
    const double hop_s = static_cast<double>(mix.frames_per_hop()) / rate_hz;
    Complex product;
    double power[2]{}, total = 0.0;
    mix.run(frames + 2 * std::size_t{part->skipped}, part->count,
            [&](std::size_t k, Complex left, Complex right) {
                const double time_s = static_cast<double>(k) * hop_s;
                product += times(times(left, std::conj(right)), turn(-promised_beat_hz * time_s));
                power[0] += std::norm(left);
                power[1] += std::norm(right);
                if (k % kGroup != kGroup - 1 || points == kMostPoints) return;
                // Normalized, so that loud moments do not count more than others.
                const double level = std::sqrt(power[0] * power[1]);
                slow[points++] = level > 0.0 ? product / level : 0.0;
                total += level;
                product = 0.0;
                power[0] = power[1] = 0.0;
            });
    if (points < 3 || total <= 0.0) return phase;
    double time_s[kMostPoints];
    const double step_s = kGroup * hop_s;
    spread(time_s, points, step_s);
    const Found found = LineFinder({slow, time_s, points, step_s,
                                    static_cast<double>(points) * step_s, true, kSearchHz})
                            .find(slow);
    phase.slope = line_at(promised_beat_hz, found, kLeastSnr);
    if (phase.slope.present) phase.coherence = std::min(std::abs(found.amplitude), 1.0);
    return phase;
}

// ---- beats over a minute -----------------------------------------------------------------------

void BeatTracker::add(const Tones &tones) {
    if (!tones.measured) return;
    const double gap_s = size_ > 0 ? tones.middle_s - time_s_[size_ - 1] : 1.0;
    if (gap_s < 0.4 || gap_s > 1.2 || tones.promised_hz[0] != promised_hz_[0] ||
        tones.promised_hz[1] != promised_hz_[1])
        reset();
    if (size_ == kMost) {
        std::move(time_s_ + 1, time_s_ + kMost, time_s_);
        for (auto &amplitude : amplitude_) std::move(amplitude + 1, amplitude + kMost, amplitude);
        --size_;
    }
    time_s_[size_] = tones.middle_s;
    for (std::size_t ear = 0; ear < 2; ++ear) {
        amplitude_[ear][size_] = tones.ear[ear].amplitude;
        promised_hz_[ear] = tones.promised_hz[ear];
    }
    ++size_;
}

double BeatTracker::seconds() const {
    return size_ > 1 ? time_s_[size_ - 1] - time_s_[0] : 0.0;
}

Line BeatTracker::ear(int channel) const {
    constexpr double kChance = 1e-6;  // probability that noise alone looks like a line
    if (size_ < 4) return {};
    const double middle_s = 0.5 * (time_s_[0] + time_s_[size_ - 1]);
    double time_s[kMost];
    for (std::uint32_t i = 0; i < size_; ++i) time_s[i] = time_s_[i] - middle_s;
    const double span_s = seconds() * size_ / (size_ - 1.0);
    const double search_hz = 0.45 * size_ / span_s;  // a wider range would be ambiguous
    const Found found =
        LineFinder({amplitude_[channel], time_s, size_, 0.0, span_s, false, search_hz})
            .find(amplitude_[channel]);
    // Few points may lie on a line by chance; the ratio has an F distribution.
    const double freedom = size_ - 1.5;
    const double least_snr = freedom * (std::pow(kChance, -1.0 / freedom) - 1.0);
    return line_at(promised_hz_[channel], found, std::max(least_snr, kLeastSnr));
}

BeatTracker::Beat BeatTracker::beat() const {
    const Line left = ear(0), right = ear(1);
    if (!left.present || !right.present) return {};
    return {true, left.hz - right.hz, std::hypot(left.error_hz, right.error_hz)};
}

}  // namespace entrain
