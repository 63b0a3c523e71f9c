"""Generators: their balance, and tones near half the sample rate."""

import numpy as np
import pytest

from entrain.engine import blocks

GENERATORS = [kind for kind, block in blocks().items() if block.group == "generator"]


def rms_db(sound):
    return 10 * np.log10(np.mean(np.square(sound, dtype=float)))


@pytest.mark.parametrize("kind", GENERATORS)
def test_balance_makes_one_ear_softer_and_leaves_the_other_as_it_is(render, kind):
    even = render(kind, 1)
    for balance in (-1, -0.5, 0, 0.25, 1):
        sound = render(f"{kind}:balance={balance}", 1)
        louder, softer = (0, 1) if balance <= 0 else (1, 0)
        np.testing.assert_array_equal(sound[:, louder], even[:, louder])
        np.testing.assert_allclose(
            sound[:, softer], even[:, softer] * (1 - abs(balance)), rtol=1e-6, atol=1e-9
        )


def test_a_balance_that_moves_does_not_click(render):
    """A move within 20 ms from left alone to right alone adds no sound beside the tone."""
    specs = "binaural:carrier_hz=1000,beat_hz=0,balance=-1,floor_db=-20,ceiling_db=-20"
    sound = render(specs, 2, moves=[(1, "binaural.balance", 1, 0)])
    frames = np.arange(48_000 - 2400, 48_000 + 2400)
    # Above 2 kHz, a fade of 20 ms leaves far less than a step.
    spectrum = np.fft.rfft(sound[frames, 0] * np.hanning(len(frames)))
    level = 20 * np.log10(np.abs(spectrum) / np.abs(spectrum).max())
    assert level[round(3000 * len(frames) / 48_000) :].max() < -80


@pytest.mark.parametrize(
    ("kind", "rate_hz", "hz", "gain"),
    [
        # 1 up to 0.45 of the rate, 0 from 0.5 on, a straight line in between
        *[(kind, 48_000, 20_000, 1) for kind in ("binaural", "monaural", "isochronic")],
        *[(kind, 44_100, 20_000, 0.9297) for kind in ("binaural", "isochronic", "harmonics")],
        *[(kind, 32_000, 16_000, 0) for kind in ("binaural", "monaural", "isochronic")],
        *[(kind, 8_000, 20_000, 0) for kind in ("binaural", "harmonics", "isochronic", "bell")],
    ],
)
def test_tones_fade_out_where_the_rate_cannot_hold_them(render, kind, rate_hz, hz, gain):
    """No tone returns as another pitch, as an aliased tone would."""
    values = {
        "binaural": f"carrier_hz={hz},beat_hz=0",
        "monaural": f"carrier_hz={hz},beat_hz=0",
        "harmonics": f"carrier_hz={hz},beat_hz=0",
        "isochronic": f"carrier_hz={hz},rate_hz=1,duty=1",
        "bell": "pitch_hz=8000",
    }[kind]
    sound = render(f"{kind}:{values},floor_db=-20,ceiling_db=-20", 0.9, rate_hz=rate_hz)
    steady = sound[rate_hz // 4 : 3 * rate_hz // 4, 0]
    if gain == 0:
        assert np.abs(steady).max() < 1e-7
    else:
        level_db = -20 + (3.01 if kind == "monaural" else 0)  # two tones of one pitch add up
        if kind == "harmonics":
            level_db += 10 * np.log10(1 / (1 + 0.35**2 + 0.15**2))  # the overtones are gone
        assert rms_db(steady) == pytest.approx(level_db + 20 * np.log10(gain), abs=0.02)
        spectrum = np.abs(np.fft.rfft(steady * np.hanning(len(steady))))
        assert np.argmax(spectrum) == pytest.approx(hz / 2, abs=1)


@pytest.mark.parametrize("duty", [0.1, 0.40302, 0.5])
def test_rounded_pulses_are_open_for_their_duty(render, duty):
    sound = render(
        f"isochronic:carrier_hz=2000,rate_hz=2,shape=1,duty={duty},floor_db=-20,ceiling_db=-20", 2
    )[24_000:, 0]
    peaks = np.abs(sound).reshape(-1, 24).max(axis=1)  # for each period of the tone
    assert np.mean(peaks > 1e-6 * peaks.max()) == pytest.approx(duty, abs=0.01)
    # At the top of a pulse the tone has its level.
    assert peaks.max() == pytest.approx(10 ** (-20 / 20) * np.sqrt(2), rel=0.001)


@pytest.mark.parametrize("rate_hz", [8_000, 48_000, 192_000])
def test_spin_is_late_by_the_same_time_at_every_rate(render, rate_hz):
    """At 1 Hz, left leads by the whole time difference after a quarter of a second."""
    sound = render("spin:rate_hz=1,itd_us=1500,tilt_db_per_octave=0", 0.5, rate_hz=rate_hz)
    middle, half = rate_hz // 4, rate_hz // 100
    left, right = sound[middle - 2 * half : middle + 2 * half].T
    lags = np.arange(-half, half + 1)
    likeness = [np.dot(left[half:-half], np.roll(right, -lag)[half:-half]) for lag in lags]
    assert lags[int(np.argmax(likeness))] / rate_hz == pytest.approx(1.5e-3, abs=1 / rate_hz)


def test_flat_bass_leaves_the_level(render):
    plain = rms_db(render("noise:floor_db=-20,ceiling_db=-20", 20)[:, 0])
    for hz in (20, 223, 2000):
        sound = render(f"noise:flat_below_hz={hz},floor_db=-20,ceiling_db=-20", 20)[:, 0]
        assert rms_db(sound) == pytest.approx(plain, abs=0.6 if hz == 20 else 0.2)
