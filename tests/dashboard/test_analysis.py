"""The page's analyses of samples, on sounds whose rates and levels are known."""

import json

import numpy as np
import pytest
from javascript import packets, run

from entrain.engine import blocks
from entrain.vdevice.protocol import timeline
from entrain.vdevice.protocol.document import parse_protocol
from entrain.vdevice.protocol.parts.automation import Automation
from entrain.vdevice.protocol.shipped import shipped, shipped_ids

SPECTRUM = """
const { Samples } = await import(page + "samples.js");
const { Spectrum, LogAxis } = await import(page + "analysis/spectrum.js");
const samples = new Samples();
for (const packet of packets) samples.push(packet);
const spectrum = new Spectrum(samples.rateHz);
const ears = [0, 1].map((ear) => {
  const into = new Float32Array(spectrum.size);
  samples.read("output", ear, spectrum.size, into);
  return into;
});
spectrum.measure(...ears);
"""
RHYTHM = """
const { Samples } = await import(page + "samples.js");
const { Hops } = await import(page + "analysis/hops.js");
const { Rhythm } = await import(page + "analysis/rhythm.js");
const samples = new Samples();
let hops = null;
for (const packet of packets) {
  samples.push(packet);
  hops ??= new Hops(samples.rateHz, "output");
  if (given.cross_hz) hops.crossRange(...given.cross_hz);
  hops.follow(samples);
}
const rhythm = new Rhythm(hops);
const ready = rhythm.measure(hops, given.promised_hz ?? null);
const swelling = rhythm.line(rhythm.depth, given.promised_hz ?? null);
const turning = rhythm.line(rhythm.turning, given.promised_hz ?? null);
answer({ ready, swelling, turning, way: turning && rhythm.direction(turning.hz) });
"""
RATE_HZ = 48_000
SECONDS = 9.0


def times(rate_hz: int = RATE_HZ, seconds: float = SECONDS) -> np.ndarray:
    return np.arange(int(rate_hz * seconds)) / rate_hz


def sine(hz: float, at_s: np.ndarray, turn: float | np.ndarray = 0.0) -> np.ndarray:
    return np.sin(2 * np.pi * hz * at_s + turn)


def both(ear: np.ndarray) -> np.ndarray:
    return np.stack([ear, ear], axis=1)


def noise(seconds: float = SECONDS, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.3, 0.3, int(RATE_HZ * seconds))


@pytest.mark.parametrize("size", [2, 8, 512, 16_384])
def test_the_transform_agrees_with_numpys(size):
    random = np.random.default_rng(size)
    re, im = random.normal(size=size), random.normal(size=size)

    got = run(
        'const { FFT } = await import(page + "analysis/fft.js");'
        "const fft = new FFT(given.re.length); fft.re.set(given.re); fft.im.set(given.im);"
        "fft.transform(); answer([Array.from(fft.re), Array.from(fft.im)])",
        re=re,
        im=im,
    )

    expected = np.fft.fft(re + 1j * im)
    np.testing.assert_allclose(got[0] + 1j * np.array(got[1]), expected, atol=1e-6)


def test_a_size_that_is_no_power_of_two_is_refused():
    got = run(
        'const { FFT } = await import(page + "analysis/fft.js");'
        "try { new FFT(given.size); answer(null) } catch (error) { answer(error.message) }",
        size=12,
    )

    assert "12" in got


@pytest.mark.parametrize(
    ("rate_hz", "hz"), [(44_100, 1000.0), (48_000, 100.0), (48_000, 1000.0), (96_000, 12_345.0)]
)
def test_a_tone_peaks_at_its_frequency_and_level(rate_hz, hz):
    """A Hann window reads a tone between two bins at most 1.42 dB too low."""
    tone = both(0.5 * sine(hz, times(rate_hz, 1)))

    got = run(
        SPECTRUM + "answer({ peak: spectrum.peak(), bin: spectrum.binHz })",
        packets(tone, rate_hz),
    )

    assert got["peak"]["hz"] == pytest.approx(hz, abs=got["bin"] / 4)
    assert -6.02 - 1.43 <= got["peak"]["db"] <= -6.02 + 0.01


def test_the_mean_of_both_ears_is_shown():
    tone = sine(375 * 48_000 / 8192, times(seconds=1))

    got = run(SPECTRUM + "answer(spectrum.peak())", packets(np.stack([tone, 0 * tone], axis=1)))

    assert got["db"] == pytest.approx(-3.01, abs=0.01)


def test_silence_has_no_peak():
    got = run(SPECTRUM + "answer(spectrum.peak())", packets(np.zeros((RATE_HZ, 2))))

    assert got is None


