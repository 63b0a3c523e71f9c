"""Gnaural files that are odd, broken or hostile: refused in a line, or a valid protocol."""

import random
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.importers import fuzz
from unit.importers.gnaural_files import entry, layer_value, read, refusal, schedule, voice

from entrain.vdevice.protocol.importers import report
from entrain.vdevice.protocol.importers.gnaural import document

GNAURAL = next(form for form in fuzz.FORMATS if form.name == "gnaural")


# ---- what is refused -------------------------------------------------------------------------

BOMB = b"""<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">
]>
<schedule><title>&d;</title></schedule>"""
EXTERNAL = b"""<?xml version="1.0"?>
<!DOCTYPE schedule [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<schedule><title>&x;</title></schedule>"""


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b"", "f.gnaural:1: not XML: no element found"),
        (b"hello", "f.gnaural:1: not XML: "),
        (b"<schedule>\n<voice>\n</schedule>", "f.gnaural:3: not XML: mismatched tag"),
        (b"\n<html/>", "f.gnaural:2: not a Gnaural schedule: it begins with 'html'"),
        (b"<schedule/>", "f.gnaural:1: no voice in it has any length"),
        (schedule(voice(entry("x"))), "f.gnaural:4: duration = 'x' is not a number"),
        (schedule(voice(entry("nan"))), "f.gnaural:4: duration = 'nan' is not a number"),
        (schedule(voice(entry("1_0"))), "f.gnaural:4: duration = '1_0' is not a number"),
        (schedule(voice(entry(-1))), "f.gnaural:4: the entry has no duration, or one below 0"),
        (schedule(voice("<entry/>")), "f.gnaural:4: the entry has no duration, or one below 0"),
        (schedule(voice(entry(1e9))), "f.gnaural:4: duration = '1000000000.0' is more than 604800"),
        (schedule(voice(entry(9, "1e999"))), "f.gnaural:4: beatfreq = '1e999' is more than"),
        (schedule(voice(entry(0.0001))), "f.gnaural:1: it is 0.0001 s long; 1 ms to 7 days"),
        (schedule(voice(entry(6e5), entry(6e5))), "f.gnaural:1: it is 1200000 s long"),
        (schedule(voice(entry(9)), loops="x"), "f.gnaural:3: loops = 'x' is not a number"),
        (schedule(voice(entry(9), type="x")), "f.gnaural:3: type = 'x' is not a number"),
        (schedule(entry(9)), "f.gnaural:3: <entry> does not belong here"),
        (schedule(voice(voice(entry(9)))), "f.gnaural:4: <voice> does not belong here"),
        (schedule(voice(entry(9), id=1) * 65), "f.gnaural:195: 65 voices; 64 can be played"),
        (b"<schedule><title/><title/></schedule>", "f.gnaural:1: <title> is there twice"),
        (BOMB, "f.gnaural:2: <!DOCTYPE> and entities are not read; take them out"),
        (EXTERNAL, "f.gnaural:2: <!DOCTYPE> and entities are not read; take them out"),
        (b"<schedule>&undefined;</schedule>", "f.gnaural:1: not XML: undefined entity"),
        (b"<schedule>" + b"<a>" * 200_000, "f.gnaural:1: too many elements"),
        (b"<schedule>" + b"<a/>" * 200_000, "f.gnaural:1: too many elements"),
        (b'<?xml version="1.0" encoding="klingon"?><schedule/>', "f.gnaural:1: "),
        (b'<?xml version="1.0" encoding="utf-7"?><schedule/>', "f.gnaural:1: "),
    ],
)
def test_files_that_are_refused(text, line):
    assert refusal(text).startswith(line)


def test_a_file_of_which_nothing_can_be_played_is_refused_with_all_reasons():
    text = schedule(voice(entry(60), type=2), voice(entry(60), voice_mute=1))

    assert refusal(text).splitlines() == [
        "f.gnaural:1: none of its voices can be played",
        "f.gnaural:3: voice 1 plays a sound file; left out",
        "f.gnaural:6: voice 2 is muted; left out",
    ]


def test_a_file_of_too_many_entries_is_refused(monkeypatch):
    monkeypatch.setattr(document, "MAX_ENTRIES", 1000)

    assert refusal(schedule(voice(entry(1) * 1001))) == "f.gnaural:1004: more than 1000 entries"
    assert read(schedule(voice(entry(1) * 1000))).protocol.duration_s == 1000


def test_a_curve_of_more_turns_than_a_layer_can_have_is_refused():
    """Each jump needs breakpoints of its own."""
    text = schedule(voice(*[entry(k % 2, 4, 10 + 20 * (k % 3)) for k in range(22_000)]))

    assert refusal(text) == "f.gnaural:3: the voice has over 20000 turns"


