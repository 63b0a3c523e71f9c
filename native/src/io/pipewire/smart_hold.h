// Decides whether the sink is a smart filter, so that the session manager sends players to it.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

namespace entrain::pipewire {

// Players are not sent into a sink without a device.  But when the device vanishes, players stay
// on the sink for a while: otherwise the session manager would play them on the next device at
// once, and this may be a loudspeaker that Python has not yet turned down.
class SmartHold {
public:
    using Clock = std::chrono::steady_clock;
    // A slow disk may delay Python's answer by 3 s.
    static constexpr std::chrono::nanoseconds kLongest = std::chrono::seconds(4);

    // wanted:    the user wants a smart filter
    // was:       the sink is a smart filter now
    // complete:  all nodes and ports of the way to a device exist
    // ready:     the links of the way exist too
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

    // Time until players are released; 0 if none are held.
    std::chrono::nanoseconds left(Clock::time_point now) const {
        // At least 1 ns, because 0 would stop a timer.
        return until_ ? std::max(*until_ - now, Clock::duration(1)) : Clock::duration(0);
    }

private:
    std::optional<Clock::time_point> until_;
};

}  // namespace entrain::pipewire
