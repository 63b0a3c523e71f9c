/* Entrain's whole native interface.
 *
 * No preprocessor lines: C++ includes this file through engine.h, and cffi reads it as it is.
 *
 * Threads:  [control] any thread that may wait; these functions take a lock among themselves
 *           [audio]   the device's callback: never allocates, locks, waits, logs or frees
 *           [any]     both; wait-free
 * Samples:  float, full scale = 1.0, two channels (left, right), not interleaved.
 * Frames:   one frame = one sample of each channel.  The engine counts them from 0 and never
 *           goes back; parameters change on multiples of 16 frames of that count (the "grid").
 * Handles:  a layer is named by a number that is never used twice in one engine.
 * Session:  a clock that runs with the sound; what a protocol does over time goes by it.
 * Errors:   a function that returns a status returns ENTRAIN_E_ARGUMENT where a pointer is null
 *           that has not been said to be allowed to, and changes nothing where it does not return
 *           ENTRAIN_OK, out of memory included; what it would have written stays as it was.  One
 *           without a status then does nothing, and gives 0, or puts zeros where it has room.
 *           Handles must be those of something that has not been freed. */

typedef enum {
    ENTRAIN_OK = 0,
    ENTRAIN_E_ARGUMENT = 1,    /* a null pointer or a number outside its range */
    ENTRAIN_E_MEMORY = 2,      /* out of memory */
    ENTRAIN_E_KIND = 3,        /* no block of that kind */
    ENTRAIN_E_LAYER = 4,       /* no layer with that number */
    ENTRAIN_E_PARAMETER = 5,   /* the block has no parameter with that symbol */
    ENTRAIN_E_RANGE = 6,       /* not a finite number inside the parameter's range */
    ENTRAIN_E_SERVER = 7,      /* the sound server does not answer or refuses */
    ENTRAIN_E_OVERRUN = 8,     /* those frames are overwritten already, or not written yet */
    ENTRAIN_E_FULL = 9         /* as many layers as there may be */
} entrain_status;

/* Raised whenever a declaration below changes its meaning or layout. */
enum { ENTRAIN_ABI_VERSION = 7 };

/* The ABI version that the library was built with; another one than above is a stale file.
 *
 * thread:   [any] */
uint32_t entrain_abi_version(void);

/* One English sentence for a status; static storage.
 *
 * thread:   [any] */
const char *entrain_status_text(entrain_status status);

/* ---- blocks: what a layer can be made of -------------------------------------------- */

/* How many kinds of block are compiled in.
 *
 * thread:   [any] */
uint32_t entrain_block_count(void);

/* What a block says of itself, as one JSON object.  Its keys are the fields of Block, Parameter and
 * Substitute in Python's entrain.block, where their meaning stands: kind, group and description of
 * the block; which of its parameters is its strength, its level, its rate; and for each parameter
 * symbol, name, unit, scale, range, initial value, step, and what its values are called.  "faust"
 * is the version of the compiler that made it, and only a block that FAUST has made has it.
 *
 * index:    0 .. entrain_block_count() - 1
 * returns:  JSON text in static storage, or null
 * thread:   [any] */
const char *entrain_block_json(uint32_t index);

/* One block by itself, without an engine around it: for tests and notebooks.  Parameters take
 * their values at once. */
typedef struct entrain_block entrain_block;

/* kind:     the block's name, e.g. "binaural"
 * rate_hz:  8000 .. 192000
 * block:    receives the block; to be given back to entrain_block_destroy()
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT, ENTRAIN_E_KIND or ENTRAIN_E_MEMORY
 * thread:   [control] */
entrain_status entrain_block_create(const char *kind, uint32_t rate_hz, entrain_block **block);

/* thread:   [control] */
void entrain_block_destroy(entrain_block *block);

/* value:    in the parameter's own unit, inside its range
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT, ENTRAIN_E_PARAMETER or ENTRAIN_E_RANGE
 * thread:   [control] */
entrain_status entrain_block_set(entrain_block *block, const char *symbol, float value);

/* in, out:  two pointers each, to `frames` samples, finite as the engine's are after its door;
 *           in[c] == out[c] is allowed; where one is null, nothing is done
 * thread:   [control] */
void entrain_block_process(entrain_block *block, const float *const *in, float *const *out,
                           uint32_t frames);

/* ---- engine ------------------------------------------------------------------------- */

