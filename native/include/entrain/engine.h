/* The native interface, for C and C++.
 *
 * This program plays two tones, one in each ear, and measures the output:
 *
 * @code
 * #include <entrain/engine.h>
 *
 * #include <stdio.h>
 *
 * // Runs in the device's callback, so it never allocates, locks or waits.
 * static void callback(entrain_engine *engine, float *left, float *right, uint32_t frames) {
 *     const float *const in[2] = {left, right};
 *     float *const out[2] = {left, right};
 *     entrain_process(engine, in, out, frames);
 * }
 *
 * // Runs on another thread: creates a layer, and makes it heard.
 * static entrain_status start_tones(entrain_engine *engine) {
 *     uint32_t tones;
 *     entrain_status status = entrain_add_layer(engine, "binaural", &tones);
 *     if (status == ENTRAIN_OK)
 *         status = entrain_set_parameter(engine, tones, "carrier_hz", 300, 0);
 *     if (status == ENTRAIN_OK) status = entrain_set_parameter(engine, tones, "beat_hz", 10, 0);
 *     if (status == ENTRAIN_OK) status = entrain_route(engine, &tones, 1, 1);
 *     entrain_set_standalone(engine, 1);  // heard without an input
 *     return status;
 * }
 *
 * int main(void) {
 *     if (entrain_abi_version() != ENTRAIN_ABI_VERSION) return 1;
 *     entrain_engine *engine;
 *     entrain_status status = entrain_create(48000, &engine);
 *     if (status != ENTRAIN_OK) return 1;
 *
 *     status = start_tones(engine);
 *     for (int block = 0; block < 400; ++block) {  // four seconds
 *         float left[480] = {0}, right[480] = {0};
 *         callback(engine, left, right, 480);
 *     }
 *
 *     const entrain_promise promise = {.tone_hz = {305, 295}};
 *     entrain_measurement found;
 *     if (status == ENTRAIN_OK) status = entrain_measure(engine, &promise, &found);
 *     if (status == ENTRAIN_OK)
 *         printf("left %.1f Hz, right %.1f Hz\n", found.tone_hz[0], found.tone_hz[1]);
 *     else
 *         fprintf(stderr, "%s\n", entrain_status_text(status));
 *     entrain_destroy(engine);
 *     return status == ENTRAIN_OK ? 0 : 1;
 * }
 * @endcode
 *
 * The declarations are in the included files.  Python reads the list of these files from here, and
 * then reads the files. */
#ifndef ENTRAIN_ENGINE_H
#define ENTRAIN_ENGINE_H

#include <stdint.h>

#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif
#include "decls/status.h"
#include "decls/blocks.h"
#include "decls/engine.h"
#include "decls/layers.h"
#include "decls/timeline.h"
#include "decls/space.h"
#include "decls/meters.h"
#include "decls/measurement.h"
#include "decls/back_end.h"
#ifdef __cplusplus
}
#endif
#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif
