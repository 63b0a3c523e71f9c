"""What an SBaGen sequence plays when: every figure here is worked out by hand from its rules.

`a` and `b` are one pitch at 20 and 40 %, so that their amounts are 0.5 and 1; `c` is another.
"""

import math
from pathlib import Path

import pytest

from entrain.engine import blocks
from entrain.vdevice.protocol.check import check
from entrain.vdevice.protocol.importers.report import Imported
from entrain.vdevice.protocol.importers.sbagen.reader import read_sbg
from entrain.vdevice.protocol.model import Layer

FIXTURES = Path(__file__).parent / "fixtures"
SETS = """
a: 200+10/20
b: 200+10/40
c: 300+6/40
p: pink/30
off: -
"""
LINE, HOLD = "linear", "step"

Points = list[tuple[float, float, str]]


def imported(text: str) -> Imported:
    result = read_sbg(text.encode(), "x.sbg", "X", blocks())
    check(result.protocol, blocks)
    return result


def layers(text: str) -> dict[str, Layer]:
    return {layer.id: layer for layer in imported(text).protocol.layers}


def points(layer: Layer, symbol: str) -> Points:
    """A straight line to the same value is called a hold, and so is what comes after the last."""
    found = layer.automation[symbol].points
    after = [*found[1:], found[-1]]
    return [
        (p.at_s, p.value, HOLD if p.value == n.value else p.curve)
        for p, n in zip(found, after, strict=True)
    ]


def assert_points(found: Points, expected: Points) -> None:
    assert [curve for _, _, curve in found] == [curve for _, _, curve in expected]
    for (at, value, _), (at_expected, value_expected, _) in zip(found, expected, strict=True):
        assert at == pytest.approx(at_expected, abs=1e-6)
        assert value == pytest.approx(value_expected, abs=1e-5)


