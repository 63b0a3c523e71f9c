"""The part of the bridge, between a made-up ALSA sequencer and a made-up Entrain."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from unit.midi.made_up_rtmidi import Sequencer
from unit.midi.made_up_sound import MadeUpMirror, layer

from entrain.vdevice.bridge.midi import midi_part
from entrain.vdevice.bridge.midi.library import NoMidi
from entrain.vdevice.bridge.midi.midi_part import MidiPart

KNOBS = "Knobs:Knobs MIDI 1 20:0"
DEVICE = "Knobs MIDI 1"
OFF: dict[str, Any] = {"system": "auto", "mappings": [], "learning": None}


class Mirror(MadeUpMirror):
    """Also counts its followers."""

    def __init__(self) -> None:
        super().__init__(tone=layer())
        self.followers: list[object] = []
        self.add = self.followers.append

    def remove(self, follower: object) -> None:
        self.followers = [each for each in self.followers if each is not follower]

    def look(self) -> None:
        pass


class Link:
    """Keeps the requests."""

    def __init__(self, *_: object) -> None:
        self.values: list[tuple[str, float]] = []
        self.requests: list[dict[str, Any]] = []
        self.is_full = False
        self.answer: Any = None
        made.append(self)

    def set_value(self, address: str, value: float) -> bool:
        self.values.append((address, value))
        return not self.is_full

    def ask(self, request: dict[str, Any], done: object) -> bool:
        self.requests.append(request)
        self.answer = done
        return not self.is_full

    def close(self) -> None:
        pass


class MadeUpMonitor:
    """Keeps the lines."""

    def __init__(self, path: Path) -> None:
        assert path.name == "midi.sock"
        self.lines: list[dict[str, Any]] = []
        monitors.append(self)

    def show(self, make: Callable[[], dict[str, Any]]) -> None:
        self.lines.append(make())

    def close(self) -> None:
        pass

    def last(self) -> tuple[Any, ...]:
        return tuple(self.lines[-1].values())


NOWHERE = Path("nowhere/control.sock")
made: list[Link] = []
monitors: list[MadeUpMonitor] = []


class Bench:
    """A part, and everything around it."""

    def __init__(self, sequencer: Sequencer, settings: dict[str, Any]) -> None:
        self.sequencer = sequencer
        self.reports: list[dict[str, Any]] = []
        self.mirror = Mirror()
        self.part = MidiPart(settings, NOWHERE, self.mirror, self.reports.append)
        self.link, self.monitor = made[-1], monitors[-1]

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                await asyncio.sleep(0.005)

    async def knobs(self) -> None:
        self.sequencer.plug_in(KNOBS, KNOBS)
        await self.until(lambda: self.reports and self.reports[-1]["devices"] == [DEVICE])


@pytest.fixture
def run(monkeypatch):
    """Run a test with a part that looks at the devices often."""
    sequencer = Sequencer()
    monkeypatch.setitem(sys.modules, "rtmidi", sequencer.library)
    monkeypatch.setattr(midi_part, "SCAN_S", 0.02)
    monkeypatch.setattr(midi_part, "FIRST_PAUSE_S", 0.02)
    monkeypatch.setattr(midi_part, "LEARNED_S", 0.1)
    monkeypatch.setattr(midi_part, "ControlLink", Link)
    monkeypatch.setattr(midi_part, "Monitor", MadeUpMonitor)

    def run(test: Callable[[Bench], Awaitable[None]], **settings: Any) -> None:
        async def whole() -> None:
            bench = Bench(sequencer, {**OFF, **settings})
            try:
                await test(bench)
            finally:
                bench.part.close()
                bench.part.close()
            assert bench.mirror.followers == []
            assert sequencer.clients == []

        asyncio.run(whole())

    return run


def learning(target: str, **more: Any) -> dict[str, Any]:
    return {"target": target, "low": None, "high": None, "pickup": True, **more}


def mapping(target: str, **more: Any) -> dict[str, Any]:
    common = {"device": DEVICE, "kind": "cc", "channel": 1, "number": 7, "target": target}
    return common | {"encoding": "absolute", "low": None, "high": None, "pickup": True} | more


def test_a_knob_sets_a_value(run):
    async def test(bench: Bench) -> None:
        await bench.knobs()
        for value in range(60, 70):
            bench.sequencer.send(KNOBS, 0xB0, 103, value)
        await bench.until(lambda: bench.link.values)
        assert {address for address, _ in bench.link.values} == {"tone.level_db"}

    run(test)


def test_a_learned_control_is_told_to_the_app(run):
    async def test(bench: Bench) -> None:
        await bench.knobs()
        wish = learning("tone.beat_hz", low=4.0, high=12.0)
        assert bench.part.change({**OFF, "learning": wish}, bench.reports.append)
        bench.sequencer.send(KNOBS, 0xB0, 30, 40)
        await bench.until(lambda: "controller 30" in bench.reports[-1]["heard"])
        for value in range(41, 50):
            bench.sequencer.send(KNOBS, 0xB0, 30, value)
        await bench.until(lambda: bench.link.requests)
        wanted = mapping("tone.beat_hz", number=30, low=4.0, high=12.0)
        assert bench.link.requests == [{"command": "midi_map", "mappings": [wanted]}]
        assert bench.link.values == []  # a control that is learned has no effect yet

    run(test)


def test_learning_goes_on_when_entrain_refuses_the_mapping(run):
    async def test(bench: Bench) -> None:
        await bench.knobs()
        bench.sequencer.send(KNOBS, 0x90, 36, 100)
        await bench.until(lambda: bench.link.requests)
        bench.link.answer(None, "there would be more than 128 mappings")
        await bench.until(lambda: bench.reports[-1]["refused"] == 1)
        assert bench.reports[-1]["refusal"] == "there would be more than 128 mappings"
        bench.sequencer.send(KNOBS, 0x90, 37, 100)
        await bench.until(lambda: len(bench.link.requests) == 2)
        assert bench.link.requests[1]["mappings"][0]["number"] == 37

    run(test, learning=learning("next"))


def test_a_knob_that_stops_is_learned_after_a_while(run):
    async def test(bench: Bench) -> None:
        await bench.knobs()
        bench.sequencer.send(KNOBS, 0xB0, 30, 40)
        bench.sequencer.send(KNOBS, 0xB0, 30, 44)
        await bench.until(lambda: bench.link.requests)

    run(test, learning=learning("tone.beat_hz"))


def test_other_mappings_need_no_new_start_but_another_system_does(run):
    async def test(bench: Bench) -> None:
        await bench.knobs()
        clients = [*bench.sequencer.clients]
        assert bench.part.change({**OFF, "mappings": [mapping("next")]}, bench.reports.append)
        assert not bench.part.change({**OFF, "system": "jack"}, bench.reports.append)
        bench.sequencer.send(KNOBS, 0xB0, 7, 127)
        await bench.until(lambda: bench.link.requests)
        assert bench.link.requests == [{"command": "next"}]
        assert bench.sequencer.clients == clients

    run(test)


def test_a_fader_gets_its_value_when_it_is_plugged_in(run):
    async def test(bench: Bench) -> None:
        await bench.knobs()
        await bench.until(lambda: bench.sequencer.sent)
        assert bench.sequencer.sent == [(KNOBS, [0xB0, 7, 64])]
        bench.mirror.layers = {"tone": layer(level_db=-6.0)}
        bench.part.app_changed({"protocol"})
        await bench.until(lambda: len(bench.sequencer.sent) > 1)
        assert bench.sequencer.sent[1:] == [(KNOBS, [0xB0, 7, 127])]

    run(test, mappings=[mapping("tone.level_db")])


def test_the_bridge_rests_without_a_device_and_long_after_the_last_message(run):
    async def test(bench: Bench) -> None:
        now_s = asyncio.get_running_loop().time
        await bench.until(lambda: bench.reports)
        assert bench.part.poll_s(now_s()) == midi_part.REST_POLL_S
        await bench.knobs()
        bench.sequencer.send(KNOBS, 0xB0, 7, 1)
        await bench.until(lambda: bench.part._messages)
        heard_s = bench.part._heard_at_s
        assert bench.part.poll_s(heard_s + 1) == midi_part.BUSY_POLL_S
        assert bench.part.poll_s(heard_s + 10) == midi_part.IDLE_POLL_S
        assert bench.part.poll_s(heard_s + 301) == midi_part.REST_POLL_S

    run(test)


def test_a_busy_entrain_is_reported(run):
    async def test(bench: Bench) -> None:
        await bench.knobs()
        bench.link.is_full = True
        bench.sequencer.send(KNOBS, 0xB0, 7, 127)
        await bench.until(lambda: bench.reports[-1]["refused"])
        assert bench.reports[-1]["refusal"] == "Entrain is busy"

    run(test, mappings=[mapping("next")])


def test_a_monitor_shows_each_message_and_its_effect(run):
    def sent(bench: Bench, *message: int) -> Awaitable[None]:
        count = len(bench.monitor.lines)
        bench.sequencer.send(KNOBS, *message)
        return bench.until(lambda: len(bench.monitor.lines) > count)

    async def test(bench: Bench) -> None:
        await bench.knobs()
        level, pad = "controller 103, channel 1", "note 36, channel 1"
        for message, *wanted in (
            ((0xB0, 103, 3), f"{level}: 3", "tone.level_db", "waits for pick-up at -15"),
            ((0xB0, 103, 64), f"{level}: 64", "tone.level_db", "holds -15"),
            ((0xB0, 103, 65), f"{level}: 65", "tone.level_db", "glides to -14.8"),
            ((0xB0, 9, 127), "controller 9, channel 1: 127", "tone.shape", "set tone.shape 2"),
            ((0xB0, 70, 1), "controller 70, channel 1: 1", "", "not mapped"),
            ((0xB0, 8, 1), "controller 8, channel 1: 1", "rain.level_db", "not there now"),
            ((0x90, 36, 99), f"{pad}: 99", "use:calm-10", "uses calm-10"),
            ((0x80, 36, 0), f"{pad}: 0", "use:calm-10", "no press"),
            ((0xC0, 5), "program 5, channel 1", "", "not mapped"),
            ((0xD0, 5), "bytes D0 05", "", "is not a movement of a control"),
        ):
            await sent(bench, *message)
            assert bench.monitor.last() == (DEVICE, *wanted, "")
        bench.link.answer(None, "there is no protocol 'calm-10'")
        assert bench.monitor.last() == ("", "", "", "", "there is no protocol 'calm-10'")

    run(
        test,
        mappings=[
            mapping("use:calm-10", kind="note", number=36),
            mapping("rain.level_db", number=8),
            mapping("tone.shape", number=9, pickup=False),
        ],
    )


def test_a_monitor_shows_both_parts_of_a_pair_as_one_control(run):
    async def test(bench: Bench) -> None:
        await bench.knobs()
        for value in range(5):
            bench.sequencer.send(KNOBS, 0xB0, 20, 100)
            bench.sequencer.send(KNOBS, 0xB0, 52, value)
        await bench.until(lambda: len(bench.monitor.lines) == 10)
        high, low = bench.monitor.lines[-2:]
        assert (high["message"], high["effect"]) == (
            "controller 20, channel 1: 100",
            "waits for its low part",
        )
        assert (low["message"], low["target"]) == (
            "controller 20 with 14 bits, channel 1: 12804",
            "tone.beat_hz",
        )

    run(test)


def test_a_monitor_says_that_a_control_is_learned(run):
    async def test(bench: Bench) -> None:
        await bench.knobs()
        bench.sequencer.send(KNOBS, 0xB0, 103, 64)
        await bench.until(lambda: bench.monitor.lines)
        told = "controller 103, channel 1: 64"
        assert bench.monitor.last() == (DEVICE, told, "", "a control is learned", "")

    run(test, learning=learning("tone.beat_hz"))


def test_a_problem_is_told_before_the_ports_are_closed(run, monkeypatch):
    """A driver that does not answer may never close them."""

    async def test(bench: Bench) -> None:
        await bench.knobs()
        told: list[Any] = []

        def close() -> None:
            told.append(bench.reports[-1]["problem"])

        def fail() -> None:
            raise NoMidi("the JACK server does not answer; Entrain tries again")

        ports = bench.part._ports
        assert ports is not None
        with monkeypatch.context() as patch:
            patch.setattr(ports, "close", close)
            patch.setattr(ports, "scan", fail)
            await bench.until(lambda: told)
        assert told == ["the JACK server does not answer; Entrain tries again"]
        ports.close()

    run(test)


@pytest.mark.parametrize("is_asked", [False, True], ids=["by itself", "at once when asked"])
def test_a_machine_without_a_sequencer_is_tried_again(run, monkeypatch, is_asked):
    if is_asked:
        monkeypatch.setattr(midi_part, "FIRST_PAUSE_S", 60.0)

    async def test(bench: Bench) -> None:
        await bench.until(lambda: bench.reports and bench.reports[-1]["problem"])
        assert bench.reports[-1]["problem"].startswith("no ALSA sequencer or JACK server answers")
        bench.sequencer.systems = ("jack", "alsa")
        if is_asked:
            assert bench.part.change(OFF, bench.reports.append)
        await bench.knobs()
        assert bench.reports[-1]["problem"] == ""

    sequencer = Sequencer("none")
    monkeypatch.setitem(sys.modules, "rtmidi", sequencer.library)

    async def whole() -> None:
        bench = Bench(sequencer, OFF)
        try:
            await test(bench)
        finally:
            bench.part.close()

    asyncio.run(whole())


def test_an_internal_error_does_not_end_the_part(run, monkeypatch):
    async def test(bench: Bench) -> None:
        await bench.knobs()

        def fail(*_: object) -> None:
            raise KeyError("x")

        monkeypatch.setattr(bench.part._surface, "read", fail)
        bench.sequencer.send(KNOBS, 0xB0, 7, 127)
        await bench.until(lambda: "internal error: KeyError" in bench.reports[-1]["problem"])
        monkeypatch.undo()

    run(test)
