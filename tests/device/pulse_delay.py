"""How much later a sound is in a device than in a sink, on PulseAudio, by the clock."""

import math
import os
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

import pulse_signal
from pulse_recorder import RATE_HZ, PulseRecorder

PLAYER_LATENCY_MS = 200
PIECE_FRAMES = RATE_HZ // 4


def delay_ms(sink: str, device: str, seconds: float) -> float:
    """Return the median, over so many seconds while `playing` runs; nan: nothing came through."""
    places = pulse_signal.Heard(), pulse_signal.Heard()
    with PulseRecorder([f"{sink}.monitor", f"{device}.monitor"]) as recorder:
        began_s = time.monotonic()
        time.sleep(seconds)
        for place, blocks in zip(places, recorder.take(), strict=True):
            place.add(blocks)
    played, heard = (place.bursts_s(began_s, began_s + seconds) for place in places)
    pairs = pulse_signal.delays_s(played, heard)
    return 1000 * statistics.median(delay_s for _, delay_s in pairs) if pairs else math.nan


@contextmanager
def playing(environment: Mapping[str, str], sink: str) -> Iterator[None]:
    """Play bursts that tell where they are."""
    player = subprocess.Popen(
        ["pacat", "--playback", "--raw", "--format=float32le", f"--rate={RATE_HZ}", "--channels=2"]
        + [f"--device={sink}", f"--latency-msec={PLAYER_LATENCY_MS}"],
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
    )
    pipe = player.stdin
    assert pipe is not None

    def feed() -> None:
        at = 0
        with suppress(BrokenPipeError, ValueError):
            while True:
                pipe.write(pulse_signal.sound(at, PIECE_FRAMES).tobytes())
                at += PIECE_FRAMES

    feeder = threading.Thread(target=feed)
    feeder.start()
    try:
        yield
    finally:
        player.terminate()
        player.wait()
        feeder.join()
        with suppress(BrokenPipeError):
            pipe.close()
