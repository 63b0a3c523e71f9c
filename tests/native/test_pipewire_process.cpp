// PipeWire's callback bodies, with the client library's two calls replaced: they neither allocate
// nor lock, take any quantum, and survive missing buffers.

#include "sound.h"
#include "trap.h"

#include "io/pipewire/audio/process.h"
#include "io/pipewire/client/library.h"

#include <doctest/doctest.h>

#include <algorithm>

using entrain::pipewire::Cycle;
using entrain::pipewire::process;

namespace {

struct Port {
    std::vector<float> samples = std::vector<float>(8192, 0.25F);
    bool missing = false;
};

int signals = 0;

int count_signal(void *, spa_source *) {
    ++signals;
    return 0;
}

// A loop of which only the signalling works.
struct Loop {
    Loop() {
        methods.version = SPA_VERSION_LOOP_UTILS_METHODS;
        methods.signal_event = count_signal;
        utils.iface.type = SPA_TYPE_INTERFACE_LoopUtils;
        utils.iface.version = SPA_VERSION_LOOP_UTILS;
        utils.iface.cb.funcs = &methods;
        loop.utils = &utils;
    }
    spa_loop_utils_methods methods{};
    spa_loop_utils utils{};
    pw_loop loop{};
};

struct Graph {
    Graph() {
        cycle.engine = engine;
        cycle.in = {&in[0], &in[1]};
        cycle.out = {&out[0], &out[1]};
        cycle.loop = &loop.loop;
        cycle.linked = true;
        position.clock.rate.num = 1;
        position.clock.id = 1;
    }

    // One cycle, `skipped` frames after the last one; returns how many calls the trap caught.
    long run(std::uint32_t frames, std::uint32_t rate_hz = kRate, std::uint64_t skipped = 0) {
        position.clock.duration = frames;
        position.clock.rate.denom = rate_hz;
        trap::enter();
        process(&cycle, &position);
        const long caught = trap::leave();
        position.clock.position += frames + skipped;
        return caught;
    }

    entrain_stats stats() {
        entrain_stats stats;
        entrain_read_stats(engine, &stats);
        return stats;
    }

    Engine engine;
    Loop loop;
    std::array<Port, 2> in, out;
    Cycle cycle;
    spa_io_position position{};
};

}  // namespace

extern "C" void *pw_filter_get_dsp_buffer(void *port, std::uint32_t) {
    Port *fake = static_cast<Port *>(port);
    return fake->missing ? nullptr : fake->samples.data();
}

TEST_CASE("any quantum, and nothing is allocated or locked") {
    Graph graph;
    long caught = 0;
    std::uint64_t frames = 0;
    for (const std::uint32_t quantum : {16U, 8192U, 64U, 1024U, 17U, 4096U, 256U}) {
        for (int i = 0; i < 3; ++i) {
            caught += graph.run(quantum);
            frames += quantum;
        }
        CHECK(graph.cycle.quantum_frames == quantum);
    }
    CHECK(caught == 0);
    CHECK(graph.stats().frames == frames);
    CHECK(graph.stats().xruns == 0);
    CHECK(graph.out[0].samples[255] == 0.25F);
}

TEST_CASE("missing buffers are counted and hurt nothing") {
    Graph graph;
    graph.run(256);
    for (Port *port : {&graph.in[0], &graph.in[1], &graph.out[0], &graph.out[1]}) {
        port->missing = true;
        CHECK(graph.run(256) == 0);
        port->missing = false;
    }
    CHECK(graph.stats().missing_buffers == 4);
    graph.cycle.linked = false;  // while links are being made nothing is missing
    graph.in[0].missing = true;
    graph.run(256);
    CHECK(graph.stats().missing_buffers == 4);
}

TEST_CASE("a gap in the clock is an xrun; another clock, another rate and a sleep are not") {
    Graph graph;
    graph.run(256);
    graph.run(256, kRate, 512);
    graph.run(256);
    CHECK(graph.stats().xruns == 1);
    graph.position.clock.id = 2;
    graph.position.clock.position += 100'000;
    graph.run(256);
    graph.position.clock.position += 100'000;
    graph.cycle.fresh = true;
    graph.run(256);
    graph.run(256);
    CHECK(graph.stats().xruns == 1);
}

TEST_CASE("at a rate that the engine is not at, the input passes and the loop is told") {
    Graph graph;
    graph.run(256);
    signals = 0;
    const std::uint64_t before = graph.stats().frames;
    std::fill(graph.in[0].samples.begin(), graph.in[0].samples.end(), 0.125F);
    CHECK(graph.run(256, 44100) == 0);
    CHECK(signals == 1);
    CHECK(graph.stats().frames == before);
    CHECK(graph.out[0].samples[255] == 0.125F);
    REQUIRE(entrain_set_rate(graph.engine, 44100) == ENTRAIN_OK);
    graph.run(256, 44100);
    CHECK(graph.stats().frames == before + 256);
    CHECK(signals == 1);
}

TEST_CASE("two ears on one port are halved, for the port adds them") {
    Graph graph;
    graph.cycle.mono = true;
    graph.run(256);
    graph.run(256);
    CHECK(graph.out[1].samples[255] == 0.125F);
}
