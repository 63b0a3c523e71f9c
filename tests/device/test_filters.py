"""Tests with an equalizer as the default output: the sound arrives once and never loops."""

import time
from contextlib import contextmanager

import app
import numpy as np
import pytest
import soundlab
from filters import SELF_LINKED, aim, linking_itself, links_of, loopback, pins
from measure import level_db, rms_db

from entrain.vdevice.device.arrivals import SAME_MOMENT_S

PLAYED_DB = -23.01
"""RMS level of the played tone."""


@contextmanager
def listening(server, device=""):
    """Play a tone on a device, or on the default device, and record the speakers."""
    environment = server.environment
    with (
        soundlab.play(environment, soundlab.sine(1000, 60, 0.1), sink=device),
        soundlab.recording(environment, "speakers") as recorder,
    ):
        yield recorder


def arrives(recorder, what):
    """Wait until the tone has the right level on the speakers: not silent, doubled or growing.

    The servers may take a moment to link the nodes again.
    """

    def right():
        recorder.skip_to_now()
        parts = np.split(recorder.take(0.6)[:, 0], 2)
        levels.extend((round(rms_db(part), 1), round(level_db(part, 1000), 1)) for part in parts)
        return all(
            abs(level - PLAYED_DB) < 0.7
            for part in parts
            for level in (rms_db(part), level_db(part, 1000))
        )

    levels = []
    try:
        soundlab.wait_until(right, 15, what)
    except AssertionError as error:
        raise AssertionError(f"{error}; in dB: {levels}") from None


def test_a_filter_that_is_the_default_stays_in_the_way(pipewire_server):
    """Without a pin, the filter's output would follow the default, which is Entrain."""
    server = pipewire_server
    with (
        loopback(server, "eq"),
        app.running(server.environment) as entrain,
    ):
        entrain("use", "none")
        soundlab.run(server.environment, "pactl", "set-default-sink", "eq")
        with listening(server) as recorder:
            arrives(recorder, "without Entrain")
            entrain("on")
            soundlab.wait_until(
                lambda: soundlab.default_sink(server.environment) == "entrain", 5, "the default"
            )
            arrives(recorder, "through Entrain and the equalizer")
            assert links_of(server, "eq-out") == {"speakers"}
            status = entrain.wait_for(on=True, detour="eq plays on Speakers, not back into Entrain")
            assert status["reason"] == status["detour"]
            assert status["output"]["name"] == "eq"
            aim(server, "eq-out", "entrain")  # as a user does in a patch bay
            entrain.wait_for(
                detour="eq plays back into Entrain; Entrain plays on Speakers directly"
            )
            arrives(recorder, "through Entrain alone")
            aim(server, "eq-out", "")
            entrain.wait_for_output("eq")
            assert entrain.quit() == 0
            assert not pins(server)
            assert soundlab.default_sink(server.environment) == "eq"
            arrives(recorder, "as before")


def test_a_chain_of_filters_that_comes_later_and_a_kill(pipewire_server):
    """The last filter of the chain would lead back, so Entrain pins it; the pin outlives a kill."""
    server = pipewire_server
    environment = server.environment
    with app.running(environment) as entrain, listening(server) as recorder:
        entrain("use", "none")
        entrain("on")
        with loopback(server, "second"), loopback(server, "first", target="second"):
            entrain("output", "first")
            arrives(recorder, "through both filters")
            assert links_of(server, "entrain-engine") == {"first"}
            assert links_of(server, "second-out") == {"speakers"}
            entrain.kill()
            arrives(recorder, "without Entrain")
            assert pins(server)
            with app.running(environment) as again:
                arrives(recorder, "through Entrain again")
                again("off")
                soundlab.wait_until(lambda: not pins(server), 5, "tidied up")
                assert again.status()["detour"] == ""


def test_a_filter_that_links_itself_is_left_out(pipewire_server):
    """EasyEffects takes other apps' streams and links its output to the default by itself."""
    server = pipewire_server
    environment = server.environment
    with app.running(environment) as entrain:
        entrain("use", "none")
        with linking_itself(server), listening(server, SELF_LINKED) as recorder:
            arrives(recorder, "through it")
            entrain("on")
            arrives(recorder, "through it and Entrain")
            assert links_of(server, SELF_LINKED) == {"entrain"}
            entrain("off")
            soundlab.run(environment, "pactl", "set-default-sink", SELF_LINKED)
            arrives(recorder, "through it")
            entrain("on")
            arrives(recorder, "through it and Entrain, though it was the default")
            status = entrain.wait_for(on=True)
            assert status["output"]["name"] == "speakers"
            assert "EasyEffects plays back into Entrain" in status["reason"]
            # Without Entrain, the tone still passes EasyEffects.
            soundlab.run(environment, "pactl", "set-default-sink", "speakers")
            entrain.wait_for(on=False)
            arrives(recorder, "through it alone")


@pytest.mark.parametrize(
    "modules",
    [
        ["module-remap-sink sink_name=eq"],
        ["module-null-sink sink_name=eq", "module-loopback source=eq.monitor latency_msec=20"],
    ],
    ids=["a filter", "a loopback"],
)
def test_pulseaudio_has_hung_a_filter_on_entrain(pulse_server, modules):
    """A filter loaded while Entrain is the default keeps playing to Entrain."""
    server = pulse_server
    environment = server.environment
    with app.running(environment, *app.PATIENT["pulse"]) as entrain:
        entrain("use", "none")
        entrain("on")
        for module in modules:
            soundlab.run(environment, "pactl", "load-module", *module.split())
        time.sleep(SAME_MOMENT_S)  # otherwise Entrain would take it for the server's choice
        soundlab.run(environment, "pactl", "set-default-sink", "eq")
        entrain.wait_for(on=False)
        with listening(server) as recorder:
            arrives(recorder, "through the filter and Entrain, which is off")
            entrain("on")
            arrives(recorder, "through Entrain and the filter")
            status = entrain.wait_for(on=True)
            assert status["output"]["name"] == "eq"
            assert status["detour"].endswith("plays on Speakers, not back into Entrain")
            entrain("off")
            arrives(recorder, "through the filter")


def test_pulseaudio_sends_a_copy_to_entrain(pulse_server):
    """A combined sink that names Entrain as a device cannot be moved, so it is bypassed."""
    server = pulse_server
    environment = server.environment
    with app.running(environment, *app.PATIENT["pulse"]) as entrain:
        entrain("use", "none")
        soundlab.run(
            environment, "pactl", "load-module", "module-combine-sink", "sink_name=both",
            "slaves=headphones,entrain",
        )  # fmt: skip
        soundlab.run(environment, "pactl", "set-default-sink", "both")
        entrain("on")
        with listening(server) as recorder:
            arrives(recorder, "on the device itself")
            status = entrain.wait_for(on=True)
            assert status["output"]["name"] == "speakers"
            assert "plays back into Entrain; Entrain plays on " in status["detour"]