def test_the_logarithmic_axis_keeps_the_peak_in_its_place():
    tone = both(sine(1000, times(seconds=1)))

    got = run(
        SPECTRUM + "const axis = new LogAxis(20, 20000, 301, spectrum.binHz, spectrum.size / 2);"
        "const levels = new Float32Array(301); axis.levels(spectrum.levelDb, levels);"
        "answer({ hz: axis.hz[levels.indexOf(Math.max(...levels))], top: Math.max(...levels),"
        " peak: spectrum.peak().db })",
        packets(tone),
    )

    assert got["hz"] == pytest.approx(1000, rel=1000 ** (0.5 / 300) - 1)
    assert got["top"] == pytest.approx(got["peak"], abs=0.001)


@pytest.mark.parametrize(
    ("rate_hz", "swell_hz", "depth"),
    [(44_100, 40.3, 0.6), (48_000, 0.8, 0.2), (48_000, 10.0, 0.6), (96_000, 10.0, 0.2)],
)
def test_a_swelling_tone_has_a_line_at_its_rate_as_high_as_its_depth(rate_hz, swell_hz, depth):
    at_s = times(rate_hz)
    tone = both(0.3 * (1 + depth * sine(swell_hz, at_s)) * sine(700, at_s))

    got = run(RHYTHM, packets(tone, rate_hz), promised_hz=swell_hz)

    assert got["swelling"]["hz"] == pytest.approx(swell_hz, abs=0.05)
    # The tone leaks into the neighbouring bands, where it swells a little more.
    assert got["swelling"]["share"] == pytest.approx(depth, rel=0.15)
    assert got["swelling"]["clear"]
    assert got["turning"]["share"] < 1e-3  # both ears swell together, so the phase does not turn


def test_the_line_of_swelling_music_is_found_without_the_promise():
    at_s = times()
    music = both((1 + 0.5 * sine(10, at_s)) * noise())

    got = run(RHYTHM, packets(music))

    assert got["swelling"]["hz"] == pytest.approx(10, abs=0.05)
    assert got["swelling"]["share"] == pytest.approx(0.5, rel=0.1)


def test_music_that_does_not_swell_has_no_clear_line():
    for seed in range(2):
        got = run(RHYTHM, packets(both(noise(seed=seed))))

        assert not got["swelling"]["clear"]
        assert not got["turning"]["clear"]


@pytest.mark.parametrize("beat_hz", [4.0, 10.0, -16.0])
def test_two_tones_turn_between_the_ears_at_their_beat(beat_hz):
    at_s = times()
    tones = np.stack([sine(200 + beat_hz / 2, at_s), sine(200 - beat_hz / 2, at_s)], axis=1)

    got = run(RHYTHM, packets(0.1 * tones), promised_hz=abs(beat_hz), cross_hz=[130, 270])

    assert got["turning"]["hz"] == pytest.approx(abs(beat_hz), abs=0.05)
    assert got["turning"]["share"] == pytest.approx(1, abs=0.02)
    assert got["way"] == np.sign(beat_hz)
    assert got["swelling"]["share"] < 0.01  # neither ear swells


def test_the_beat_of_soft_tones_is_found_below_music():
    at_s = times()
    tones = np.stack([sine(205, at_s), sine(195, at_s)], axis=1)

    got = run(RHYTHM, packets(0.02 * tones + both(noise())), promised_hz=10.0, cross_hz=[135, 265])

    assert got["turning"]["hz"] == pytest.approx(10, abs=0.05)
    assert got["turning"]["clear"]


def test_a_phase_that_swings_is_told_from_one_that_turns():
    at_s = times()
    swing = 0.6 * sine(10, at_s)
    ears = [0.1 * sum(sine(hz, at_s, way * swing) for hz in (400, 650, 900)) for way in (1, -1)]

    got = run(RHYTHM, packets(np.stack(ears, axis=1)))

    assert got["turning"]["hz"] == pytest.approx(10, abs=0.05)
    assert got["way"] == 0


def test_lost_frames_are_no_swelling():
    """A packet of a steady tone is missing twice a second, so the ring holds 33 ms of silence."""
    steady = packets(both(0.3 * sine(500, times())))
    got = run(RHYTHM, [each for n, each in enumerate(steady) if n % 15])

    assert got["ready"]
    assert got["swelling"] is None or got["swelling"]["share"] < 0.01


def test_less_than_a_second_is_too_little():
    got = run(RHYTHM, packets(both(noise(seconds=0.9))))

    assert not got["ready"]


