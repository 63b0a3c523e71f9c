/* Self-measurement: finds the rhythm in the last second of the output.  The promise only tells
 * where to look; it does not influence the result. */

typedef struct {
    double tone_hz[2];           /* frequency of a tone in each ear; 0: no tone */
    double modulation_hz;        /* rate at which the input is modulated; 0: not modulated */
    double corner_hz;            /* the input is modulated above this frequency */
    double interaural_hz;        /* turns per second of the phase between the ears; 0: none */
} entrain_promise;

typedef struct {
    double tone_hz[2];           /* 0: no tone stands out */
    double tone_db[2];           /* RMS level, full scale = 1.0 */
    double beat_hz;              /* left - right; 0 unless both tones were found */
    double beat_error_hz;        /* standard error of beat_hz; falls with repeated calls */
    double modulation_hz;        /* 0: there is no input to be modulated */
    double index[2];             /* modulation index m of the gain 1 + m sin, for each ear */
    double index_floor[2];       /* index that the input shows without any modulation */
    double interaural_hz;        /* 0: no turning of the phase stands out */
    double coherence;            /* share of the band 150 .. 1300 Hz that turns, 0 .. 1 */
} entrain_measurement;

/* Measure the output; takes about 2 ms.  Call it once a second while the result is displayed:
 * several calls 0.4 .. 1.2 s apart make beat_hz exact to a millihertz.
 *
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT, ENTRAIN_E_MEMORY, or ENTRAIN_E_OVERRUN if fewer than
 *           57344 frames have gone out since the engine was created or changed its rate
 * thread:   [control] */
entrain_status entrain_measure(entrain_engine *engine, const entrain_promise *promise,
                               entrain_measurement *measurement);
