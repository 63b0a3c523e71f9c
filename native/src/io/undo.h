// When to set back what somebody has changed.  Looks at no clock: times are passed in, monotonic,
// in seconds.
#pragma once

#include <array>
#include <cstddef>

namespace entrain::io {

// One thing that others can change and that is to be as we have made it.  Somebody who moves a
// slider is not disturbed before the slider rests; somebody who sets it again and again is left
// alone after some times, and that is told.
class Undo {
public:
    static constexpr double kRestS = 0.25;
    static constexpr double kWithinS = 60.0;
    static constexpr std::size_t kMost = 3;  // times within kWithinS

    enum class Next { nothing, look_again, set_back };

    // Say how the thing is now, and do what is returned; to look again, after kRestS.
    //
    // value:    differs where the thing does
    Next look(bool is_changed, double value, double now_s) noexcept {
        const bool first = !has_looked_;
        has_looked_ = true;
        if (!is_changed) {
            rests_ = insists_ = false;
            return Next::nothing;
        }
        if (insists_) return Next::nothing;
        if (first) return set_back(value, now_s);  // the server has restored it: nobody's wish now
        if (!rests_ || value != value_) {
            rests_ = true;
            value_ = value;
            since_s_ = now_s;
        }
        if (now_s - since_s_ < kRestS) return Next::look_again;
        if (now_s - times_s_[oldest_] < kWithinS) {
            insists_ = true;
            return Next::nothing;
        }
        times_s_[oldest_] = now_s;
        oldest_ = (oldest_ + 1) % kMost;
        return set_back(value, now_s);
    }

    // Somebody has set it so often that it stays as it is now.
    bool insists() const noexcept { return insists_; }

private:
    Next set_back(double value, double now_s) noexcept {
        rests_ = true;  // until the server says that it is as it was
        value_ = value;
        since_s_ = now_s;
        return Next::set_back;
    }

    bool has_looked_ = false;
    bool rests_ = false;
    bool insists_ = false;
    double value_ = 0.0;
    double since_s_ = 0.0;
    std::array<double, kMost> times_s_{-kWithinS, -kWithinS, -kWithinS};
    std::size_t oldest_ = 0;
};

}  // namespace entrain::io
