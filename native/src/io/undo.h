// Decides when to undo a change that another program or the user made.  Reads no clock itself:
// callers pass in the time in seconds, from a monotonic clock.
#pragma once

#include <array>
#include <cstddef>

namespace entrain::io {

// Guards one value that others can change and that should keep our setting.  While a user moves a
// slider, nothing happens until the slider rests.  If the value is changed again and again, the
// guard gives up after some times, and insists() says so.
class Undo {
public:
    static constexpr double kRestS = 0.25;
    static constexpr double kWithinS = 60.0;
    static constexpr std::size_t kMost = 3;  // corrections within kWithinS

    enum class Next { nothing, look_again, set_back };

    // Report the present value and do what is returned; `look_again` means after kRestS.
    //
    // value:    identifies the present setting
    Next look(bool is_changed, double value, double now_s) noexcept {
        const bool first = !has_looked_;
        has_looked_ = true;
        if (!is_changed) {
            rests_ = insists_ = false;
            return Next::nothing;
        }
        if (insists_) return Next::nothing;
        if (first) return set_back(value, now_s);  // restored by the server, not set by a user
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

    // True if the value was changed so often that the guard leaves it as it is.
    bool insists() const noexcept { return insists_; }

private:
    Next set_back(double value, double now_s) noexcept {
        rests_ = true;  // until the server confirms the correction
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
