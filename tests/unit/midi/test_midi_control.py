"""MIDI's settings, and learning, as the app holds them."""

import asyncio
from typing import Any

import pytest
from pydantic import ValidationError

from entrain.errors import EntrainError
from entrain.vdevice.limits import MAX_MIDI_MAPPINGS
from entrain.vdevice.remote.midi_control import MidiControl
from entrain.vdevice.remote.midi_settings import MidiControlName, MidiMapping, MidiSettings


class MadeUpBridge:
    """Keeps what is wanted from the bridge."""

    def __init__(self) -> None:
        self.wanted: list[dict[str, Any] | None] = []
        self.again: list[bool] = []
        self.take: Any = None

    def hear(self, part: str, take: Any) -> None:
        assert part == "midi"
        self.take = take

    def want(self, part: str, settings: dict[str, Any] | None, *, again: bool = False) -> None:
        self.wanted.append(settings)
        self.again.append(again)
        self.take({})


def mapping(target: str, **more: Any) -> MidiMapping:
    fields = {"device": "Knobs", "kind": "cc", "channel": 1, "number": 7, "target": target}
    return MidiMapping.model_validate(fields | more)


@pytest.fixture
def control() -> MidiControl:
    found = MidiControl(MadeUpBridge(), MidiSettings(), lambda: None)  # type: ignore[arg-type]
    found.change(on=True)
    return found


def wanted(control: MidiControl) -> dict[str, Any] | None:
    return control._bridge.wanted[-1]  # type: ignore[attr-defined, no-any-return]


def test_the_bridge_runs_the_part_only_while_midi_is_on(control):
    assert wanted(control) == {"system": "auto", "mappings": [], "learning": None}
    control.change(on=False)
    assert wanted(control) is None


def test_a_mapping_replaces_an_earlier_one_of_the_same_control(control):
    control.map([mapping("tone.beat_hz"), mapping("next", number=8)], replace=False)
    control.map([mapping("tone.level_db")], replace=False)
    assert [each.target for each in control.settings.mappings] == ["next", "tone.level_db"]
    control.map([mapping("undo")], replace=True)
    assert [each.target for each in control.settings.mappings] == ["undo"]


def test_too_many_mappings_are_refused_and_change_nothing(control):
    control.map([mapping("next")], replace=False)
    many = [mapping("undo", device=f"Box {number}") for number in range(MAX_MIDI_MAPPINGS)]
    with pytest.raises(EntrainError, match="more than 128 mappings; `entrain midi forget` removes"):
        control.map(many, replace=False)
    assert [each.target for each in control.settings.mappings] == ["next"]


def test_all_mappings_of_a_target_are_forgotten(control):
    control.map(
        [mapping("next"), mapping("next", number=8), mapping("undo", number=9)], replace=False
    )
    control.forget("next")
    assert [each.target for each in control.settings.mappings] == ["undo"]
    with pytest.raises(EntrainError, match="no control is mapped to next"):
        control.forget("next")
    control.forget(None)
    assert control.settings.mappings == ()


def test_the_mapping_of_one_control_is_forgotten(control):
    control.map([mapping("next"), mapping("next", number=8)], replace=False)
    before = control.revision
    control.forget("next", MidiControlName(device="Knobs", kind="cc", channel=1, number=8))
    assert [each.number for each in control.settings.mappings] == [7]
    assert control.revision > before


def test_learning_ends_with_the_mapping(control):
    async def learn() -> None:
        control.learn("tone.beat_hz", 4.0, 12.0)
        wish = {"target": "tone.beat_hz", "low": 4.0, "high": 12.0, "pickup": True}
        learning = {"serial": 1, **wish}
        assert (wanted(control) or {})["learning"] == learning
        control.map([mapping("tone.level_db")], replace=False)  # another client's
        assert control.learning
        control.map([mapping("tone.beat_hz", number=9)], replace=False)
        assert control.learning is None
        assert control.learned == mapping("tone.beat_hz", number=9)
        assert (wanted(control) or {})["learning"] is None
        control.learn("next")
        assert control.learned is None
        control.close()

    asyncio.run(learn())


def test_learning_ends_after_its_time_and_when_midi_is_switched_off(control):
    async def learn() -> None:
        control.learn("next", timeout_s=0.01)
        async with asyncio.timeout(10):
            while control.learning:
                await asyncio.sleep(0.01)
        control.learn("next")
        control.change(on=False)
        assert control.learning is None
        with pytest.raises(EntrainError, match="MIDI is off; `entrain midi on` switches it on"):
            control.learn("next")

    asyncio.run(learn())


def test_an_equal_wish_makes_the_bridge_listen_anew(control):
    async def learn() -> None:
        control.learn("next")
        first = wanted(control)
        control.learn("next")
        assert wanted(control) != first
        control.close()

    asyncio.run(learn())


def test_learning_is_refused_at_once_while_midi_does_not_work(control):
    control._bridge.take({"problem": "MIDI needs two libraries"})
    with pytest.raises(EntrainError, match="MIDI needs two libraries"):
        control.learn("next")
    assert control.learning is None


@pytest.mark.parametrize("wish", [{"on": True}, {"system": "jack"}])
def test_what_did_not_work_is_tried_anew(control, wish):
    """So that `midi on` waits for the outcome of this attempt."""
    control._bridge.take({"problem": "no ALSA sequencer or JACK server answers"})
    control.change(**wish)
    assert control._bridge.again[-1]
    assert None not in control._bridge.wanted[-2:]  # its process goes on
    assert control.report.problem == ""
    control.change(**wish)
    assert not control._bridge.again[-1]


def test_another_system_makes_the_last_report_old(control):
    control._bridge.take({"system": "alsa", "devices": ["Knobs"]})
    control.change(on=True)
    assert control.report.system == "alsa"
    control.change(system="jack")
    assert (control.report.system, control.report.devices) == ("", ())


def test_a_report_that_cannot_be_right_is_left_out(control):
    control._bridge.take({"devices": ["Knobs"], "messages": 3})
    assert control.report.devices == ("Knobs",)
    control._bridge.take({"devices": "Knobs"})
    control._bridge.take({"problem": "x" * 5000})
    assert control.report.messages == 3


def test_devices_stay_known_while_a_control_is_learned(control):
    async def learn() -> None:
        control._bridge.take({"devices": ["Knobs"]})
        control.learn("next")
        assert control.report.devices == ("Knobs",)
        control.close()

    asyncio.run(learn())


@pytest.mark.parametrize(
    "more",
    [
        {"target": "tone"},
        {"target": "use:Not An Id"},
        {"target": "tone.beat_hz.x"},
        {"device": ""},
        {"device": "two\nlines"},
        {"device": "x" * 129},
        {"channel": 0},
        {"channel": 17},
        {"number": -1},
        {"number": 120},
        {"kind": "cc14", "number": 32},
        {"kind": "note", "number": 128},
        {"kind": "bend", "number": 1},
        {"kind": "bend", "number": 0, "encoding": "twos"},
        {"encoding": "odd"},
        {"low": float("nan")},
        {"high": float("inf")},
        {"extra": 1},
        {"channel": "1"},
    ],
)
def test_a_mapping_that_cannot_be_is_refused(more):
    with pytest.raises(ValidationError):
        mapping(**{"target": "tone.beat_hz", **more})
