"""The screen at sizes from tiny to large."""

import copy
import io
from types import SimpleNamespace

import made_scene
import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segments

from entrain.tray.terminal import sections
from entrain.tray.terminal.live import Live
from entrain.tray.terminal.scene import Scene, Slot
from entrain.tray.terminal.screen import Screen, shared_rows

SIZES = [(80, 24), (200, 60), (120, 30), (60, 16), (40, 10), (20, 5), (3, 2), (1, 1)]


def drawn(scene: Scene, columns: int = 80, rows: int = 24) -> list[str]:
    """Return the text of each row."""
    found = Screen(columns, rows).drawn(scene)
    return ["".join(segment.text for segment in row) for row in found]


def scenes() -> dict[str, Scene]:
    long_names = made_scene.scene()
    assert long_names.status is not None
    protocol = long_names.status["protocol"]
    assert protocol is not None
    protocol["name"] = "漢字とかな" * 30
    protocol["layers"] = [made_scene.layer(f"layer-{number}" * 9) for number in range(20)]
    long_names.status["errors"] = ["x" * 500]
    long_names.slots = [Slot(str(number), "長い名前" * 40) for number in range(9)]
    long_names.say("z" * 300)
    help_page = made_scene.scene()
    help_page.shows_help = True
    muted = made_scene.scene()
    assert muted.status is not None
    muted.status["protocol"]["layers"][0]["params"]["amount"] = 0.0
    lost = made_scene.scene()
    lost.status, lost.heard, lost.lost = None, None, "it waits"
    return {
        "usual": made_scene.scene(),
        "long names": long_names,
        "help": help_page,
        "muted": muted,
        "lost": lost,
        "no protocol": made_scene.scene(protocol=None, measured=None, output=None),
        "at first": Scene(),
    }


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", scenes())
def test_the_screen_has_its_size_whatever_it_shows(name, size):
    columns, rows = size
    lines = drawn(scenes()[name], columns, rows)
    assert len(lines) == rows
    assert max(map(cell_len, lines)) <= columns


def test_eighty_columns_and_twenty_four_rows_show_everything():
    lines = drawn(made_scene.scene())
    text = "\n".join(lines)
    assert lines[0].startswith("Entrain   ● processes your music  ")
    assert lines[0].endswith("  Virtual speaker, 80%")
    assert "protocol  Alpha 10  key 1" in text
    assert lines[2].endswith("1:02 · 10:00 left")
    assert "beat       10 Hz promised     10.000 Hz measured" in text
    assert "in        left  " in text
    assert "-23 dB  peak    0 dB" in text
    assert "- dB  peak    - dB" in text
    assert "100     200       500     1k" in text
    assert "tone  binaural · Beat 10 Hz · Carrier 200 Hz · Level -15 dB" in text
    assert "12:00:00  tray          error: no sound" in text
    assert lines[-1].strip().endswith("q quit")
    assert len(lines[-1]) == 80


@pytest.mark.parametrize("state", ["idle", "processing"])
def test_without_sound_the_screen_waits_and_shows_no_old_numbers(state):
    """The status keeps the last levels and the last measurement."""
    scene = made_scene.scene(state=state)
    scene.heard = None
    text = "\n".join(drawn(scene))
    assert "beat       10 Hz promised    waiting for sound" in text
    assert "in        left  waiting for sound" in text
    assert "measured" not in text
    assert text.count("- dB  peak    - dB") == 4


def test_the_first_frame_with_sound_shows_it(monkeypatch):
    """Rows that do not move are drawn anew when the sound begins."""
    live = Live()
    heard = made_scene.scene().heard
    live._scene = made_scene.scene()
    live._scene.heard = None
    version = live._scene.version
    live._take_news(SimpleNamespace(heard=heard, messages=list))
    assert live._scene.version == version + 1
    live._take_news(SimpleNamespace(heard=made_scene.scene().heard, messages=list))
    assert live._scene.version == version + 1


def test_the_keys_are_named_with_the_way_to_switch_off():
    assert "  o off  ?" in drawn(made_scene.scene())[-1]
    assert "  o on  ?" in drawn(made_scene.scene(on=False))[-1]
    assert "t timer" in drawn(made_scene.scene(), 90)[-1]


@pytest.mark.parametrize(
    ("symbol", "value", "shown"),
    [
        ("depth", 0.7063, "Depth 0.71"),
        ("depth", 0.004, "Depth 0.004"),
        ("rate_hz", 5.4432, "5.443 Hz"),
        ("rate_hz", 0.0, " 0 Hz"),
    ],
)
def test_values_are_rounded_as_people_read_them(symbol, value, shown):
    scene = made_scene.scene()
    scene.status["protocol"]["layers"] = [made_scene.layer("am", "am", **{symbol: value})]
    assert shown in "\n".join(drawn(scene)).replace("Rate ", "")


def test_a_larger_terminal_shows_more_of_the_spectrum_and_of_the_log():
    small, large = (
        sum(line.count("█") for line in drawn(made_scene.scene(), 80, rows)[10:])
        for rows in (24, 50)
    )
    assert large > 2 * small
    assert shared_rows(45, 1)["log"] > 2 * shared_rows(19, 1)["log"]


