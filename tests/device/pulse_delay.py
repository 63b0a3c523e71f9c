"""Measures on PulseAudio how much later a device plays a sound than a sink receives it."""

import math
import statistics
import time

import pulse_signal
from pulse_recorder import PulseRecorder


def delay_ms(sink: str, device: str, seconds: float) -> float:
    """Return the median delay of `pulse_player`'s bursts in `seconds`; nan if none arrived."""
    places = pulse_signal.Heard(), pulse_signal.Heard()
    with PulseRecorder([f"{sink}.monitor", f"{device}.monitor"]) as recorder:
        began_s = time.monotonic()
        time.sleep(seconds)
        for place, blocks in zip(places, recorder.take(), strict=True):
            place.add(blocks)
    played, heard = (place.bursts_s(began_s, began_s + seconds) for place in places)
    pairs = pulse_signal.delays_s(played, heard)
    return 1000 * statistics.median(delay_s for _, delay_s in pairs) if pairs else math.nan
