// The target of the latency after underruns: raised, held, and lowered without being heard.
//
// Limits: 0.2 cent once settled, 3 cents in the first ten seconds, 1 ms of latency.

#include "two_clocks.h"

#include <doctest/doctest.h>

using entrain::LatencyController;

TEST_CASE("underruns raise the target at once, and it comes down soon, unheard") {
    const double base_s = 0.006;
    LatencyController controller({base_s, 0.045});
    World world;
    SUBCASE("the device goes on when it runs dry") { world.waits = false; }
    SUBCASE("the device waits when it runs dry") { world.waits = true; }
    world.in_ppm = 300.0;
    world.jitter_s = 0.001;
    TwoClocks clocks(world, controller);
    clocks.run(1.0);
    clocks.stall(0.02);  // a start is rough: does not count
    clocks.run(15.0);
    CHECK(controller.underruns() > 0);
    CHECK(controller.target_s() == base_s);
    for (const double at_s : {20.0, 40.0, 60.0, 80.0}) {
        clocks.run(at_s);
        const double before_s = controller.target_s();
        const int underruns = clocks.underruns;
        clocks.stall(at_s < 60.0 ? 0.015 : 0.030);
        clocks.run(at_s + 2.0);
        // A single underrun changes nothing.  The second raises the target to a sufficient value.
        if (at_s == 20.0) CHECK(controller.target_s() == before_s);
        if (at_s == 80.0) CHECK(controller.target_s() <= before_s);
        if (at_s == 40.0) CHECK(controller.target_s() == doctest::Approx(0.022).epsilon(0.1));
        if (at_s == 60.0) CHECK(controller.target_s() == doctest::Approx(0.037).epsilon(0.1));
        CHECK((clocks.underruns > underruns) == (at_s < 80.0));
        clocks.run(at_s + 10.0);
        CHECK(clocks.worst_error_ms(at_s + 1.2, at_s + 10.0) < 1.0);
    }
    const std::uint64_t corrections = controller.corrections();
    if (!world.waits) CHECK(corrections <= 1);  // at the start
    clocks.run(600.0);
    CHECK(controller.target_s() == base_s);
    CHECK(controller.corrections() == corrections);
    CHECK(clocks.worst_error_ms(90.0) < 1.0);
    check_pitch(clocks);

    for (int i = 0; i < 200; ++i) {  // without a pause
        controller.underrun(2500.0 + 0.1 * i, 0.0);
        controller.observe(2500.0 + 0.1 * i, controller.target_s());
    }
    CHECK(controller.target_s() == doctest::Approx(0.045));
    controller.restart(2522.0);
    CHECK(controller.target_s() == doctest::Approx(0.045));
    controller.restart(2900.0);  // where it costs nothing
    CHECK(controller.target_s() == base_s);
}

TEST_CASE("a minute of quiet brings a target back after a short break, unheard") {
    constexpr double kBase_s = 0.0105;  // with the device's block: in all 10 ms are added then
    for (const unsigned seed : {1U, 2U, 3U})
        for (const double in_ppm : {-300.0, 0.0, 300.0})
            for (const double observe_s : {0.025, 0.05}) {
                CAPTURE(seed);
                CAPTURE(in_ppm);
                CAPTURE(observe_s);
                World world;
                world.seed = seed;
                world.in_ppm = in_ppm;
                world.observe_s = observe_s;
                world.block_s = world.device_s = 0.003;
                world.noise_s = 0.1e-3;
                LatencyController controller({kBase_s});
                TwoClocks clocks(world, controller);
                clocks.run(100.0);
                for (const double at_s : {100.0, 120.0}) {
                    clocks.run(at_s);
                    clocks.run_dry(kBase_s);
                }
                CHECK(controller.target_s() > kBase_s + 0.0044);
                clocks.run(120.0 + 60.0);
                CHECK(controller.target_s() == kBase_s);
                clocks.run(200.0);
                CHECK(clocks.worst_error_ms(122.0) < 1.0);
                check_pitch(clocks);
            }
}

