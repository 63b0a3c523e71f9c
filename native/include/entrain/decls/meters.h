/* Counters and meters of the callback. */

typedef struct {
    uint64_t frames;             /* frames processed since the engine was created */
    uint64_t cycles;             /* calls of entrain_process() */
    uint64_t xruns;              /* gaps in the device's clock, reported by the back end */
    uint64_t missing_buffers;    /* cycles in which the server gave no buffer */
    uint64_t nonfinite;          /* input samples that were NaN or infinite */
    uint64_t busy_ns;            /* total time spent in entrain_process() */
} entrain_stats;

/* Seconds of sound processed since the engine was created, across changes of the sample rate.
 *
 * thread:   [any] */
double entrain_processed_seconds(const entrain_engine *engine);

/* Copy the counters.
 *
 * thread:   [any] */
void entrain_read_stats(const entrain_engine *engine, entrain_stats *stats);

enum { ENTRAIN_DURATIONS = 192 };

typedef struct {
    /* Calls of entrain_process() since the engine was created, by their duration.  Bucket i begins
     * at (8 + i % 8) * 2^(5 + i / 8) ns; the first bucket also counts all shorter calls, the last
     * one all longer calls. */
    uint64_t count[ENTRAIN_DURATIONS];
    uint64_t longest_ns;         /* longest call of the last 60 .. 70 s */
    float longest_share;         /* longest call as a share of the duration of its frames */
} entrain_durations;

/* Copy the durations.
 *
 * thread:   [any] */
void entrain_read_durations(const entrain_engine *engine, entrain_durations *durations);

/* Count an event that only the back end can see.
 *
 * thread:   [audio] */
void entrain_count_xrun(entrain_engine *engine);
void entrain_count_missing_buffer(entrain_engine *engine);

typedef struct {
    float in_rms[2];             /* full scale = 1.0; time constant 300 ms */
    float in_peak[2];            /* highest sample; falls by 20 dB/s */
    float out_rms[2];
    float out_peak[2];
} entrain_levels;

/* Copy the levels.
 *
 * thread:   [any] */
void entrain_read_levels(const entrain_engine *engine, entrain_levels *levels);

typedef struct {
    float momentary_lufs;        /* over 400 ms */
    float short_term_lufs;       /* over 3 s */
    float integrated_lufs;       /* gated; since the last entrain_reset_loudness() */
} entrain_loudness;

/* Loudness after ITU-R BS.1770-5; -inf for silence.
 *
 * in, out:  receive the loudness of the input and of the output; either may be null
 * thread:   [any] */
void entrain_read_loudness(const entrain_engine *engine, entrain_loudness *in,
                           entrain_loudness *out);

/* Start the integrated loudness anew.
 *
 * thread:   [any] */
void entrain_reset_loudness(entrain_engine *engine);

/* Copy frames of the output, or of the input with the same delay, for analysis.
 *
 * input:    0: the output; 1: the input
 * first:    number of the first frame to copy; the last 65536 frames are kept
 * samples:  receives frames x 2 floats, left then right for each frame
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT or ENTRAIN_E_OVERRUN; after ENTRAIN_E_OVERRUN the
 *           contents of `samples` are undefined
 * thread:   [control]; any number of readers */
entrain_status entrain_read_tap(const entrain_engine *engine, int input, uint64_t first,
                                float *samples, uint32_t frames);
