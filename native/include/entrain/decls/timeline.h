/* The session's clock, and the automation of parameters along it. */

/* How a value moves from one breakpoint to the next. */
enum {
    ENTRAIN_CURVE_STEP = 0,          /* holds, then jumps at the next breakpoint */
    ENTRAIN_CURVE_LINEAR = 1,
    ENTRAIN_CURVE_EXPONENTIAL = 2,   /* equal ratios in equal times; both ends have the same sign */
    ENTRAIN_CURVE_SMOOTH = 3         /* 3 p^2 - 2 p^3: leaves and arrives with slope 0 */
};

typedef struct {
    double seconds;              /* time in the session */
    double value;                /* in the parameter's own unit, inside its range */
    int32_t curve;               /* from this breakpoint to the next */
} entrain_point;

/* Longest session, and longest loop of an automation, in seconds: one week. */
enum { ENTRAIN_LONGEST_SESSION_S = 604800 };

/* Highest number of breakpoints of one parameter. */
enum { ENTRAIN_MOST_POINTS = 1000000 };

/* Set the automation of a parameter; heard from the next entrain_route() on.  Each breakpoint falls
 * on the frame nearest to its time; between breakpoints the value changes on the grid.  Before the
 * first breakpoint the parameter has the first value, after the last breakpoint the last value.
 *
 * points:   `count` breakpoints in the order of time; they are copied; may be null if count is 0
 * count:    0 .. ENTRAIN_MOST_POINTS; 0 removes the automation
 * loop_s:   time after which the automation repeats, at most ENTRAIN_LONGEST_SESSION_S; 0: no loop
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT, ENTRAIN_E_LAYER, ENTRAIN_E_PARAMETER, ENTRAIN_E_RANGE
 *           or ENTRAIN_E_MEMORY
 * thread:   [control], also while the device runs */
entrain_status entrain_automate(entrain_engine *engine, uint32_t layer, const char *symbol,
                                const entrain_point *points, uint32_t count, double loop_s);

/* Run or pause the session's clock.  While it runs, it counts the processed frames.
 *
 * thread:   [control], also while the device runs */
void entrain_run_session(entrain_engine *engine, int runs);

/* Move the session's clock.  Parameters whose value would jump glide there within 20 ms.
 *
 * seconds:  0 .. ENTRAIN_LONGEST_SESSION_S
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT or ENTRAIN_E_RANGE
 * thread:   [control], also while the device runs */
entrain_status entrain_seek_session(entrain_engine *engine, double seconds);

/* Read the session's clock, as of the last callback or of a later entrain_seek_session().
 *
 * seconds, runs: receive the time in the session and whether the clock runs; either may be null
 * thread:   [control] */
void entrain_read_session(entrain_engine *engine, double *seconds, int *runs);