AMOUNTS: dict[str, tuple[str, str, Points]] = {
    "the last set, silence, leads to the first one: half of that is heard at the start": (
        "-SE",
        "0:00 a\n0:10 off",
        [(0, 0, LINE), (30, 1, HOLD), (570, 1, LINE), (600, 0, HOLD)],
    ),
    "one pitch slides from amplitude to amplitude, 30 s around the boundary": (
        "-SE",
        "0:00 a\n0:10 b\n0:20 a",
        [(0, 0.5, HOLD), (570, 0.5, LINE), (630, 1, HOLD), (1170, 1, LINE), (1200, 0.75, HOLD)],
    ),
    "another pitch is reached through silence": (
        "-SE",
        "0:00 b\n0:10 c\n0:20 c",
        [
            *[(0, 0, LINE), (30, 1, HOLD), (570, 1, LINE), (600, 0, LINE), (630, 1, HOLD)],
        ],
    ),
    "= on one side alone is not enough for another pitch": (
        "-SE",
        "0:00 == b\n0:10 -= c\n0:20 == c",
        # c to c and, around the circle, c to b: both sides agree there.
        [(0, 1, HOLD), (570, 1, LINE), (600, 0, LINE), (630, 1, HOLD)],
    ),
    "> goes out to silence, whatever comes": (
        "-SE",
        "0:00 => a\n0:10 == b\n0:20 == b",
        [
            *[(0, 0.75, LINE), (30, 0.5, HOLD), (570, 0.5, LINE), (600, 0, LINE)],
            (630, 1, HOLD),
        ],
    ),
    "< comes in from silence, whatever was": (
        "-SE",
        "0:00 == a\n0:10 <= b\n0:20 == b",
        [
            *[(0, 0.75, LINE), (30, 0.5, HOLD), (570, 0.5, LINE), (600, 0, LINE)],
            (630, 1, HOLD),
        ],
    ),
    "-> takes the whole interval, and leaves no room for what leads to it": (
        "-SE",
        "0:00 b\n0:10 a ->\n0:20 b\n0:30 b",
        [(0, 1, HOLD), (570, 1, LINE), (600, 0.5, LINE), (1200, 1, HOLD)],
    ),
    "-> into silence fades all the way": (
        "-SE",
        "0:00 b ->\n0:10 off",
        [(0, 1, LINE), (600, 0, HOLD)],
    ),
    "-> from silence comes up all the way": (
        "-SE",
        "0:00 off ->\n0:10 b\n0:20 off",
        [(0, 0, LINE), (600, 1, HOLD), (1170, 1, LINE), (1200, 0, HOLD)],
    ),
    "where lines are 40 s apart, the first transition takes 30 and leaves 10": (
        "-SE",
        "0:00:00 a\n0:00:40 b\n0:01:20 a\n0:10:00 off",
        # The one around the start comes last: 10 s are left for it behind 0, so it is 40 s long.
        [
            *[(0, 0.25, LINE), (10, 0.5, LINE), (70, 1, LINE), (110, 0.5, HOLD)],
            *[(570, 0.5, LINE), (600, 0, HOLD)],
        ],
    ),
    "-F makes transitions of 10 s": (
        "-SE -F 10000",
        "0:00 a\n0:10 off",
        [(0, 0, LINE), (5, 1, HOLD), (595, 1, LINE), (600, 0, HOLD)],
    ),
    "-F 0 makes jumps": (
        "-SEF 0",
        "0:00 a\n0:10 c\n0:20 off",
        [(0, 0.5, HOLD), (600, 1, HOLD)],
    ),
    "a slide that ends in a jump arrives 1 ms before it": (
        "-SEF 0",
        "0:00 a ->\n0:10 b\n0:10 off\n0:20 a\n0:30 off",
        [(0, 0.5, LINE), (599.999, 1, HOLD), (600, 0, HOLD), (1200, 0.5, HOLD)],
    ),
    "-> into a bell fades all the way: bells are not slid to": (
        "-SE",
        "d: bell+500/10\n0:00 b ->\n0:10 d\n0:20 off",
        [(0, 1, LINE), (600, 0, HOLD)],
    ),
    "without -S the clock rules: a night from 22:00 to 6:00 goes over midnight": (
        "",
        "22:00 a\n6:00 off",
        [
            *[(0, 1, HOLD), (21570, 1, LINE), (21600, 0, HOLD)],
            *[(79200, 0, LINE), (79230, 1, HOLD)],
        ],
    ),
    "with -S alone it begins with the first line": (
        "-S",
        "22:00 a\n6:00 off",
        [(0, 0, LINE), (30, 1, HOLD), (28770, 1, LINE), (28800, 0, HOLD)],
    ),
    "with -T it begins at that time": (
        "-T 5:59:45",
        "22:00 a\n6:00 off",
        # In the middle of the fade; 57615 s later it is 22:00, and a day later it fades again.
        [
            *[(0, 0.5, LINE), (15, 0, HOLD), (57615, 0, LINE), (57645, 1, HOLD)],
            *[(86385, 1, LINE), (86400, 0.5, HOLD)],
        ],
    ),
    "NOW begins when it is used, and + counts from NOW": (
        "-SEF 0",
        "NOW a\n+0:10 b\n+0:15 a\n+0:20 off",
        [(0, 0.5, HOLD), (600, 1, HOLD), (900, 0.5, HOLD)],
    ),
    "+ counts from the last absolute time, not from the line before": (
        "-SEF 0",
        "1:00 a\n+0:10 b\n+0:20 a\n2:00 b\n+0:05 off",
        [(0, 0.5, HOLD), (600, 1, HOLD), (1200, 0.5, HOLD), (3600, 1, HOLD)],
    ),
    "several + add up, and the absolute time stays what it was": (
        "-SEF 0",
        "1:00+0:10+0:00:30 a\n+0:20 b\n+0:30 off",
        # 1:10:30, 1:20:00, 1:30:00
        [(0, 0.5, HOLD), (570, 1, HOLD)],
    ),
    "what is added to an absolute time is not in what + counts from": (
        "-SEF 0",
        "1:00+0:10 a\n+0:20 b\n1:40 a\n1:50 off",
        # 1:10, 1:20, 1:40
        [(0, 0.5, HOLD), (600, 1, HOLD), (1800, 0.5, HOLD)],
    ),
    "digits may be alone": (
        "-SEF 0",
        "1:2:3 a\n1:7:3 b\n1:9 off",
        # 1:02:03, 1:07:03, 1:09:00
        [(0, 0.5, HOLD), (300, 1, HOLD)],
    ),
    "a block plays where it is called": (
        "-SEF 0",
        "x: {\n+0:00 a\n+0:05 b\n}\nNOW x\n+0:10 x\n+0:20 off",
        [(0, 0.5, HOLD), (300, 1, HOLD), (600, 0.5, HOLD), (900, 1, HOLD)],
    ),
    "a block in a block": (
        "-SEF 0",
        "x: {\n+0:00 a\n+0:05 b\n}\ny: {\n+0:00 x\n+0:10+0:01 x\n}\n8:00 y\n+0:30 y\n+1:00 off",
        [
            *[(0, 0.5, HOLD), (300, 1, HOLD), (660, 0.5, HOLD), (960, 1, HOLD)],
            *[(1800, 0.5, HOLD), (2100, 1, HOLD), (2460, 0.5, HOLD), (2760, 1, HOLD)],
        ],
    ),
    "fades and slides in a block": (
        "-SE",
        "x: {\n+0:00 == a ->\n+0:05 == b\n}\nNOW x\n+0:10 => b\n+0:20 <= off",
        [(0, 0.5, LINE), (300, 1, HOLD), (1170, 1, LINE), (1200, 0, HOLD)],
    ),
    "-q plays faster, from the first line on": (
        "-q 4",
        "8:00 a\n8:10 b\n8:20 off",
        # Seconds are a quarter of the sequence's.
        [(0, 0, LINE), (7.5, 0.5, HOLD), (142.5, 0.5, LINE), (157.5, 1, HOLD)]
        + [(292.5, 1, LINE), (300, 0, HOLD)],
    ),
    "the latest definition above a line counts": (
        "-SEF 0",
        "0:00 a\na: 200+10/40\n0:10 a\n0:20 off",
        [(0, 0.5, HOLD), (600, 1, HOLD)],
    ),
    "two lines at one time: the first has no time to play": (
        "-SEF 0",
        "0:00 a\n0:10 off\n0:10 b\n0:20 off",
        [(0, 0.5, HOLD), (600, 1, HOLD)],
    ),
}


