// The C ABI: checks what comes from outside, and lets no exception through.

#include "control/engine.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <new>

struct entrain_block : entrain::Instance {};

namespace {

bool is_rate(std::uint32_t rate_hz) { return rate_hz >= 8000 && rate_hz <= 192000; }

template <class Call> entrain_status guarded(Call call) {
    try {
        return call();
    } catch (...) {  // nothing here throws but for want of memory
        return ENTRAIN_E_MEMORY;
    }
}

}  // namespace

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
        case ENTRAIN_E_OVERRUN: return "those frames are not there any more, or not yet";
        case ENTRAIN_E_FULL: return "there are as many layers as there may be";
    }
    return "unknown status";
}

uint32_t entrain_block_count(void) { return static_cast<uint32_t>(entrain::block_count()); }

const char *entrain_block_json(uint32_t index) {
    const entrain::BlockKind *kind = entrain::block_at(index);
    return kind ? kind->json : nullptr;
}

entrain_status entrain_block_create(const char *kind, uint32_t rate_hz, entrain_block **block) {
    if (!kind || !block || !is_rate(rate_hz)) return ENTRAIN_E_ARGUMENT;
    const entrain::BlockKind *found = entrain::find_block(kind);
    if (!found) return ENTRAIN_E_KIND;
    return guarded([&] {
        *block = new entrain_block{entrain::make_instance(*found, rate_hz)};
        return ENTRAIN_OK;
    });
}

void entrain_block_destroy(entrain_block *block) { delete block; }

entrain_status entrain_block_set(entrain_block *block, const char *symbol, float value) {
    if (!block || !symbol) return ENTRAIN_E_ARGUMENT;
    for (entrain::Parameter &parameter : block->parameters) {
        if (parameter.symbol() != symbol) continue;
        if (!parameter.accepts(value)) return ENTRAIN_E_RANGE;
        parameter.place(value);
        return ENTRAIN_OK;
    }
    return ENTRAIN_E_PARAMETER;
}

void entrain_block_process(entrain_block *block, const float *const *in, float *const *out,
                           uint32_t frames) {
    if (!block || !in || !out || !in[0] || !in[1] || !out[0] || !out[1]) return;
    const entrain::FlushDenormals flush;
    constexpr std::uint32_t kMost = 1U << 20;  // FAUST counts in int
    for (std::uint32_t done = 0, some = 0; done < frames; done += some) {
        some = std::min(frames - done, kMost);
        // FAUST's signature is older than const.
        float *inputs[2] = {const_cast<float *>(in[0]) + done, const_cast<float *>(in[1]) + done};
        float *outputs[2] = {out[0] + done, out[1] + done};
        block->block->compute(static_cast<int>(some), inputs, outputs);
    }
}

entrain_status entrain_create(uint32_t rate_hz, entrain_engine **engine) {
    if (!engine || !is_rate(rate_hz)) return ENTRAIN_E_ARGUMENT;
    return guarded([&] {
        *engine = new entrain_engine(rate_hz);
        return ENTRAIN_OK;
    });
}

void entrain_destroy(entrain_engine *engine) { delete engine; }

void entrain_process(entrain_engine *engine, const float *const *in, float *const *out,
                     uint32_t frames) {
    static constexpr const float *kSilence[2] = {nullptr, nullptr};
    static constexpr float *kNowhere[2] = {nullptr, nullptr};
    if (engine) engine->process.run(in ? in : kSilence, out ? out : kNowhere, frames);
}

entrain_status entrain_set_rate(entrain_engine *engine, uint32_t rate_hz) {
    if (!engine || !is_rate(rate_hz)) return ENTRAIN_E_ARGUMENT;
    return guarded([&] { return engine->set_rate(rate_hz); });
}

uint32_t entrain_rate(const entrain_engine *engine) { return engine ? engine->rate_hz.load() : 0; }

uint32_t entrain_latency_frames(const entrain_engine *engine) {
    return engine ? engine->latency_frames.load() : 0;
}

