// Undoes changes once the slider rests, but not forever.

#include "io/undo.h"

#include <doctest/doctest.h>

using entrain::io::Undo;
using Next = Undo::Next;

TEST_CASE("a value restored by the server is undone at once") {
    Undo undo;
    CHECK(undo.look(true, 0.3, 0.0) == Next::set_back);
    CHECK(undo.look(false, 1.0, 0.01) == Next::nothing);
    CHECK(!undo.insists());
}

TEST_CASE("a moved slider is undone once, when it rests") {
    Undo undo;
    undo.look(false, 1.0, 0.0);
    double now_s = 1.0;
    for (int i = 0; i < 50; ++i, now_s += 0.1)
        CHECK(undo.look(true, 1.0 - 0.01 * i, now_s) == Next::look_again);
    CHECK(undo.look(true, 0.51, now_s) == Next::look_again);
    CHECK(undo.look(true, 0.51, now_s + Undo::kRestS) == Next::set_back);
    // The server takes a while to do so.
    CHECK(undo.look(true, 0.51, now_s + Undo::kRestS + 0.01) == Next::look_again);
    CHECK(undo.look(false, 1.0, now_s + Undo::kRestS + 0.02) == Next::nothing);
}

TEST_CASE("an insisting program wins, which is reported until the value is right again") {
    Undo undo;
    undo.look(false, 1.0, 0.0);
    double now_s = 0.5;  // the clock may have started a moment ago
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