@pytest.mark.parametrize("rule", AMOUNTS)
def test_amounts(rule):
    options, lines, expected = AMOUNTS[rule]
    assert_points(points(layers(f"{options}\n{SETS}{lines}\n")["ch1"], "amount"), expected)


def test_both_sides_agree_to_slide_in_pitch_and_beat_around_the_circle_too():
    layer = layers(f"-SE\n{SETS}0:00 == b\n0:10 == c\n0:20 == c\n")["ch1"]
    times = [(0, LINE), (30, HOLD), (570, LINE), (630, HOLD)]
    for symbol, first, last in (("carrier_hz", 200, 300), ("beat_hz", 10, 6)):
        values = [(first + last) / 2, first, first, last]
        expected = [(at, value, how) for (at, how), value in zip(times, values, strict=True)]
        assert_points(points(layer, symbol), expected)
    assert "amount" not in layer.automation
    assert layer.params["floor_db"] == pytest.approx(20 * math.log10(0.4) - 3.0103, abs=1e-3)
    assert layer.params["ceiling_db"] == layer.params["floor_db"]


def test_a_pitch_changes_in_the_silence_between():
    layer = layers(f"-SE\n{SETS}0:00 b\n0:10 c\n0:20 c\n")["ch1"]
    assert_points(points(layer, "carrier_hz"), [(0, 200, HOLD), (600, 300, HOLD)])


def test_a_pitch_holds_where_a_slide_breaks_off():
    text = f"-SEF 0\n{SETS}d: 250+10/40\n0:00 b ->\n0:10 c\n0:10 off\n0:20 d\n0:30 off\n"
    assert_points(
        points(layers(text)["ch1"], "carrier_hz"),
        [(0, 200, LINE), (600, 300, HOLD), (1200, 250, HOLD)],
    )


def test_an_arrow_slides_over_midnight():
    """23:00 to 1:00, half of it at midnight; back within 30 s before 23:00."""
    layer = layers(f"{SETS}23:00 == b ->\n01:00 == c\n")["ch1"]
    assert_points(
        points(layer, "carrier_hz"),
        [(0, 250, LINE), (3600, 300, HOLD), (82770, 300, LINE), (82800, 200, LINE)]
        + [(86400, 250, HOLD)],
    )


def test_an_arrow_to_another_type_dips_in_the_middle():
    found = layers(f"-SE\n{SETS}0:00 a ->\n0:10 p\n0:20 off\n")
    assert_points(points(found["ch1"], "amount"), [(0, 1, LINE), (300, 0, HOLD)])
    assert_points(
        points(found["ch1-pink"], "amount"),
        [(0, 0, HOLD), (300, 0, LINE), (600, 1, HOLD), (1170, 1, LINE), (1200, 0, HOLD)],
    )


