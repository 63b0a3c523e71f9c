/* What the callback counts and meters, since it cannot say it itself. */

typedef struct {
    uint64_t frames;             /* processed since the engine was made */
    uint64_t cycles;             /* calls of entrain_process() */
    uint64_t xruns;              /* gaps in the device's clock, reported by the back end */
    uint64_t missing_buffers;    /* cycles in which the server gave no buffer */
    uint64_t nonfinite;          /* input samples that were NaN or infinite */
    uint64_t busy_ns;            /* time spent in entrain_process() in all */
} entrain_stats;

/* How much sound has been processed since the engine was made, whatever its rates were.
 *
 * thread:   [any] */
double entrain_processed_seconds(const entrain_engine *engine);

/* thread:   [any] */
void entrain_read_stats(const entrain_engine *engine, entrain_stats *stats);

enum { ENTRAIN_DURATIONS = 192 };

typedef struct {
    /* Calls of entrain_process() since the engine was made, by how long they took.  The shortest
     * duration of bucket i is (8 + i % 8) * 2^(5 + i / 8) ns; the first bucket also holds all that
     * is shorter, the last one all that is longer. */
    uint64_t count[ENTRAIN_DURATIONS];
    uint64_t longest_ns;         /* longest call of the last 60 s (up to 70 s) */
    float longest_share;         /* the same as a share of the time that the call's frames last */
} entrain_durations;

/* thread:   [any] */
void entrain_read_durations(const entrain_engine *engine, entrain_durations *durations);

/* Count what only a back end can see.
 *
 * thread:   [audio] */
void entrain_count_xrun(entrain_engine *engine);
void entrain_count_missing_buffer(entrain_engine *engine);

typedef struct {
    float in_rms[2];             /* full scale = 1.0; time constant 300 ms */
    float in_peak[2];            /* highest sample, falling 20 dB/s */
    float out_rms[2];
    float out_peak[2];
} entrain_levels;

/* thread:   [any] */
void entrain_read_levels(const entrain_engine *engine, entrain_levels *levels);

typedef struct {
    float momentary_lufs;        /* of 400 ms */
    float short_term_lufs;       /* of 3 s */
    float integrated_lufs;       /* gated, since the last entrain_reset_loudness() */
} entrain_loudness;

/* Loudness after ITU-R BS.1770-5; -inf where there is nothing to hear.
 *
 * in, out:  the input as it came in, and what went out; either may be null
 * thread:   [any] */
void entrain_read_loudness(const entrain_engine *engine, entrain_loudness *in,
                           entrain_loudness *out);

/* Begin the integrated loudness anew.
 *
 * thread:   [any] */
void entrain_reset_loudness(entrain_engine *engine);

/* Copy what went out, or the input as it came in (delayed as much), for analysis.
 *
 * input:    0: what went out; 1: what came in
 * first:    number of the first frame wanted; the last 65536 frames are kept
 * samples:  receives frames x 2 floats, left then right for each frame
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT or ENTRAIN_E_OVERRUN (then they may be anything)
 * thread:   [control]; any number of readers */
entrain_status entrain_read_tap(const entrain_engine *engine, int input, uint64_t first,
                                float *samples, uint32_t frames);
