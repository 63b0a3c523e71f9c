/* Back ends.  The library of each sound system, libentrain_<name>, has these functions.  A back end
 * runs its own threads, so a busy or sleeping program does not hold up the sound. */

typedef struct entrain_io entrain_io;

typedef enum {
    ENTRAIN_IO_CONNECTING = 0,   /* the server is creating the sink */
    ENTRAIN_IO_WAITING = 1,      /* the sink exists, but the target device is not connected */
    ENTRAIN_IO_READY = 2,        /* linked to the target; sound flows while a player runs */
    ENTRAIN_IO_LOST = 3          /* the server has gone; close the back end and open a new one */
} entrain_io_phase;

typedef struct {
    int32_t phase;               /* an entrain_io_phase */
    uint32_t playing;            /* number of players that play into the sink now */
    uint32_t rate_hz;            /* sample rate of the device; 0 before the first cycle */
    uint32_t quantum_frames;     /* frames in the last cycle; 0 before the first cycle */
    uint32_t running;            /* 1 while the graph runs, 0 while it sleeps */
    uint32_t added_us;           /* delay that the back end adds to the engine's: its own target, or
                                    the value that the server imposes; 0 with a single clock */
    int32_t realtime;            /* 1 if the audio thread has real-time priority, 0 if it has not,
                                    -1 while unknown */
    uint64_t audio_thread;       /* thread id, for the caller to request real-time priority;
                                    0 if the sound system requests it itself */
    int32_t smart_supported;     /* 1 if the session manager has smart filters, 0 if it has not,
                                    -1 while unknown */
    uint32_t smart;              /* 1 while the sink is a smart filter; entrain_io_set_smart() */
    uint32_t session_managers;   /* how many session managers have started since the back end was
                                    opened; each announces the default devices anew */
    int32_t guardian;            /* process id of the guardian, which cleans up when this process
                                    dies and must outlive it; 0 if there is none */
    uint32_t ways;               /* how often the result of entrain_io_read_ways() has changed */
    int32_t default_is_ours;     /* 1 if Entrain wrote `configured_default`, in this or an earlier
                                    run; 0 if another program did; -1 if the server does not tell */
    uint32_t generation;         /* counts changes of the other fields, except `realtime` while
                                    `audio_thread` is not 0 */
    char target[256];            /* name of the requested device */
    char configured_default[256]; /* name of the default device that the server was told to use;
                                    "" if none, or if the server does not tell */
    char effective_default[256]; /* name of the default device that the server uses, or "" */
    char session_manager[64];    /* name and, if known, version of the session manager, or "" */
    char error[256];             /* the last error, in one line, or "" */
    char muffled[256];           /* names a volume between sink and device that another program
                                    keeps changing; after a semicolon, what to do; or "" */
} entrain_io_state;

/* Create the sink "entrain" and run the engine between the sink and the target.  Returns before the
 * back end is ready; entrain_io_read_state() reports progress.
 *
 * engine:   must outlive the back end
 * target:   name of the real device; if empty, the sink waits for entrain_io_set_target()
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT, ENTRAIN_E_SERVER or ENTRAIN_E_MEMORY
 * thread:   [control] */
entrain_status entrain_io_open(entrain_engine *engine, const char *target, entrain_io **io);

/* Fade out, remove the sink and stop all threads.  Waits at most 100 ms for the fade.
 *
 * io:       may be null
 * thread:   [control] */
void entrain_io_close(entrain_io *io);

/* Play on another device.  If that device is not connected, the back end waits for it.
 *
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT or ENTRAIN_E_MEMORY
 * thread:   [control] */
entrain_status entrain_io_set_target(entrain_io *io, const char *target);

/* Limits of `added_ms` in entrain_io_set_latency(). */
enum { ENTRAIN_LEAST_ADDED_MS = 4, ENTRAIN_MOST_ADDED_MS = 500 };

