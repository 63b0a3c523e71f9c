"""Levels of generators relative to the input, and their stability with any input."""

import numpy as np
import pytest
from measure import levels_db, rms_db

from entrain.engine import blocks
from entrain.runner import Runner

RATE_HZ = 48_000
GENERATORS = {kind: block for kind, block in blocks().items() if block.group == "generator"}
OPEN = {"floor_db": -90, "ceiling_db": -6}

# Settings for sound without a pause for 20 s, after the first 50 ms.
STEADY = {
    "binaural": {"beat_hz": 10},
    "monaural": {"beat_hz": 10},
    "harmonics": {"beat_hz": 10},
    "isochronic": {"rate_hz": 0.05, "duty": 1},
}
WHOLE = {  # blocks whose level is relative to the whole input
    "noise": {"tilt_db_per_octave": 0},
    "pulse": {"rate_hz": 0.05, "burst_ms": 1000, "edge_ms": 1},
}


def pink(seconds: float, level_db: float, seed: int = 1) -> np.ndarray:
    """Return pink noise from 20 Hz, independent in both ears, 6 dB softer on the right."""
    frames = round(seconds * RATE_HZ)
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(size=(2, frames)))
    bins_hz = np.fft.rfftfreq(frames, 1 / RATE_HZ)
    spectrum *= (bins_hz >= 20) / np.sqrt(np.maximum(bins_hz, 20))
    sound = np.fft.irfft(spectrum, frames) * [[1], [0.5]]
    return (sound * 10 ** (level_db / 20) / np.sqrt(np.mean(sound**2))).astype(np.float32)


def tone(seconds: float, hz: float, level_db: float) -> np.ndarray:
    """Return a sine in both ears."""
    amplitude = np.sqrt(2) * 10 ** (level_db / 20)
    sine = amplitude * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE_HZ)) / RATE_HZ)
    return np.stack([sine, sine]).astype(np.float32)


def band_db(sound: np.ndarray, lowest_hz: float, highest_hz: float) -> float:
    """Return the level within a band, from the mean power of both ears."""
    spectrum = np.fft.rfft(sound)
    bins_hz = np.fft.rfftfreq(sound.shape[1], 1 / RATE_HZ)
    inside = (bins_hz >= lowest_hz) & (bins_hz <= highest_hz)
    power = 2 * np.sum(np.abs(spectrum[:, inside]) ** 2) / sound.shape[1] ** 2 / 2
    return float(10 * np.log10(power))


PINK = pink(20, -12)
LAST = slice(-5 * RATE_HZ, None)


# ---- relative to the input -----------------------------------------------------------------


@pytest.mark.parametrize("carrier_hz", [60, 400, 1_500])
@pytest.mark.parametrize("kind", STEADY)
def test_a_tone_is_15_db_below_the_input_around_it(kind, carrier_hz):
    """The band is +-1/3 octave; the band-pass is 0.23 dB off, and chance adds as much at 60 Hz."""
    sound = Runner(kind, carrier_hz=carrier_hz, **STEADY[kind], **OPEN).process(PINK)
    third = 2 ** (1 / 3)
    wanted_db = band_db(PINK[:, LAST], carrier_hz / third, carrier_hz * third) - 15
    for ear in sound[:, LAST]:
        assert rms_db(ear) == pytest.approx(wanted_db, abs=0.7)


@pytest.mark.parametrize("level_db", [-24, -15, -6])
def test_a_tone_is_as_far_below_a_tone_of_the_input_as_asked(level_db):
    music = tone(20, 390, -12)
    sound = Runner("binaural", carrier_hz=400, level_db=level_db, **OPEN).process(music)
    assert rms_db(sound[0, LAST]) == pytest.approx(-12 + level_db, abs=0.3)


@pytest.mark.parametrize("kind", WHOLE)
def test_noise_is_15_db_below_the_whole_input(kind):
    block = Runner(kind, **WHOLE[kind], **OPEN)
    block.process(PINK)
    sound = block.process(PINK[:, :RATE_HZ])  # with `pulse`, the second burst
    for ear in sound:
        assert rms_db(ear) == pytest.approx(-12 - 15, abs=0.5)


