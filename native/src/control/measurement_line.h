// Finds a line in a slow complex signal, and how far it stands out of the noise beside it.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <cstddef>

namespace entrain {

using Complex = std::complex<double>;

constexpr double kPi = 3.14159265358979323846;

// Complex product without the check for NaN in operator*.
inline Complex times(Complex a, Complex b) {
    return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

constexpr std::size_t kMostPoints = 512;

// A slow complex signal: values at times around 0.
struct Points {
    const Complex *value;
    const double *time_s;
    std::size_t count;
    double step_s;        // time between points; 0 if it varies
    double span_s;
    bool windowed;        // Hann window, against neighbouring lines; raises the noise a little
    double search_hz;
};

// exp(j 2 pi hz t) at the times of the points, one after the other.
class Rotor {
public:
    Rotor(double hz, const Points &points)
        : angle_(2.0 * kPi * hz), points_(points), step_(std::polar(1.0, angle_ * points.step_s)) {
        now_ = std::polar(1.0, angle_ * points.time_s[0]);
    }
    Complex operator*() const { return now_; }
    void operator++() {
        ++index_;
        if (points_.step_s > 0.0)
            now_ = times(now_, step_);
        else if (index_ < points_.count)
            now_ = std::polar(1.0, angle_ * points_.time_s[index_]);
    }

private:
    const double angle_;
    const Points &points_;
    const Complex step_;
    Complex now_;
    std::size_t index_ = 0;
};

struct Found {
    double offset_hz = 0.0;
    Complex amplitude;        // amplitude of the line at time 0
    Complex at_zero;          // amplitude at offset 0
    double snr = 0.0;         // power relative to the noise in one bin
    double error_hz = 0.0;
};

class LineFinder {
public:
    explicit LineFinder(const Points &points) : points_(points) {
        for (std::size_t i = 0; i < points_.count; ++i) {
            const double edge = std::cos(kPi * points_.time_s[i] / points_.span_s);
            weight_[i] = points_.windowed ? edge * edge : 1.0;
            sum_ += weight_[i];
            sum_tt_ += weight_[i] * points_.time_s[i] * points_.time_s[i];
            sum_t_ += weight_[i] * points_.time_s[i];
            noise_gain_ += weight_[i] * weight_[i];
            const double moment = weight_[i] * points_.time_s[i];
            noise_slope_ += moment * moment;
        }
    }

    // Find the strongest line in values at the times of the points.
    Found find(const Complex *value) {
        value_ = value;
        Found found;
        if (points_.count < 3 || sum_tt_ <= 0.0) return found;
        shift_to(0.0);
        const Complex at_zero = sum() / sum_;
        if (!std::isfinite(std::norm(at_zero))) return found;
        found.at_zero = at_zero;
        found.offset_hz = coarse();
        // For a small offset d, z = A exp(jdt) is nearly A + jdA*t.
        Complex constant, slope;
        for (int turns = 0; turns < 6; ++turns) {
            shift_to(found.offset_hz);
            fit(constant, slope);
            if (std::norm(constant) <= 0.0) return found;
            const double step_hz = std::imag(slope / constant) / (2.0 * kPi);
            found.offset_hz += std::clamp(step_hz, -0.5 / points_.span_s, 0.5 / points_.span_s);
            if (std::abs(step_hz) < 1e-9) break;
        }
        // A peak outside the searched range belongs to another line.
        if (std::abs(found.offset_hz) > points_.search_hz + 0.1 / points_.span_s) return found;
        found.amplitude = constant;
        for (std::size_t i = 0; i < points_.count; ++i)
            turned_[i] -= constant + slope * points_.time_s[i];
        const double noise = points_.windowed ? neighbours() : residual();
        const double least = 1e-20 * std::norm(constant);  // rounding noise
        const double variance = std::max(noise, least) * sum_ * sum_ / noise_gain_;
        found.snr = std::norm(constant) / std::max(noise, least);
        found.error_hz = std::sqrt(variance * noise_slope_ / 2.0) / sum_tt_ /
                         (2.0 * kPi * std::abs(constant));
        return found;
    }

private:
    // turned_ = the values, shifted down by an offset.
    void shift_to(double offset_hz) {
        Rotor rotor(-offset_hz, points_);
        for (std::size_t i = 0; i < points_.count; ++i, ++rotor)
            turned_[i] = times(value_[i], *rotor);
    }

    void prepare_step(double step_hz) {
        Rotor rotor(-step_hz, points_);
        for (std::size_t i = 0; i < points_.count; ++i, ++rotor) step_[i] = *rotor;
    }

    void step() {
        for (std::size_t i = 0; i < points_.count; ++i) turned_[i] = times(turned_[i], step_[i]);
    }

    Complex sum() const {
        Complex total;
        for (std::size_t i = 0; i < points_.count; ++i) total += weight_[i] * turned_[i];
        return total;
    }

    double coarse() {
        const auto half = static_cast<int>(std::ceil(points_.search_hz * points_.span_s / 0.5));
        const double step_hz = points_.search_hz / half;
        // One more step on both sides, so that a slope at the edge does not count as a peak.
        shift_to(-points_.search_hz - step_hz);
        prepare_step(step_hz);
        int best = -half;
        double most = -1.0;
        for (int k = -half - 1; k <= half + 1; ++k, step()) {
            const double power = std::norm(sum());
            if (power <= most) continue;
            most = power;
            best = k;
        }
        return best * step_hz;
    }

    void fit(Complex &constant, Complex &slope) const {
        Complex zero, first;
        for (std::size_t i = 0; i < points_.count; ++i) {
            const Complex weighted = weight_[i] * turned_[i];
            zero += weighted;
            first += weighted * points_.time_s[i];
        }
        const double determinant = sum_ * sum_tt_ - sum_t_ * sum_t_;
        constant = (zero * sum_tt_ - first * sum_t_) / determinant;
        slope = (first * sum_ - zero * sum_t_) / determinant;
    }

    // Noise power in one bin, from the bins beside the line: the median, since some of them may
    // hold other lines, but at least the power that such lines leak into this one.
    double neighbours() {
        constexpr int kSide = 6;
        std::array<double, 2 * kSide> power{};
        std::size_t used = 0;
        prepare_step(-2.0 / points_.span_s);
        for (int k = 0; k < kSide; ++k) step();
        prepare_step(2.0 / points_.span_s);
        double leakage = 0.0;
        for (int k = -kSide; k <= kSide; ++k, step()) {
            if (k == 0) continue;
            const double here = std::norm(sum() / sum_);
            power[used++] = here;
            const double bins = 2.0 * std::abs(k);
            const double lobe = 1.0 / (kPi * bins * (bins * bins - 1.0));  // of a Hann window
            leakage += 4.0 * here * lobe * lobe;
        }
        std::sort(power.begin(), power.end());
        const double median = (power[kSide - 1] + power[kSide]) / 2.0;
        return std::max(median / std::log(2.0), leakage);  // for noise, the mean is median / ln 2
    }

    // Noise power in one bin, from the residue of the fit.
    double residual() const {
        double power = 0.0;
        for (std::size_t i = 0; i < points_.count; ++i) power += std::norm(turned_[i]);
        const auto count = static_cast<double>(points_.count);
        return power / std::max(count - 2.0, 1.0) / count;
    }

    const Points points_;
    const Complex *value_ = nullptr;
    double weight_[kMostPoints];
    Complex turned_[kMostPoints];
    Complex step_[kMostPoints];
    double sum_ = 0.0, sum_t_ = 0.0, sum_tt_ = 0.0;
    double noise_gain_ = 0.0, noise_slope_ = 0.0;
};

}  // namespace entrain
