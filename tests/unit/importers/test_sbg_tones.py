"""What becomes of each kind of tone, what is noted, and what is refused with which line."""

import math

import pytest

from entrain.engine import blocks
from entrain.vdevice.protocol.check import check
from entrain.vdevice.protocol.importers.report import Imported, ImportRefused, id_of_file
from entrain.vdevice.protocol.importers.sbagen.reader import read_sbg
from entrain.vdevice.protocol.importers.sbagen.waves import shape_of


def imported(text: str | bytes) -> Imported:
    text = text if isinstance(text, bytes) else text.encode()
    result = read_sbg(text, "x.sbg", "X", blocks())
    check(result.protocol, blocks)
    return result


def sine_db(percent: float) -> float:
    return 20 * math.log10(percent / 100) - 3.0103


@pytest.mark.parametrize(
    ("tone", "layer_id", "kind", "params"),
    [
        ("200+10/20", "ch1", "binaural", {"carrier_hz": 200, "beat_hz": 10}),
        ("200-10/20", "ch1", "binaural", {"carrier_hz": 200, "beat_hz": -10}),
        ("-200+10/20", "ch1", "binaural", {"carrier_hz": 200, "beat_hz": -10}),
        ("+2e2+.5/2.", "ch1", "binaural", {"carrier_hz": 200, "beat_hz": 0.5}),
        ("200/20", "ch1", "binaural", {"carrier_hz": 200, "beat_hz": 0}),
        ("4000/20", "ch1", "binaural", {"carrier_hz": 4000, "beat_hz": 0}),
        ("pink/20", "ch1-pink", "noise", {"tilt_db_per_octave": -3.01, "width": 0}),
        ("white/20", "ch1-white", "noise", {"tilt_db_per_octave": 0}),
        ("brown/20", "ch1-brown", "noise", {"tilt_db_per_octave": -6.02, "flat_below_hz": 800}),
        ("spin:300+4.2/20", "ch1-spin", "spin", {"itd_us": 600, "rate_hz": 4.2}),
        ("spin:-300+4.2/20", "ch1-spin", "spin", {"itd_us": 600, "rate_hz": -4.2}),
        ("spin:-300-4.2/20", "ch1-spin", "spin", {"itd_us": 600, "rate_hz": 4.2}),
        ("spin:9000+0/20", "ch1-spin", "spin", {"itd_us": 5760, "rate_hz": 0}),
        ("bspin:300+4.2/20", "ch1-bspin", "spin", {"tilt_db_per_octave": -6.02}),
        ("wspin:300+4.2/20", "ch1-wspin", "spin", {"tilt_db_per_octave": 0}),
        ("noisepulse:8/20", "ch1-noisepulse", "noise", {"am_rate_hz": 8, "am_depth": 1}),
        ("200@8/20", "ch1-iso", "isochronic", {"carrier_hz": 200, "rate_hz": 8, "shape": 1}),
        ("square:200+10/20", "ch1-square", "binaural", {"carrier_hz": 200, "beat_hz": 10}),
        ("sine:200+10/20", "ch1", "binaural", {"carrier_hz": 200, "beat_hz": 10}),
        ("bell+528/20", "ch1-bell", "bell", {"pitch_hz": 528, "decay_s": 3.97}),
        ("bell-528/20", "ch1-bell", "bell", {"pitch_hz": 528}),
        ("mix/50", "mix", "gain", {"gain_db": -6.0206}),
        ("mixbeat:6/40", "ch1-mixbeat", "selfbinaural", {"beat_hz": 6, "amount": 0.4}),
        # 300 us either way at 450 Hz: 48.6 degrees; half of it
        ("mixspin:300+2/50", "ch1-mixspin", "phasemod", {"rate_hz": 2, "swing_deg": 24.3}),
        ("mixpulse:6/40", "ch1-mixpulse", "am", {"rate_hz": 6, "depth": 0.4, "waveform": 2}),
        # from 0.45 to 1: 0.55 / 1.45
        ("mixam:8", "ch1-mixam", "am", {"rate_hz": 8, "depth": 0.37931, "waveform": 0}),
        ("mixam:8:m=pulse:f=0", "ch1-mixam-pulse", "am", {"depth": 1, "waveform": 2}),
    ],
)
def test_layers(tone, layer_id, kind, params):
    layer = imported(f"-i {tone}\n").protocol.layers[0]
    assert (layer.id, layer.kind, layer.automation) == (layer_id, kind, {})
    assert {k: layer.params[k] for k in params} == pytest.approx(params, abs=1e-4)


