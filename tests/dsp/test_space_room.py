"""The room of the space: walls, tail and loudness, with a made-up head."""

import numpy as np
import pytest
from made_up_head import MadeUp, made_up
from measure import loudness_lufs, pink_noise
from space_sounds import RATE_HZ, above_5_khz_db, impulse, sine

from entrain.engine import Engine
from entrain.faust import Scene, Speakers


@pytest.fixture(scope="module")
def model() -> MadeUp:
    return made_up()


@pytest.mark.parametrize("kind", [Speakers, Scene])
def test_a_room_is_first_its_walls_and_then_a_tail(model, kind):
    """At level 1 each of them is somewhat softer than the direct sound."""
    heard = kind(room=1).use_head(model.head()).process(impulse(0, RATE_HZ))
    direct = kind(room=0).use_head(model.head()).process(impulse(0, RATE_HZ)) / np.sqrt(3.9)
    room = heard - direct
    power = np.sum(np.square(room).reshape(2, -1, 480), (0, 2)) / np.sum(np.square(direct))
    for part in (power[:2], power[2:]):  # the walls are over after 20 ms
        assert -8 < 10 * np.log10(np.sum(part)) < 0
    decay_db = 10 * np.log10(power[5:25])
    slope = np.polyfit(np.arange(20) * 0.01, decay_db, 1)[0]
    assert 0.2 < -60 / slope < 0.4  # seconds until -60 dB
    assert np.abs(room[:, int(0.62 * RATE_HZ) :]).max() < 1e-4


def test_the_tail_is_alike_at_both_ears_only_at_low_frequencies(model):
    heard = Speakers(room=1).use_head(model.head()).process(impulse(0, RATE_HZ))[:, 4_000:20_000]
    left, right = np.fft.rfft(heard * np.hanning(heard.shape[1]))
    hz = np.fft.rfftfreq(heard.shape[1], 1 / RATE_HZ)

    def coherence(low, high):
        band = (hz >= low) & (hz < high)
        both = np.real(np.sum(left[band] * np.conj(right[band])))
        return both / np.sqrt(np.sum(abs(left[band]) ** 2) * np.sum(abs(right[band]) ** 2))

    assert coherence(50, 200) > 0.8
    assert abs(coherence(1_500, 8_000)) < 0.2


@pytest.mark.parametrize("kind", [Speakers, Scene])
@pytest.mark.parametrize("room", [0.15, 0.5, 1])
def test_a_room_makes_nothing_louder(model, kind, room):
    """Neither stereo nor mono pink noise gets louder than without a room, by more than 0.5 LU."""
    stereo = pink_noise(3)
    for sound in (stereo, np.repeat(stereo[:1], 2, 0)):
        plain = loudness_lufs(kind(room=0).use_head(model.head()).process(sound))
        assert loudness_lufs(kind(room=room).use_head(model.head()).process(sound)) < plain + 0.5


def test_a_room_that_is_switched_on_and_off_does_not_click(model):
    pieces, source = [], sine(40 * 9_600)
    with Engine() as engine:
        engine.use_head(model.head())
        layer = engine.add_layer("speakers", {"room": 0})
        engine.route([layer])
        for turn in range(40):
            engine.set_parameter(layer, "room", turn % 2 * 0.3)
            pieces.append(engine.process(source[:, 9_600 * turn : 9_600 * (turn + 1)].copy()))
    assert above_5_khz_db(np.hstack(pieces)[:, 4_800:]) < -60
