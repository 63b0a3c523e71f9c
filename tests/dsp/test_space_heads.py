"""The space with measured heads, from their files to the ears: arrival, loudness and peaks."""

import numpy as np
import pytest
from measure import K_WEIGHTING, RATE_HZ, loudness_lufs, pink_noise, true_peak_db
from measured_heads import SETS, sofa_path
from scipy.signal import butter, sosfilt, sosfreqz

from entrain.engine import Engine
from entrain.faust import Scene, Speakers
from entrain.head import Head
from entrain.vdevice.hrtf import head_file
from entrain.vdevice.hrtf.preparation.prepare import prepare
from entrain.vdevice.hrtf.preparation.sources import aligned

MODES = [(Speakers, {}), (Scene, {}), (Scene, {"order": 1})]
FRAMES = 1 << 15
"""Longer than the tail of a room."""


@pytest.fixture(scope="module", params=SETS)
def head(request, tmp_path_factory):
    """Prepare a measured head as the app does."""
    prepared = prepare(aligned(str(sofa_path(request.param))))
    path = tmp_path_factory.mktemp("heads") / "my.head"
    head_file.write(path, prepared.counts, prepared.arrays)
    return Head.from_file(path)


def impulse(channel, frames):
    sound = np.zeros((2, frames), np.float32)
    sound[channel, 0] = 1
    return sound


@pytest.mark.parametrize(("kind", "values"), MODES, ids=str)
def test_the_earlier_ear_hears_every_direction_within_10_frames(head, kind, values):
    """An ear hears a sound as soon as it is within 10 dB of its peak."""
    late = {}
    for elevation in (-30, 0, 45, 90):
        for azimuth in range(-180, 180, 30 if elevation < 90 else 360):
            placed = kind(
                room=0, width_deg=0, azimuth_deg=azimuth, elevation_deg=elevation, **values
            )
            heard = np.abs(placed.use_head(head).process(impulse(0, 512)))
            onsets = (heard >= 10 ** (-10 / 20) * heard.max(axis=1, keepdims=True)).argmax(axis=1)
            if onsets.min() > 10:
                late[azimuth, elevation] = onsets.min()
    assert not late


def loudness_weights():
    """Return each bin's share of the loudness of pink noise above 10 Hz."""
    hz = np.fft.rfftfreq(FRAMES, 1 / RATE_HZ)
    _, response = sosfreqz(K_WEIGHTING, hz, fs=RATE_HZ)
    weights = np.abs(response) ** 2 / np.maximum(hz, 10) * (hz >= 10)
    return weights / weights.sum()


@pytest.mark.parametrize("room", [0, 0.15, 1])
@pytest.mark.parametrize(("kind", "values"), MODES, ids=str)
def test_pink_noise_gets_no_louder_at_any_width(head, kind, values, room):
    """Relative to headphones alone; computed from the responses to impulses on each side."""
    weights = loudness_weights()
    for width_deg in (30, 37, 60, 82, 100, 123, 147, 180, 220):
        blocks = [kind(room=room, width_deg=width_deg, **values).use_head(head) for _ in range(2)]
        left, right = (
            np.fft.rfft(block.process(impulse(side, FRAMES))) for side, block in enumerate(blocks)
        )
        stereo = ((np.abs(left) ** 2 + np.abs(right) ** 2) @ weights).sum() / 2
        mono = (np.abs(left + right) ** 2 @ weights).sum() / 2
        louder = 10 * np.log10(max(stereo, mono))
        assert -1.5 < louder <= 0.5, width_deg


@pytest.mark.parametrize("mode", ["speakers", "scene"])
def test_loud_noise_is_no_louder_and_stays_below_the_limiters_ceiling(head, mode):
    """Noise through the whole engine: soft noise by its loudness, loud noise by its true peak.

    The limiter hardly sees frequencies above 20 kHz (test_limiter.py), so the noise has none.
    """
    low = butter(10, 18_000, fs=RATE_HZ, output="sos")
    stereo = sosfilt(low, pink_noise(4)).astype(np.float32)
    for noise in (stereo, np.repeat(stereo[:1], 2, 0)):
        with Engine() as engine:
            engine.use_head(head)
            engine.route([engine.add_layer(mode)])
            soft = engine.process(noise)
            loud = engine.process(noise * np.float32(2 / np.abs(noise).max()))
        assert loudness_lufs(soft) <= loudness_lufs(noise) + 0.5
        loud[:, -480:] *= np.linspace(1, 0, 480)  # a cut would be a peak
        assert true_peak_db(loud.T) <= -1.0
