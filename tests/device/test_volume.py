"""Entrain's volume and the device's volume follow each other; the sound never gets louder."""

import time

import app
import numpy as np
import pytest
import soundlab
from measure import level_db

from entrain.vdevice.device.volume_mirror import GRACE_S

LAYER = "binaural:carrier_hz=400,beat_hz=10,floor_db=-60,ceiling_db=-60"


def pactl(server, *arguments):
    return soundlab.run(server.environment, "pactl", *arguments)


def volume(server, device):
    """Return left and right in percent, and whether the device is muted."""
    text = pactl(server, "get-sink-volume", device)
    muted = "yes" in pactl(server, "get-sink-mute", device)
    values = [int(word.rstrip("%")) for word in text.split() if word.endswith("%")]
    return values[0], values[1], muted


def same(server, expected):
    return volume(server, "entrain") == volume(server, "speakers") == expected


def settle(server):
    """Wait until both volumes agree, and until a session manager no longer sets its own."""
    soundlab.wait_until(lambda: same(server, (100, 100, False)), 5, "both at 100 %")
    time.sleep(GRACE_S)


def test_the_targets_volume_wins_at_the_start(server):
    pactl(server, "set-sink-volume", "speakers", "30%")
    with app.running(server.environment):
        soundlab.wait_until(lambda: same(server, (30, 30, False)), 5, "Entrain at 30 %")


def test_volume_balance_and_mute_go_both_ways(server):
    def change(device, what, value, *expected):
        pactl(server, f"set-sink-{what}", device, *value.split())
        soundlab.wait_until(lambda: same(server, expected), 5, f"{what} {value} from {device}")

    with app.running(server.environment):
        settle(server)
        # The volumes differ: Entrain takes a repetition of its own recent volume for an echo.
        for percent, device in enumerate(("entrain", "speakers", "entrain"), start=40):
            change(device, "volume", f"{percent}%", percent, percent, False)
            change(device, "volume", f"{percent}% 60%", percent, 60, False)
            change(device, "mute", "1", percent, 60, True)
            change(device, "mute", "0", percent, 60, False)


def test_a_slider_that_is_dragged_ends_where_it_is_let_go(server):
    with app.running(server.environment):
        settle(server)
        for percent in range(100, 20, -2):
            pactl(server, "set-sink-volume", "entrain", f"{percent}%")
        soundlab.wait_until(lambda: same(server, (22, 22, False)), 5, "both at 22 %")


def test_a_new_targets_volume_is_taken_over(server):
    pactl(server, "set-sink-volume", "headphones", "20%")
    with app.running(server.environment) as entrain:
        settle(server)
        entrain("output", "headphones")
        soundlab.wait_until(lambda: volume(server, "entrain") == (20, 20, False), 5, "20 %")
        assert volume(server, "headphones") == (20, 20, False)
        assert volume(server, "speakers") == (100, 100, False)


def test_half_volume_is_18_db_less_at_the_device(server):
    """A desktop's slider is cubic: 0.5³ is −18.06 dB."""
    with (
        app.running(server.environment, "--layer", LAYER, *app.PATIENT[server.kind]),
        soundlab.recording(server.environment, "speakers") as recorder,
        soundlab.play(server.environment, soundlab.sine(1000, 60, 0.1)),
    ):
        soundlab.wait_until(lambda: heard_db(recorder) == pytest.approx(-23.01, abs=0.5), 10, "")
        pactl(server, "set-sink-volume", "entrain", "50%")
        soundlab.wait_until(
            lambda: heard_db(recorder) == pytest.approx(-23.01 - 18.06, abs=0.5), 10, "-18 dB"
        )


def heard_db(recorder):
    return level_db(recorder.take(0.2)[:, 0], 1000)


def test_after_a_kill_nothing_is_louder(server):
    """At 25 % (−36 dB) the sound must not jump when Entrain is gone."""
    with (
        soundlab.recording(server.environment, "speakers") as recorder,
        app.running(server.environment, "--layer", LAYER, *app.PATIENT[server.kind]) as entrain,
    ):
        settle(server)
        pactl(server, "set-sink-volume", "entrain", "25%")
        soundlab.wait_until(lambda: same(server, (25, 25, False)), 5, "both at 25 %")
        with soundlab.play(server.environment, soundlab.sine(1000, 60, 0.1), sink=""):
            soundlab.wait_until(
                lambda: heard_db(recorder) == pytest.approx(-23.01 - 36.12, abs=0.3), 10, "-36 dB"
            )
            before = peak_db(recorder.take(1))
            entrain.kill()
            soundlab.wait_until(
                lambda: "entrain" not in soundlab.sink_states(server.environment), 5, "no sink"
            )
            after = recorder.take(3)
            assert np.any(after[-4800:]), "the program is not heard on the device"
            assert peak_db(after) <= before + 0.5


def peak_db(heard):
    return 20 * np.log10(np.max(np.abs(heard)))
