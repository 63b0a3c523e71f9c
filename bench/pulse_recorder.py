"""Records several PulseAudio sources at once, with the time of arrival of each block.

A server makes a sink's sound in blocks, by its own clock, so the arrival of a block tells when its
last frame was made, apart from delays until this process woke up.  Such delays are never negative,
so the earliest blocks within some seconds are right to about 10 µs (`Timeline`).  A frame is made
one block before it is played.
"""

import time
from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import cffi
import numpy as np
import numpy.typing as npt

RATE_HZ = 48_000
CHANNELS = 2
FRAGMENT_FRAMES = 480  # 10 ms: longer than a block, so that no block is split
START_TIMEOUT_S = 5.0

_FRAME_BYTES = 4 * CHANNELS
_PA_SAMPLE_FLOAT32LE = 5
_PA_CONTEXT_NOAUTOSPAWN = 1
_PA_CONTEXT_READY = 4
_PA_STREAM_READY = 2
_PA_STREAM_DONT_MOVE = 0x0200
_SERVER_CHOOSES = 2**32 - 1

_DECLARATIONS = """
typedef struct { int format; uint32_t rate; uint8_t channels; } pa_sample_spec;
typedef struct { uint32_t maxlength, tlength, prebuf, minreq, fragsize; } pa_buffer_attr;
typedef void (*pa_stream_request_cb_t)(void *stream, size_t bytes, void *data);

void *pa_threaded_mainloop_new(void);
void pa_threaded_mainloop_free(void *loop);
int pa_threaded_mainloop_start(void *loop);
void pa_threaded_mainloop_stop(void *loop);
void pa_threaded_mainloop_lock(void *loop);
void pa_threaded_mainloop_unlock(void *loop);
void *pa_threaded_mainloop_get_api(void *loop);

void *pa_context_new(void *api, const char *name);
int pa_context_connect(void *context, const char *server, int flags, void *api);
int pa_context_get_state(void *context);
void pa_context_disconnect(void *context);
void pa_context_unref(void *context);

void *pa_stream_new(void *context, const char *name, const pa_sample_spec *format, void *map);
void pa_stream_set_read_callback(void *stream, pa_stream_request_cb_t callback, void *data);
int pa_stream_connect_record(
    void *stream, const char *source, const pa_buffer_attr *buffer, int flags);
int pa_stream_get_state(void *stream);
size_t pa_stream_readable_size(void *stream);
int pa_stream_peek(void *stream, const void **data, size_t *bytes);
int pa_stream_drop(void *stream);
int pa_stream_disconnect(void *stream);
void pa_stream_unref(void *stream);
"""


class RecorderError(Exception):
    """The sound server cannot be reached, or refuses."""


class Blocks(NamedTuple):
    """Frames of one source that have arrived since the last call."""

    samples: npt.NDArray[np.float32]
    """(frames, 2)"""
    end_frames: npt.NDArray[np.int64]
    """Number of frames from the beginning to the end of each block."""
    arrivals_s: npt.NDArray[np.float64]
    """Arrival of each block, on CLOCK_MONOTONIC."""


