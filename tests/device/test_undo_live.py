"""An undo is heard at the device."""

import app
import measure
import numpy as np
import soundlab

LAYER = "tone=binaural:carrier_hz=400,beat_hz=10,floor_db=-20,ceiling_db=-20"


def test_the_beat_at_the_device_goes_back_and_forth(any_server):
    """Both ears' tones, and so the beat, are right within 0.1 Hz."""
    environment = any_server.environment

    def is_beating(beat_hz: float) -> bool:
        return measure.is_beating(recorder.take(1), 400, beat_hz)

    with (
        app.running(environment, "--layer", LAYER, *app.PATIENT[any_server.kind]) as entrain,
        soundlab.recording(environment, "speakers") as recorder,
        soundlab.play(environment, soundlab.sine(1000, 60, 0.1)),
    ):
        soundlab.wait_until(lambda: np.any(recorder.take(0.05)), 10, "sound arrives")
        soundlab.wait_until(lambda: is_beating(10), 10, "10 Hz")
        entrain("set", "tone.beat_hz", "4")
        soundlab.wait_until(lambda: is_beating(4), 10, "4 Hz")
        assert entrain("undo").startswith("Taken back: Beat of tone: 10 Hz → 4 Hz\n")
        soundlab.wait_until(lambda: is_beating(10), 10, "10 Hz again")
        assert entrain("redo").startswith("Done again: Beat of tone: 10 Hz → 4 Hz\n")
        soundlab.wait_until(lambda: is_beating(4), 10, "4 Hz again")
        refused = app.command(environment, "undo")
        assert refused.returncode == 0
        refused = app.command(environment, "undo")
        assert (refused.returncode, refused.stderr) == (1, "entrain: nothing to undo\n")
