"""Plays the sound of `pulse_signal` to a sink, from another process, without an end."""

import contextlib
import fcntl
import os
import subprocess
import threading
from collections.abc import Iterator, Mapping

from pulse_recorder import RATE_HZ
from pulse_signal import sound

LATENCY_MS = 200  # a player that runs dry would tell nothing about the paths
PIPE_BYTES = 1 << 20  # 2.7 s
PIECE_FRAMES = RATE_HZ // 4


@contextlib.contextmanager
def playing(sink: str, environment: Mapping[str, str] | None = None) -> Iterator[None]:
    """Play during the block.

    Parameters
    ----------
    sink : str
        Where the sound goes.
    environment : mapping of str, optional
        Variables with which the server is found, beside those of this process.

    """
    player = subprocess.Popen(
        ["pacat", "--playback", "--raw", "--format=float32le", f"--rate={RATE_HZ}", "--channels=2"]
        + [f"--device={sink}", f"--latency-msec={LATENCY_MS}"],
        env={**os.environ, **(environment or {})},
        stdin=subprocess.PIPE,
    )
    pipe = player.stdin
    assert pipe is not None
    fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)

    def feed() -> None:
        at = 0
        with contextlib.suppress(BrokenPipeError, ValueError):
            while True:
                pipe.write(sound(at, PIECE_FRAMES).tobytes())
                at += PIECE_FRAMES

    feeder = threading.Thread(target=feed)
    feeder.start()
    try:
        yield
    finally:
        player.terminate()
        player.wait()
        feeder.join()
        with contextlib.suppress(BrokenPipeError):
            pipe.close()
