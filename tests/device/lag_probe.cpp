// Plays noise bursts and records them in the same cycles of PipeWire's graph, so that a delay of
// whole cycles is measured too.
//
// Usage: lag_probe QUANTUM FRAMES
//
// Makes a node "lag-probe" with the ports "out" and "in", which other programs link.  It begins to
// play when both ports have run for half a second in cycles of QUANTUM frames, and begins again
// after a change.  Prints FRAMES played samples, then FRAMES recorded samples, as 32-bit floats.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <pipewire/filter.h>
#include <pipewire/pipewire.h>

namespace {

constexpr std::size_t kBurstFrames = 512;
constexpr std::size_t kFramesBetween = 12'000;

struct Probe {
    std::uint32_t quantum = 0;
    std::size_t settling = 0;  // frames
    std::size_t at = 0;
    std::vector<float> played, heard;
    pw_main_loop *loop = nullptr;
    spa_source *done = nullptr;
    void *out = nullptr, *in = nullptr;
};

std::vector<float> bursts(std::size_t frames) {
    std::vector<float> sound(frames);
    std::uint32_t random = 1;
    for (std::size_t i = kFramesBetween; i + 2 * kBurstFrames < frames; ++i) {
        random = random * 1'664'525 + 1'013'904'223;
        if (i % kFramesBetween < kBurstFrames)
            sound[i] = 0.2F * (static_cast<float>(random >> 8) / (1 << 24) - 0.5F);
    }
    return sound;
}

void process(void *data, spa_io_position *position) {
    auto &probe = *static_cast<Probe *>(data);
    const auto frames = static_cast<std::uint32_t>(position->clock.duration);
    auto *const out = static_cast<float *>(pw_filter_get_dsp_buffer(probe.out, frames));
    const auto *const in = static_cast<const float *>(pw_filter_get_dsp_buffer(probe.in, frames));
    if (out != nullptr)
        for (std::uint32_t i = 0; i < frames; ++i) out[i] = 0;
    if (probe.at == probe.played.size()) return;
    if (out == nullptr || in == nullptr || frames != probe.quantum) {
        probe.settling = probe.at = 0;
        return;
    }
    if (probe.settling < position->clock.rate.denom / 2) {
        probe.settling += frames;
        return;
    }
    for (std::uint32_t i = 0; i < frames && probe.at < probe.played.size(); ++i, ++probe.at) {
        out[i] = probe.played[probe.at];
        probe.heard[probe.at] = in[i];
    }
    if (probe.at == probe.played.size()) pw_loop_signal_event(pw_main_loop_get_loop(probe.loop), probe.done);
}

void *port(pw_filter *filter, pw_direction direction, const char *name) {
    return pw_filter_add_port(filter, direction, PW_FILTER_PORT_FLAG_MAP_BUFFERS, 1,
                              pw_properties_new(PW_KEY_FORMAT_DSP, "32 bit float mono audio",
                                                PW_KEY_PORT_NAME, name, nullptr),
                              nullptr, 0);
}

}  // namespace

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    pw_init(&argc, &argv);
    const std::size_t frames = std::strtoul(argv[2], nullptr, 10);
    Probe probe;
    probe.quantum = static_cast<std::uint32_t>(std::strtoul(argv[1], nullptr, 10));
    probe.played = bursts(frames);
    probe.heard.resize(frames);
    probe.loop = pw_main_loop_new(nullptr);
    pw_loop *const loop = pw_main_loop_get_loop(probe.loop);
    probe.done = pw_loop_add_event(
        loop, [](void *data, std::uint64_t) { pw_main_loop_quit(static_cast<pw_main_loop *>(data)); },
        probe.loop);

    pw_filter_events events{};
    events.version = PW_VERSION_FILTER_EVENTS;
    events.process = process;
    events.state_changed = [](void *, pw_filter_state, pw_filter_state state, const char *) {
        if (state == PW_FILTER_STATE_ERROR || state == PW_FILTER_STATE_UNCONNECTED) std::_Exit(1);
    };
    pw_filter *const filter = pw_filter_new_simple(
        loop, "lag-probe", pw_properties_new(PW_KEY_NODE_NAME, "lag-probe", nullptr), &events, &probe);
    probe.out = port(filter, PW_DIRECTION_OUTPUT, "out");
    probe.in = port(filter, PW_DIRECTION_INPUT, "in");
    if (pw_filter_connect(filter, PW_FILTER_FLAG_RT_PROCESS, nullptr, 0) < 0) return 1;
    pw_main_loop_run(probe.loop);
    std::fwrite(probe.played.data(), sizeof(float), frames, stdout);
    std::fwrite(probe.heard.data(), sizeof(float), frames, stdout);
    std::fflush(stdout);
    std::_Exit(0);  // the server notices the end; the kernel frees all memory
}
