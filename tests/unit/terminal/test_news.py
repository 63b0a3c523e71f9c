"""Messages that change the scene and its log."""

import made_scene
import pytest

from entrain.tray.terminal.actions import Request
from entrain.tray.terminal.feeds import WAITING, Connected, Done, Lost
from entrain.tray.terminal.news import SAME_ENTRY_S, NewsReader
from entrain.tray.terminal.scene import MAX_ENTRIES, Scene
from entrain.vdevice.api.client import News

LIBRARY = {
    "protocols": [{"id": "a", "name": "A", "category": "calm", "own": False}],
    "recent": [],
    "problems": [],
}


class Told:
    """A reader with a clock that the test turns."""

    def __init__(self) -> None:
        self.scene, self.now_s = Scene(), 100.0
        self.reader = NewsReader(self.scene, "terminal-1", lambda: self.now_s)
        self.reader.take(Connected({"blocks": [], "place": []}, LIBRARY))  # type: ignore[arg-type]
        self.reader.take(News(made_scene.status(), []))

    def change(self, *caused_by: str, **parts: object) -> None:
        self.reader.take(News(parts, caused_by))

    @property
    def log(self) -> list[tuple[str, str]]:
        return [(entry.who, entry.text) for entry in self.scene.log]


@pytest.fixture
def told() -> Told:
    return Told()


def test_the_log_says_who_changed_what(told):
    told.change("terminal-1", undo_text="Beat of tone: 10 Hz → 11 Hz")
    told.change("tray", "dashboard", "tray", bypass=True)
    assert told.log == [("you", "Beat of tone: 10 Hz → 11 Hz"), ("tray, dashboard", "bypass on")]


def test_no_client_is_blamed_for_a_fault(told):
    told.change("tray", bypass=True, xruns=1, errors=["no disk"])
    assert told.log == [("tray", "bypass on"), ("", "error: no disk"), ("", "1 gap in the sound")]


def test_a_dragged_slider_is_one_entry(told):
    for hz in range(11, 40):
        told.now_s += 0.1
        told.change("dashboard", undo_text=f"Beat of tone: 10 Hz → {hz} Hz")
    assert told.log == [("dashboard", "Beat of tone: 10 Hz → 39 Hz")]
    told.change("dashboard", undo_text="Level of tone: 1 dB → 2 dB")
    told.now_s += SAME_ENTRY_S + 0.1
    told.change("dashboard", undo_text="Level of tone: 2 dB → 3 dB")
    told.change("tray", undo_text="Level of tone: 3 dB → 4 dB")
    assert len(told.log) == 4


def test_the_log_is_bounded(told):
    for number in range(3 * MAX_ENTRIES):
        told.change("tray", bypass=number % 2 == 0)
    assert len(told.log) == MAX_ENTRIES


def test_an_end_and_a_return_are_told_once(told):
    for _ in range(3):
        told.reader.take(Lost(WAITING))
    assert told.scene.status is None
    assert told.scene.lost == WAITING
    told.reader.take(Connected({"blocks": [], "place": []}, LIBRARY))  # type: ignore[arg-type]
    assert not told.scene.is_empty
    told.reader.take(News(made_scene.status(), []))
    assert told.log == [("", "Entrain has ended"), ("", "Entrain is back")]
    assert told.scene.lost == ""


def test_a_lost_connection_is_no_end_of_entrain(told):
    told.reader.take(Lost("the connection to Entrain was lost"))
    assert told.scene.status is None
    told.reader.take(News(made_scene.status(), []))
    assert told.log == [("", "the connection was lost"), ("", "connected again")]


def test_keys_keep_their_protocols(told):
    other = {**LIBRARY, "recent": ["b"], "protocols": [LIBRARY["protocols"][0] | {"id": "b"}]}
    told.reader.take(Connected({"blocks": [], "place": []}, other))  # type: ignore[arg-type]
    assert [slot.id for slot in told.scene.slots] == ["a"]


def test_an_outcome_or_a_refusal_is_shown(told):
    told.reader.take(Done(Request("bypass"), made_scene.status(bypass=True)))  # type: ignore[arg-type]
    assert told.scene.message.startswith("Bypass on")
    assert not told.scene.is_error
    told.reader.take(Done(Request("next"), error="there is\x1b none"))
    assert (told.scene.message, told.scene.is_error) == ("there is? none", True)
