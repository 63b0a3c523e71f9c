// Fuzzes with null pointers and impossible counts.
#pragma once

#include "entrain/engine.h"
#include "fuzz_input.h"
#include "fuzz_space.h"

#include <cstdint>

// Null pointers and impossible counts are refused and change nothing.
inline void hostile(Bytes &bytes, entrain_engine *all, std::uint32_t layer) {
    const bool no_engine = bytes.below(2) == 1;
    entrain_engine *const engine = no_engine ? nullptr : all;
    std::uint32_t number = 0;
    float value = 0.0F;
    entrain_promise promise{};
    entrain_measurement got{};
    const entrain_point point{0.0, 0.0, 0};
    const auto refused = [](entrain_status status) {
        require(status == ENTRAIN_E_ARGUMENT, "null is refused");
    };
    switch (bytes.below(18)) {
        case 0: refused(entrain_add_layer(engine, nullptr, &number)); break;
        case 1: refused(entrain_add_layer(engine, "gain", nullptr)); break;
        case 2: refused(entrain_set_parameter(engine, layer, nullptr, 0.0F, 0.0F)); break;
        case 3: refused(entrain_get_parameter(engine, layer, nullptr, 1, &value)); break;
        case 4: refused(entrain_get_parameter(engine, layer, "amount", 1, nullptr)); break;
        case 5: refused(entrain_automate(engine, layer, nullptr, &point, 1, 0.0)); break;
        case 6: refused(entrain_automate(engine, layer, "amount", nullptr, 1, 0.0)); break;
        case 7: refused(entrain_automate(engine, layer, "amount", &point, ~0U, 0.0)); break;
        case 8: refused(entrain_route(engine, nullptr, 1, 0)); break;
        case 9:
            require(entrain_route(engine, &layer, ~0U, 1) ==
                        (no_engine ? ENTRAIN_E_ARGUMENT : ENTRAIN_E_LAYER),
                    "an impossible number of layers is refused");
            break;
        case 10: refused(entrain_read_tap(engine, 0, 0, nullptr, 1)); break;
        case 11: refused(entrain_measure(engine, nullptr, &got)); break;
        case 12: refused(entrain_measure(engine, &promise, nullptr)); break;
        case 13: refused(entrain_set_rate(engine, 192'001)); break;
        case 14:
            entrain_read_session(engine, nullptr, nullptr);
            entrain_read_stats(engine, nullptr);
            entrain_read_durations(engine, nullptr);
            entrain_read_levels(engine, nullptr);
            entrain_read_loudness(engine, nullptr, nullptr);
            entrain_read_space(engine, nullptr);
            break;
        case 15: refused(entrain_turn_head(engine, nullptr)); break;
        case 16:
            refused(entrain_head_create(nullptr, nullptr));
            refused(entrain_use_head(nullptr, nullptr));
            refused(entrain_block_use_head(nullptr, nullptr));
            refused(entrain_place(nullptr, layer, 1));
            break;
        default:
            entrain_process(nullptr, nullptr, nullptr, ~0U);
            entrain_set_bypass(nullptr, 1);
            entrain_set_playing(nullptr, 1);
            refused(entrain_seek_session(nullptr, 0.0));
    }
}