typedef struct entrain_engine entrain_engine;

/* Build an engine with no layers: it passes the programme through its limiter.
 *
 * rate_hz:  8000 .. 192000, whole
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
 * it was ended by hand), the session, rhythms, and levels that follow the programme.  Only the
 * limiter begins anew: as long as its latency, nothing comes out.
 *
 * rate_hz:  8000 .. 192000
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

/* ---- layers ------------------------------------------------------------------------- */

/* Two layers are always there and belong to the engine; their parameters can be set, but they are
 * not routed: what happens to the programme first ("pre"), and the limiter. */
enum { ENTRAIN_LAYER_INPUT = 1, ENTRAIN_LAYER_OUTPUT = 2, ENTRAIN_LAYER_FIRST = 3 };

/* How many layers there may be, not counting those that fade out. */
enum { ENTRAIN_MOST_LAYERS = 256 };

/* Build a layer, its parameters at their initial values; not heard before entrain_route().  The
 * next entrain_route() that does not name it frees it.
 *
 * kind:     the block's name, e.g. "binaural"
 * layer:    receives its number, from ENTRAIN_LAYER_FIRST on
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT, ENTRAIN_E_KIND, ENTRAIN_E_FULL or ENTRAIN_E_MEMORY
 * thread:   [control] */
entrain_status entrain_add_layer(entrain_engine *engine, const char *kind, uint32_t *layer);

/* Set a parameter, and end the automation that it has been given.  A layer that is not routed takes the value at once;
 * one that is heard moves to it in a straight line, in the parameter's own unit, from the next
 * grid step on.
 *
 * symbol:   the parameter's permanent name, e.g. "beat_hz"; every routed layer has "amount" as
 *           well (0 .. 1): how much of it is heard
 * value:    in the parameter's own unit, inside its range
 * seconds:  0 .. 86400, the length of the move; 0 means the 20 ms that keep it from clicking
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT, ENTRAIN_E_LAYER, ENTRAIN_E_PARAMETER or ENTRAIN_E_RANGE
 * thread:   [control], also while the device runs */
entrain_status entrain_set_parameter(entrain_engine *engine, uint32_t layer, const char *symbol,
                                     float value, float seconds);

/* The value that a parameter has now, or, when asked for its target, moves to.
 *
 * target:   0: as last evaluated by the callback; 1: where it is going
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT, ENTRAIN_E_LAYER or ENTRAIN_E_PARAMETER
 * thread:   [control] */
entrain_status entrain_get_parameter(entrain_engine *engine, uint32_t layer, const char *symbol,
                                     int target, float *value);

/* How a value gets from one breakpoint to the next. */
enum {
    ENTRAIN_CURVE_STEP = 0,          /* stays, and jumps at the next one */
    ENTRAIN_CURVE_LINEAR = 1,
    ENTRAIN_CURVE_EXPONENTIAL = 2,   /* equal ratios in equal times; no zero, no change of sign */
    ENTRAIN_CURVE_SMOOTH = 3         /* 3 p^2 - 2 p^3: leaves and arrives without a corner */
};

typedef struct {
    double seconds;              /* of the session */
    double value;                /* in the parameter's own unit, inside its range */
    int32_t curve;               /* from here to the next one */
} entrain_point;

/* How many breakpoints one parameter may have. */
enum { ENTRAIN_MOST_POINTS = 1000000 };

/* Say what a parameter does over the session; heard from the next entrain_route() on.  Breakpoints
 * fall on the frame that is nearest to their time; in between the value changes on the grid.
 * Before the first one its value holds, after the last one that one's.
 *
 * points:   `count` of them, copied, in the order of time; 0 points: no automation, and the
 *           pointer may be null
 * count:    0 .. ENTRAIN_MOST_POINTS
 * loop_s:   0, or the length after which it begins again, 7 days at most
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT, ENTRAIN_E_LAYER, ENTRAIN_E_PARAMETER, ENTRAIN_E_RANGE
 *           or ENTRAIN_E_MEMORY
 * thread:   [control], also while the device runs */
entrain_status entrain_automate(entrain_engine *engine, uint32_t layer, const char *symbol,
                                const entrain_point *points, uint32_t count, double loop_s);

