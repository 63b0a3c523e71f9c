"""Protocols on real servers: remembered for an output, edited while they run, on any device."""

import json
import os
import signal
import time
from pathlib import Path

import app
import soundlab

from entrain.platform.adapter import CALL_TIMEOUT_S
from entrain.vdevice.protocol.library import by_id


def layers(entrain: app.App) -> list[str]:
    return [layer["kind"] for layer in entrain.status()["protocol"]["layers"]]


def own(name: str) -> Path:
    return Path(os.environ["XDG_DATA_HOME"]) / "entrain" / "protocols" / f"{name}.json"


def test_one_can_be_remembered_for_an_output(any_server):
    """The loudspeakers get no tone, every other output gets one; also after a restart."""
    with app.running(any_server.environment, "--output", "speakers") as entrain:
        entrain("use", "none", "--here")
        assert layers(entrain) == []
        entrain("output", "headphones")
        soundlab.wait_until(lambda: layers(entrain) == ["binaural"], 5, "the tone")
        assert not entrain.status()["protocol"]["here"]
    with app.running(any_server.environment) as entrain:
        assert layers(entrain) == ["binaural"]
        entrain("output", "speakers")
        soundlab.wait_until(lambda: layers(entrain) == [], 5, "nothing")
        assert entrain.status()["protocol"]["here"]
        entrain("use", "calm-10", "--forget")
        entrain("output", "headphones")
        entrain.wait_for(5, output=entrain.status()["output"])
        assert entrain.status()["protocol"]["id"] == "calm-10"


def test_on_a_mono_output_the_alternative_is_heard(pulse_server):
    """A binaural beat needs two channels."""
    environment = pulse_server.environment
    mono = ["load-module", "module-null-sink", "sink_name=one", "channels=1", "norewinds=1"]
    soundlab.run(environment, "pactl", *mono)
    layer = "binaural:carrier_hz=400,beat_hz=10,floor_db=-20,ceiling_db=-20"
    with app.running(environment, "--layer", layer, *app.PATIENT["pulse"]) as entrain:
        assert layers(entrain) == ["binaural"]
        entrain("output", "one")
        soundlab.wait_until(lambda: layers(entrain) == ["monaural"], 5, "the alternative")
        status = entrain.status()
        assert status["output"]["form"] == "mono"
        assert "its alternative plays" in status["protocol"]["note"]
        with (
            soundlab.play(environment, soundlab.sine(1000, 20, 0.01)),
            soundlab.recording(environment, "one") as recorder,
        ):
            # In one channel the left ear's tone alone would be as loud as both tones together.
            soundlab.wait_until(
                lambda: min(soundlab.tone_db(recorder.take(1), hz) for hz in (395, 405)) > -30,
                10,
                "both tones in one channel",
            )
        entrain("output", "headphones")
        soundlab.wait_until(lambda: layers(entrain) == ["binaural"], 5, "a tone for each ear")


def test_a_file_that_is_edited_is_heard_at_once_and_a_broken_one_is_not(any_server):
    with app.running(any_server.environment, "--output", "speakers") as entrain:
        entrain("save", "Mine")
        document = json.loads(own("mine").read_text())

        document["layers"][0]["params"]["beat_hz"] = 4.0
        own("mine").write_text(json.dumps(document))
        soundlab.wait_until(
            lambda: entrain.status()["protocol"]["layers"][0]["params"]["beat_hz"] == 4, 10, "4 Hz"
        )
        own("mine").write_text(json.dumps(document)[:-9])
        soundlab.wait_until(
            lambda: any("mine.json" in error for error in entrain.status()["errors"]),
            10,
            "a word about it",
        )
        assert entrain.status()["protocol"]["layers"][0]["params"]["beat_hz"] == 4
        assert entrain("protocols").count("mine.json") >= 1


def test_what_is_heard_is_logged_on_this_computer_only_if_wanted(any_server):
    log = Path(os.environ["XDG_STATE_HOME"]) / "entrain" / "sessions.jsonl"
    sound = soundlab.sine(1000, 30, 0.01)
    with (
        app.running(any_server.environment) as entrain,
        soundlab.play(any_server.environment, sound, "entrain"),
    ):
        soundlab.wait_until(
            lambda: entrain.status()["protocol"]["elapsed_s"] > 6, 20, "six seconds heard"
        )
        entrain("use", "calm-10")
        lines = log.read_text().splitlines()
        assert [json.loads(line)["protocol"] for line in lines] == ["default"]
        entrain("log", "--off")
        soundlab.wait_until(
            lambda: entrain.status()["protocol"]["elapsed_s"] > 6, 20, "six seconds more"
        )
    assert log.read_text().splitlines() == lines
    assert by_id("default").name in app.command(any_server.environment, "log").stdout


def test_the_doctor_removes_what_a_crash_has_left(pulse_server):
    """The crash leaves Entrain's device, which is also still the default output."""
    environment = pulse_server.environment
    properties = "sink_properties=entrain.pid=999999999"
    module = ["load-module", "module-null-sink", "sink_name=entrain", properties]
    soundlab.run(environment, "pactl", *module)
    soundlab.run(environment, "pactl", "set-default-sink", "entrain")
    before = app.command(environment, "doctor")
    assert before.returncode == 1
    assert "entrain doctor --fix" in before.stdout

    after = app.command(environment, "doctor", "--fix", timeout_s=40)

    assert after.stdout.splitlines()[:2] == [
        "a device Entrain without its app removed",
        "the default output restored",
    ]
    assert "entrain" not in soundlab.sink_states(environment)
    assert soundlab.default_sink(environment) in ("speakers", "headphones")
    assert after.returncode == 0, after.stderr


def test_the_sleep_timer_gives_the_default_output_back(any_server):
    with app.running(any_server.environment, "--layer", "binaural") as entrain:
        assert soundlab.default_sink(any_server.environment) == "entrain"
        entrain("sleep", "0.05")
        assert entrain.status()["sleep_left_s"] > 0
        entrain.wait_for(15, on=False, sleep_left_s=None)
        assert entrain.status()["reason"] == "the sleep timer is over"
        soundlab.wait_until(
            lambda: soundlab.default_sink(any_server.environment) != "entrain", 10, "given back"
        )
        entrain("on")
        entrain.wait_for(5, on=True)
        assert layers(entrain) == ["binaural"]
        assert not entrain.status()["protocol"]["ended"]


def test_the_sleep_timer_may_be_over_while_the_server_stands_still(pulse_server):
    with app.running(pulse_server.environment, "--layer", "binaural") as entrain:
        entrain("sleep", "0.02")
        os.kill(pulse_server.pid("pulseaudio"), signal.SIGSTOP)
        try:
            soundlab.wait_until(lambda: entrain.status()["protocol"]["ended"], 10, "its end")
            time.sleep(CALL_TIMEOUT_S + 0.5)  # Entrain has asked, and receives no answer
        finally:
            os.kill(pulse_server.pid("pulseaudio"), signal.SIGCONT)

        entrain.wait_for(15, on=False, reason="the sleep timer is over", sleep_left_s=None)
        soundlab.wait_until(
            lambda: soundlab.default_sink(pulse_server.environment) != "entrain", 10, "given back"
        )


def test_a_mode_that_this_system_has_not_is_refused(pulse_server):
    with app.running(pulse_server.environment) as entrain:
        refused = app.command(pulse_server.environment, "mode", "smart")

        assert refused.returncode == 1
        assert refused.stderr == (
            "entrain: smart needs WirePlumber 0.5 or newer on PipeWire; this is pulse\n"
        )
        assert entrain("mode") == "default\n"