@pytest.mark.parametrize(
    ("tone", "level_db"),
    [
        ("200+10/20", sine_db(20)),
        ("200@10/20", sine_db(20)),
        ("bell+500/20", sine_db(20)),
        ("pink/20", 20 * math.log10(0.2) - 16.3),
        ("white/20", 20 * math.log10(0.2 / math.sqrt(3))),
        ("brown/20", 20 * math.log10(0.2) - 22.6),
        ("wspin:300+1/20", 20 * math.log10(0.2 / math.sqrt(3))),
        ("200+10/100", -6),
        ("200+10/0.001", -90),
    ],
)
def test_levels_are_absolute(tone, level_db):
    params = imported(f"-i {tone}\n").protocol.layers[0].params
    assert params["floor_db"] == params["ceiling_db"] == pytest.approx(level_db, abs=2e-3)
    # What is softer than the softest level is that level, turned down: -103.01 is 13.01 below.
    share = 10 ** (-13.0103 / 20) if tone.endswith("0.001") else 1
    assert params.get("amount", 1) == pytest.approx(share, abs=1e-4)


def test_v_turns_everything_down():
    layer = imported("-V 50\n-i 200+10/20\n").protocol.layers[0]
    assert layer.params["floor_db"] == pytest.approx(sine_db(10), abs=1e-3)


def test_mixam_follows_the_beat_beside_it():
    layers = imported("-i mixam:beat 200-7/10\n").protocol.layers
    assert layers[0].params["rate_hz"] == 7


@pytest.mark.parametrize(
    ("samples", "duty", "attack", "release"),
    [
        # Full for half of the time: edges of no length.
        ([1, 1, 0, 0], 0.5, 0, 0),
        # A triangle: mean 1/2, mean square 3/8 (as it is sampled), half up and half down.
        ([0, 1, 2, 3, 4, 3, 2, 1], 1, 0.5, 0.5),
        ([5, 5, 5], 1, 0, 0),
    ],
)
def test_waves_become_pulses(samples, duty, attack, release):
    shape = shape_of([float(x) for x in samples])
    if samples == [1, 1, 0, 0]:
        assert shape == pytest.approx((duty, attack, release), abs=1e-9)
    else:
        assert shape == pytest.approx((duty, attack, release), abs=0.02)


def test_a_wave_is_in_parts_of_its_period():
    text = "wave05: 0 1 2 3 4 3 2 1\nx: wave05:200+10/20\nNOW x\n"
    params = imported(text).protocol.layers[0].params
    assert params["duty"] == pytest.approx(1, abs=0.02)
    assert params["attack_ms"] == pytest.approx(50, abs=1)
    assert params["release_ms"] == pytest.approx(50, abs=1)


@pytest.mark.parametrize("tone", ["0.5/20", "200+201/20", "20001/20", "200@401/20", "bell+19/20"])
def test_what_no_layer_reaches_is_left_out_and_said(tone):
    with pytest.raises(ImportRefused, match=r"^x.sbg: plays nothing.*\n.* is left out: it is not"):
        imported(f"-i {tone}\n")


# ---- the protocol -------------------------------------------------------------------------


def test_a_beat_needs_headphones_and_has_another_form_without():
    protocol = imported("-i 200+10/20 300/5 pink/10\n").protocol
    assert protocol.requires_headphones
    assert [layer.kind for layer in protocol.without_headphones or ()] == [
        "monaural",
        "binaural",
        "noise",
    ]
    assert not imported("-i 300/5 200@4/10\n").protocol.requires_headphones


def test_words_for_the_listener_become_the_description():
    text = b"## Two   words\r\n## - - -\r\n# not this\r\nx: - # nor this\r\n"
    text += b"##caf\xe9 ##\r\ny: 9+9/9\r\nNOW y"
    assert imported(text).protocol.description == "Two words café"


@pytest.mark.parametrize(
    ("name", "id_"),
    [("My File (2)", "my-file-2"), ("Über-Ruhe", "uber-ruhe"), ("日本", "imported"), ("_x_", "x")],
)
def test_ids(name, id_):
    assert id_of_file(name) == id_
    assert read_sbg(b"-i 99+9/9", "x.sbg", name, blocks()).protocol.id == id_


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_line_endings_and_a_missing_one(ending):
    text = ending.join(["-SE", "x: 200+10/20", "y: {", " +0:00 x", "}", "0:00 y", "0:10 x"])
    assert imported(text).protocol.duration_s == 600
    assert imported(b"\xef\xbb\xbf" + text.encode()).protocol.duration_s == 600


def test_notes_name_the_line():
    text = (
        "-SE -m river.ogg\n-c 200=2\nx: 200+10/20 spin:300+4/10 orbitbeat:200+4+1/9\n"
        "y: triangle:200+260/20 21000/5\nz: bell+9000/20 bell+90/5 19900/2\n"
        "0:00 x\n0:10 y\n0:20 z\n0:30 x\n"
    )
    notes = [(note.line, note.text) for note in imported(text).notes]
    for line, words in [
        (1, "river.ogg"),
        (2, "-c"),
        (3, "orbitbeat"),
        (4, "a beat of 260 Hz is left out: it is not within -200 … 200 Hz"),
        (4, "a carrier of 21000 Hz is left out: it is not within 1 … 20000 Hz"),
        (5, "a bell of 9000 Hz is left out: it is not within 20 … 8000 Hz"),
        (5, "a tone of 19900 Hz fades out on devices slower than 44223 Hz"),
        (5, "own"),
        (0, "pink noise at A % is 16.3 dB"),
    ]:
        assert any(at == line and words in text for at, text in notes), (line, words, notes)