/* Say which layers are heard.  Those that stay keep their state untouched, those that come
 * fade in, those that go fade out, are freed, and their numbers with them.  Layers that have been
 * added and are not named are freed at once: after this there are none but those that are named.
 *
 * layers:   `count` different numbers; processors act in this order, generators are summed
 *           behind them; may be null where count is 0
 * restart:  1: the session begins anew, and runs, with these layers' first frame
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT, ENTRAIN_E_LAYER or ENTRAIN_E_MEMORY
 * thread:   [control], also while the device runs */
entrain_status entrain_route(entrain_engine *engine, const uint32_t *layers, uint32_t count,
                             int restart);

/* Let the session's clock run, or hold it; it counts frames processed while it runs.
 *
 * thread:   [control], also while the device runs */
void entrain_run_session(entrain_engine *engine, int runs);

/* Move the session's clock; parameters that jump glide there within 20 ms.
 *
 * seconds:  0 .. 604800
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT or ENTRAIN_E_RANGE
 * thread:   [control], also while the device runs */
entrain_status entrain_seek_session(entrain_engine *engine, double seconds);

/* seconds, runs: receive where the session is, as of the last callback or where it has been moved
 *                since, and whether it runs; either may be null
 * thread:   [control] */
void entrain_read_session(entrain_engine *engine, double *seconds, int *runs);

/* Cross-fade to the untouched, equally delayed programme, or back.  Matched, the programme is
 * made as loud as what was heard (short-term loudness; 6 dB softer at most, never louder), so
 * that a comparison is fair.
 *
 * thread:   [any] */
enum { ENTRAIN_BYPASS_OFF = 0, ENTRAIN_BYPASS_EXACT = 1, ENTRAIN_BYPASS_MATCHED = 2 };
void entrain_set_bypass(entrain_engine *engine, int bypass);

/* Generators follow the programme: they fade out when it ends, or has been silent (below
 * -70 dBFS) for 2 s, and in when it begins.  Standalone ones are heard in its silence, too.
 *
 * thread:   [any] */
void entrain_set_standalone(entrain_engine *engine, int standalone);

/* Say whether a programme plays, or standalone generators are to be heard without one.  An engine
 * starts with one playing.
 *
 * thread:   [any] */
void entrain_set_playing(entrain_engine *engine, int playing);

/* 1 once the fade after entrain_set_playing(engine, 0) is over and its tail has left.
 *
 * thread:   [any] */
int entrain_is_quiet(const entrain_engine *engine);

/* ---- what the callback cannot say it counts ----------------------------------------- */

typedef struct {
    uint64_t frames;             /* processed since the engine was made */
    uint64_t cycles;             /* calls of entrain_process() */
    uint64_t xruns;              /* gaps in the device's clock, reported by the back end */
    uint64_t missing_buffers;    /* cycles in which the server gave no buffer */
    uint64_t nonfinite;          /* input samples that were NaN or infinite */
    uint64_t busy_ns;            /* time spent in entrain_process() in all */
    uint64_t worst_ns;           /* longest call since the last entrain_reset_worst() */
} entrain_stats;

/* How much sound has been processed since the engine was made, whatever its rates were.
 *
 * thread:   [any] */
double entrain_processed_seconds(const entrain_engine *engine);

/* thread:   [any] */
void entrain_read_stats(const entrain_engine *engine, entrain_stats *stats);

/* thread:   [any] */
void entrain_reset_worst(entrain_engine *engine);

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
 * in, out:  the programme as it came in, and what went out; either may be null
 * thread:   [any] */
void entrain_read_loudness(const entrain_engine *engine, entrain_loudness *in,
                           entrain_loudness *out);

/* Begin the integrated loudness anew.
 *
 * thread:   [any] */
void entrain_reset_loudness(entrain_engine *engine);

/* Copy what went out, or the programme as it came in (delayed as much), for analysis.
 *
 * programme: 0: what went out; 1: what came in
 * first:    number of the first frame wanted; the last 65536 frames are kept
 * samples:  receives frames x 2 floats, left then right for each frame
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT or ENTRAIN_E_OVERRUN (then they may be anything)
 * thread:   [control]; any number of readers */
entrain_status entrain_read_tap(const entrain_engine *engine, int programme, uint64_t first,
                                float *samples, uint32_t frames);

/* ---- self-measurement ------------------------------------------------------------------
 * What is measurably in the last second of what went out.  It owes nothing to the promise but
 * where to look. */

