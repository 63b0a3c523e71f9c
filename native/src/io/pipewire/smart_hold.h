// Whether the sink is to be a smart filter: whether the session manager sends players to it.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

namespace entrain::pipewire {

// Nobody is sent into a sink that leads nowhere.  But where the device goes, players stay for a
// while: the session manager would play them on the next one at once, and that may be a loudspeaker
// which whoever steers us has still to turn down.
class SmartHold {
public:
    using Clock = std::chrono::steady_clock;
    // A disk may keep whoever steers us for 3 s.
    static constexpr std::chrono::nanoseconds kLongest = std::chrono::seconds(4);

    // wanted:    the user's
    // was:       it is one now
    // complete:  all that the way to a device consists of is there
    // ready:     the way stands
    bool smart(bool wanted, bool was, bool complete, bool ready, Clock::time_point now) {
        if (!wanted || !was || complete || ready) {
            until_.reset();
            return wanted && (ready || (was && complete));
        }
        if (!until_) until_ = now + kLongest;
        if (now < *until_) return true;
        until_.reset();
        return false;
    }

    // How long it holds on; 0: it does not.
    std::chrono::nanoseconds left(Clock::time_point now) const {
        // Not 0, which would stop a timer.
        return until_ ? std::max(*until_ - now, Clock::duration(1)) : Clock::duration(0);
    }

private:
    std::optional<Clock::time_point> until_;
};

}  // namespace entrain::pipewire
