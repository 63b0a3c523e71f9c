/* Space: heads, through which the blocks of the group "space" hear, placed generators, and the turn
 * of the listener's head. */

/* How a head and its ears change sound from every direction.  It never changes. */
typedef struct entrain_head entrain_head;

typedef struct {
    uint32_t rate_hz;            /* of the responses: ENTRAIN_LOWEST_HZ .. ENTRAIN_HIGHEST_HZ */
    uint32_t taps;               /* 16 .. 4096, of which the first four partitions are heard: 256 up
                                  * to 50 kHz, 512 up to 100 kHz, then 1024 */
    uint32_t azimuths;           /* 4 .. 720 columns of the grid, evenly spaced, from 0 degrees
                                  * counterclockwise (+90 is left) */
    uint32_t elevations;         /* 3 .. 361 rows, evenly spaced from -90 to 90 degrees; at most
                                  * ENTRAIN_MOST_DIRECTIONS in all */
    const float *responses;      /* [elevation][azimuth][ear][tap], minimum phase, -64 .. 64; a
                                  * source in front has 0 dB */
    const float *delays_s;       /* [elevation][azimuth][ear], 0 .. 0.002; what both ears have in
                                  * common is left out */
    uint32_t widths;             /* 2 .. 721 columns of gain_db, evenly spaced from 0 to 360 deg */
    const float *gain_db;        /* [3][width], -60 .. 20, for a pair of speakers so far apart: heard
                                  * by the responses, the decoder and the decoder of order 1 */
    uint32_t order;              /* of the decoder: 0 (none) .. 3 */
    uint32_t decoder_taps;       /* 16 .. 4096 if there is a decoder */
    const float *decoder;        /* [ear][ACN channel, SN3D][tap], -64 .. 64 */
    uint32_t first_order_taps;   /* 0 (none), or 16 .. 4096 */
    const float *first_order_decoder;  /* [ear][4][tap] */
} entrain_head_data;

/* Highest number of directions of a head. */
enum { ENTRAIN_MOST_DIRECTIONS = 16384 };

/* Create a head; takes some ten milliseconds.
 *
 * data:     is copied
 * head:     receives the head; free it with entrain_head_destroy()
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT (a pointer or a count), ENTRAIN_E_RANGE (a number that is
 *           not finite or out of range) or ENTRAIN_E_MEMORY
 * thread:   [control] */
entrain_status entrain_head_create(const entrain_head_data *data, entrain_head **head);

/* Create the same head at another sample rate; takes up to 0.2 s.
 *
 * head:     stays as it is
 * rate_hz:  ENTRAIN_LOWEST_HZ .. ENTRAIN_HIGHEST_HZ
 * other:    receives the new head; free it with entrain_head_destroy()
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT or ENTRAIN_E_MEMORY
 * thread:   [control], several threads at a time */
entrain_status entrain_head_at_rate(const entrain_head *head, uint32_t rate_hz,
                                    entrain_head **other);

/* Free a head.  Engines and blocks that use it keep what they need.
 *
 * head:     may be null
 * thread:   [control] */
void entrain_head_destroy(entrain_head *head);

/* Hear through this head from the next callback on, cross-faded within 20 ms.  A head at another
 * sample rate than the engine's is resampled first, which takes as long as entrain_head_at_rate().
 * After entrain_set_rate() there is no head until the next call.
 *
 * head:     null: no head; routed layers of the group "space" fade out, until there is one
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT or ENTRAIN_E_MEMORY
 * thread:   [control], also while the device runs */
entrain_status entrain_use_head(entrain_engine *engine, const entrain_head *head);

/* Give a head to a single block of the group "space"; other blocks ignore it.
 *
 * head:     null: no head; the block passes its input through, or stays as it is
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT or ENTRAIN_E_MEMORY
 * thread:   [control] */
entrain_status entrain_block_use_head(entrain_block *block, const entrain_head *head);

/* Highest number of generators that can be placed. */
enum { ENTRAIN_MOST_PLACED = 8 };

/* Take a generator out of the sum of generators and give it, as the mean of its channels, to the
 * space, or put it back; heard from the next entrain_route() on, faded.  Each generator has the
 * parameters azimuth_deg, elevation_deg, distance_m, path, path_hz and path_deg for its place.
 * Without a routed space, or without a head, it is heard as if it were not placed.
 *
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT, ENTRAIN_E_LAYER (not a generator's number),
 *           ENTRAIN_E_KIND (a dichotic block needs both channels) or ENTRAIN_E_FULL
 * thread:   [control], also while the device runs */
entrain_status entrain_place(entrain_engine *engine, uint32_t layer, int placed);

/* Say how the head is turned: w, x, y, z of the rotation from the room to the head; x is front, y
 * left, z up.  The ears follow with a time constant of 10 ms, and at once if they differ by more than
 * 15 degrees.  A turn that has not been repeated for 1 s fades back to the front within 2 s.
 *
 * turn:     four finite numbers, not all 0; otherwise nothing changes
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT or ENTRAIN_E_RANGE
 * thread:   [any], one thread at a time */
entrain_status entrain_turn_head(entrain_engine *engine, const float *turn);

typedef struct {
    float turn[4];               /* of the head, as the ears have it now */
    float age_s;                 /* sound that a routed space has processed since the last
                                  * entrain_turn_head(); inf: never */
    uint32_t sources;            /* generators that sound from a place */
    int has_head;                /* whether there is a head, at the engine's sample rate */
} entrain_space;

/* Copy the state of the space.
 *
 * thread:   [any] */
void entrain_read_space(const entrain_engine *engine, entrain_space *space);
