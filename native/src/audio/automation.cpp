#include "audio/automation.h"

#include <algorithm>
#include <cmath>

namespace entrain {

namespace {

double between(const Breakpoint &from, const Breakpoint &to, double part) noexcept {
    switch (from.curve) {
        case Curve::step:
            return from.value;
        case Curve::linear:
            return from.value + (to.value - from.value) * part;
        case Curve::exponential:  // both values have the same sign, and neither is zero
            return from.value * std::pow(to.value / from.value, part);
        case Curve::smooth:
            return from.value + (to.value - from.value) * part * part * (3.0 - 2.0 * part);
    }
    return to.value;
}

}  // namespace

Lane::At Lane::at(std::uint64_t session_frame, std::size_t &cursor) const noexcept {
    std::uint64_t now = session_frame;
    std::uint64_t end = kNever;  // frames to the end of the loop
    if (loop_frames > 0) {
        now %= loop_frames;
        end = loop_frames - now;
    }
    // The last breakpoint at or before `now`; nearly always the same as in the last call.
    const auto covers = [&](std::size_t i) {
        return i < points.size() && (i == 0 || points[i].frame <= now) &&
               (i + 1 == points.size() || now < points[i + 1].frame);
    };
    if (!covers(cursor)) {
        const auto after = std::upper_bound(
            points.begin(), points.end(), now,
            [](std::uint64_t frame, const Breakpoint &point) { return frame < point.frame; });
        cursor = after == points.begin() ? 0 : static_cast<std::size_t>(after - points.begin()) - 1;
    }

    const Breakpoint &from = points[cursor];
    if (now < from.frame)  // before the first breakpoint
        return {from.value, std::min(end, from.frame - now), false};
    if (cursor + 1 == points.size()) return {from.value, end, false};
    const Breakpoint &to = points[cursor + 1];
    const double part =
        static_cast<double>(now - from.frame) / static_cast<double>(to.frame - from.frame);
    return {between(from, to, part), std::min(end, to.frame - now),
            from.curve != Curve::step && from.value != to.value};
}

}  // namespace entrain