TEST_CASE("a standstill of a second raises no target, not even a raised one") {
    LatencyController controller({0.010});
    World world;
    TwoClocks clocks(world, controller);
    clocks.run(20.0);
    clocks.stall(0.030);
    clocks.run(30.0);
    clocks.stall(0.030);
    clocks.run(32.0);
    const double raised_s = controller.target_s();
    CHECK(raised_s > 0.012);

    const double inserted_s = controller.underrun(100.0 + clocks.time_s() + 1.5, 0.2);

    CHECK(inserted_s == 0.0);
    CHECK(controller.target_s() == raised_s);
}

TEST_CASE("an underrun while programs are starting does not raise the target") {
    for (const double at_s : {1.0, 3.0, 9.0}) {
        CAPTURE(at_s);
        LatencyController controller({0.0075});
        TwoClocks clocks({}, controller);
        for (const double stalled_s : {at_s, 60.0}) {  // one more, later, is one in all
            clocks.run(stalled_s);
            const int underruns = clocks.underruns;
            clocks.stall(0.02);
            clocks.run(stalled_s + 10.0);
            CHECK(clocks.underruns > underruns);
            CHECK(controller.target_s() == 0.0075);
        }
        clocks.stall(0.02);
        clocks.run(71.0);
        CHECK(controller.target_s() > 0.0115);
    }
}

TEST_CASE("a target that was lowered too soon is held longer the next time") {
    LatencyController controller({0.0075});
    TwoClocks clocks({}, controller);
    const double period_s = 45.0;
    int early = 0, late = 0;
    for (int i = 1; i <= 40; ++i) {
        clocks.run(i * period_s);
        const int before = clocks.underruns;
        clocks.stall(0.012);
        clocks.run(i * period_s + 1.0);
        (i <= 20 ? early : late) += clocks.underruns > before;
    }
    CHECK(early <= 6);
    CHECK(late <= 1);
    clocks.run(40 * period_s + 2 * 3600.0);
    CHECK(controller.target_s() == 0.0075);
}

TEST_CASE("what is late now and then keeps a raised target where it is survived") {
    LatencyController controller({0.0075});
    TwoClocks clocks({}, controller);
    for (const double at_s : {60.0, 80.0}) {
        clocks.run(at_s);
        clocks.stall(0.010);
    }
    clocks.run(82.0);
    const int underruns = clocks.underruns;
    for (double at_s = 95.0; at_s < 600.0; at_s += 15.0) {
        clocks.stall(0.010);
        clocks.run(at_s);
    }
    CHECK(clocks.underruns == underruns);
    CHECK(controller.target_s() < 0.015);
    clocks.run(690.0);
    CHECK(controller.target_s() == 0.0075);
}

TEST_CASE("underruns within a second have one cause") {
    LatencyController controller({0.0105});
    TwoClocks clocks({}, controller);
    clocks.run(60.0);
    for (const double at_s : {60.0, 60.3, 60.6, 60.9}) {
        clocks.run(at_s);
        clocks.run_dry(0.13);
    }
    CHECK(controller.target_s() == 0.0105);
    clocks.run(61.5);
    clocks.run_dry(0.13);
    CHECK(controller.target_s() > 0.13);
}

TEST_CASE("a delay that would be seen is gone after a minute of quiet") {
    constexpr double kBase_s = 0.0105;
    for (const unsigned seed : {1U, 2U, 3U}) {
        CAPTURE(seed);
        World world;
        world.seed = seed;
        world.in_ppm = 200.0;
        LatencyController controller({kBase_s});
        TwoClocks clocks(world, controller);
        for (const double at_s : {60.0, 80.0}) {
            clocks.run(at_s);
            clocks.run_dry(0.13);
        }
        const double raised_s = controller.target_s();
        const std::uint64_t corrections = controller.corrections();
        CHECK(raised_s > 0.13);
        clocks.run(109.0);
        CHECK(controller.target_s() == raised_s);
        clocks.run(111.0);
        CHECK(controller.target_s() < kBase_s + 0.0025);
        clocks.run(140.0);
        CHECK(controller.target_s() == kBase_s);
        clocks.run(200.0);
        CHECK(controller.corrections() == corrections + 1);
        CHECK(clocks.worst_error_ms(82.0, 110.0) < 1.0);
        CHECK(clocks.worst_error_ms(111.2) < 1.0);
        check_pitch(clocks);
    }
}