def test_an_arrow_into_silence_holds_its_pitch():
    layer = layers(f"-SE\n{SETS}0:00 c ->\n0:10 off\n")["ch1"]
    assert layer.automation.keys() == {"amount"}
    assert layer.params["carrier_hz"] == 300


def test_another_type_dips_between_two_boundaries():
    found = layers(f"-SE\n{SETS}0:00 == a\n0:10 == p\n0:20 off\n")
    assert_points(
        points(found["ch1"], "amount"),
        [(0, 0, LINE), (30, 1, HOLD), (570, 1, LINE), (600, 0, HOLD)],
    )
    assert_points(
        points(found["ch1-pink"], "amount"),
        [(0, 0, HOLD), (600, 0, LINE), (630, 1, HOLD), (1170, 1, LINE), (1200, 0, HOLD)],
    )


def test_a_minus_keeps_the_place_of_its_channel():
    found = layers("-SE\nx: 200+10/20 300+5/10\ny: - 300+5/10\n0:00 x\n0:10 y\n0:20 y\n")
    assert_points(
        points(found["ch1"], "amount"),
        [(0, 0, LINE), (30, 1, HOLD), (570, 1, LINE), (600, 0, HOLD)],
    )
    assert found["ch2"].automation == {}


def test_mix_is_the_programme_in_straight_lines_of_amplitude():
    layer = layers("-SE\nx: mix/50\ny: mix/100\n0:00 == x\n0:10 == y\n0:20 == y\n")["mix"]
    assert (layer.kind, layer.params) == ("gain", {"gain_db": -90})
    times = [(0, LINE), (30, HOLD), (570, LINE), (630, HOLD)]
    gains = [0.75, 0.5, 0.5, 1]
    found = points(layer, "amount")
    assert [(at, how) for at, _, how in found] == times
    softest = 10 ** (-90 / 20)
    assert [1 - w + w * softest for _, w, _ in found] == pytest.approx(gains, abs=1e-6)


def test_mix_on_two_channels_adds_up():
    found = layers("-i mix/30 200+10/20 mix/40\n")
    assert found["mix"].params["gain_db"] == pytest.approx(20 * math.log10(0.7), abs=1e-3)


def test_where_one_set_has_mix_the_others_silence_the_programme():
    result = imported("-SEF 0\nx: 200+10/20 mix/100\ny: 200+10/20\n0:00 x\n0:10 y\n0:20 y\n")
    layer = result.protocol.layers[0]
    assert layer.id == "mix"
    assert_points(points(layer, "amount"), [(0, 0, HOLD), (600, 1, HOLD)])
    assert any("silent" in note.text for note in result.notes)


def test_a_bell_rings_when_its_line_begins_in_the_middle_of_the_fade():
    text = "-SE\nx: bell+500/20\ny: bell+600/10\noff: -\n0:00 off\n0:10 x\n0:20 y ->\n0:30 off\n"
    layer = layers(text)["ch1-bell"]
    assert_points(
        points(layer, "strike"),
        [(0, 0, HOLD), (600, 1, HOLD), (600.5, 0, HOLD), (1200, 1, HOLD), (1200.5, 0, HOLD)],
    )
    assert_points(
        points(layer, "amount"),
        [(0, 0, HOLD), (600, 1, HOLD), (610, 0, HOLD), (1200, 0.5, HOLD), (1210, 0, HOLD)],
    )
    assert_points(points(layer, "pitch_hz"), [(600, 500, HOLD), (1200, 600, HOLD)])


@pytest.mark.parametrize("fade_ms", [0, 8000, 60_000, 240_000])
def test_a_bell_rings_at_its_time_whatever_the_fade_is(fade_ms):
    text = f"-SE -F {fade_ms}\nx: bell+500/20\noff: -\n0:00 x\n0:01 off\n0:02 x\n0:03 off\n"
    strikes = points(layers(text)["ch1-bell"], "strike")
    assert [at for at, value, _ in strikes if value == 1] == [0, 120]


