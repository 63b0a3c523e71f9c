/* The engine: made, run in the callback, and switched. */

typedef struct entrain_engine entrain_engine;

/* Build an engine with no layers: it passes the input through its limiter.
 *
 * rate_hz:  ENTRAIN_LOWEST_HZ .. ENTRAIN_HIGHEST_HZ
 * engine:   receives the engine; to be given back to entrain_destroy()
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT or ENTRAIN_E_MEMORY
 * thread:   [control] */
entrain_status entrain_create(uint32_t rate_hz, entrain_engine **engine);

/* Free an engine.  No callback may use it any more.
 *
 * engine:   may be null
 * thread:   [control] */
void entrain_destroy(entrain_engine *engine);

/* Process one block.
 *
 * engine:   may be null: nothing is done
 * in, out:  two pointers each, to `frames` samples; in[c] == out[c] is allowed; a null in[c], or
 *           in, is silence, a null out[c], or out, is not written
 * frames:   any number; 0 does nothing
 * thread:   [audio], or one [control] thread while no device runs */
void entrain_process(entrain_engine *engine, const float *const *in, float *const *out,
                     uint32_t frames);

/* Rebuild everything that depends on the sample rate.  Nothing else changes: layers keep their
 * numbers and values, moves go on with the time that is left, and so do fades, automation (unless
 * it was ended by hand), the session, rhythms, and levels that follow the input.  Only the
 * limiter begins anew: as long as its latency, nothing comes out.
 *
 * rate_hz:  ENTRAIN_LOWEST_HZ .. ENTRAIN_HIGHEST_HZ
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT or ENTRAIN_E_MEMORY
 * thread:   [control], also while the device runs */
entrain_status entrain_set_rate(entrain_engine *engine, uint32_t rate_hz);

/* The rate that the callback works at; a device at another rate must pass its input through
 * until entrain_set_rate() has been heard.
 *
 * thread:   [any] */
uint32_t entrain_rate(const entrain_engine *engine);

/* Delay from input to output, the same in bypass; the look-ahead of the limiter.
 *
 * thread:   [any] */
uint32_t entrain_latency_frames(const entrain_engine *engine);

/* Cross-fade to the untouched, equally delayed input, or back.  Matched, the input is
 * made as loud as what was heard (short-term loudness; 6 dB softer at most, never louder), so
 * that a comparison is fair.
 *
 * thread:   [any] */
enum { ENTRAIN_BYPASS_OFF = 0, ENTRAIN_BYPASS_EXACT = 1, ENTRAIN_BYPASS_MATCHED = 2 };
void entrain_set_bypass(entrain_engine *engine, int bypass);

/* Generators follow the input: they fade out when it ends, or has been silent (below -70 dBFS) for
 * 2 s, and in when it begins.  Standalone ones are heard in its silence, too.
 *
 * thread:   [any] */
void entrain_set_standalone(entrain_engine *engine, int standalone);

/* Say whether somebody plays into the input, or standalone generators are to be heard without that.
 * An engine starts with somebody playing.
 *
 * thread:   [any] */
void entrain_set_playing(entrain_engine *engine, int playing);

/* 1 once the fade after entrain_set_playing(engine, 0) is over and its tail has left.
 *
 * thread:   [any] */
int entrain_is_quiet(const entrain_engine *engine);