typedef struct {
    double tone_hz[2];           /* a tone in each ear; 0: none */
    double modulation_hz;        /* rate at which the programme swells; 0: it does not */
    double corner_hz;            /* the programme is modulated above this */
    double interaural_hz;        /* turns per second of one ear's phase against the other's, or 0 */
} entrain_promise;

typedef struct {
    double tone_hz[2];           /* 0: no tone stands out */
    double tone_db[2];           /* RMS, full scale = 1.0 */
    double beat_hz;              /* left - right; 0 unless both are there */
    double beat_error_hz;        /* standard deviation to expect; falls with repeated calls */
    double modulation_hz;        /* 0: there is no programme to be modulated */
    double index[2];             /* m of a gain 1 + m sin; of each ear */
    double index_floor[2];       /* what the programme alone pretends to */
    double interaural_hz;        /* 0: no such turning stands out */
    double coherence;            /* share of 150 .. 1300 Hz that turns so, 0 .. 1 */
} entrain_measurement;

/* Measure; about 2 ms of work.  Call it once a second while somebody looks: beats get exact to a
 * millihertz within some calls 0.4 .. 1.2 s apart.
 *
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT, ENTRAIN_E_MEMORY, or ENTRAIN_E_OVERRUN if too little has
 *           gone out yet since the engine was made or has another rate (57344 frames)
 * thread:   [control] */
entrain_status entrain_measure(entrain_engine *engine, const entrain_promise *promise,
                               entrain_measurement *measurement);

/* ---- back ends ----------------------------------------------------------------------
 * Each sound system is a shared library of its own, libentrain_<name>, with these functions.
 * It owns its threads; a program that is asleep or busy does not hold up the sound. */

typedef struct entrain_io entrain_io;

typedef enum {
    ENTRAIN_IO_CONNECTING = 0,   /* the sink is being made */
    ENTRAIN_IO_WAITING = 1,      /* the sink is there, its target is not */
    ENTRAIN_IO_READY = 2,        /* linked to the target; sound flows when something plays */
    ENTRAIN_IO_LOST = 3          /* the server is gone: close, and open anew */
} entrain_io_phase;

typedef struct {
    int32_t phase;               /* an entrain_io_phase */
    uint32_t playing;            /* programmes that run into the sink now */
    uint32_t rate_hz;            /* of the device's clock; 0 before the first cycle */
    uint32_t quantum_frames;     /* of the last cycle; 0 before the first cycle */
    uint32_t running;            /* 1 while the graph runs, 0 while it sleeps */
    uint32_t added_us;           /* delay beside the engine's that it aims at, or that the server
                                    keeps it at; 0: one clock */
    int32_t realtime;            /* 1 if the audio thread has real-time priority, 0 if it has
                                    not, -1 before that is known */
    int32_t audio_thread;        /* its number in the kernel, to ask RealtimeKit for priority with;
                                    0: the sound system sees to that */
    int32_t smart_supported;     /* 1 if the session manager has smart filters, 0 if not, -1
                                    before that is known */
    uint32_t smart;              /* 1 while the sink is one: see entrain_io_set_smart() */
    uint32_t session_managers;   /* how many have come, one after the other, since the back end was
                                    opened; each begins to tell of the defaults anew */
    int32_t guardian;            /* number of the process that cleans up when this one dies, or 0:
                                    it is to survive what ends the program */
    uint32_t ways;               /* how often the answer of entrain_io_read_ways() has changed */
    int32_t default_is_ours;     /* 1 if Entrain has written `configured_default`, now or in an
                                    earlier run, 0 if somebody else has, -1 where that is not told */
    uint32_t generation;         /* counts changes of this structure's other fields and texts,
                                    `realtime` aside where `audio_thread` is known */
    char target[256];            /* name of the device asked for */
    char configured_default[256]; /* name that the server has been told to use, or ""; always ""
                                    where the server does not tell */
    char effective_default[256]; /* name that the server uses, or "" */
    char session_manager[64];    /* its name and, if it says so, its version, or "" */
    char error[256];             /* last thing that went wrong, one line, or "" */
    char muffled[256];           /* a volume between sink and device that somebody keeps changing:
                                    which, and after a semicolon what to do; or "" */
} entrain_io_state;

/* Make the sink "entrain" and run the engine between it and the target.  Returns before all is
 * ready; entrain_io_read_state() tells.
 *
 * engine:   must outlive the back end
 * target:   name of the real device; may be empty: then the sink waits
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT, ENTRAIN_E_SERVER or ENTRAIN_E_MEMORY
 * thread:   [control] */
