"""Settings of the C library's memory allocator."""

import contextlib
import ctypes

_ARENA_MAX = -8
"""Value of M_ARENA_MAX in glibc's malloc.h."""


def share_heap() -> None:
    """Make all threads share one heap; with one heap per thread, glibc takes 3 MB more.

    Call it before other threads exist.  With another C library it has no effect.  Entrain's own
    code does not allocate in the audio thread.  The little memory that libpulse allocates there
    mostly comes from the thread's own cache, without a wait for other threads.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)
