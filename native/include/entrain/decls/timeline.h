/* The session's clock, and what parameters do over the session. */

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

/* How long a session, or the loop of an automation, may be: a week. */
enum { ENTRAIN_LONGEST_SESSION_S = 604800 };

/* How many breakpoints one parameter may have. */
enum { ENTRAIN_MOST_POINTS = 1000000 };

/* Say what a parameter does over the session; heard from the next entrain_route() on.  Breakpoints
 * fall on the frame that is nearest to their time; in between the value changes on the grid.
 * Before the first one its value holds, after the last one that one's.
 *
 * points:   `count` of them, copied, in the order of time; 0 points: no automation, and the
 *           pointer may be null
 * count:    0 .. ENTRAIN_MOST_POINTS
 * loop_s:   0, or the length after which it begins again, ENTRAIN_LONGEST_SESSION_S at most
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT, ENTRAIN_E_LAYER, ENTRAIN_E_PARAMETER, ENTRAIN_E_RANGE
 *           or ENTRAIN_E_MEMORY
 * thread:   [control], also while the device runs */
entrain_status entrain_automate(entrain_engine *engine, uint32_t layer, const char *symbol,
                                const entrain_point *points, uint32_t count, double loop_s);

/* Let the session's clock run, or hold it; it counts frames processed while it runs.
 *
 * thread:   [control], also while the device runs */
void entrain_run_session(entrain_engine *engine, int runs);

/* Move the session's clock; parameters that jump glide there within 20 ms.
 *
 * seconds:  0 .. ENTRAIN_LONGEST_SESSION_S
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT or ENTRAIN_E_RANGE
 * thread:   [control], also while the device runs */
entrain_status entrain_seek_session(entrain_engine *engine, double seconds);

/* seconds, runs: receive where the session is, as of the last callback or where it has been moved
 *                since, and whether it runs; either may be null
 * thread:   [control] */
void entrain_read_session(entrain_engine *engine, double *seconds, int *runs);