entrain_status entrain_io_open(entrain_engine *engine, const char *target, entrain_io **io);

/* Fade out, remove the sink and stop all threads.  Waits 100 ms at most for the fade.
 *
 * io:       may be null
 * thread:   [control] */
void entrain_io_close(entrain_io *io);

/* Play on another device.  A name that is not there (yet) is waited for.
 *
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT or ENTRAIN_E_MEMORY
 * thread:   [control] */
entrain_status entrain_io_set_target(entrain_io *io, const char *target);

/* Where the sink and the device have a clock each, how much later than by itself a program is
 * to be heard, the engine's own delay included.  Less than the initial 10 ms may click; after
 * clicks the back end raises it by itself, and lowers it again slowly.  Elsewhere this does
 * nothing.
 *
 * added_ms: 4 .. 500
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT or ENTRAIN_E_RANGE
 * thread:   [control] */
entrain_status entrain_io_set_latency(entrain_io *io, double added_ms);

/* Let programmes that would play on the default device pass the sink, and have that device stay
 * the default; those that name a device play there.  While the way to the target is broken, and
 * when the back end goes, the session manager lets them play on the default device itself.
 * Where it has no such filters (WirePlumber has since 0.5), nothing changes but the state: it
 * says so in `smart_supported` and in `error`.
 *
 * smart:    1, or 0 as it is at first
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT or ENTRAIN_E_MEMORY
 * thread:   [control] */
entrain_status entrain_io_set_smart(entrain_io *io, int smart);

/* Keep the engine running, and the device awake, also while no programme plays: for what a
 * standalone protocol adds.  Where there is no device, there is nothing to keep awake.
 *
 * alone:    1, or 0 as it is at first
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT or ENTRAIN_E_MEMORY
 * thread:   [control] */
entrain_status entrain_io_set_alone(entrain_io *io, int alone);

/* Configure the default device of the server, by the back end's own connection.  Returns when the
 * server has got it; that is soon, or after a second at most.
 *
 * name:     a device, there or not; empty: none is configured, and the server chooses
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT, ENTRAIN_E_MEMORY, or ENTRAIN_E_SERVER where there is no
 *           session manager, or where the sound system has other ways to do this (PulseAudio)
 * thread:   [control] */
entrain_status entrain_io_set_default(entrain_io *io, const char *name);

/* Say which device is to be the default again when this process dies, where the server does not
 * see to that by itself.
 *
 * name:     empty: the server chooses, as at first
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT or ENTRAIN_E_MEMORY
 * thread:   [control] */
entrain_status entrain_io_set_former(entrain_io *io, const char *name);

/* Tell where other programs carry on what is played to their sinks, as equalizers and loopbacks
 * do: one line for each node that does, with tabs between its fields.  They are: the sink that
 * the sound is played to; the sink that it is carried on to, or nothing; number and name of the
 * node; letters, "f" if the node goes where the default output goes, "m" if entrain_io_pin() works
 * on it; the device that it is pinned to, or nothing.  A target that leads back to our own sink
 * gets no sound.  Where the sound system does not tell, the text is empty.
 *
 * text:     gets the text with a 0 at its end; may be null if size is 0
 * needed:   gets the number of bytes of the text
 * returns:  ENTRAIN_OK, ENTRAIN_E_RANGE where they are more than size, ENTRAIN_E_ARGUMENT or
 *           ENTRAIN_E_MEMORY
 * thread:   [control] */
entrain_status entrain_io_read_ways(entrain_io *io, char *text, uint32_t size, uint32_t *needed);

/* Play another program's node on this device, whatever the default output is; or, with "", no
 * longer.  When the back end is closed, all of them are free again.  If this program is killed,
 * they stay; the next one sees them in entrain_io_read_ways().
 *
 * outlet:   number of a node
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT or ENTRAIN_E_MEMORY
 * thread:   [control] */
entrain_status entrain_io_pin(entrain_io *io, uint32_t outlet, const char *device);

/* Copy the state.
 *
 * thread:   [control] */
void entrain_io_read_state(entrain_io *io, entrain_io_state *state);

/* A file descriptor that is readable while there is news in the state; reading it (8 bytes)
 * takes the news.  Owned by the back end.  -1 for null.
 *
 * thread:   [control] */
int entrain_io_fd(entrain_io *io);
