"""The sound of every shipped protocol keeps the protocol's promises.

The promises follow from the layers and their automation.  The functions of `entrain verify` look
for them in excerpts after the start, around a breakpoint, and before the end.  Breaths and bursts
of noise are too slow for a spectrum, and are compared with their expected course.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest
from excerpts import RATE_HZ, SETTLE_S, Excerpt, Piece, Sound, alone, rendered, value, whole_library
from measure import frequency_hz, rms_db

from entrain.vdevice.protocol import library
from entrain.vdevice.protocol.model import Layer
from entrain.vdevice.verify.bands import depths, edges_hz, index_of
from entrain.vdevice.verify.ears import interaural
from entrain.vdevice.verify.envelope import envelope
from entrain.vdevice.verify.report import BandDepth, Tone
from entrain.vdevice.verify.spectrum import Spectrum
from entrain.vdevice.verify.tones import pairs, tones

EXCERPTS = list(whole_library())
LONGEST_SMEAR = 0.1
"""Turns that a gliding rate may get ahead of its mean within a piece."""


# ---- excerpts ----------------------------------------------------------------------------------


@dataclass(eq=False)
class Heard:
    """A piece of an excerpt, in the form that verify's functions need."""

    excerpt: Excerpt
    piece: Piece

    @functools.cached_property
    def frames(self) -> slice:
        first_s = self.excerpt.begin_s
        begin_s, end_s = self.piece.begin_s - first_s, self.piece.end_s - first_s
        return slice(round(begin_s * RATE_HZ), round(end_s * RATE_HZ))

    @functools.cached_property
    def sound(self) -> Sound:
        return np.ascontiguousarray(rendered(self.excerpt)[1][:, self.frames])

    @functools.cached_property
    def before(self) -> Sound:
        return np.ascontiguousarray(rendered(self.excerpt)[0][:, self.frames])

    @functools.cached_property
    def spectrum(self) -> Spectrum:
        return Spectrum(self.sound, RATE_HZ)

    @functools.cached_property
    def tones(self) -> tuple[list[Tone], list[Tone]]:
        return tones(self.sound, RATE_HZ, self.spectrum)

    def shorter(self, glide_hz_per_s: float) -> Sound:
        """Return the middle of the piece, which is so short that a gliding rate is one line."""
        longest_s = np.sqrt(8 * LONGEST_SMEAR / max(abs(glide_hz_per_s), 1e-9))
        spare = max(0, self.sound.shape[1] - round(longest_s * RATE_HZ))
        return np.ascontiguousarray(self.sound[:, spare // 2 : self.sound.shape[1] - spare // 2])

    def glide(self, layer: Layer, symbol: str) -> float:
        """Return how much a parameter changes per second."""
        begin_s, end_s = self.piece.begin_s + 0.01, self.piece.end_s - 0.01
        return (value(layer, symbol, end_s) - value(layer, symbol, begin_s)) / (end_s - begin_s)

    def level_db(self, layer: Layer, input_db: float) -> float:
        """Return the RMS that a generator promises for an input level."""
        now = functools.partial(value, layer, at_s=self.piece.middle_s)
        level_db = input_db + now("level_db")
        level_db = max(now("floor_db"), min(now("ceiling_db"), level_db))
        return float(level_db + 20 * np.log10(now("amount")))


def power_db(sound: Sound, low_hz: float, high_hz: float) -> float:
    """Return the mean level of both ears in dBFS; -inf for silence."""
    power = Spectrum(sound, RATE_HZ).power(low_hz, high_hz) / 2
    return float(10 * np.log10(power)) if power > 0 else -np.inf


def swelling(bands: list[BandDepth], low_hz: float, high_hz: float) -> tuple[float, float]:
    """Return the median index between two frequencies, and how far apart the ears are."""
    inside = [b for b in bands if low_hz <= b.centre_hz <= high_hz and b.index is not None]
    assert inside
    assert np.mean([band.sure for band in inside]) > 0.7
    turn = np.mean([np.exp(1j * np.radians(b.ears_deg)) for b in inside if b.ears_deg is not None])
    return float(np.median([b.index or 0.0 for b in inside])), abs(
        float(np.degrees(np.angle(turn)))
    )


def index_of_gain(gain: npt.NDArray[np.float64]) -> float:
    """Return the index of a gain over one period."""
    power = np.square(gain)
    turn = np.exp(-2j * np.pi * np.arange(len(power)) / len(power))
    return index_of(2 * abs(np.sum(power * turn)) / np.sum(power))


def smootherstep(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    t = np.clip(x, 0, 1)
    return t**3 * (t * (6 * t - 15) + 10)


def pulses(layer: Layer, heard: Heard, since_s: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the gain of a layer that pulsates, by the time since the pulse began."""
    now = functools.partial(value, layer, at_s=heard.piece.middle_s)
    if layer.kind == "pulse":
        attack_ms = release_ms = now("edge_ms")
        long_s = now("burst_ms") / 1000
    else:
        attack_ms, release_ms = now("attack_ms"), now("release_ms")
        long_s = now("duty") / now("rate_hz")
    edges = since_s / attack_ms, (long_s - since_s) / release_ms
    return smootherstep(1000 * np.minimum(*edges))


def near_power_db(heard: Heard, carrier_hz: float) -> float:
    """Return the power of the input within 1/3 octave; the block's band-pass is not ideal."""
    third = 2 ** (1 / 3)
    return power_db(heard.before, carrier_hz / third, carrier_hz * third)


# ---- promises ----------------------------------------------------------------------------------


def holds_binaural(heard: Heard, layer: Layer) -> None:
    carrier_hz, beat_hz = (value(layer, s, heard.piece.middle_s) for s in ("carrier_hz", "beat_hz"))
    assert carrier_hz < 1000
    found = pairs(*heard.tones)
    pair = min(found, key=lambda pair: abs(pair.carrier_hz - carrier_hz))
    assert pair.beat_hz == pytest.approx(beat_hz, abs=0.05)
    assert pair.carrier_hz == pytest.approx(carrier_hz, abs=0.05)
    expected_db = heard.level_db(layer, near_power_db(heard, carrier_hz))
    if not heard.glide(layer, "amount"):
        assert pair.left.level_db == pytest.approx(expected_db, abs=2)
        assert pair.right.level_db == pytest.approx(expected_db, abs=2)


def holds_monaural(heard: Heard, layer: Layer) -> None:
    """Both tones are in the sum of the ears, and not in their difference."""
    carrier_hz, beat_hz = (value(layer, s, heard.piece.middle_s) for s in ("carrier_hz", "beat_hz"))
    expected_db = heard.level_db(layer, near_power_db(heard, carrier_hz)) - 10 * np.log10(2)
    left, right = heard.sound
    shared = np.stack([left + right, left - right]) / 2
    found, _ = tones(shared, RATE_HZ, Spectrum(shared, RATE_HZ))
    for wanted_hz in (carrier_hz - beat_hz / 2, carrier_hz + beat_hz / 2):
        tone = min(found, key=lambda tone: abs(tone.hz - wanted_hz))
        assert tone.hz == pytest.approx(wanted_hz, abs=0.03)
        assert tone.level_db - tone.other_ear_db > 6
        if not heard.glide(layer, "amount"):
            assert tone.level_db == pytest.approx(expected_db, abs=2)


def holds_isochronic(heard: Heard, layer: Layer) -> None:
    now = functools.partial(value, layer, at_s=heard.piece.middle_s)
    in_turns, carrier_hz = now("alternate") == 1, now("carrier_hz")
    swell_hz = now("rate_hz") / (2 if in_turns else 1)
    for ear in heard.sound:
        found_hz = frequency_hz(ear, carrier_hz, RATE_HZ, 1.5 * swell_hz)
        assert found_hz == pytest.approx(carrier_hz, abs=0.05)
    if swell_hz < 2:  # too few pulses for a spectrum
        holds_course(heard, layer)
        return
    at_s = np.arange(heard.sound.shape[1]) / RATE_HZ
    tone = pulses(layer, heard, at_s % (1 / swell_hz)) * np.sin(2 * np.pi * carrier_hz * at_s)
    both, band_hz = np.float32(np.sqrt(2) * np.stack([tone, tone])), edges_hz(carrier_hz)
    expected, _ = swelling(depths(both, RATE_HZ, swell_hz), *band_hz)
    index, apart_deg = swelling(depths(heard.sound, RATE_HZ, swell_hz), *band_hz)
    assert index == pytest.approx(expected, abs=0.08)
    assert apart_deg == pytest.approx(180 if in_turns else 0, abs=5)
    expected_db = heard.level_db(layer, near_power_db(heard, carrier_hz))
    expected_db += power_db(both, *band_hz)
    assert power_db(heard.sound, *band_hz) == pytest.approx(expected_db, abs=1.5)


def holds_am(heard: Heard, layer: Layer) -> None:
    now = functools.partial(value, layer, at_s=heard.piece.middle_s)
    assert now("waveform") == 0
    sound = heard.shorter(heard.glide(layer, "rate_hz"))
    lines_hz = envelope(Spectrum(sound, RATE_HZ)).lines_hz
    assert min(abs(line_hz - now("rate_hz")) for line_hz in lines_hz) < 0.03
    bands = depths(sound, RATE_HZ, now("rate_hz"))
    index, apart_deg = swelling(bands, 2 * now("corner_hz"), 3000)
    if not heard.glide(layer, "depth"):
        assert index == pytest.approx(now("depth"), abs=0.05)
    assert apart_deg == pytest.approx(abs(now("phase_deg")), abs=5)
    below = [
        b.index for b in bands if b.centre_hz < now("corner_hz") / 2 - now("rate_hz") and b.sure
    ]
    assert max(below, default=0) < now("depth") / 4


def holds_bilateral(heard: Heard, layer: Layer) -> None:
    now = functools.partial(value, layer, at_s=heard.piece.middle_s)
    assert now("movement") == 0
    farthest = np.arctan(10 ** (now("ild_db") / 20)) - np.pi / 4
    angle = now("width") * farthest * np.sin(2 * np.pi * np.arange(1000) / 1000)
    index, apart_deg = swelling(depths(heard.sound, RATE_HZ, now("rate_hz")), 300, 3000)
    assert index == pytest.approx(index_of_gain(np.sin(np.pi / 4 + angle)), abs=0.05)
    assert apart_deg == pytest.approx(180, abs=10)
    if now("rate_hz") < 2:  # too few turns for a spectrum, so their course is compared
        steps = int((heard.piece.end_s - heard.piece.begin_s) / 0.1)
        left, right = (
            np.array([rms_db(part) for part in np.array_split(ear, steps)]) for ear in heard.sound
        )
        since_s = heard.piece.begin_s - heard.excerpt.begin_s + 0.1 * (np.arange(steps) + 0.5)
        place = np.sin(2 * np.pi * now("rate_hz") * (SETTLE_S + since_s))
        assert np.corrcoef(left - right, place)[0, 1] > 0.9


def holds_phasemod(heard: Heard, layer: Layer) -> None:
    now = functools.partial(value, layer, at_s=heard.piece.middle_s)
    near_hz = now("reference_hz") / 1.1, now("reference_hz") * 1.1
    around = Spectrum(heard.shorter(heard.glide(layer, "rate_hz")), RATE_HZ).without(
        [(0, near_hz[0]), (near_hz[1], RATE_HZ / 2)]
    )
    found = interaural(around)
    assert found is not None
    assert found.swing_hz == pytest.approx(now("rate_hz"), abs=0.03)
    assert found.swing_deg == pytest.approx(now("swing_deg"), rel=0.1)


def holds_selfbinaural(heard: Heard, layer: Layer) -> None:
    found = interaural(heard.spectrum)
    assert found is not None
    assert found.slope_hz == pytest.approx(value(layer, "beat_hz", 0), abs=0.02)
    assert found.slope_coherence is not None
    assert found.slope_coherence > 0.5


def holds_swell(heard: Heard, layer: Layer) -> None:
    """Half a second is short compared with a breath, and long enough to compare levels."""
    now = functools.partial(value, layer, at_s=heard.piece.middle_s)
    period_s = 60 / now("breaths_per_minute")
    inhale_s = period_s / (1 + now("exhale_ratio"))
    steps = int(heard.excerpt.seconds / 0.5)
    halves = [
        [rms_db(part) for part in np.array_split(sound, steps, 1)]
        for sound in (heard.sound, heard.before)
    ]
    gain_db = np.subtract(*halves)
    at_s = (SETTLE_S + 0.25 + 0.5 * np.arange(steps)) % period_s  # breathing began with the session
    rising = at_s / inhale_s / 2
    falling = 1 - (period_s - at_s) / (period_s - inhale_s) / 2
    full = (1 - np.cos(2 * np.pi * np.where(at_s < inhale_s, rising, falling))) / 2
    np.testing.assert_allclose(gain_db, now("depth_db") * (full - 1), atol=0.5)
    index, apart_deg = swelling(depths(heard.sound, RATE_HZ, 1 / period_s), 300, 3000)
    gain = 10 ** (now("depth_db") * (full - 1) / 20)
    whole = int(steps * 0.5 / period_s) * period_s
    turns = np.exp(-2j * np.pi * np.arange(0, whole, 0.5) / period_s)
    power = np.square(gain[: len(turns)])
    assert index == pytest.approx(
        index_of(2 * abs(np.mean(power * turns)) / power.mean()), abs=0.05
    )
    assert apart_deg < 5


def balance_gain(layer: Layer, at_s: float) -> float:
    """Return the gain of both ears together; the balance makes one of them softer."""
    side = value(layer, "balance", at_s)
    return float(np.sqrt((1 + (1 - abs(side)) ** 2) / 2))


def holds_noise(heard: Heard, layer: Layer) -> None:
    now = functools.partial(value, layer, at_s=heard.piece.middle_s)
    added = alone(heard.excerpt, layer)[:, heard.frames]
    low_db, high_db = (power_db(added, f, 2 * f) for f in (200, 1600))
    tilt_db = (high_db - low_db) / 3 - 10 * np.log10(2)
    assert tilt_db == pytest.approx(now("tilt_db_per_octave"), abs=0.3)
    if "amount" in layer.automation:  # compare its course
        steps = int((heard.piece.end_s - heard.piece.begin_s) / 0.5)
        whole = 10 ** (now("floor_db") / 20)
        found = [10 ** (rms_db(part) / 20) / whole for part in np.array_split(added, steps, 1)]
        times_s = heard.piece.begin_s + 0.25 + 0.5 * np.arange(steps)
        course = np.array(
            [value(layer, "amount", at_s) * balance_gain(layer, at_s) for at_s in times_s]
        )
        np.testing.assert_allclose(found, course, atol=0.2)  # the level of noise fluctuates
        return
    expected_db = heard.level_db(layer, power_db(heard.before, 20, RATE_HZ / 2))
    times_s = np.linspace(heard.piece.begin_s, heard.piece.end_s, 500)
    gains = np.array([balance_gain(layer, at_s) for at_s in times_s])
    expected_db += 10 * np.log10(np.mean(np.square(gains)))
    assert rms_db(added) == pytest.approx(expected_db, abs=0.7)
    if now("am_depth"):
        lines_hz = envelope(heard.spectrum).lines_hz
        assert lines_hz[0] == pytest.approx(now("am_rate_hz"), abs=0.02)
        index, apart_deg = swelling(depths(heard.sound, RATE_HZ, now("am_rate_hz")), 200, 3000)
        assert index == pytest.approx(now("am_depth"), abs=0.05)
        assert apart_deg < 5


def holds_pulse(heard: Heard, layer: Layer) -> None:
    holds_course(heard, layer)
    now = functools.partial(value, layer, at_s=heard.piece.middle_s)
    added = alone(heard.excerpt, layer)[:, heard.frames]
    middle_db, low_db = (power_db(added, f / 1.2, f * 1.2) for f in (now("centre_hz"), 100))
    assert middle_db > low_db + 3


def holds_course(heard: Heard, layer: Layer) -> None:
    """Each ear hears each pulse at its time and level, and silence in between."""
    now = functools.partial(value, layer, at_s=heard.piece.middle_s)
    added = alone(heard.excerpt, layer)[:, heard.frames]
    at_s = heard.piece.begin_s + np.arange(added.shape[1]) / RATE_HZ
    turns = (SETTLE_S + at_s - heard.excerpt.begin_s) * now(
        "rate_hz"
    )  # pulses began at the start of settling
    hundredths = range(0, len(at_s), RATE_HZ // 100)
    amount = np.repeat([value(layer, "amount", at_s[i]) for i in hundredths], RATE_HZ // 100)
    gate = amount[: len(at_s)] * pulses(layer, heard, turns % 1 / now("rate_hz"))
    assert not heard.before.any()  # so the level is at its floor
    in_turns = layer.params.get("alternate") == 1
    for number, ear in enumerate(added):
        mine = gate * (np.floor(turns) % 2 == number) if in_turns else gate
        assert np.sum(np.diff(np.sign(mine)) > 0) >= 3
        steps = len(at_s) * 100 // RATE_HZ
        found = np.array([np.mean(np.square(part)) for part in np.array_split(ear, steps)])
        due = np.array([np.mean(np.square(part)) for part in np.array_split(mine, steps)])
        assert np.corrcoef(found, due)[0, 1] > 0.6  # limited, since bursts are noise
        assert np.mean(found[due == 0]) < 0.01 * np.mean(found[due > 0])
        assert 10 * np.log10(found.sum() / due.sum()) == pytest.approx(now("floor_db"), abs=1)


HOLDS: dict[str, Callable[[Heard, Layer], None]] = {
    "binaural": holds_binaural,
    "monaural": holds_monaural,
    "isochronic": holds_isochronic,
    "am": holds_am,
    "bilateral": holds_bilateral,
    "phasemod": holds_phasemod,
    "selfbinaural": holds_selfbinaural,
    "swell": holds_swell,
    "noise": holds_noise,
    "pulse": holds_pulse,
}

STRENGTHS = {"am": "depth", "bilateral": "width", "phasemod": "swing_deg"}


def sounds(layer: Layer, piece: Piece) -> bool:
    """Whether a layer keeps a promise all the time."""
    symbol = STRENGTHS.get(layer.kind, "amount")
    if symbol in layer.automation and layer.automation[symbol].loop_s:
        return True
    return all(
        value(layer, symbol, at_s) > 0.05 for at_s in (piece.begin_s + 0.5, piece.end_s - 0.5)
    )


def promises(excerpt: Excerpt) -> list[tuple[Piece, Layer]]:
    return [
        (piece, layer)
        for piece in excerpt.pieces()
        for layer in excerpt.protocol.layers
        if sounds(layer, piece)
    ]


# ---- the tests ---------------------------------------------------------------------------------


@pytest.mark.parametrize("excerpt", EXCERPTS, ids=str)
def test_what_it_promises_is_in_the_sound(excerpt):
    assert np.isfinite(rendered(excerpt)[1]).all()
    for piece in excerpt.pieces():
        heard = Heard(excerpt, piece)
        for layer in excerpt.protocol.layers:
            if sounds(layer, piece):
                HOLDS[layer.kind](heard, layer)


@pytest.mark.parametrize("name", library.ids())
def test_every_layer_is_held_to_something(name):
    for how in {excerpt.how for excerpt in EXCERPTS}:
        mine = [e for e in EXCERPTS if e.protocol.id == name and e.how == how]
        held = {layer.id for excerpt in mine for _, layer in promises(excerpt)}
        assert all(held == {layer.id for layer in excerpt.protocol.layers} for excerpt in mine)
