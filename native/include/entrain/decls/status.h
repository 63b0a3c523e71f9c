/* Entrain's native interface: conventions of all files in this folder, status codes and limits.
 *
 * These files have no preprocessor lines: C++ includes them through engine.h, and cffi reads the
 * same files in the same order.
 *
 * Threads:  [control] any thread that may wait; these functions share a lock
 *           [audio]   the device's callback: never allocates, locks, waits, logs or frees
 *           [any]     both; wait-free
 * Samples:  float, full scale = 1.0, two channels (left, right), not interleaved.
 * Frames:   one frame = one sample of each channel.  The engine counts frames from 0 and never
 *           counts back; parameters change on multiples of 16 frames of that count (the "grid").
 * Handles:  a layer is named by a number; an engine never uses a number twice.
 * Session:  a clock that runs with the sound; protocols follow it.
 * Errors:   a function with a status returns ENTRAIN_E_ARGUMENT for a null pointer unless its
 *           contract allows null.  If it returns anything but ENTRAIN_OK, also for lack of memory,
 *           it has changed nothing and written nothing.  A function without a status, given a null
 *           pointer, does nothing, returns 0, or writes zeros to its result.
 *           Passing a handle of a freed object is undefined behaviour. */

typedef enum {
    ENTRAIN_OK = 0,
    ENTRAIN_E_ARGUMENT = 1,    /* a pointer is null or a number outside its range */
    ENTRAIN_E_MEMORY = 2,      /* out of memory */
    ENTRAIN_E_KIND = 3,        /* no block of that kind */
    ENTRAIN_E_LAYER = 4,       /* no layer with that number */
    ENTRAIN_E_PARAMETER = 5,   /* the block has no parameter with that symbol */
    ENTRAIN_E_RANGE = 6,       /* not a finite number inside the parameter's range */
    ENTRAIN_E_SERVER = 7,      /* the sound server does not answer or refuses */
    ENTRAIN_E_OVERRUN = 8,     /* the frames have been overwritten, or are not written yet */
    ENTRAIN_E_FULL = 9         /* the engine has ENTRAIN_MOST_LAYERS layers */
} entrain_status;

/* Lowest and highest sample rate of an engine or a block. */
enum { ENTRAIN_LOWEST_HZ = 8000, ENTRAIN_HIGHEST_HZ = 192000 };

/* Raised whenever a declaration in this folder changes its meaning or its layout. */
enum { ENTRAIN_ABI_VERSION = 12 };

/* The ABI version that the library was built with.  If it differs from ENTRAIN_ABI_VERSION, the
 * library is stale.
 *
 * thread:   [any] */
uint32_t entrain_abi_version(void);

/* English description of a status, in static storage.
 *
 * thread:   [any] */
const char *entrain_status_text(entrain_status status);
