"""MIDI devices at a private JACK server steer Entrain, and get the values back.

ALSA's sequencer is not tried here: it needs a kernel module.
"""

import json
import math
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise

import app
import numpy as np
import osc_packets
import processes
import pytest
import soundlab
from measure import frequency_hz
from midi_desk import Knobs
from osc_desk import free_ports

from entrain.vdevice.api.client import Client

LAYER = "tone=binaural:carrier_hz=400,beat_hz=10,level_db=-15,floor_db=-20,ceiling_db=-20"
FINE_TOP = 16383


@pytest.fixture
def entrain(any_server, jack) -> Iterator[app.App]:
    """Entrain with MIDI on."""
    options = app.PATIENT[any_server.kind]
    with app.running(any_server.environment, "--layer", LAYER, *options) as running:
        switch_on(running)
        yield running


def switch_on(entrain: app.App) -> None:
    assert "MIDI is on; it uses JACK" in entrain("midi", "on", "--system", "jack")


def value(entrain: app.App, symbol: str) -> float:
    (tone,) = entrain.status()["protocol"]["layers"]
    return float(tone["params"][symbol])


def wait_for_device(entrain: app.App, *names: str) -> None:
    soundlab.wait_until(
        lambda: entrain.status()["midi"]["devices"] == list(names), 10, f"devices are {names}"
    )


def bridges(entrain: app.App) -> list[int]:
    return [
        child
        for child in processes.children(entrain.pid)
        if b"entrain.vdevice.bridge" in processes.command_line(child)
    ]


def heard(entrain: app.App, count: int) -> bool:
    return int(entrain.status()["midi"]["messages"]) >= count


def fine(beat_hz: float, low: float = 0.5, high: float = 40) -> int:
    return round(math.log(beat_hz / low) / math.log(high / low) * FINE_TOP)