def test_what_is_beyond_a_range_is_left_out_exactly_as_long_as_it_is_beyond():
    """15 to 25 kHz within 600 s: 20 kHz after 300 s."""
    text = "-SE\nx: 15000+10/20\ny: 25000+10/20\n0:00 x ->\n0:10 == y\n0:20 == y\n"
    result = imported(text)
    layer = result.protocol.layers[0]
    # The way back is that of the circle, from y to x around the end.
    assert_points(points(layer, "carrier_hz")[:2], [(0, 15_000, LINE), (300, 20_000, HOLD)])
    assert_points(points(layer, "amount"), [(0, 1, HOLD), (300, 0, HOLD)])
    assert any(n.line == 3 and "carrier of 25000 Hz is left out" in n.text for n in result.notes)


# ---- the session as a whole ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "lines", "duration_s", "loop", "time_of_day", "max_minutes"),
    [
        ("-SE", "0:00 a\n0:30 off", 1800, False, False, None),
        ("-SE", "23:50 a\n0:20 off", 1800, False, False, None),
        ("-S", "8:00 a\n9:00 off", 86400, True, False, None),
        ("", "8:00 a\n9:00 off", 86400, True, True, None),
        ("-E", "8:00 a\n9:00 off", 86400, True, True, None),
        ("", "NOW a\n+1:00 off", 86400, True, False, None),
        ("-E", "NOW a\n+1:00 off", 3600, False, False, None),
        ("-q 10", "8:00 a\n9:00 off", 8640, True, False, None),
        ("-Eq 10", "8:00 a\n9:00 off", 360, False, False, None),
        ("-S -L 0:20", "8:00 a\n9:00 off", 1200, False, False, None),
        ("-SEL 2:00", "8:00 a\n9:00 off", 3600, False, False, None),
        ("-q 100 -L 0:20", "8:00 a\n9:00 off", 864, True, False, 20),
        ("-ET 8:15", "8:00 a\n9:00 off", 2700, False, False, None),
        ("-SE", "0:00 a\n12:00 b\n12:00+12:00 off", 86400, False, False, None),
        ("-SE", "NOW a", None, False, False, None),
        ("", "8:00 a\n8:00 b", None, False, False, None),
        ("-L 0:10", "NOW a", 600, False, False, None),
    ],
)
def test_how_long(options, lines, duration_s, loop, time_of_day, max_minutes):
    lines = lines.replace("12:00+12:00", "+12:00")
    protocol = imported(f"{options}\n{SETS}{lines}\n").protocol
    assert protocol.duration_s == duration_s
    assert (protocol.loop, protocol.time_of_day) == (loop, time_of_day)
    assert protocol.max_minutes == max_minutes


def test_drop_slides_from_minute_to_minute_in_equal_ratios():
    """From 10 to 2.5 Hz in 30 minutes, in 30 straight lines; the clock begins 5 s late."""
    protocol = imported("-p drop 00ds/30 pink/10\n").protocol
    tone, pink = protocol.layers
    assert protocol.duration_s == 1815
    beats = points(tone, "beat_hz")
    assert_points(beats[:2], [(0, 10, HOLD), (5, 10, LINE)])
    # 30 points over 1800 s, in whole seconds: the fifteenth is at 14/29 of the time.
    assert (873, pytest.approx(10 * 0.25 ** (14 / 29), abs=1e-5), LINE) in beats
    assert beats[-1] == (1805, 2.5, HOLD)
    assert len(beats) == 31
    assert_points(points(tone, "carrier_hz"), [(0, 205, HOLD), (5, 205, LINE), (1805, 200, HOLD)])
    for layer in (tone, pink):
        expected = [(0, 0, LINE), (5, 1, HOLD), (1805, 1, LINE), (1815, 0, HOLD)]
        assert_points(points(layer, "amount"), expected)


def test_drop_in_steps_holds_and_wakes():
    """Ten steps of 3 minutes, the last at 4.4 Hz, and ten more; then 3 minutes back to 10 Hz.

    The carrier falls with each step, and is at 180 Hz in the last one.
    """
    protocol = imported("-p drop 10a+^/30\n").protocol
    found = points(protocol.layers[0], "beat_hz")
    fifth = 10 * 0.44 ** (4 / 9)
    assert (725, pytest.approx(fifth, abs=1e-5), HOLD) in found
    assert (895, pytest.approx(fifth, abs=1e-5), LINE) in found
    assert found[-2:] == [(3595, 4.4, LINE), (3775, 10, HOLD)]
    carriers = points(protocol.layers[0], "carrier_hz")
    assert_points(
        carriers[:4],
        [(0, 184.75, HOLD), (175, 184.75, LINE), (185, 184.5, HOLD), (355, 184.5, LINE)],
    )
    assert_points(carriers[-3:], [(3425, 180, HOLD), (3595, 180, LINE), (3775, 185, HOLD)])
    assert protocol.duration_s == 3785


