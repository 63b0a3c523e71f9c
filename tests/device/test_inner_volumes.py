"""Volumes between Entrain and the device are set back to 100 %, or the user is warned.

The sound then has the device's volume only.
"""

import json
import signal
import time
from contextlib import ExitStack

import app
import pulsectl
import pytest
import soundlab
from lab_servers import LabPulse
from measure import level_db

LAYER = "binaural:carrier_hz=400,beat_hz=10,floor_db=-90,ceiling_db=-90"
LEVEL_DB = -23.01
PLACES = {"pulse": ("playback", "recording", "monitor"), "pipewire": ("monitor",)}
"""Places that have a volume.  The filter on PipeWire has none."""
SET_BACK_S = 10


class FlatPulse(LabPulse):
    """PulseAudio with flat volumes, its own default: a stream's volume moves the device's."""

    def _settings(self):
        return dict.fromkeys(super()._settings(), "flat-volumes = yes\n")


class Inside:
    """A volume between sink and device, which a mixer app changes."""

    def __init__(self, mixer: pulsectl.Pulse, place: str) -> None:
        self._mixer, self._place = mixer, place

    def set(self, volume: float = 1.0, muted: bool = False) -> None:
        found = self._look()
        self._mixer.volume_set_all_chans(found, volume)
        self._mixer.mute(found, muted)

    @property
    def acts(self) -> bool:
        found = self._look()
        return bool(found.mute) or any(abs(each - 1) > 0.002 for each in found.volume.values)

    def _look(self):
        mixer = self._mixer
        if self._place == "monitor":
            return next(each for each in mixer.source_list() if each.name == "entrain.monitor")
        streams = {"playback": mixer.sink_input_list, "recording": mixer.source_output_list}
        found = [each for each in streams[self._place]() if each.name == "Entrain"]
        assert len(found) == 1
        return found[0]


def heard(recorder):
    return level_db(recorder.take(0.2)[:, 0], 1000)


def becomes_full(recorder):
    soundlab.wait_until(
        lambda: heard(recorder) == pytest.approx(LEVEL_DB, abs=0.5), SET_BACK_S, "the full level"
    )


@pytest.fixture
def stack():
    with ExitStack() as stack:
        yield stack


def run(stack, server):
    """Run Entrain and play a tone that is heard on the speakers."""
    entrain = stack.enter_context(
        app.running(server.environment, "--layer", LAYER, *app.PATIENT[server.kind])
    )
    stack.enter_context(soundlab.play(server.environment, soundlab.sine(1000, 200, 0.1)))
    recorder = stack.enter_context(soundlab.recording(server.environment, "speakers"))
    becomes_full(recorder)
    return entrain, recorder


def test_a_volume_inside_is_set_back_or_told_of(server, stack):
    """An inner volume is turned down, up or muted, or the server restores an old one.

    If an app changes it more than three times in a minute, Entrain gives up and advises the user.
    """
    mixer = stack.enter_context(pulsectl.Pulse("mixer"))
    inside = [Inside(mixer, place) for place in PLACES[server.kind]]

    def none_acts():
        return not any(each.acts for each in inside)

    with ExitStack() as life:
        entrain, recorder = run(life, server)
        for volume, muted in ((0.3, False), (1.4, True)):
            for each in inside:
                each.set(volume, muted)
            soundlab.wait_until(none_acts, SET_BACK_S, "all volumes are 100 % again")
        becomes_full(recorder)
        assert entrain.status()["muffled"] == ""

        def muffled():
            if none_acts():
                inside[0].set(0.3)
            return entrain.status()["muffled"]

        told = soundlab.wait_until(muffled, 20, "a warning")
        what, advice = told.split("; ")
        assert "another app keeps changing" in what
        assert "100 %" in advice
        assert entrain.status()["reason"] == told
        found = json.loads(app.command(server.environment, "doctor", "--json").stdout)
        assert [f for f in found if not f["ok"] and (f["text"], f["advice"]) == (what, advice)]
        assert inside[0].acts, "Entrain still sets the volume back"
        inside[0].set(1.0)
        entrain.wait_for(muffled="")

        # The server stores these volumes, and a stopped Entrain cannot set them back.
        entrain.process.send_signal(signal.SIGSTOP)
        for each in inside:
            each.set(0.3, muted=True)
        entrain.kill()
    soundlab.wait_until(
        lambda: "entrain" not in soundlab.sink_states(server.environment), 10, "no sink Entrain"
    )
    entrain, _ = run(stack, server)
    assert none_acts()
    assert entrain.status()["muffled"] == ""


def test_flat_volumes_are_not_taken_for_a_stream_that_was_turned_down(start, stack):
    """A stream at its device's volume is at its maximum there.  No device gets louder."""
    server = start(FlatPulse)
    mixer = stack.enter_context(pulsectl.Pulse("mixer"))
    soundlab.run(server.environment, "pactl", "set-sink-volume", "speakers", "40%")
    entrain = stack.enter_context(app.running(server.environment, "--layer", LAYER))
    stack.enter_context(soundlab.play(server.environment, soundlab.sine(1000, 200, 0.1)))
    entrain.wait_for(state="processing")
    playback = Inside(mixer, "playback")
    speakers = next(sink for sink in mixer.sink_list() if sink.name == "speakers")

    def of_device():
        return mixer.sink_info(speakers.index).volume.value_flat

    assert of_device() == pytest.approx(0.4, abs=0.01)
    soundlab.wait_until(
        lambda: playback._look().volume.value_flat == pytest.approx(of_device(), abs=0.01),
        5,
        "the stream has the device's volume",
    )
    # Another app's stream keeps the device's volume up while Entrain's stream is turned down.
    stack.enter_context(
        soundlab.play(server.environment, soundlab.sine(300, 200, 0.01), sink="speakers")
    )
    playback.set(0.1)
    soundlab.wait_until(
        lambda: playback._look().volume.value_flat == pytest.approx(of_device(), abs=0.01),
        SET_BACK_S,
        "the stream is as loud as the device",
    )
    assert of_device() <= 0.41


def test_the_filter_has_no_volume(pipewire_server, stack):
    """Volumes of Entrain's other nodes have no effect; the sink's volume acts only once."""
    server = pipewire_server
    _, recorder = run(stack, server)
    nodes = {
        item["info"]["props"].get("node.name"): str(item["id"])
        for item in json.loads(soundlab.run(server.environment, "pw-dump"))
        if item["type"] == "PipeWire:Interface:Node"
    }
    quiet = "{ mute: true, channelVolumes: [0.1, 0.1], volume: 0.1, softVolumes: [0.1, 0.1] }"
    for name in ("entrain-engine", "entrain-holder"):
        soundlab.run(server.environment, "pw-cli", "set-param", nodes[name], "Props", quiet)
    time.sleep(0.5)
    soundlab.wait_until(  # a gap of a busy machine makes a window softer
        lambda: heard(recorder) == pytest.approx(LEVEL_DB, abs=0.5), 10, "as loud as before"
    )

    soundlab.run(server.environment, "pactl", "set-sink-volume", "speakers", "50%")
    params = '{ params: [ "monitor.channel-volumes" true ] }'
    soundlab.run(server.environment, "pw-cli", "set-param", nodes["entrain"], "Props", params)
    soundlab.wait_until(
        lambda: heard(recorder) == pytest.approx(LEVEL_DB - 18.06, abs=0.5), 10, "once 50 %"
    )
    time.sleep(1)
    soundlab.wait_until(
        lambda: heard(recorder) == pytest.approx(LEVEL_DB - 18.06, abs=0.5), 10, "still 50 %"
    )
