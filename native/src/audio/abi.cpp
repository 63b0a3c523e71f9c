// ABI functions that may be called in the callback, and from any other thread meanwhile.

#include "audio/engine.h"

#include <chrono>

uint32_t entrain_abi_version(void) { return ENTRAIN_ABI_VERSION; }

const char *entrain_status_text(entrain_status status) {
    switch (status) {
        case ENTRAIN_OK: return "done";
        case ENTRAIN_E_ARGUMENT: return "a pointer is null or a number is outside its range";
        case ENTRAIN_E_MEMORY: return "out of memory";
        case ENTRAIN_E_KIND: return "there is no block of that kind";
        case ENTRAIN_E_LAYER: return "there is no layer with that number";
        case ENTRAIN_E_PARAMETER: return "the block has no parameter with that symbol";
        case ENTRAIN_E_RANGE: return "the value is outside the parameter's range";
        case ENTRAIN_E_SERVER: return "the sound server does not answer";
        case ENTRAIN_E_OVERRUN: return "the frames have been overwritten, or are not written yet";
        case ENTRAIN_E_FULL: return "the engine has as many layers as it can hold";
    }
    return "unknown status";
}

void entrain_process(entrain_engine *engine, const float *const *in, float *const *out,
                     uint32_t frames) {
    static constexpr const float *kSilence[2] = {nullptr, nullptr};
    static constexpr float *kNowhere[2] = {nullptr, nullptr};
    if (engine) engine->process.run(in ? in : kSilence, out ? out : kNowhere, frames);
}

uint32_t entrain_rate(const entrain_engine *engine) { return engine ? engine->rate_hz.load() : 0; }

uint32_t entrain_latency_frames(const entrain_engine *engine) {
    return engine ? engine->latency_frames.load() : 0;
}

void entrain_set_bypass(entrain_engine *engine, int bypass) {
    using entrain::Bypass;
    const Bypass wanted = bypass == ENTRAIN_BYPASS_OFF       ? Bypass::off
                          : bypass == ENTRAIN_BYPASS_MATCHED ? Bypass::matched
                                                             : Bypass::exact;
    if (engine) engine->process.bypass.store(wanted, std::memory_order_relaxed);
}

void entrain_set_standalone(entrain_engine *engine, int standalone) {
    if (engine) engine->process.standalone.store(standalone != 0, std::memory_order_relaxed);
}

void entrain_set_playing(entrain_engine *engine, int playing) {
    if (!engine) return;
    // entrain_is_quiet() may be called before the callback runs again.
    if (!playing) engine->process.quiet.store(false, std::memory_order_relaxed);
    engine->process.playing.store(playing != 0, std::memory_order_relaxed);
}

int entrain_is_quiet(const entrain_engine *engine) {
    return engine && engine->process.quiet.load(std::memory_order_relaxed) ? 1 : 0;
}

entrain_status entrain_turn_head(entrain_engine *engine, const float *turn) {
    if (!engine || !turn) return ENTRAIN_E_ARGUMENT;
    return engine->process.space.head_turn.write(turn) ? ENTRAIN_OK : ENTRAIN_E_RANGE;
}

void entrain_read_space(const entrain_engine *engine, entrain_space *space) {
    if (!space) return;
    *space = {};
    if (!engine) return;
    const entrain::SpaceStage &stage = engine->process.space;
    const std::array<float, 4> turn = stage.head_turn.turn();
    for (std::size_t i = 0; i < 4; ++i) space->turn[i] = turn[i];
    space->age_s = stage.head_turn.age_s();
    space->sources = stage.sources();
    space->has_head = engine->has_head ? 1 : 0;
}

void entrain_read_stats(const entrain_engine *engine, entrain_stats *stats) {
    if (!stats) return;
    *stats = {};
    if (!engine) return;
    const entrain::Counters &counters = engine->process.counters;
    stats->frames = counters.frames;
    stats->cycles = counters.cycles;
    stats->xruns = counters.xruns;
    stats->missing_buffers = counters.missing_buffers;
    stats->nonfinite = counters.nonfinite;
    stats->busy_ns = counters.busy_ns;
}

double entrain_processed_seconds(const entrain_engine *engine) {
    return engine ? engine->process.counters.seconds.load(std::memory_order_relaxed) : 0.0;
}

void entrain_read_durations(const entrain_engine *engine, entrain_durations *durations) {
    static_assert(ENTRAIN_DURATIONS == entrain::Durations::kBuckets);
    if (!durations) return;
    *durations = {};
    if (!engine) return;
    const entrain::Durations &all = engine->process.durations;
    for (std::uint32_t i = 0; i < ENTRAIN_DURATIONS; ++i) durations->count[i] = all.count(i);
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    const entrain::Durations::Longest longest = all.lately(static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(now).count()));
    durations->longest_ns = longest.ns;
    durations->longest_share = longest.share;
}

void entrain_count_xrun(entrain_engine *engine) {
    if (engine) ++engine->process.counters.xruns;
}

void entrain_count_missing_buffer(entrain_engine *engine) {
    if (engine) ++engine->process.counters.missing_buffers;
}

void entrain_read_levels(const entrain_engine *engine, entrain_levels *levels) {
    if (!levels) return;
    *levels = {};
    if (!engine) return;
    for (std::size_t c = 0; c < 2; ++c) {
        levels->in_rms[c] = engine->process.input_meter.rms(c);
        levels->in_peak[c] = engine->process.input_meter.peak(c);
        levels->out_rms[c] = engine->process.output_meter.rms(c);
        levels->out_peak[c] = engine->process.output_meter.peak(c);
    }
}

void entrain_read_loudness(const entrain_engine *engine, entrain_loudness *in,
                           entrain_loudness *out) {
    const auto read = [](const entrain::Loudness &from) {
        return entrain_loudness{from.momentary_lufs(), from.short_term_lufs(),
                                from.integrated_lufs()};
    };
    if (in) *in = engine ? read(engine->process.input_loudness) : entrain_loudness{};
    if (out) *out = engine ? read(engine->process.output_loudness) : entrain_loudness{};
}

void entrain_reset_loudness(entrain_engine *engine) {
    if (!engine) return;
    engine->process.input_loudness.reset();
    engine->process.output_loudness.reset();
}