def test_a_verdict_changes_only_after_another_one_has_held():
    code = """
    const { SteadyFindings } = await import(page + "analysis/findings.js");
    const steady = new SteadyFindings();
    const line = [{ hz: 2, share: 0.1, clear: true, promised: false, music: false }];
    const answers = given.clear.map((clear, n) => steady.take(clear ? line : [], 1000 * n).length);
    answer(answers);
    """
    assert run(code, clear=[1, 0, 1, 0, 1, 0, 0, 0, 0]) == [1] * 7 + [0, 0]


COURSE = """
const { courseOf, valueAt } = await import(page + "analysis/course.js");
const course = courseOf(given.layers, given.document, given.session);
answer({ ...course, values: course.lanes.map((lane) => given.at_s.map((s) => valueAt(lane, s))) });
"""


def course(document, layers, at_s, elapsed_s=0.0, left_s=None):
    session = {"elapsed_s": elapsed_s, "left_s": left_s}
    return run(COURSE, layers=layers, document=document, session=session, at_s=at_s)


def test_automation_has_the_values_that_sound():
    points = [
        {"at_s": 0.0, "value": 8.0, "curve": "linear"},
        {"at_s": 10.0, "value": 6.0, "curve": "exponential"},
        {"at_s": 30.0, "value": 2.0, "curve": "smooth"},
        {"at_s": 40.0, "value": 5.0, "curve": "step"},
        {"at_s": 50.0, "value": 1.0},
    ]
    at_s = [0.0, 3.0, 10.0, 17.0, 29.9, 33.0, 40.0, 49.9, 50.0, 70.0]
    layers = [{"kind": "binaural", "id": "tone", "automation": {"beat_hz": {"points": points}}}]

    got = course(None, layers, at_s)

    automation = Automation.model_validate({"points": points}, strict=False)
    assert got["lanes"][0]["address"] == "tone.beat_hz"
    expected = [timeline.value_at(automation, at) for at in at_s]
    assert got["values"][0] == pytest.approx(expected)


def test_every_shipped_protocol_ends_when_its_session_ends():
    documents = [shipped(each) for each in shipped_ids()]

    got = run(
        'const { courseOf } = await import(page + "analysis/course.js");'
        "answer(given.documents.map((each) => {"
        "  const { endS, lengthS } = courseOf(each.layers, each, { elapsed_s: 0, left_s: null });"
        "  return [endS, lengthS > 0]; }))",
        documents=[each.model_dump(mode="json") for each in documents],
    )

    assert got == [[timeline.end_s(each), True] for each in documents]


def test_a_long_course_is_drawn_in_no_time():
    """20,000 breakpoints are the most that a protocol may have."""
    points = [{"at_s": float(n), "value": float(n % 7), "curve": "step"} for n in range(20_000)]
    layers = [{"kind": "am", "id": "music", "automation": {"rate_hz": {"points": points}}}]
    at_s = [n + 0.5 for n in range(20_000)]

    got = course(None, layers, at_s)

    assert got["values"][0] == [n % 7 for n in range(20_000)]


def test_the_ramps_are_those_that_sound():
    document = {"id": "ramps", "name": "Ramps", "ramp_in_s": 20.0, "ramp_out_s": 50.0,
                "duration_s": 100.0, "layers": [{"kind": "am"}]}  # fmt: skip
    at_s = [0.0, 5.0, 20.0, 49.0, 50.0, 60.0, 99.0, 100.0]

    got = course(document, document["layers"], at_s)

    protocol = parse_protocol(json.dumps(document).encode(), "ramps")
    (layer,) = timeline.compiled(protocol, blocks)
    depth = layer.automation["depth"]
    full = timeline.value_at(depth, 30.0)
    expected = [timeline.value_at(depth, at) / full for at in at_s]
    assert got["values"][0] == pytest.approx(expected)


def test_a_loop_begins_again():
    points = [{"at_s": 0.0, "value": 0.0}, {"at_s": 60.0, "value": 6.0}]
    layers = [{"kind": "am", "id": "music", "automation": {"rate_hz": {"points": points}}}]

    got = course({"loop": True, "duration_s": 60.0}, layers, [30.0, 90.0, 150.0])

    assert got["loops"]
    assert got["lengthS"] == 60
    assert got["values"][0] == [3, 3, 3]


@pytest.mark.parametrize(
    ("elapsed_s", "length_s"), [(0, 600), (599, 600), (601, 1200), (3000, 4800)]
)
def test_a_session_without_an_end_always_has_room(elapsed_s, length_s):
    got = course(None, [{"kind": "am"}], [], elapsed_s=elapsed_s)

    assert (got["endS"], got["lengthS"]) == (None, length_s)


def test_the_app_knows_the_end_of_what_is_not_in_the_library():
    got = course(None, [{"kind": "am"}], [], elapsed_s=50.0, left_s=250.0)

    assert got["endS"] == got["lengthS"] == 300