/* Set the target for the total added latency, the engine's own delay included, where the sink and
 * the device have different clocks.  A target below the initial 10 ms may cause clicks; after
 * clicks the back end raises the target by itself and lowers it again slowly.  With a single clock
 * this function does nothing.
 *
 * added_ms: ENTRAIN_LEAST_ADDED_MS .. ENTRAIN_MOST_ADDED_MS
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT or ENTRAIN_E_RANGE
 * thread:   [control] */
entrain_status entrain_io_set_latency(entrain_io *io, double added_ms);

/* Make the sink a smart filter, or an ordinary sink again.  Players that play on the default device
 * then pass through the sink, and that device stays the default; players that name a device play
 * there.  While the link to the target is broken, and once the back end is closed, the session
 * manager lets the players play on the default device directly.  A session manager without smart
 * filters (WirePlumber before 0.5) ignores this; `smart_supported` and `error` then say so.
 *
 * smart:    1, or 0 (initially)
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT or ENTRAIN_E_MEMORY
 * thread:   [control] */
entrain_status entrain_io_set_smart(entrain_io *io, int smart);

/* Keep the engine running and the device awake while no player runs, so that a standalone protocol
 * is heard.  Without a device, this has no effect.
 *
 * alone:    1, or 0 (initially)
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT or ENTRAIN_E_MEMORY
 * thread:   [control] */
entrain_status entrain_io_set_alone(entrain_io *io, int alone);

/* Configure the default device of the server through the back end's own connection.  Returns when
 * the server has confirmed it, after one second at most.
 *
 * name:     the device, connected or not; if empty, the server chooses a default
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT, ENTRAIN_E_MEMORY, or ENTRAIN_E_SERVER if no session
 *           manager runs or if the sound system sets its default differently (PulseAudio)
 * thread:   [control] */
entrain_status entrain_io_set_default(entrain_io *io, const char *name);

/* Name the device that becomes the default again when this process dies, for servers that do not
 * restore it themselves.
 *
 * name:     the device; if empty (initially), the server chooses
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT or ENTRAIN_E_MEMORY
 * thread:   [control] */
entrain_status entrain_io_set_former(entrain_io *io, const char *name);

/* List the nodes of other programs that play a sink's sound on another sink, as equalizers and
 * loopbacks do.  A target that leads back to Entrain's sink gets no sound.  The text has one line
 * for each node, with these fields, separated by tabs: the sink whose sound the node takes; the
 * sink it plays on, or nothing; the node's number; the node's name; flags, "f" if the node follows
 * the default output, "m" if entrain_io_pin() can move it; the device it is pinned to, or nothing.
 * The text is empty if the sound system does not tell.
 *
 * text:     receives the text and a terminating 0; may be null if size is 0
 * needed:   receives the size of the text in bytes
 * returns:  ENTRAIN_OK, ENTRAIN_E_RANGE if the text is larger than size, ENTRAIN_E_ARGUMENT or
 *           ENTRAIN_E_MEMORY
 * thread:   [control] */
entrain_status entrain_io_read_ways(entrain_io *io, char *text, uint32_t size, uint32_t *needed);

/* Pin another program's node to a device, whatever the default output is, or unpin it.  Closing the
 * back end unpins all nodes.  If this program is killed, the pins stay; the next run sees them in
 * entrain_io_read_ways().
 *
 * outlet:   number of the node
 * device:   name of the device; if empty, unpin
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT or ENTRAIN_E_MEMORY
 * thread:   [control] */
entrain_status entrain_io_pin(entrain_io *io, uint32_t outlet, const char *device);

/* Copy the state.
 *
 * thread:   [control] */
void entrain_io_read_state(entrain_io *io, entrain_io_state *state);

/* Get a file descriptor for an event loop.  It is readable while the state has news.  It belongs to
 * the back end: do not read from it or close it.  Returns -1 if io is null.
 *
 * thread:   [control] */
int entrain_io_fd(entrain_io *io);

/* Acknowledge the news, before calling entrain_io_read_state(): entrain_io_fd() stops being
 * readable until the state changes again.
 *
 * thread:   [control] */
void entrain_io_take_news(entrain_io *io);
