/* Self-measurement: what is measurably in the last second of what went out.  It owes nothing to
 * the promise but where to look. */

typedef struct {
    double tone_hz[2];           /* a tone in each ear; 0: none */
    double modulation_hz;        /* rate at which the input swells; 0: it does not */
    double corner_hz;            /* the input is modulated above this */
    double interaural_hz;        /* turns per second of one ear's phase against the other's, or 0 */
} entrain_promise;

typedef struct {
    double tone_hz[2];           /* 0: no tone stands out */
    double tone_db[2];           /* RMS, full scale = 1.0 */
    double beat_hz;              /* left - right; 0 unless both are there */
    double beat_error_hz;        /* standard deviation to expect; falls with repeated calls */
    double modulation_hz;        /* 0: there is no input to be modulated */
    double index[2];             /* m of a gain 1 + m sin; of each ear */
    double index_floor[2];       /* what the input alone pretends to */
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