# ---- refusals -----------------------------------------------------------------------------

OFF = "off: -\n"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 0, "no time-lines"),
        (OFF, 0, "no time-lines"),
        ("x: 200+10\n0:00 x", 1, "not a tone"),
        ("x: 200 + 10/20\n0:00 x", 1, "not a tone"),
        ("x: 200+10/-20\n0:00 x", 1, "negative amplitude"),
        ("x: 200+1e9/20\n0:00 x", 1, "too large"),
        ("x: 1e999/20\n0:00 x", 1, "too large"),
        ("x: nan/20\n0:00 x", 1, "not a tone"),
        ("x: wave03:200+4/20\n0:00 x", 1, "wave03 is not defined"),
        ("wave03: 1\n" + OFF + "0:00 off", 1, "two samples"),
        ("wave03: 1 x\n" + OFF + "0:00 off", 1, "not a sample"),
        ("x: " + "- " * 17 + "\n0:00 x", 1, "17 tones"),
        ("1x: -\n0:00 1x", 1, "begin with a letter"),
        ("x:-\n0:00 x", 1, "not a time"),
        (OFF + "0:00 x", 2, "x is not defined"),
        ("0:00 off\n" + OFF, 1, "off is not defined"),
        (OFF + "0:00", 2, "nothing is named"),
        (OFF + "0:00 ==", 2, "nothing is named"),
        (OFF + "0:00 off off", 2, "only ->"),
        (OFF + "0:00 >< off", 2, "not a fade"),
        (OFF + "24:00 off", 2, "not a time of the day"),
        (OFF + "0:60 off", 2, "not a time of the day"),
        (OFF + "0:00:000 off", 2, "not a time"),
        (OFF + "+0:10 off", 2, "no time stands before it"),
        (OFF + "NOW off\n12:00 off", 3, "NOW and times of the clock"),
        (OFF + "12:00 off\n11:00 off\n13:00 off", 4, "out of order"),
        (OFF + "-SE\n0:00 off", 2, "options must come before"),
        ("-x\n" + OFF + "0:00 off", 1, "not an option"),
        ("-SE river.ogg\n" + OFF + "0:00 off", 1, "not an option"),
        ("-q\n" + OFF + "0:00 off", 1, "needs a value"),
        ("-q 0\n" + OFF + "0:00 off", 1, "from 1 to 1000"),
        ("-F -1\n" + OFF + "0:00 off", 1, "whole number"),
        ("-L 0:00\n" + OFF + "0:00 off", 1, "longer than 0"),
        ("-T 25:00\n" + OFF + "0:00 off", 1, "not a time"),
        ("-i\n", 1, "needs tones"),
        ("-i 200+10/20\n" + OFF + "0:00 off", 3, "beside -i or -p"),
        ("-p swing 200+10/20\n", 1, "not a preset"),
        ("-p drop 00z\n", 1, "needs a level"),
        ("-p drop 101a\n", 1, "100 at most"),
        ("-p slide 200\n", 1, "needs a tone"),
        ("x: {\n}\n", 2, "empty"),
        (OFF + "x: {\n0:00 off\n}\n0:00 x", 3, "must begin with +"),
        (OFF + "x: {\n+0:00 off\n", 2, "not closed"),
        ("x: {\n+0:00 x\n}\n0:00 x", 2, "a block that uses itself"),
        (OFF + "x: {\n+0:00 off\n}\n0:00 == x", 5, "neither fade nor ->"),
        ("-i mixam:beat\n", 1, "no tone with a beat"),
        ("-i orbitbeat:200+4+1/20\n", 1, "left out"),
        ("-i -\n", 0, "plays nothing"),
    ],
)
def test_refusals_say_where_and_why(text, line, words):
    with pytest.raises(ImportRefused) as refused:
        imported(text)
    place = f"x.sbg:{line}: " if line else "x.sbg: "
    lines = str(refused.value).splitlines()
    assert any(each.startswith(place) and words in each for each in lines), lines


def test_all_that_is_wrong_is_told_at_once_and_its_consequences_are_not():
    with pytest.raises(ImportRefused) as refused:
        imported("x: 200+\ny: pink\n0:00 x\n0:10 y\n0:20 z\n")
    assert [line.split(":")[1] for line in str(refused.value).splitlines()] == ["1", "2", "5"]
