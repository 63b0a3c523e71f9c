// ABI functions that may wait.  They check arguments from outside and let no exception through.

#include "audio/surroundings.h"
#include "control/engine.h"
#include "control/heads.h"

#include <algorithm>
#include <cmath>
#include <new>

struct entrain_block : entrain::Instance {
    explicit entrain_block(entrain::Instance made) : entrain::Instance(std::move(made)) {}

    std::uint32_t rate_hz = 0;
    std::shared_ptr<const entrain::Head> head;
    entrain::Surroundings surroundings;
};

namespace {

bool is_rate(std::uint32_t rate_hz) {
    return rate_hz >= ENTRAIN_LOWEST_HZ && rate_hz <= ENTRAIN_HIGHEST_HZ;
}

// Every entrain_engine is an entrain::Engine: only entrain_create() makes them.
entrain::Engine &control(entrain_engine *engine) { return static_cast<entrain::Engine &>(*engine); }

template <class Call> entrain_status guarded(Call call) {
    try {
        return call();
    } catch (...) {  // std::bad_alloc is the only exception thrown here
        return ENTRAIN_E_MEMORY;
    }
}

}  // namespace

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
        (*block)->rate_hz = rate_hz;
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
    constexpr std::uint32_t kMost = 1U << 20;  // FAUST counts frames in an int
    for (std::uint32_t done = 0, some = 0; done < frames; done += some) {
        some = std::min(frames - done, kMost);
        // FAUST's interface lacks const.
        float *inputs[2] = {const_cast<float *>(in[0]) + done, const_cast<float *>(in[1]) + done};
        float *outputs[2] = {out[0] + done, out[1] + done};
        block->block->surround(block->surroundings);
        block->block->compute(static_cast<int>(some), inputs, outputs);
    }
}

entrain_status entrain_block_use_head(entrain_block *block, const entrain_head *head) {
    if (!block) return ENTRAIN_E_ARGUMENT;
    return guarded([&] {
        block->head = entrain::head_at_rate(head ? head->head : nullptr, block->rate_hz);
        block->surroundings.head = block->head.get();
        return ENTRAIN_OK;
    });
}

entrain_status entrain_head_create(const entrain_head_data *data, entrain_head **head) {
    if (!data || !head) return ENTRAIN_E_ARGUMENT;
    const entrain_status status = entrain::check_head(*data);
    if (status != ENTRAIN_OK) return status;
    return guarded([&] {
        *head = new entrain_head{entrain::make_head(*data)};
        return ENTRAIN_OK;
    });
}

entrain_status entrain_head_at_rate(const entrain_head *head, uint32_t rate_hz,
                                    entrain_head **other) {
    if (!head || !other || !is_rate(rate_hz)) return ENTRAIN_E_ARGUMENT;
    return guarded([&] {
        *other = new entrain_head{entrain::head_at_rate(head->head, rate_hz)};
        return ENTRAIN_OK;
    });
}

void entrain_head_destroy(entrain_head *head) { delete head; }

entrain_status entrain_create(uint32_t rate_hz, entrain_engine **engine) {
    if (!engine || !is_rate(rate_hz)) return ENTRAIN_E_ARGUMENT;
    return guarded([&] {
        *engine = new entrain::Engine(rate_hz);
        return ENTRAIN_OK;
    });
}

void entrain_destroy(entrain_engine *engine) {
    if (engine) delete &control(engine);
}

entrain_status entrain_set_rate(entrain_engine *engine, uint32_t rate_hz) {
    if (!engine || !is_rate(rate_hz)) return ENTRAIN_E_ARGUMENT;
    return guarded([&] { return control(engine).set_rate(rate_hz); });
}

entrain_status entrain_add_layer(entrain_engine *engine, const char *kind, uint32_t *layer) {
    if (!engine || !kind || !layer) return ENTRAIN_E_ARGUMENT;
    return guarded([&] { return control(engine).add_layer(kind, layer); });
}

entrain_status entrain_set_parameter(entrain_engine *engine, uint32_t layer, const char *symbol,
                                     float value, float seconds) {
    if (!engine || !symbol) return ENTRAIN_E_ARGUMENT;
    if (!(seconds >= 0.0F && seconds <= float{ENTRAIN_LONGEST_MOVE_S})) return ENTRAIN_E_RANGE;
    return guarded([&] { return control(engine).set_parameter(layer, symbol, {value, seconds}); });
}

entrain_status entrain_get_parameter(entrain_engine *engine, uint32_t layer, const char *symbol,
                                     int target, float *value) {
    if (!engine || !symbol || !value) return ENTRAIN_E_ARGUMENT;
    return guarded(
        [&] { return control(engine).get_parameter(layer, symbol, target != 0, value); });
}

entrain_status entrain_automate(entrain_engine *engine, uint32_t layer, const char *symbol,
                                const entrain_point *points, uint32_t count, double loop_s) {
    if (!engine || !symbol || (!points && count) || count > ENTRAIN_MOST_POINTS)
        return ENTRAIN_E_ARGUMENT;
    return guarded([&] { return control(engine).automate(layer, symbol, points, count, loop_s); });
}

entrain_status entrain_route(entrain_engine *engine, const uint32_t *layers, uint32_t count,
                             int restart) {
    if (!engine || (!layers && count)) return ENTRAIN_E_ARGUMENT;
    return guarded([&] { return control(engine).route(layers, count, restart != 0); });
}

entrain_status entrain_use_head(entrain_engine *engine, const entrain_head *head) {
    if (!engine) return ENTRAIN_E_ARGUMENT;
    return guarded([&] { return control(engine).use_head(head ? head->head : nullptr); });
}

entrain_status entrain_place(entrain_engine *engine, uint32_t layer, int placed) {
    if (!engine) return ENTRAIN_E_ARGUMENT;
    return control(engine).place(layer, placed != 0);
}

void entrain_run_session(entrain_engine *engine, int runs) {
    if (engine) control(engine).run_session(runs != 0);
}

entrain_status entrain_seek_session(entrain_engine *engine, double seconds) {
    if (!engine) return ENTRAIN_E_ARGUMENT;
    if (!(seconds >= 0.0 && seconds <= double{ENTRAIN_LONGEST_SESSION_S})) return ENTRAIN_E_RANGE;
    control(engine).seek_session(seconds);
    return ENTRAIN_OK;
}

void entrain_read_session(entrain_engine *engine, double *seconds, int *runs) {
    bool running = false;
    double place_s = 0.0;
    if (engine) control(engine).read_session(&place_s, &running);
    if (seconds) *seconds = place_s;
    if (runs) *runs = running ? 1 : 0;
}

entrain_status entrain_measure(entrain_engine *engine, const entrain_promise *promise,
                               entrain_measurement *measurement) {
    if (!engine || !promise || !measurement) return ENTRAIN_E_ARGUMENT;
    for (const double value : {promise->tone_hz[0], promise->tone_hz[1], promise->modulation_hz,
                               promise->corner_hz, promise->interaural_hz})
        if (!std::isfinite(value)) return ENTRAIN_E_ARGUMENT;
    return guarded([&] { return control(engine).measure(*promise, measurement); });
}

entrain_status entrain_read_tap(const entrain_engine *engine, int input, uint64_t first,
                                float *samples, uint32_t frames) {
    if (!engine || (!samples && frames)) return ENTRAIN_E_ARGUMENT;
    const entrain::Process &process = engine->process;
    const entrain::Tap &tap = input ? process.input_tap : process.output_tap;
    return tap.read(first, samples, frames) ? ENTRAIN_OK : ENTRAIN_E_OVERRUN;
}
