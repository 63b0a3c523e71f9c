"""Whatever stands in a file: it is imported as something that plays, or refused in a line."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.importers.fuzz import SBG_SEEDS, Format, check, mutants

from entrain.engine import blocks
from entrain.vdevice.protocol.document import write_protocol
from entrain.vdevice.protocol.importers.report import ImportRefused
from entrain.vdevice.protocol.importers.sbagen.parse import parse
from entrain.vdevice.protocol.importers.sbagen.reader import read_sbg
from entrain.vdevice.protocol.importers.sbagen.schedule import schedule
from entrain.vdevice.protocol.user_folder import MAX_FILE_BYTES

SBG = Format("sbg", read_sbg, SBG_SEEDS)

# ---- sequences as the grammar allows them -------------------------------------------------

number = st.decimals(0, 1600, places=2).map(str) | st.integers(0, 1600).map(str)
small = st.decimals(0, 60, places=2).map(str)
percent = st.decimals(0, 100, places=1).map(str)
sign = st.sampled_from("+-")
tone = st.one_of(
    st.just("-"),
    st.builds("{}{}{}/{}".format, number, sign, small, percent),
    st.builds("{}{}{}/{}".format, number, sign, small, percent),
    st.builds("{}/{}".format, number, percent),
    st.builds("{}/{}".format, st.sampled_from(["pink", "white", "brown", "mix"]), percent),
    st.builds("bell{}{}/{}".format, sign, number, percent),
    st.builds("spin:{}{}{}/{}".format, number, sign, small, percent),
    st.builds("{}@{}/{}".format, number, small, percent),
    st.builds("wave00:{}{}{}/{}".format, number, sign, small, percent),
    st.builds("mixbeat:{}/{}".format, small, percent),
    st.builds("mixspin:{}{}{}/{}".format, number, sign, small, percent),
)
tone_set = st.lists(tone, min_size=1, max_size=6).map(" ".join)
fade = st.sampled_from(["", "--", "==", "<>", "=-", "-=", "<=", "=>", "<-", "->"])
arrow = st.sampled_from(["", " ->"])


@st.composite
def sequences(draw: st.DrawFn) -> str:
    """Sets, and lines in order within a day; some in a block."""
    sets = draw(st.lists(tone_set, min_size=1, max_size=4))
    seconds = sorted(draw(st.lists(st.integers(0, 43_000), min_size=1, max_size=12)))
    options = draw(st.sampled_from(["", "-SE", "-S", "-SE -F 0", "-q 7", "-F 600000"]))
    lines = [options, "wave00: 0 1 .5 2", *(f"s{k}: {each}" for k, each in enumerate(sets))]
    inner = []
    for at in seconds:
        time = f"{at // 3600}:{at // 60 % 60:02d}:{at % 60}"
        name = f"s{draw(st.integers(0, len(sets) - 1))}"
        shown = draw(fade).replace("->", "-=")
        inner.append(f"+{time} {shown} {name}{draw(arrow)}")
    if draw(st.booleans()):
        lines += ["all: {", *inner, "}", "NOW all"]
    else:
        lines += ["NOW " + inner[0].split(" ", 1)[1], *inner[1:]]
    return "\n".join(line for line in lines if line)


@settings(max_examples=150, deadline=None)
@given(sequences())
def test_what_the_grammar_allows_is_read(text):
    """All of it: only what is silent from end to end is refused."""
    if not check(SBG, text.encode()):
        with pytest.raises(ImportRefused, match="plays nothing"):
            read_sbg(text.encode(), "file", "File", blocks())


@settings(max_examples=150, deadline=None)
@given(sequences())
def test_a_channel_is_in_one_state_at_a_time_and_never_leaves_its_bounds(text):
    plan = schedule(parse(text.encode(), "file"))
    for channel in plan.channels:
        end = 0.0
        for piece in channel:
            assert end <= piece.begin < piece.end <= (plan.length_ms or 86_400_000)
            assert piece.first.type == piece.last.type != ""
            assert 0 <= piece.first.strength <= 260  # 1600 us in degrees at 450 Hz
            end = piece.end


# ---- anything -----------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes(data):
    check(SBG, data)


WORDS = """
    NOW NOW+0:10 +0:05 12:00 a b: a: { } -> == <> -SE -i -p drop slide 00d t1,2,3 - pink/20
    200+10/20 mixam:beat mix/50 wave00: wave00:1+1/1 1 2.5 # ## -q -F 0 -L 0:10
"""
words = st.sampled_from(WORDS.split())


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(words, max_size=5).map(" ".join), max_size=12).map("\n".join))
def test_any_words(text):
    check(SBG, text.encode())


@pytest.mark.parametrize("seed", SBG_SEEDS)
def test_the_seeds_are_good_files(seed):
    assert check(SBG, seed)


def test_mutated_files():
    good = sum(check(SBG, data) for data in mutants(SBG_SEEDS, 1500, random.Random(6)))
    assert 100 < good < 1400  # both ways out are taken


@pytest.mark.parametrize(
    "data",
    [
        b"a\n" * 300_000,
        b"#\n" * 500_000,
        b"".join(b"a%d: -\n" % k for k in range(100_000)),
        b"a: " + b"1/1 " * 250_000,
        b"a: " + b"1" * 1_000_000 + b"/1",
        b"a: -\n0:00" + b"+0:01" * 200_000 + b" a",
        b"a: -\nb0: {\n+0:00 a\n}\n"
        + b"".join(b"b%d: {\n" % (k + 1) + b"+0:00 b%d\n" % k * 9 + b"}\n" for k in range(25))
        + b"0:00 b25\n",
        b"".join(b"a%d: {\n+0:00 a%d\n}\n" % (k + 1, k) for k in range(2000)) + b"0:00 a2000",
        b"a: " + b"wave00:1+1/1 " * 16 + b"\n" + b"0:00 a\n" * 100_000,
    ],
)
def test_files_made_to_exhaust_are_refused(data):
    with pytest.raises(ImportRefused):
        read_sbg(data, "file", "File", blocks())


def test_what_is_too_long_for_a_file_gives_up_its_form_without_headphones_first():
    """Four slides a minute in six channels, all day: too much for one file twice."""
    tones = [[f"{k}{n}+{n}/{n}" for k in range(20, 50, 5)] for n in (5, 6)]
    sets = f"a: {' '.join(tones[0])}\nb: {' '.join(tones[1])}\n"
    for lines, whole in ((100, True), (1000, False)):
        times = [f"{k // 240}:{k // 4 % 60:02d}:{k % 4 * 15:02d}" for k in range(lines)]
        text = "-SE\n" + sets + "".join(f"{t} {'ab'[k % 2]} ->\n" for k, t in enumerate(times))
        imported = read_sbg(text.encode(), "file", "File", blocks())
        assert (imported.protocol.without_headphones is not None) == whole
        assert any("no room" in note.text for note in imported.notes) != whole
        assert len(write_protocol(imported.protocol)) <= MAX_FILE_BYTES
