// When to set back what somebody has changed: once the slider rests, and not for ever.

#include "io/undo.h"

#include <doctest/doctest.h>

using entrain::io::Undo;
using Next = Undo::Next;

TEST_CASE("what the server has restored is set back at once") {
    Undo undo;
    CHECK(undo.look(true, 0.3, 0.0) == Next::set_back);
    CHECK(undo.look(false, 1.0, 0.01) == Next::nothing);
    CHECK(!undo.insists());
}

TEST_CASE("a slider is set back once, when it rests") {
    Undo undo;
    undo.look(false, 1.0, 0.0);
    double now_s = 1.0;
    for (int i = 0; i < 50; ++i, now_s += 0.1)
        CHECK(undo.look(true, 1.0 - 0.01 * i, now_s) == Next::look_again);
    CHECK(undo.look(true, 0.51, now_s) == Next::look_again);
    CHECK(undo.look(true, 0.51, now_s + Undo::kRestS) == Next::set_back);
    // It takes until the server has done so.
    CHECK(undo.look(true, 0.51, now_s + Undo::kRestS + 0.01) == Next::look_again);
    CHECK(undo.look(false, 1.0, now_s + Undo::kRestS + 0.02) == Next::nothing);
}

TEST_CASE("who insists is left alone, and that is told until it is as it was") {
    Undo undo;
    undo.look(false, 1.0, 0.0);
    double now_s = 0.5;  // the clock may have begun a moment ago
    const auto change = [&] {
        undo.look(true, 0.3, now_s);
        now_s += Undo::kRestS;
        const Next next = undo.look(true, 0.3, now_s);
        if (next == Next::set_back) undo.look(false, 1.0, now_s + 0.01);
        now_s += 1.0;
        return next;
    };
    for (std::size_t i = 0; i < Undo::kMost; ++i) CHECK(change() == Next::set_back);
    CHECK(!undo.insists());
    CHECK(change() == Next::nothing);
    CHECK(undo.insists());
    CHECK(undo.look(true, 0.2, now_s) == Next::nothing);
    CHECK(undo.insists());

    CHECK(undo.look(false, 1.0, now_s) == Next::nothing);
    CHECK(!undo.insists());
    now_s += Undo::kWithinS;
    CHECK(change() == Next::set_back);
}