class Learning:
    """`entrain midi learn` in a process of its own."""

    def __init__(self, entrain: app.App, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-m", "entrain.tray", "midi", "learn", *arguments],
            env={**os.environ, **entrain.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.process.stdout
        assert " now …" in self.process.stdout.readline()

    def told(self, move: Callable[[int], None]) -> str:
        """Move a control until it is learned; returns what is printed."""
        for number in range(200):
            if self.process.poll() is not None:
                break
            move(number)
            time.sleep(0.02)  # a person's pace
        return self.process.communicate(timeout=20)[0]


def test_a_knob_changes_the_beat_at_the_device(any_server, entrain, knobs):
    """14 bits of the default controller; both ears' tones are right within 0.05 Hz."""

    def is_beating(beat_hz: float) -> bool:
        taken = recorder.take(1)
        left_hz, right_hz = 400 + beat_hz / 2, 400 - beat_hz / 2
        return (
            abs(frequency_hz(taken[:, 0], left_hz) - left_hz) < 0.05
            and abs(frequency_hz(taken[:, 1], right_hz) - right_hz) < 0.05
        )

    environment = any_server.environment
    with (
        soundlab.recording(environment, "speakers") as recorder,
        soundlab.play(environment, soundlab.sine(1000, 60, 0.1)),
    ):
        wait_for_device(entrain, "knobs")
        soundlab.wait_until(lambda: np.any(recorder.take(0.05)), 10, "sound arrives")
        soundlab.wait_until(lambda: is_beating(10), 10, "10 Hz")
        for beat_hz in (14, 12, 10, 8, 6, 4):
            knobs.turn_finely(20, fine(beat_hz))
        soundlab.wait_until(lambda: is_beating(4), 10, "4 Hz")


class ValuePath:
    """The values of a parameter from now on, as Entrain tells them after each command."""

    def __init__(self, entrain: app.App, symbol: str) -> None:
        self.values: list[float] = []
        self._symbol = symbol
        self._client = Client(app.control_socket(entrain.environment))
        self._thread = threading.Thread(target=self._follow)
        self._thread.start()

    def _follow(self) -> None:
        for news in self._client.watch_parts(["protocol"], 0.05, prompt=True):
            (tone,) = news.parts["protocol"]["layers"]
            self.values.append(float(tone["params"][self._symbol]))

    def close(self) -> None:
        self._client.hang_up()
        self._thread.join()
        self._client.close()


@pytest.fixture
def level(entrain) -> Iterator[ValuePath]:
    """The path of the level, which is -15 of -24 … -6 dB at first."""
    found = ValuePath(entrain, "level_db")
    soundlab.wait_until(lambda: found.values, 10, "the first value")
    yield found
    found.close()


WAY_DB = 18
BELOW = range(62)
"""Positions of a fader that does not meet -15 dB, which are at 63.5, and are met one before."""


def turn_slowly(knobs: Knobs, positions: range) -> None:
    """Turn at a person's pace; of faster turns, Entrain sets only the last value."""
    for position in positions:
        knobs.turn(103, position)
        time.sleep(0.02)


def test_nothing_jumps_until_a_knob_meets_the_value(entrain, knobs, level):
    """A fader goes through its whole way: the value stays, until the fader meets it."""
    wait_for_device(entrain, "knobs")
    turn_slowly(knobs, BELOW)
    soundlab.wait_until(lambda: heard(entrain, len(BELOW)), 10, "all of it is heard")
    time.sleep(0.5)  # a wrong value would come now
    assert max(abs(each - -15) for each in level.values) <= 0.01 * WAY_DB
    turn_slowly(knobs, range(BELOW.stop, 128))
    soundlab.wait_until(lambda: level.values[-1] == -6, 10, "the fader is at its end")
    # To meet the value, it may step back by 1 % of its way.
    assert all(other - one >= -0.01 * WAY_DB for one, other in pairwise(level.values))
    assert max(other - one for one, other in pairwise(level.values)) < WAY_DB / 4


def test_a_jump_would_be_seen(entrain, knobs, level, tmp_path):
    """The same fader without a pick-up makes the jump that the test before excludes."""
    wait_for_device(entrain, "knobs")
    file = tmp_path / "fader.json"
    mapping = {"device": "knobs", "kind": "cc", "channel": 1, "number": 103}
    file.write_text(json.dumps([{**mapping, "target": "tone.level_db", "pickup": False}]))
    entrain("midi", "map", str(file))
    turn_slowly(knobs, BELOW)
    soundlab.wait_until(lambda: min(level.values) < -16, 10, "the value jumps")


@pytest.mark.parametrize(
    ("move", "kind", "encoding"),
    [
        (lambda knobs, number: knobs.turn(70, 40 + number % 80), "cc", "absolute"),
        (lambda knobs, number: knobs.turn_finely(21, 6000 + 40 * number), "cc14", "absolute"),
        (lambda knobs, number: knobs.turn(70, 1 if number % 20 < 10 else 127), "cc", "twos"),
        (lambda knobs, number: knobs.turn(70, 65 if number % 20 < 10 else 63), "cc", "offset"),
    ],
    ids=["7 bits", "14 bits", "endless", "endless around 64"],
)
def test_a_control_is_learned_and_then_moves_the_value(entrain, knobs, move, kind, encoding):
    wait_for_device(entrain, "knobs")
    learning = Learning(entrain, "tone.beat_hz", "--from", "4", "--to", "12")
    told = learning.told(lambda number: move(knobs, number))
    assert "→ tone.beat_hz" in told
    (mapping,) = json.loads(entrain("midi", "list", "--json"))
    assert (mapping["device"], mapping["kind"], mapping["encoding"]) == ("knobs", kind, encoding)
    assert (mapping["low"], mapping["high"]) == (4, 12)

    def turn_down() -> bool:
        """Turn it to and fro, so that it meets the value, and then down."""
        for number in range(60):
            if encoding != "absolute":
                knobs.turn(70, 127 if encoding == "twos" else 63)
            elif kind == "cc14":
                knobs.turn_finely(21, FINE_TOP - number * FINE_TOP // 59)
            else:
                knobs.turn(70, 127 - number * 127 // 59)
        return value(entrain, "beat_hz") == 4

    soundlab.wait_until(turn_down, 10, "the value is at its lower end")


def test_a_pad_is_learned_and_its_lamp_shows_the_state(entrain, knobs):
    wait_for_device(entrain, "knobs")
    told = Learning(entrain, "bypass").told(lambda _: knobs.send([0x99, 36, 100], [0x89, 36, 0]))
    assert told.splitlines()[-1] == "knobs, note 36, channel 10 → bypass"
    entrain("bypass", "off")
    time.sleep(0.5)  # the presses that taught it are over
    knobs.got()
    knobs.send([0x99, 36, 100], [0x89, 36, 0])
    entrain.wait_for(bypass=True)
    soundlab.wait_until(lambda: [0x99, 36, 127] in knobs.got(), 5, "the lamp is lit")
    entrain("bypass", "off")
    soundlab.wait_until(lambda: [0x99, 36, 0] in knobs.got(), 5, "the lamp is dark")
    assert "forgotten" in entrain("midi", "forget", "bypass")
    assert json.loads(entrain("midi", "list", "--json")) == []


def test_learning_ends_by_itself_and_by_ctrl_c(entrain, knobs):
    wait_for_device(entrain, "knobs")
    done = app.command(entrain.environment, "midi", "learn", "tone.beat_hz", "--timeout", "1")
    assert done.returncode == 1
    assert "no control was learned within 1 s" in done.stderr
    learning = Learning(entrain, "tone.beat_hz")
    knobs.send([0x99, 36, 100])
    assert learning.process.stdout
    said = "heard note 36, channel 10 on knobs, which has no positions: move a knob\n"
    assert learning.process.stdout.readline() == said
    learning.process.send_signal(signal.SIGINT)
    assert learning.process.wait(10) == 130
    learning.process.communicate()
    wait_until_not_learning(entrain)
    wrong = app.command(entrain.environment, "midi", "learn", "hum.beat_hz")
    assert wrong.stderr == "entrain: there is no layer 'hum'; choose from tone\n"


def wait_until_not_learning(entrain: app.App) -> None:
    soundlab.wait_until(
        lambda: entrain.status()["midi"]["learning"] is None, 10, "learning has ended"
    )


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_learning_ends_with_its_command(entrain, knobs, how):
    """However the command ends, the controls have their effect again."""
    wait_for_device(entrain, "knobs")
    learning = Learning(entrain, "bypass")
    assert entrain.status()["midi"]["learning"]
    learning.process.send_signal(how)
    learning.process.wait(10)
    learning.process.communicate()
    wait_until_not_learning(entrain)


def test_the_monitor_shows_what_arrives_until_ctrl_c(entrain, knobs):
    wait_for_device(entrain, "knobs")
    with app.monitor(entrain, "midi") as monitor:
        assert monitor.begin == "MIDI is on; it uses JACK and hears knobs\n"
        turning = threading.Event()

        def turn() -> None:  # until the monitor is connected
            while not turning.wait(0.05):
                knobs.turn(103, 3)

        thread = threading.Thread(target=turn)
        thread.start()
        try:
            line = monitor.line()
        finally:
            turning.set()
            thread.join()
        assert line == (
            "knobs  controller 103, channel 1: 3  tone.level_db  → waits for pick-up at -15\n"
        )
        assert monitor.end() == 130


def test_a_motor_fader_gets_the_value_back_without_an_echo(entrain, knobs, tmp_path):
    wait_for_device(entrain, "knobs")
    file = tmp_path / "fader.json"
    mapping = {"device": "knobs", "kind": "bend", "channel": 1, "number": 0}
    file.write_text(json.dumps([{**mapping, "target": "tone.level_db", "pickup": False}]))
    assert entrain("midi", "map", str(file)) == "mapped; mappings: 1\n"
    entrain("set", "tone.level_db", "-24")
    soundlab.wait_until(lambda: [0xE0, 0, 0] in knobs.got(), 5, "the fader goes down")
    for position in range(0, FINE_TOP, 400):
        knobs.send([0xE0, position & 127, position >> 7])
    knobs.send([0xE0, 127, 127])
    soundlab.wait_until(lambda: value(entrain, "level_db") == -6, 5, "the fader is heard")
    entrain("set", "tone.level_db", "-15")
    middle = [0xE0, *((8192 & 127), (8192 >> 7))]
    came: list[list[int]] = []
    soundlab.wait_until(lambda: came.extend(knobs.got()) or middle in came, 5, "it goes back")  # type: ignore[func-returns-value]
    assert came == [middle]


@pytest.mark.slow
def test_a_device_and_the_server_may_go_and_come_back(entrain, knobs, jack):
    wait_for_device(entrain, "knobs")
    (bridge,) = bridges(entrain)
    knobs.unplug()
    wait_for_device(entrain)
    knobs.plug_in()
    wait_for_device(entrain, "knobs")

    def turns() -> bool:
        for position in (60, 62, 64, 66, 80, 100, 127):
            knobs.turn(103, position)
        return value(entrain, "level_db") == -6

    soundlab.wait_until(turns, 10, "the knob is heard again")
    knobs.unplug()
    jack.stop()
    soundlab.wait_until(lambda: entrain.status()["midi"]["problem"], 30, "a problem is told")
    jack.start()
    knobs.plug_in()
    entrain("set", "tone.level_db", "-15")
    soundlab.wait_until(lambda: entrain.status()["midi"]["devices"], 40, "the device is back")
    soundlab.wait_until(turns, 10, "the knob is heard again")
    assert bridges(entrain) == [bridge]


@pytest.mark.slow
def test_a_server_that_stands_still_stops_midi_alone(entrain, knobs, jack):
    """OSC goes on in its process, and the status names the cause."""
    (midi,) = bridges(entrain)
    own, feedback = free_ports(2)
    entrain("osc", "on", "--port", str(own), "--feedback-port", str(feedback))
    (osc,) = (each for each in bridges(entrain) if each != midi)
    wait_for_device(entrain, "knobs")
    problems: set[str] = set()

    def is_told() -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            beat_hz = 5 + len(problems)
            packet = osc_packets.message("/entrain/tone/beat_hz", float(beat_hz))
            sender.sendto(packet, ("127.0.0.1", own))
        problems.add(entrain.status()["midi"]["problem"])
        return "the MIDI system does not answer" in problems

    os.kill(jack.pid, signal.SIGSTOP)
    try:
        soundlab.wait_until(is_told, 40, "the status names the cause")
        assert "the JACK server does not answer; Entrain tries again" in problems
        entrain("set", "tone.beat_hz", "30")
        soundlab.wait_until(lambda: is_told() and value(entrain, "beat_hz") < 20, 10, "OSC works")
        assert osc in bridges(entrain)
        assert midi not in bridges(entrain)
    finally:
        os.kill(jack.pid, signal.SIGCONT)
    soundlab.wait_until(lambda: entrain.status()["midi"]["running"], 80, "MIDI works again")


def test_without_a_server_midi_says_why_and_writes_nothing_to_the_log(
    any_server, home, monkeypatch, tmp_path
):
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "entrain-no-such-server")
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")
    log = tmp_path / "stderr.txt"
    with (
        log.open("w") as stderr,
        app.running(any_server.environment, stderr=stderr) as entrain,
    ):
        done = app.command(entrain.environment, "midi", "on", "--system", "jack")
        said = "entrain: no JACK server answers; MIDI stays on, and Entrain tries again\n"
        assert (done.returncode, done.stderr) == (1, said)
        assert "no JACK server answers; Entrain tries again" in entrain("midi", "status")
        assert entrain.status()["midi"]["on"]
    assert "annot connect" not in log.read_text()
    assert "jack" not in log.read_text().lower()


def test_settings_are_kept_and_off_means_off(any_server, jack, knobs, tmp_path):
    mapping = {"device": "knobs", "kind": "note", "channel": 1, "number": 5, "target": "next"}
    file = tmp_path / "map.json"
    file.write_text(json.dumps([mapping]))
    with app.running(any_server.environment) as entrain:
        assert not entrain.status()["midi"]["on"]
        entrain("midi", "map", str(file))
        switch_on(entrain)
        assert entrain.quit() == 0
    with app.running(any_server.environment) as entrain:
        wait_for_device(entrain, "knobs")
        assert entrain.status()["midi"]["mappings"] == 1
        assert entrain("midi", "off") == "MIDI is off\n"
        assert entrain.status()["midi"]["devices"] == []
        soundlab.wait_until(lambda: not bridges(entrain), 5, "the bridge has ended")
