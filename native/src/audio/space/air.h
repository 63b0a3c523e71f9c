// The way of sound through the air: the farther, the less of its highest frequencies is left.
#pragma once

#include "audio/direction.h"

#include <cmath>
#include <cstdint>

namespace entrain::space {

class Air {
public:
    // At 20 degrees and half of the possible humidity, air takes 0.1 dB for each metre at 8 kHz.
    void set_way(double metres, std::uint32_t rate_hz) noexcept {
        if (metres == metres_) return;
        metres_ = metres;
        if (metres <= 0.0) {
            pass_ = 1.0F;
            return;
        }
        const double corner_hz = kHz / std::sqrt(std::pow(10.0, kDbPerMetre * metres / 10.0) - 1.0);
        pass_ = static_cast<float>(1.0 - std::exp(-360.0 * kDegree * corner_hz / rate_hz));
    }
    void clear() noexcept { *this = {}; }

    // The sound behind the way; null stays null.  `room` has space for it.
    const float *pass(const float *sound, int frames, float *room) noexcept {
        if (!sound || frames == 0) return sound;
        if (pass_ >= 1.0F) {
            state_ = sound[frames - 1];
            return sound;
        }
        for (int k = 0; k < frames; ++k) {
            state_ += pass_ * (sound[k] - state_);
            room[k] = state_;
        }
        return room;
    }

private:
    static constexpr double kHz = 8000.0;
    static constexpr double kDbPerMetre = 0.1;

    double metres_ = 0.0;
    float pass_ = 1.0F;  // coefficient of a low-pass
    float state_ = 0.0F;
};

}  // namespace entrain::space