def test_more_than_a_file_of_the_library_can_hold_is_refused(monkeypatch):
    """First what is used without headphones goes, and that is said."""
    monkeypatch.setattr(report, "MAX_FILE_BYTES", 100_000)
    entries = [entry(1, 4, 10 + 20 * (k % 3)) for k in range(4000)]

    imported = read(schedule(voice(*entries[:3000])))
    assert imported.protocol.without_headphones is None
    assert any("no room for its form without headphones" in note.text for note in imported.notes)
    text = schedule(voice(*entries))
    assert refusal(text) == "f.gnaural:1: changes more often than a protocol can hold"


def test_utf_16_is_read():
    text = schedule(voice(entry(60)), title="Ünder").decode().replace("?>", ' encoding="utf-16"?>')

    assert read(text.encode("utf-16")).protocol.name == "Ünder"


# ---- all files -------------------------------------------------------------------------------

VALUES = st.one_of(
    st.sampled_from([0, 1, -1, 0.5, 10, 20, 50, 50.001, 200, 1500, 5001, 1e6, -1e6, 1e-9, 5e-324]),
    st.floats(-100, 2000, allow_nan=False),
)
DURATIONS = st.one_of(st.sampled_from([0, 1e-7, 1e-4, 0.001, 1, 60, 604_800]), st.floats(0, 500))
ODD_ENTRIES = st.builds(
    lambda duration, beat, base, left, right: entry(duration, beat, base, left=left, right=right),
    *(DURATIONS, VALUES, VALUES, VALUES | st.floats(0, 1), VALUES | st.floats(0, 1)),
)
ODD_VOICES = st.builds(
    lambda entries, kind, mute, mono, name: voice(
        *entries, type=kind, voice_mute=mute, voice_mono=mono, description=name
    ),
    *(st.lists(ODD_ENTRIES, max_size=8), st.integers(-1, 8)),
    *(st.sampled_from([0, 0, 0, 1]), st.sampled_from([0, 1])),
    st.text(st.characters(blacklist_categories=["C"], blacklist_characters="<&>"), max_size=20),
)
ODD_SCHEDULES = st.builds(
    lambda voices, loops, left, right, swap: schedule(
        *voices,
        loops=loops,
        overallvolume_left=left,
        overallvolume_right=right,
        stereoswap=swap,
    ),
    *(st.lists(ODD_VOICES, max_size=5), st.integers(-2, 10**6), VALUES, VALUES),
    st.sampled_from([0, 1]),
)


@settings(max_examples=150, deadline=None)
@given(ODD_SCHEDULES)
def test_whatever_a_schedule_says_it_is_a_valid_protocol_or_refused(text):
    fuzz.check(GNAURAL, text)


def test_mutated_files_are_valid_protocols_or_refused():
    files = fuzz.mutants(GNAURAL.seeds, 1500, random.Random(6))

    assert sum(fuzz.check(GNAURAL, text) for text in files) > 50


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_whatever_bytes_there_are_they_are_refused(text):
    assert refusal(text).startswith("f.gnaural:")


GOOD_ENTRIES = st.fixed_dictionaries(
    {
        "duration": st.sampled_from([0.5, 1, 7, 60])
        | st.floats(0.5, 300).map(lambda x: round(x, 3)),
        "beat": st.floats(-40, 40).map(lambda x: round(x, 3)),
        "base": st.floats(50, 1000).map(lambda x: round(x, 2)),
        "left": st.floats(0.1, 1).map(lambda x: round(x, 3)),
    }
)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.lists(GOOD_ENTRIES, min_size=1, max_size=12), min_size=1, max_size=3),
    st.lists(st.floats(0, 1), min_size=10, max_size=10),
)
def test_at_any_time_each_voice_has_the_values_of_its_schedule(voices, places):
    protocol = read(schedule(*[voice(*[entry(**each) for each in one]) for one in voices])).protocol
    end_s = min(sum(each["duration"] for each in one) for one in voices)

    assert protocol.duration_s == pytest.approx(end_s)
    for one, layer in zip(voices, protocol.layers, strict=True):
        loudest = max(scheduled(one, "left", t) for t in [*starts(one), end_s] if t <= end_s)
        for place in places:
            at_s = place * end_s
            for symbol, name, scale in [
                ("beat_hz", "beat", 1),
                ("carrier_hz", "base", 1),
                ("amount", "left", 1 / loudest),
            ]:
                wanted = scheduled(one, name, at_s) * scale
                assert layer_value(layer, symbol, at_s) == pytest.approx(wanted, abs=1e-3)


def starts(entries: Sequence[Mapping[str, float]]) -> list[float]:
    return [sum(each["duration"] for each in entries[:k]) for k in range(len(entries))]


def scheduled(entries: Sequence[Mapping[str, float]], name: str, at_s: float) -> float:
    """What Gnaural plays: from each entry a straight line to the next one, and round."""
    for number, (each, start_s) in enumerate(zip(entries, starts(entries), strict=True)):
        if start_s <= at_s <= start_s + each["duration"]:
            following = entries[(number + 1) % len(entries)]
            part = (at_s - start_s) / each["duration"]
            return each[name] + (following[name] - each[name]) * part
    return entries[0][name]  # a rounding error after the end
