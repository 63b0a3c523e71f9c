"""A headset switches to its hands-free profile in the middle of music, for a call, and back."""

import os
from dataclasses import replace

import app
import numpy as np
import soundlab
from measure import levels_db, rms_db

from entrain.platform.sandbox import VirtualDevice

TONES_HZ = [1000, 405, 395]
LAYER = "tone=binaural:carrier_hz=400,beat_hz=10,floor_db=-20,ceiling_db=-20"
HEADSET = VirtualDevice("headset", "Headset", 1999, properties=(("device.form_factor", "headset"),))
HANDS_FREE = replace(
    HEADSET,
    positions=("MONO",),
    rate_hz=16000,
    properties=(
        ("device.form_factor", "headset"),
        ("device.profile.name", "headset_head_unit"),
    ),
)
ROUNDS = 10 if os.environ.get("ENTRAIN_SOAK") == "1" else 1


def heard(server, name, rate_hz, wanted):
    """Record until half a second meets the condition; return the whole recording."""
    taken = []
    with soundlab.recording(server.environment, name, rate_hz) as recorder:

        def is_right():
            taken.append(recorder.take(0.5, rate_hz))
            return wanted(*(levels_db(taken[-1][:, ear], TONES_HZ, rate_hz) for ear in (0, 1)))

        try:
            soundlab.wait_until(is_right, 20, f"right on {name}")
        except AssertionError as error:
            levels = [levels_db(taken[-1][:, ear], TONES_HZ, rate_hz) for ear in (0, 1)]
            raise AssertionError(f"{error}; it is {levels}") from None
    return np.concatenate(taken)


def loudness_db(sound, rate_hz):
    """Return the level of the loudest tenth of a second in either ear: one period of the beat."""
    tenths = np.split(sound, len(sound) // (rate_hz // 10))
    return max(rms_db(tenth[:, ear]) for tenth in tenths for ear in (0, 1))


def is_stereo(left, right):
    """Tell whether both ears have the music, and each its own tone."""
    music = all(abs(ear[0] + 23.01) < 0.5 for ear in (left, right))
    tones = abs(left[1] + 20) < 0.5 and abs(right[2] + 20) < 0.5
    return music and tones and max(left[2], right[1]) < -60


def is_mono(left, right):
    """Tell whether the binaural beat's alternative is heard: both tones, each at half power."""
    return all(abs(level + 23.01) < 0.5 for ear in (left, right) for level in ear)


def test_a_headset_becomes_hands_free_and_a_headset_again(server):
    """Music is heard after each change, with the right tones, and never louder."""
    server.add_device(HEADSET)
    with (
        app.running(server.environment, "--layer", LAYER, *app.PATIENT[server.kind]) as entrain,
        soundlab.play(server.environment, soundlab.sine(1000, 600, 0.1), latency_ms=400),
    ):
        entrain.wait_for_output("headset")
        loudest_db = loudness_db(heard(server, "headset", 48000, is_stereo), 48000) + 1
        for _ in range(ROUNDS):
            for device, form, wanted in (
                (HANDS_FREE, "hands-free", is_mono),
                (HEADSET, "headphones", is_stereo),
            ):
                server.remove_device("headset")
                server.add_device(device)
                entrain.wait_for_output("headset")
                soundlab.wait_until(
                    lambda f=form: (entrain.status()["output"] or {}).get("form") == f, 10, form
                )
                rate_hz = device.rate_hz if server.kind == "pulse" else 48000
                sound = heard(server, "headset", rate_hz, wanted)
                assert loudness_db(sound, rate_hz) <= loudest_db
        assert entrain.status()["on"] is True
