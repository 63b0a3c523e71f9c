/* Back ends.  Each sound system is a shared library of its own, libentrain_<name>, with these
 * functions.  It owns its threads; a program that is asleep or busy does not hold up the sound. */

typedef struct entrain_io entrain_io;

typedef enum {
    ENTRAIN_IO_CONNECTING = 0,   /* the sink is being made */
    ENTRAIN_IO_WAITING = 1,      /* the sink is there, its target is not */
    ENTRAIN_IO_READY = 2,        /* linked to the target; sound flows when something plays */
    ENTRAIN_IO_LOST = 3          /* the server is gone: close, and open anew */
} entrain_io_phase;

typedef struct {
    int32_t phase;               /* an entrain_io_phase */
    uint32_t playing;            /* players that run into the sink now */
    uint32_t rate_hz;            /* of the device's clock; 0 before the first cycle */
    uint32_t quantum_frames;     /* of the last cycle; 0 before the first cycle */
    uint32_t running;            /* 1 while the graph runs, 0 while it sleeps */
    uint32_t added_us;           /* delay beside the engine's that it aims at, or that the server
                                    keeps it at; 0: one clock */
    int32_t realtime;            /* 1 if the audio thread has real-time priority, 0 if it has
                                    not, -1 before that is known */
    uint64_t audio_thread;       /* names the audio thread to the operating system, for whoever is
                                    to get it priority there; 0: the sound system sees to that */
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
                                    `realtime` aside where `audio_thread` is not 0 */
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

/* Bounds of entrain_io_set_latency(). */
enum { ENTRAIN_LEAST_ADDED_MS = 4, ENTRAIN_MOST_ADDED_MS = 500 };

/* Where the sink and the device have a clock each, how much later than by itself a program is
 * to be heard, the engine's own delay included.  Less than the initial 10 ms may click; after
 * clicks the back end raises it by itself, and lowers it again slowly.  Elsewhere this does
 * nothing.
 *
 * added_ms: ENTRAIN_LEAST_ADDED_MS .. ENTRAIN_MOST_ADDED_MS
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT or ENTRAIN_E_RANGE
 * thread:   [control] */
entrain_status entrain_io_set_latency(entrain_io *io, double added_ms);

/* Let players that would play on the default device pass the sink, and have that device stay the
 * default; those that name a device play there.  While the way to the target is broken, and
 * when the back end goes, the session manager lets them play on the default device itself.
 * Where it has no such filters (WirePlumber has since 0.5), nothing changes but the state: it
 * says so in `smart_supported` and in `error`.
 *
 * smart:    1, or 0 as it is at first
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT or ENTRAIN_E_MEMORY
 * thread:   [control] */
entrain_status entrain_io_set_smart(entrain_io *io, int smart);

/* Keep the engine running, and the device awake, also while nobody plays: for what a standalone
 * protocol adds.  Where there is no device, there is nothing to keep awake.
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

/* What an event loop waits for: a descriptor that is readable while the state has news.  It belongs
 * to the back end, and no other function may read it.  -1 for null.
 *
 * thread:   [control] */
int entrain_io_fd(entrain_io *io);

/* Take the news, before entrain_io_read_state() is called: entrain_io_fd() is not readable any more
 * until there are others.
 *
 * thread:   [control] */
void entrain_io_take_news(entrain_io *io);
