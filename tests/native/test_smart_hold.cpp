#include "io/pipewire/smart_hold.h"

#include <doctest/doctest.h>

namespace {

using entrain::pipewire::SmartHold;
using namespace std::chrono_literals;

const SmartHold::Clock::time_point kNow{};

}  // namespace

TEST_CASE("players are sent to the sink once it is linked to the target, and not before") {
    SmartHold hold;
    CHECK_FALSE(hold.smart(true, false, false, false, kNow));
    CHECK_FALSE(hold.smart(true, false, true, false, kNow));
    CHECK(hold.smart(true, false, true, true, kNow));
    CHECK_FALSE(hold.smart(false, true, true, true, kNow));
    CHECK(hold.left(kNow) == 0ns);
}

TEST_CASE("players stay while one device goes and the next one is chosen") {
    SmartHold hold;
    CHECK(hold.smart(true, true, false, false, kNow));
    CHECK(hold.left(kNow + 1s) == SmartHold::kLongest - 1s);
    CHECK(hold.smart(true, true, false, false, kNow + 3s));
    CHECK(hold.smart(true, true, true, false, kNow + 3s));
    CHECK(hold.left(kNow + 3s) == 0ns);
}

TEST_CASE("players leave if no other device appears in time, or if smart mode is turned off") {
    SmartHold hold;
    hold.smart(true, true, false, false, kNow);
    CHECK_FALSE(hold.smart(true, true, false, false, kNow + SmartHold::kLongest));
    CHECK(hold.left(kNow + SmartHold::kLongest) == 0ns);
    CHECK_FALSE(hold.smart(true, false, false, false, kNow + 9s));
    hold.smart(true, true, false, false, kNow + 10s);
    CHECK_FALSE(hold.smart(false, true, false, false, kNow + 11s));
    CHECK(hold.left(kNow + 11s) == 0ns);
}
