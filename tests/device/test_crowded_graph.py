"""Other devices beside Entrain's: many at once, oddly numbered, or of its own name."""

import itertools
import os
import random
import time

import app
import pulsectl
import soundlab
from measure import level_db

from entrain.platform.sandbox import VirtualDevice

LAYER = "tone=binaural:carrier_hz=400,beat_hz=10,floor_db=-20,ceiling_db=-20"
CHOICES = ("speakers", "headphones", "entrain")
SOAK = os.environ.get("ENTRAIN_SOAK") == "1"


def hears(recorder, tone_hz=1000, ear=0):
    return level_db(recorder.take(0.1)[:, ear], tone_hz) > -40


# ---- a storm of choices ---------------------------------------------------------------------


def test_the_default_goes_round_without_a_pause(server):
    """Players come and go, the target changes: Entrain is there when the storm is over."""
    seconds = 60 if SOAK else 4
    with (
        app.running(server.environment, "--layer", LAYER, *app.PATIENT[server.kind]) as entrain,
        soundlab.play(server.environment, soundlab.sine(1000, 120, 0.1), latency_ms=400),
        pulsectl.Pulse("desktop") as desktop,
    ):
        entrain.wait_for(state="processing")
        choices = itertools.cycle([desktop.get_sink_by_name(name) for name in CHOICES])
        pauses = random.Random(1)
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            desktop.sink_default_set(next(choices))
            time.sleep(pauses.uniform(0.01, 0.05))
            assert entrain.process.poll() is None, "Entrain has crashed"
        entrain("output", "speakers")
        entrain("on")
        entrain.wait_for(on=True)
        with (
            soundlab.play(server.environment, soundlab.sine(1000, 60, 0.1)),
            soundlab.recording(server.environment, "speakers") as recorder,
        ):
            soundlab.wait_until(lambda: hears(recorder) and hears(recorder, 405), 10, "sound")
