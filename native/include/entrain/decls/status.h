/* Entrain's native interface: words that hold in all files of this folder, status and limits.
 *
 * No preprocessor lines: C++ includes these files through engine.h, in the order that stands there,
 * and cffi reads them in the same order, as they are.
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

/* Sample rates that an engine or a block can run at, whole numbers. */
enum { ENTRAIN_LOWEST_HZ = 8000, ENTRAIN_HIGHEST_HZ = 192000 };

/* Raised whenever a declaration in this folder changes its meaning or layout. */
enum { ENTRAIN_ABI_VERSION = 9 };

/* The ABI version that the library was built with; another one than above is a stale file.
 *
 * thread:   [any] */
uint32_t entrain_abi_version(void);

/* One English sentence for a status; static storage.
 *
 * thread:   [any] */
const char *entrain_status_text(entrain_status status);
