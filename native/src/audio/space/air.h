// The air that sound passes: the farther, the less of its highest frequencies is left.
#pragma once

#include "audio/direction.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace entrain::space {

// A low-pass of the first order.
class Air {
public:
    // Sound at 8 kLossHz loses 0.1 dB in each metre of air, at 20 degrees Celsius and a relative
    // humidity of 50 % (ISO 9613-1); at other frequencies about as the square of the frequency.
    void set_distance(double metres, std::uint32_t rate_hz) noexcept {
        if (metres == metres_) return;
        metres_ = metres;
        if (metres <= 0.0) {
            coefficient_ = 1.0F;
            return;
        }
        // The pole at which the filter has exactly this loss at this frequency.
        const double hz = std::min(kLossHz, rate_hz / 2.0);
        const double loss_db = kDbPerMetre * metres * (hz / kLossHz) * (hz / kLossHz);
        const double power = std::pow(10.0, -loss_db / 10.0), lost = 1.0 - power;
        const double half = 1.0 - power * std::cos(360.0 * kDegree * hz / rate_hz);
        const double pole = lost / (half + std::sqrt(half * half - lost * lost));
        coefficient_ = static_cast<float>(1.0 - pole);
    }
    void clear() noexcept { *this = {}; }

    // The sound at the end of its way: `sound` itself where the air takes no loss (null stays null),
    // otherwise `to`, which has space for it.
    const float *pass(const float *sound, int frames, float *to) noexcept {
        if (!sound || frames == 0) return sound;
        if (coefficient_ >= 1.0F) {
            state_ = sound[frames - 1];
            return sound;
        }
        for (int k = 0; k < frames; ++k) {
            state_ += coefficient_ * (sound[k] - state_);
            to[k] = state_;
        }
        return to;
    }

private:
    static constexpr double kLossHz = 8000.0;
    static constexpr double kDbPerMetre = 0.1;

    double metres_ = 0.0;
    float coefficient_ = 1.0F;
    float state_ = 0.0F;
};

}  // namespace entrain::space