class Timeline:
    """Estimates when each frame of a recording would have arrived without delays.

    The source's clock may deviate by 100 ppm, so the relation is estimated anew every second.
    """

    def __init__(self) -> None:
        self._earliest_s: dict[int, float] = {}

    def add(self, blocks: Blocks) -> None:
        """Add the arrivals of the next blocks."""
        offsets_s = blocks.arrivals_s - blocks.end_frames / RATE_HZ
        seconds = blocks.end_frames // RATE_HZ
        for second in np.unique(seconds):
            earliest_s = float(np.min(offsets_s[seconds == second]))
            known_s = self._earliest_s.get(int(second), np.inf)
            self._earliest_s[int(second)] = min(known_s, earliest_s)

    def time_s(self, frame: float) -> float:
        """Return when this frame arrived; blocks near it must have been added."""
        second = int(frame // RATE_HZ)
        near = [self._earliest_s.get(second + by, np.inf) for by in (-1, 0, 1)]
        return frame / RATE_HZ + min(near)


class _Stream:
    """One recording; its callback runs on the library's thread and only copies."""

    def __init__(self, ffi: Any, lib: Any, context: Any, source: str) -> None:
        self._ffi, self._lib = ffi, lib
        self._frames = 0
        self._pending: list[tuple[float, bytes, int]] = []
        self._callback = ffi.callback("pa_stream_request_cb_t", self._read)
        self._data, self._size = ffi.new("const void **"), ffi.new("size_t *")
        form = ffi.new("pa_sample_spec *", [_PA_SAMPLE_FLOAT32LE, RATE_HZ, CHANNELS])
        # Without ADJUST_LATENCY, with which the server would work in shorter blocks: the recording
        # must not change what it observes.
        flags = _PA_STREAM_DONT_MOVE
        fragment_bytes = FRAGMENT_FRAMES * _FRAME_BYTES
        buffer = ffi.new("pa_buffer_attr *", [_SERVER_CHOOSES] * 4 + [fragment_bytes])
        self.pointer = lib.pa_stream_new(context, source.encode(), form, ffi.NULL)
        lib.pa_stream_set_read_callback(self.pointer, self._callback, ffi.NULL)
        if lib.pa_stream_connect_record(self.pointer, source.encode(), buffer, flags) < 0:
            raise RecorderError(f"{source} cannot be recorded")

    def is_ready(self) -> bool:
        return bool(self._lib.pa_stream_get_state(self.pointer) == _PA_STREAM_READY)

    def _read(self, stream: Any, _size: int, _data: Any) -> None:
        now_s = time.monotonic()
        lib, data, size = self._lib, self._data, self._size
        while lib.pa_stream_readable_size(stream) > 0:
            if lib.pa_stream_peek(stream, data, size) < 0 or size[0] == 0:
                return
            hole = data[0] == self._ffi.NULL
            samples = bytes(size[0]) if hole else bytes(self._ffi.buffer(data[0], size[0]))
            lib.pa_stream_drop(stream)
            self._frames += len(samples) // _FRAME_BYTES
            self._pending.append((now_s, samples, self._frames))

    def take(self) -> Blocks:
        pending, self._pending = self._pending, []  # [lock held]
        samples = np.frombuffer(b"".join(block for _, block, _ in pending), np.float32)
        return Blocks(
            samples.reshape(-1, CHANNELS),
            np.array([frames for _, _, frames in pending], np.int64),
            np.array([time_s for time_s, _, _ in pending], np.float64),
        )


class PulseRecorder:
    """Records sources from the beginning of the ``with`` block to its end.

    Use it from one thread.  PULSE_SERVER names the server.

    Parameters
    ----------
    sources : sequence of str
        Names of sources; a name may occur repeatedly.

    Raises
    ------
    RecorderError
        There is no server, or a source cannot be recorded.

    """

    def __init__(self, sources: Sequence[str]) -> None:
        self._ffi: Any = cffi.FFI()
        self._ffi.cdef(_DECLARATIONS)
        self._lib: Any = self._ffi.dlopen("libpulse.so.0")
        self._sources = sources
        self._streams: list[_Stream] = []
        self._loop: Any = None
        self._context: Any = None

    def __enter__(self) -> Self:
        lib = self._lib
        self._loop = lib.pa_threaded_mainloop_new()
        api = lib.pa_threaded_mainloop_get_api(self._loop)
        self._context = lib.pa_context_new(api, b"recorder")
        try:
            flags = _PA_CONTEXT_NOAUTOSPAWN
            if lib.pa_context_connect(self._context, self._ffi.NULL, flags, self._ffi.NULL) < 0:
                raise RecorderError("the sound server cannot be reached")
            lib.pa_threaded_mainloop_start(self._loop)
            self._await(lambda: lib.pa_context_get_state(self._context) == _PA_CONTEXT_READY)
            lib.pa_threaded_mainloop_lock(self._loop)
            try:
                for source in self._sources:
                    self._streams.append(_Stream(self._ffi, lib, self._context, source))
            finally:
                lib.pa_threaded_mainloop_unlock(self._loop)
            self._await(lambda: all(stream.is_ready() for stream in self._streams))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        lib = self._lib
        lib.pa_threaded_mainloop_stop(self._loop)
        for stream in self._streams:
            lib.pa_stream_disconnect(stream.pointer)
            lib.pa_stream_unref(stream.pointer)
        lib.pa_context_disconnect(self._context)
        lib.pa_context_unref(self._context)
        lib.pa_threaded_mainloop_free(self._loop)

    def take(self) -> list[Blocks]:
        """Return the blocks since the last call, in the order of the sources."""
        self._lib.pa_threaded_mainloop_lock(self._loop)
        try:
            return [stream.take() for stream in self._streams]
        finally:
            self._lib.pa_threaded_mainloop_unlock(self._loop)

    def _await(self, condition: Any) -> None:
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while True:
            self._lib.pa_threaded_mainloop_lock(self._loop)
            met = condition()
            self._lib.pa_threaded_mainloop_unlock(self._loop)
            if met:
                return
            if time.monotonic() > deadline_s:
                raise RecorderError(f"the sound server does not answer in {START_TIMEOUT_S:g} s")
            time.sleep(0.005)