@pytest.mark.parametrize("free", range(-5, 80))
@pytest.mark.parametrize("layers", [0, 1, 7])
def test_the_sections_share_exactly_the_free_rows(free, layers):
    heights = shared_rows(free, layers)
    assert sum(heights.values()) == max(free, 0)
    assert heights["spectrum"] == 0 or heights["spectrum"] >= 4
    assert heights["meters"] in (0, 4)


def test_the_state_is_told_in_words():
    def told(**changes: object) -> str:
        return "\n".join(drawn(made_scene.scene(**changes))[:2])

    assert "on; no app is playing" in told(state="idle")
    assert "your music passes untouched" in told(state="bypassed")
    assert "in use, though not on" in told(on=False)
    assert "! has trouble" in told(state="failed", reason="the server has gone")
    assert "the server has gone" in told(state="failed", reason="the server has gone")
    assert "Virtual speaker, 20 dB softer" in told(softened="softer")
    assert "Virtual speaker, muted" in told(muted=True)
    assert "not running" in "\n".join(drawn(scenes()["lost"]))


def test_times_are_told_that_matter():
    scene = made_scene.scene(sleep_left_s=90.0)
    assert drawn(scene)[2].endswith("1:02 · 10:00 left · off in 1:30")
    scene.status["protocol"] |= {"runs": False}
    scene.version += 1
    assert drawn(scene)[2].endswith("1:02 · 10:00 left · paused · off in 1:30")
    scene.status["protocol"] |= {"ended": True}
    assert drawn(scene)[2].endswith("has ended · off in 1:30")


def test_each_promise_stands_beside_its_measurement():
    layers = [
        made_scene.layer("a", "binaural", beat_hz=-4.0),
        made_scene.layer("b", "am", rate_hz=16.0),
        made_scene.layer("c", "selfbinaural", beat_hz=5.0),
    ]
    scene = made_scene.scene(moving={"b.rate_hz": 15.5})
    scene.status["protocol"]["layers"] = layers
    scene.status["measured"] = {
        "text": "",
        "tones": {"beat_hz": -4.0001, "beat_error_hz": 0.01},
        "modulation": {"rate_hz": 15.51},
        "interaural": None,
    }
    rows = sections.rhythms(scene, 80)
    texts = ["".join(segment.text for segment in row) for row in rows]
    assert "4 Hz promised       4.00 Hz measured" in texts[0]
    assert "15.5 Hz promised      15.51 Hz measured" in texts[1]
    assert "5 Hz promised    not measured now" in texts[2]


def test_a_muted_layer_promises_no_rhythm():
    assert "no rhythm" not in "\n".join(drawn(scenes()["usual"]))
    muted = scenes()["muted"]
    muted.status["protocol"]["rate_hz"] = None
    assert "no rhythm" in "\n".join(drawn(muted))
    assert "muted" in "\n".join(drawn(muted))


def test_of_many_layers_the_selected_one_is_in_view():
    scene = scenes()["long names"]
    for number in range(20):
        scene.selected = scene.layers[number]["id"]
        lines = drawn(scene, 80, 24)
        assert any(f"› layer-{number}l"[:10] in line for line in lines)
        assert any(line.startswith(f"{number + 1} of 20") for line in lines)


def test_values_on_their_way_are_shown_as_they_are_now():
    scene = made_scene.scene(moving={"tone.beat_hz": 7.1234, "tone.level_db": -20.5})
    assert "Beat 7.123 Hz · Carrier 200 Hz · Level -20.5 dB" in "\n".join(drawn(scene))


def test_help_names_each_key_and_the_protocols():
    text = "\n".join(drawn(scenes()["help"]))
    for word in ("← →", "↑ ↓", "space", "n  ", "u r", "t T", "Tab", "m  ", "q  "):
        assert word in text
    assert "\n1         Alpha 10" in text
    assert "\n2         Focus 16" in text


def test_a_message_is_seen_on_the_help_page_too():
    scene = scenes()["help"]
    scene.say("Protocol: Focus 16")
    assert "Protocol: Focus 16" in drawn(scene)[-1]


def test_foreign_names_cannot_control_the_terminal():
    evil = "\x1b]0;pwned\x07\x1b[2J\n"
    scene = made_scene.scene(
        reason=evil, state="failed", output={"name": evil, "description": evil}
    )
    scene.status["protocol"] |= {"name": evil, "note": evil}
    scene.status["protocol"]["layers"] = [made_scene.layer(evil, evil)]
    scene.slots = [Slot("x", evil)]
    for shows_help in (False, True):
        scene.shows_help = shows_help
        scene.version += 1
        assert all(line.isprintable() for line in drawn(scene))


def test_sound_alone_moves_only_meters_and_spectrum():
    scene, screen = made_scene.scene(), Screen(80, 24)
    before = screen.drawn(scene)
    scene.heard = copy.copy(scene.heard)._replace(bands_db=(-50.0,) * 70)
    after = screen.drawn(scene)
    same = [number for number in range(24) if before[number] is after[number]]
    assert {0, 2, 3, 18, 22, 23} <= {*same}
    assert before[12] != after[12]


def test_rich_can_print_a_row_without_colours():
    row = Screen(80, 24).drawn(made_scene.scene())[0]
    console = Console(file=io.StringIO(), force_terminal=True, no_color=True)
    console.print(Segments(row))
    assert "\x1b[32m" not in console.file.getvalue()  # type: ignore[attr-defined]