def test_drop_in_short_steps_moves_within_5_s():
    beats = points(imported("-p drop t2,0,0 00lk@/5\n").protocol.layers[0], "rate_hz")
    assert_points(beats, [(0, 10, HOLD), (60, 10, LINE), (65, 0.3, HOLD)])


def test_slide_sinks_to_half_of_the_beat():
    protocol = imported("-p slide t10 200-48/20\n").protocol
    layer = protocol.layers[0]
    assert_points(points(layer, "carrier_hz"), [(0, 200, HOLD), (5, 200, LINE), (605, 24, HOLD)])
    assert (layer.params["beat_hz"], protocol.duration_s) == (-48, 615)
    expected = [(0, 0, LINE), (5, 1, HOLD), (605, 1, LINE), (615, 0, HOLD)]
    assert_points(points(layer, "amount"), expected)


def test_a_slide_in_a_tenth_of_its_time():
    protocol = imported((FIXTURES / "slide.sbg").read_text()).protocol
    assert protocol.duration_s == 61.5
    assert_points(
        points(protocol.layers[0], "carrier_hz"),
        [(0, 200, HOLD), (0.5, 200, LINE), (60.5, 5, HOLD)],
    )


# ---- dialects ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("as_sbagen", "as_sbagenx"),
    [
        ("0:00 == b ->\n0:10 => c\n0:20 off", "0:00 b == ->\n0:10 c =>\n0:20 off"),
        ("0:00 == b ->\n0:10 <- c\n0:20 off", "0:00 b -> ==\n0:10 c <-\n0:20 -"),
        ("0:00 == b ->\n0:10 c\n0:20 off", "0:00 == 200+10/40 ->\n0:10 300+6/40\n0:20 off"),
        ("x: 200+10/20 pink/30\n0:00 x\n0:10 off", "0:00 200+10/20 pink/30\n0:10 -"),
        ("x: 200+10/20 pink/30\n0:00 x\n0:10 off", "0:00 a pink/30\n0:10 off"),
        (
            "x: {\n+0:00 == a ->\n+0:05 b\n}\n0:00 x\n0:10 off",
            "x: {\n+0:00 200+10/20 == ->\n+0:05 b\n}\n0:00 x\n0:10 off",
        ),
    ],
)
def test_a_fade_behind_the_name_and_tones_in_a_time_line(as_sbagen, as_sbagenx):
    expected, found = (imported(f"-SE\n{SETS}{x}\n").protocol for x in (as_sbagen, as_sbagenx))
    assert found.layers == expected.layers


@pytest.mark.parametrize(
    ("tone", "plain", "note"),
    [
        ("custom07:200+10/20", "200+10/20", "its envelope, custom07, is not kept"),
        ("custom07:200@8/20", "200@8/20", "its envelope, custom07, is not kept"),
        ("custom07:noisepulse:8/20", "noisepulse:8/20", "its envelope, custom07, is not kept"),
        ("spin03:spin:300+4/20", "spin:300+4/20", "its own movement, spin03, is not kept"),
        ("noise03:wspin:300+4/20", "wspin:300+4/20", "the colour of its noise, noise03"),
    ],
)
def test_numbered_shapes_of_sbagenx_leave_the_tone(tone, plain, note):
    text = "custom07: e=2 0 0.1 0.9 1 1 0.9 0.1 0\nspin03: e=1 -1 1\nx: {}\nNOW x\n"
    found = imported(text.format(tone))
    assert found.protocol.layers == imported(text.format(plain)).protocol.layers
    assert any(each.line == 3 and note in each.text for each in found.notes)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-16-le", "utf-8"])
@pytest.mark.parametrize("end", ["", "\x1a", "\r\n\x1a", "\x1a\r\n\x1a\x1a"])
def test_text_of_other_systems(encoding, end):
    mark = "\ufeff" if encoding.endswith("e") else ""
    text = f"{mark}## Caf\xe9\r\n-SE\r\nx: 200+10/20\r\n0:00 x\r\n0:10 x{end}"
    found = read_sbg(text.encode(encoding), "x.sbg", "X", blocks()).protocol
    assert (found.description, found.duration_s) == ("Caf\xe9", 600)
