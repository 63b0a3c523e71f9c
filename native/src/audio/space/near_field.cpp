#include "audio/space/near_field.h"
#include "audio/space/kernels.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace entrain::space {

namespace {

constexpr double kSoundMetresPerSecond = 343.0;

// Fitted to the sphere between 60 Hz and 14 kHz, 0.3 and 1 m, for angles from 0 to 180 degrees in
// steps of 10 degrees: within 0.2 dB on the source's side, 0.6 dB elsewhere, 0.1 dB on average.
struct Fit {
    double slope, bend;  // of the gain of high frequencies in dB, along radius / distance
    double corner;       // as a wave number of the head's radius
};
constexpr std::array<Fit, 19> kFits{{
    {8.98, 7.72, 0.706},    {8.79, 6.85, 0.708},    {8.20, 4.48, 0.716},
    {7.17, 1.20, 0.740},    {5.67, -2.42, 0.799},   {3.67, -5.84, 0.927},
    {1.13, -8.70, 1.190},   {-1.98, -10.75, 1.700}, {-5.64, -11.75, 2.555},
    {-9.54, -11.38, 3.572}, {-13.05, -9.57, 4.415}, {-15.67, -6.97, 5.002},
    {-17.30, -4.58, 5.462}, {-18.16, -3.04, 5.967}, {-18.59, -2.49, 6.674},
    {-18.86, -2.76, 7.656}, {-19.08, -3.55, 8.802}, {-19.22, -4.38, 9.730},
    {-19.22, -4.64, 9.974},
}};

Fit fit_of(double cosine) noexcept {
    const double at = std::acos(cosine) / (10.0 * kDegree);
    const std::size_t low = std::min(static_cast<std::size_t>(at), kFits.size() - 2);
    const double part = at - static_cast<double>(low);
    const Fit &a = kFits[low], &b = kFits[low + 1];
    return {a.slope + part * (b.slope - a.slope), a.bend + part * (b.bend - a.bend),
            a.corner + part * (b.corner - a.corner)};
}

// Pressure on the sphere at 0 Hz, as a multiple of the pressure at its middle without the sphere;
// `t` is radius / distance.
double at_rest(double cosine, double t) noexcept {
    const double way = std::sqrt(1.0 - 2.0 * t * cosine + t * t);
    const double ratio = cosine > 0.0 ? (1.0 + cosine) / (way + cosine - t)
                                      : (t - cosine + way) / (1.0 - cosine);
    return 2.0 / way - std::log(ratio) / t;
}

}  // namespace

Shelf shelf_of(double cosine, double metres, double scale, std::uint32_t rate_hz) noexcept {
    if (metres >= kNearFieldMetres) return {};
    const double angle_cosine = std::clamp(cosine, -1.0, 1.0);
    const double radius = kHeadMetres * scale;
    const double near = radius / std::max(metres, kNearestMetres);
    const double far = radius / kNearFieldMetres;
    const Fit fit = fit_of(angle_cosine);
    const double high_db = (fit.slope + fit.bend * (near - far)) * (near - far);
    const double corner = fit.corner * kSoundMetresPerSecond / (radius * rate_hz);  // radians
    const double warped = std::tan(std::min(corner / 2.0, 1.4));
    return {static_cast<float>(at_rest(angle_cosine, near) / at_rest(angle_cosine, far)),
            static_cast<float>(std::pow(10.0, high_db / 20.0)),
            static_cast<float>(warped / (1.0 + warped))};
}

NearField::NearField(std::uint32_t rate_hz, int partition)
    : rate_hz_(rate_hz),
      partition_(partition),
      states_(static_cast<std::size_t>(partition / kGroup + 1)) {}

void NearField::rest() noexcept {
    from_ = to_;
    on_ = !(to_[0].is_flat() && to_[1].is_flat());
}

void NearField::aim(const Direction &direction, double metres, double scale) noexcept {
    if (metres >= kNearFieldMetres && !on_) return;
    if (direction == place_.direction && metres == place_.metres && scale == place_.scale) return;
    place_ = {direction, metres, scale};
    const bool leaves = metres >= kNearFieldMetres;
    for (std::size_t ear = 0; ear < 2; ++ear) {
        const double cosine = ear == 0 ? direction.y : -direction.y;
        to_[ear] = shelf_of(cosine, metres, scale, rate_hz_);
        if (leaves) to_[ear].coefficient = from_[ear].coefficient;
        if (!on_) from_[ear].coefficient = to_[ear].coefficient;
    }
    is_fresh_ = is_fresh_ || !on_;
    on_ = true;
}

void NearField::clear() noexcept {
    rest();
    states_[0] = {};
    is_fresh_ = false;
}

void NearField::pass(float *left, float *right, int first, int groups) noexcept {
    float *const ears[2] = {left + first, right + first};
    const auto group = static_cast<std::size_t>(first / kGroup);
    if (is_fresh_ && first == 0) states_[0] = {*ears[0], *ears[1]};
    const float step = 1.0F / static_cast<float>(partition_);
    for (std::size_t g = 0; g < static_cast<std::size_t>(groups); ++g)
        for (std::size_t ear = 0; ear < 2; ++ear) {
            const Shelf &from = from_[ear], &to = to_[ear];
            const float low_way = to.low - from.low, high_way = to.high - from.high;
            const float coefficient_way = to.coefficient - from.coefficient;
            float *sound = ears[ear] + g * kGroup;
            float state = states_[group + g][ear];
            float part = static_cast<float>((group + g) * kGroup + 1) * step;
            for (int k = 0; k < kGroup; ++k, part += step) {
                const float move = (from.coefficient + part * coefficient_way) * (sound[k] - state);
                const float low = state + move;
                state = low + move;
                sound[k] = (from.high + part * high_way) * (sound[k] - low) +
                           (from.low + part * low_way) * low;
            }
            states_[group + g + 1][ear] = state;
        }
}

void NearField::finish() noexcept {
    states_.front() = states_.back();
    is_fresh_ = false;
}

}  // namespace entrain::space
