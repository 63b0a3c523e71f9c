#include "io/pipewire/audio/process.h"

#include "io/pipewire/client/loop.h"

#include <algorithm>

namespace entrain::pipewire {

namespace {

using Input = std::array<const float *, 2>;
using Output = std::array<float *, 2>;

float *buffer(void *port, std::uint32_t frames) noexcept {
    return static_cast<float *>(pw_filter_get_dsp_buffer(port, frames));
}

// Whether the server skipped cycles between the last cycle and this one.
bool has_gap(Cycle &cycle, const spa_io_clock &clock, std::uint32_t rate_hz,
             std::uint32_t frames) noexcept {
    // After a pause or a change of clock or rate, the position says nothing about missed cycles.
    const bool fresh = cycle.fresh.exchange(false, std::memory_order_relaxed) ||
                       clock.id != cycle.clock_id ||
                       rate_hz != cycle.rate_hz.load(std::memory_order_relaxed);
    const std::uint64_t step = clock.position - cycle.clock_position;
    cycle.clock_id = clock.id;
    cycle.clock_position = clock.position;
    // Drivers disagree whether the step is the last cycle's length or this one's.
    const std::uint32_t expected =
        std::max(frames, cycle.quantum_frames.load(std::memory_order_relaxed));
    constexpr std::uint64_t kBackwards = 1ULL << 63;  // larger steps: the clock was set back
    return !fresh && step > expected && step < kBackwards;
}

void pass_through(const Input &in, const Output &out, std::uint32_t frames) noexcept {
    for (std::size_t c = 0; c < 2; ++c) {
        if (out[c] == nullptr) continue;
        if (in[c] != nullptr)
            std::copy_n(in[c], frames, out[c]);
        else
            std::fill_n(out[c], frames, 0.0F);
    }
}

}  // namespace

void process(void *data, spa_io_position *position) noexcept ENTRAIN_NONBLOCKING {
    if (position == nullptr) return;
    Cycle &cycle = *static_cast<Cycle *>(data);
    const spa_io_clock &clock = position->clock;
    const auto frames = static_cast<std::uint32_t>(clock.duration);
    const std::uint32_t rate_hz = clock.rate.denom;

    const Input in{buffer(cycle.in[0], frames), buffer(cycle.in[1], frames)};
    const Output out{buffer(cycle.out[0], frames), buffer(cycle.out[1], frames)};
    const bool complete = in[0] != nullptr && in[1] != nullptr && out[0] != nullptr &&
                          out[1] != nullptr;
    if (!complete && cycle.linked.load(std::memory_order_relaxed))
        entrain_count_missing_buffer(cycle.engine);

    if (has_gap(cycle, clock, rate_hz, frames)) entrain_count_xrun(cycle.engine);
    if (rate_hz != cycle.rate_hz.load(std::memory_order_relaxed) ||
        frames != cycle.quantum_frames.load(std::memory_order_relaxed)) {
        cycle.rate_hz.store(rate_hz, std::memory_order_relaxed);
        cycle.quantum_frames.store(frames, std::memory_order_relaxed);
        signal(cycle.loop, cycle.news);
    }

    if (entrain_rate(cycle.engine) == rate_hz)
        entrain_process(cycle.engine, in.data(), out.data(), frames);
    else
        pass_through(in, out, frames);

    if (cycle.mono.load(std::memory_order_relaxed))
        for (float *channel : out)
            if (channel != nullptr)
                std::transform(channel, channel + frames, channel,
                               [](float sample) { return 0.5F * sample; });
}

}  // namespace entrain::pipewire
