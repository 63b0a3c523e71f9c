"""A player that behaves like a browser: it constantly seeks, corks and drains its stream.

Usage: python restless_player.py SINK ACTIONS SEED

It plays 1000 Hz on the left and 1500 Hz on the right through libpulse, and ends after ACTIONS
actions.
"""

import ctypes
import random
import sys
import time
from collections.abc import Callable

import numpy as np

RATE_HZ = 48000
FRAME_BYTES = 8
LATENCY_FRAMES = RATE_HZ // 10
PACE_S = 0.08
READY, FAILED = 4, 5  # PA_CONTEXT_READY, PA_CONTEXT_FAILED
STREAM_READY = 2
FLOAT32 = 5
RELATIVE = 0
RELATIVE_ON_READ = 2
ADJUST_LATENCY = 0x2000

_pa = ctypes.CDLL("libpulse.so.0")
for _name in ("mainloop_new", "mainloop_get_api", "context_new", "stream_new"):
    getattr(_pa, f"pa_{_name}").restype = ctypes.c_void_p
for _name in ("cork", "flush", "drain"):
    getattr(_pa, f"pa_stream_{_name}").restype = ctypes.c_void_p
_pa.pa_stream_writable_size.restype = ctypes.c_size_t
_pa.pa_stream_write.argtypes = [
    *(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p),
    *(ctypes.c_int64, ctypes.c_int),
]


class _Spec(ctypes.Structure):
    _fields_ = [
        ("format", ctypes.c_int),
        ("rate", ctypes.c_uint32),
        ("channels", ctypes.c_uint8),
    ]


class _Buffers(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_uint32) for name in ("maxlength", "tlength", "prebuf", "minreq", "fragsize")
    ]


class Player:
    """One connection to the server with one stream at a time."""

    def __init__(self, sink: str) -> None:
        self._sink = sink.encode()
        self._loop = ctypes.c_void_p(_pa.pa_mainloop_new())
        api = ctypes.c_void_p(_pa.pa_mainloop_get_api(self._loop))
        self._context = ctypes.c_void_p(_pa.pa_context_new(api, b"restless"))
        _pa.pa_context_connect(self._context, None, 0, None)
        self._until(lambda: _pa.pa_context_get_state(self._context) == READY, "connected")
        self._position = 0
        self._feeds = True
        self._open()

    def play(self, seconds: float) -> None:
        """Feed the stream for that long."""
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            self._step()
            frames = _pa.pa_stream_writable_size(self._stream) // FRAME_BYTES
            if self._feeds and 0 < frames < 10 * RATE_HZ:
                self._write(frames, RELATIVE)

    def seek(self) -> None:
        """Discard the queued sound and continue at another position."""
        self._done(_pa.pa_stream_flush(self._stream, None, None))
        self._position = random.randrange(RATE_HZ)
        self._write(LATENCY_FRAMES, RELATIVE)

    def overwrite(self) -> None:
        """Overwrite the queued sound without a flush."""
        self._position = random.randrange(RATE_HZ)
        self._write(LATENCY_FRAMES, RELATIVE_ON_READ)

    def pause(self) -> None:
        """Cork for a moment."""
        self._done(_pa.pa_stream_cork(self._stream, 1, None, None))
        self._feeds = False
        self.play(0.05)
        self._feeds = True
        self._done(_pa.pa_stream_cork(self._stream, 0, None, None))

    def drain(self) -> None:
        """Play the queued sound to its end, then continue."""
        self._done(_pa.pa_stream_drain(self._stream, None, None))

    def reopen(self) -> None:
        """Begin the next title with a new stream."""
        _pa.pa_stream_disconnect(self._stream)
        _pa.pa_stream_unref(self._stream)
        self._open()

    def _open(self) -> None:
        spec = _Spec(FLOAT32, RATE_HZ, 2)
        self._stream = ctypes.c_void_p(
            _pa.pa_stream_new(self._context, b"title", ctypes.byref(spec), None)
        )
        default = 2**32 - 1  # the server chooses
        buffers = _Buffers(default, LATENCY_FRAMES * FRAME_BYTES, default, default, default)
        _pa.pa_stream_connect_playback(
            self._stream, self._sink, ctypes.byref(buffers), ADJUST_LATENCY, None, None
        )
        self._until(lambda: _pa.pa_stream_get_state(self._stream) == STREAM_READY, "a stream")

    def _write(self, frames: int, seek: int) -> None:
        at = (self._position + np.arange(frames)) / RATE_HZ
        self._position += frames
        sound = 0.1 * np.sin(2 * np.pi * np.outer(at, (1000, 1500)))
        data = np.ascontiguousarray(sound, dtype=np.float32).tobytes()
        if _pa.pa_stream_write(self._stream, data, len(data), None, 0, seek):
            raise RuntimeError("the stream accepts no more sound")

    def _done(self, operation: int) -> None:
        handle = ctypes.c_void_p(operation)
        self._until(lambda: _pa.pa_operation_get_state(handle) != 0, "done")
        _pa.pa_operation_unref(handle)

    def _until(self, condition: Callable[[], bool], what: str) -> None:
        deadline_s = time.monotonic() + 20
        while not condition():
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"not {what} within 20 s")
            self._step()

    def _step(self) -> None:
        _pa.pa_mainloop_iterate(self._loop, 0, None)
        time.sleep(0.002)


def main(sink: str, actions: int, seed: int) -> int:
    random.seed(seed)
    player = Player(sink)
    choices = [player.seek, player.seek, player.overwrite, player.pause, player.drain]
    player.play(0.3)
    for number in range(actions):
        (player.reopen if number % 10 == 9 else random.choice(choices))()
        player.play(random.uniform(0.5, 1.5) * PACE_S)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