def test_a_bell_is_struck_15_db_below_the_input_around_it():
    bell = Runner("bell", pitch_hz=400, decay_s=30, **OPEN)
    bell.process(PINK)
    bell.set("decay_s", 0.1).process(PINK[:, :RATE_HZ])
    bell.set("decay_s", 30).set("strike", 1)
    third = 2 ** (1 / 3)
    wanted_db = band_db(PINK, 400 / third, 400 * third) - 15
    assert rms_db(bell.process(PINK[:, : RATE_HZ // 5])[0]) == pytest.approx(wanted_db, abs=1)


@pytest.mark.parametrize("hz", [100, 1_600])
def test_two_octaves_off_the_carrier_the_input_does_not_count(hz):
    sound = Runner("binaural", carrier_hz=400, **OPEN).process(tone(20, hz, -12))
    assert rms_db(sound[0, LAST]) < -12 - 15 - 30


# ---- floor and ceiling -------------------------------------------------------------------------


@pytest.mark.parametrize("kind", STEADY)
def test_in_silence_the_floor_holds_from_the_first_frame_on(kind):
    sound = Runner(kind, carrier_hz=400, **STEADY[kind]).process(np.zeros((2, RATE_HZ), "f4"))
    assert rms_db(sound[0, : RATE_HZ // 2]) == pytest.approx(-45, abs=0.2)
    assert rms_db(sound[0, RATE_HZ // 2 :]) == pytest.approx(-45, abs=0.01)


@pytest.mark.parametrize("kind", STEADY)
def test_a_loud_input_takes_a_generator_to_its_ceiling_and_not_further(kind):
    loud = PINK * np.float32(16)
    sound = Runner(kind, carrier_hz=400, **STEADY[kind]).process(loud)
    assert rms_db(sound[0, -2 * RATE_HZ : -RATE_HZ]) == pytest.approx(-20, abs=0.01)


@pytest.mark.parametrize("music", [PINK * np.float32(16), PINK * np.float32(0)])
def test_the_floor_wins_over_the_ceiling(music):
    block = Runner("binaural", carrier_hz=400, floor_db=-30, ceiling_db=-40)
    assert rms_db(block.process(music)[0, -RATE_HZ:]) == pytest.approx(-30, abs=0.01)


@pytest.mark.parametrize("kind", STEADY)
def test_floor_and_ceiling_together_make_the_level_absolute(kind):
    values = {"carrier_hz": 400, **STEADY[kind], "floor_db": -30, "ceiling_db": -30}
    beside = Runner(kind, **values).process(PINK[:, :RATE_HZ])
    alone = Runner(kind, **values).process(np.zeros((2, RATE_HZ), np.float32))
    np.testing.assert_array_equal(beside, alone)


# ---- slowly ------------------------------------------------------------------------------------


def levels_over_time_db(sound: np.ndarray) -> np.ndarray:
    """Return the level of each 0.1 s."""
    return 10 * np.log10(np.mean(sound.reshape(-1, RATE_HZ // 10) ** 2, axis=1))


@pytest.mark.parametrize("carrier_hz", [100, 400])
def test_steady_noise_does_not_make_a_tone_pump(carrier_hz):
    """Fast changes of about 0.4 dB are just audible."""
    steady = PINK[[0, 0]]
    sound = Runner("binaural", carrier_hz=carrier_hz, beat_hz=0, **OPEN).process(steady)
    levels = levels_over_time_db(sound[0])[-100:]
    assert levels.std() < 0.4
    assert np.abs(np.diff(levels)).max() < 0.05  # in 0.1 s


def test_the_level_takes_seconds_to_follow():
    music = np.concatenate([tone(1, 400, -200), tone(20, 400, -12), tone(20, 400, -200)], axis=1)
    sound = Runner("binaural", carrier_hz=400, beat_hz=0, ceiling_db=-6).process(music)
    levels = levels_over_time_db(sound[0])
    assert levels[9] == pytest.approx(-45, abs=0.01)
    arrival_s = np.flatnonzero(levels > levels[209] - 1)[0] / 10 - 1
    return_s = np.flatnonzero(levels > -45 + 1)[-1] / 10 - 21
    assert 3 < arrival_s < 6
    assert 6 < return_s < 12
    assert np.abs(np.diff(levels)).max() < 3  # in 0.1 s


def test_a_tone_beside_a_input_is_as_clean_as_alone():
    """The input's own period must not modulate the gain."""
    music = tone(30, 220, -12)
    sound = Runner("binaural", carrier_hz=200, beat_hz=2, **OPEN).process(music)
    left = sound[0, -RATE_HZ:].astype(float)
    turns = 2 * np.pi * 201 * np.arange(RATE_HZ) / RATE_HZ
    sines = np.stack([np.cos(turns), np.sin(turns)], axis=1)
    rest = left - sines @ np.linalg.lstsq(sines, left, rcond=None)[0]
    assert rms_db(rest) - rms_db(left) < -120
    assert max(levels_db(left, [201, 220, 440, 641])[1:]) < rms_db(left) - 120


# ---- any input ---------------------------------------------------------------------------------


def hostile(rng: np.random.Generator, frames: int) -> np.ndarray:
    """Return one of the worst inputs that the engine accepts."""
    square = np.where(rng.random((2, frames)) < 0.5, 16, -16)
    sounds = [
        square,
        np.zeros((2, frames)),
        np.full((2, frames), 1e-40),
        square * 1e-40,
        np.full((2, frames), 16.0),
        square * (np.arange(frames) % 97 == 0),
    ]
    return sounds[rng.integers(len(sounds))].astype(np.float32)


@pytest.mark.parametrize("rate_hz", [8_000, 48_000, 192_000])
@pytest.mark.parametrize("kind", GENERATORS)
def test_sound_stays_finite_and_bounded_whatever_comes(kind, rate_hz):
    """Levels are at most -6 dB; noise peaks at 8 times its RMS, if modulated 1.7 times higher."""
    rng = np.random.default_rng(rate_hz)
    for _ in range(4):
        block = Runner(kind, rate_hz)
        for _ in range(40):
            for symbol, parameter in GENERATORS[kind].parameters.items():
                if symbol == "amount":
                    continue  # belongs to the layer, not to the block
                choice = rng.integers(4)
                ends = (parameter.minimum, parameter.maximum)
                value = ends[choice] if choice < 2 else rng.uniform(*ends)
                block.set(symbol, value)
            sound = block.process(hostile(rng, int(rng.choice([1, 16, 64, 1000]))))
            assert np.all(np.isfinite(sound))
            assert np.abs(sound).max() < 0.5012 * 8 * 1.7
