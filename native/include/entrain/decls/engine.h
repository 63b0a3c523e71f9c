/* The engine: creating it, processing sound with it, bypassing it. */

typedef struct entrain_engine entrain_engine;

/* Create an engine without layers: the input passes only through the limiter.
 *
 * rate_hz:  ENTRAIN_LOWEST_HZ .. ENTRAIN_HIGHEST_HZ
 * engine:   receives the engine; free it with entrain_destroy()
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT or ENTRAIN_E_MEMORY
 * thread:   [control] */
entrain_status entrain_create(uint32_t rate_hz, entrain_engine **engine);

/* Free an engine.  No callback may use it afterwards.
 *
 * engine:   may be null
 * thread:   [control] */
void entrain_destroy(entrain_engine *engine);

/* Process one block.
 *
 * engine:   may be null, which has no effect
 * in, out:  two pointers each, to `frames` samples; in[c] == out[c] is allowed; a null `in` or
 *           in[c] means silence; a null `out` or out[c] is not written
 * frames:   any number; 0 does nothing
 * thread:   [audio], or one [control] thread while no device runs */
void entrain_process(entrain_engine *engine, const float *const *in, float *const *out,
                     uint32_t frames);

/* Change the sample rate.  Everything else is kept: layers and their numbers, parameter values,
 * moves and fades in progress, automation that has not been ended by hand, the session, the phase
 * of rhythms, and levels that follow the input.  Only the limiter starts anew: the output is silent
 * for the length of its latency.  And the space fades out until entrain_use_head() gives it a head.
 *
 * rate_hz:  ENTRAIN_LOWEST_HZ .. ENTRAIN_HIGHEST_HZ
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT or ENTRAIN_E_MEMORY
 * thread:   [control], also while the device runs */
entrain_status entrain_set_rate(entrain_engine *engine, uint32_t rate_hz);

/* The sample rate at which the callback works.  After entrain_set_rate(), a device at the new rate
 * must pass its input through unprocessed until this function returns the new rate.
 *
 * thread:   [any] */
uint32_t entrain_rate(const entrain_engine *engine);

/* Delay from input to output, in frames; the same in bypass.  It is the limiter's look-ahead.
 *
 * thread:   [any] */
uint32_t entrain_latency_frames(const entrain_engine *engine);

/* Cross-fade to the untouched, equally delayed input, or back.  For a fair comparison, the matched
 * bypass plays the input as loud as the output was (short-term loudness): at most 6 dB softer than
 * the input, never louder.
 *
 * thread:   [any] */
enum { ENTRAIN_BYPASS_OFF = 0, ENTRAIN_BYPASS_EXACT = 1, ENTRAIN_BYPASS_MATCHED = 2 };
void entrain_set_bypass(entrain_engine *engine, int bypass);

/* Let generators be heard while the input is silent.  Otherwise they follow the input: they fade in
 * when it begins, and fade out when it ends or has been silent (below -70 dBFS) for 2 s.
 *
 * thread:   [any] */
void entrain_set_standalone(entrain_engine *engine, int standalone);

/* Say whether a player plays into the input, or standalone generators are to be heard without one.
 * Initially true.
 *
 * thread:   [any] */
void entrain_set_playing(entrain_engine *engine, int playing);

/* 1 once the fade after entrain_set_playing(engine, 0) is over and its tail has left the engine.
 *
 * thread:   [any] */
int entrain_is_quiet(const entrain_engine *engine);
