// A gain that moves between 0 and 1 in a given time, with slope 0 at both ends.
#pragma once

#include <cstdint>

namespace entrain {

// Counts frames, so the gains do not depend on block sizes.
class Fade {
public:
    explicit Fade(bool open = false) noexcept : position_(open ? 1.0 : 0.0) {}

    bool is_open() const noexcept { return position_ >= 1.0; }
    bool is_closed() const noexcept { return position_ <= 0.0; }
    bool is_at(bool open) const noexcept { return open ? is_open() : is_closed(); }

    // Gain of the next frame on the way to 1 (open) or 0.  `step` is 1 / (fade time in frames).
    float next(bool open, double step) noexcept {
        position_ += open ? step : -step;
        if (position_ > 1.0) position_ = 1.0;
        if (position_ < 0.0) position_ = 0.0;
        return static_cast<float>(position_ * position_ * (3.0 - 2.0 * position_));
    }

private:
    double position_;
};

}  // namespace entrain