entrain_status entrain_add_layer(entrain_engine *engine, const char *kind, uint32_t *layer) {
    if (!engine || !kind || !layer) return ENTRAIN_E_ARGUMENT;
    return guarded([&] { return engine->add_layer(kind, layer); });
}

entrain_status entrain_set_parameter(entrain_engine *engine, uint32_t layer, const char *symbol,
                                     float value, float seconds) {
    if (!engine || !symbol) return ENTRAIN_E_ARGUMENT;
    if (!(seconds >= 0.0F && seconds <= 86400.0F)) return ENTRAIN_E_RANGE;
    return guarded([&] { return engine->set_parameter(layer, symbol, {value, seconds}); });
}

entrain_status entrain_get_parameter(entrain_engine *engine, uint32_t layer, const char *symbol,
                                     int target, float *value) {
    if (!engine || !symbol || !value) return ENTRAIN_E_ARGUMENT;
    return guarded([&] { return engine->get_parameter(layer, symbol, target != 0, value); });
}

entrain_status entrain_automate(entrain_engine *engine, uint32_t layer, const char *symbol,
                                const entrain_point *points, uint32_t count, double loop_s) {
    if (!engine || !symbol || (!points && count) || count > ENTRAIN_MOST_POINTS)
        return ENTRAIN_E_ARGUMENT;
    return guarded([&] { return engine->automate(layer, symbol, points, count, loop_s); });
}

entrain_status entrain_route(entrain_engine *engine, const uint32_t *layers, uint32_t count,
                             int restart) {
    if (!engine || (!layers && count)) return ENTRAIN_E_ARGUMENT;
    return guarded([&] { return engine->route(layers, count, restart != 0); });
}

void entrain_run_session(entrain_engine *engine, int runs) {
    if (engine) engine->run_session(runs != 0);
}

entrain_status entrain_seek_session(entrain_engine *engine, double seconds) {
    if (!engine) return ENTRAIN_E_ARGUMENT;
    if (!(seconds >= 0.0 && seconds <= 604800.0)) return ENTRAIN_E_RANGE;
    engine->seek_session(seconds);
    return ENTRAIN_OK;
}

void entrain_read_session(entrain_engine *engine, double *seconds, int *runs) {
    bool running = false;
    double place_s = 0.0;
    if (engine) engine->read_session(&place_s, &running);
    if (seconds) *seconds = place_s;
    if (runs) *runs = running ? 1 : 0;
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
    // Quiet is asked for after this, maybe before the callback has run again.
    if (!playing) engine->process.quiet.store(false, std::memory_order_relaxed);
    engine->process.playing.store(playing != 0, std::memory_order_relaxed);
}

int entrain_is_quiet(const entrain_engine *engine) {
    return engine && engine->process.quiet.load(std::memory_order_relaxed) ? 1 : 0;
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
    stats->worst_ns = counters.worst_ns;
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

void entrain_reset_worst(entrain_engine *engine) {
    if (engine) engine->process.counters.worst_ns = 0;
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

entrain_status entrain_measure(entrain_engine *engine, const entrain_promise *promise,
                               entrain_measurement *measurement) {
    if (!engine || !promise || !measurement) return ENTRAIN_E_ARGUMENT;
    for (const double value : {promise->tone_hz[0], promise->tone_hz[1], promise->modulation_hz,
                               promise->corner_hz, promise->interaural_hz})
        if (!std::isfinite(value)) return ENTRAIN_E_ARGUMENT;
    return guarded([&] { return engine->measure(*promise, measurement); });
}

entrain_status entrain_read_tap(const entrain_engine *engine, int programme, uint64_t first,
                                float *samples, uint32_t frames) {
    if (!engine || (!samples && frames)) return ENTRAIN_E_ARGUMENT;
    const entrain::Process &process = engine->process;
    const entrain::Tap &tap = programme ? process.programme_tap : process.output_tap;
    return tap.read(first, samples, frames) ? ENTRAIN_OK : ENTRAIN_E_OVERRUN;
}
