"""Sources nearer than 1 m: the ears' levels, against the levels on a rigid sphere."""

import numpy as np
import pytest
from made_up_head import MadeUp, direction, made_up
from scipy.signal import butter, sosfilt

from entrain.engine import Engine
from entrain.faust import Scene, Speakers

RATE_HZ = 48_000
RADIUS_M = 0.57 / (2 * np.pi)
SOUND_M_S = 343.0
HZ = np.array([60, 125, 250, 500, 1_000, 2_000, 4_000, 8_000, 14_000])
NOISE = np.random.default_rng(2).normal(0, 0.1, (2, 40_000)).astype(np.float32)


@pytest.fixture(scope="module")
def model() -> MadeUp:
    return made_up()


def sphere(cosine, distance_m, hz, radius_m=RADIUS_M):
    """Return the pressure on a rigid sphere, relative to that at its middle without the sphere.

    Rabinowitz and others 1993; Duda and Martens 1998.
    """
    ka = 2 * np.pi * hz * radius_m / SOUND_M_S
    kr = ka * distance_m / radius_m

    def hankel(x):
        """Yield each spherical Hankel function as a multiple of the former one."""
        ratio = 1 / x - 1j
        for order in range(2, 200):
            yield ratio
            ratio = (2 * order - 1) / x - 1 / ratio

    radial = np.exp(1j * (kr - ka)) * ka / kr  # h(kr) / h(ka), of order 0
    total, former, legendre = np.zeros(len(hz), complex), 0.0, 1.0
    for order, (near, at) in enumerate(zip(hankel(kr), hankel(ka), strict=True)):
        total += (2 * order + 1) * legendre * radial / (order / ka - at)
        step = ((2 * order + 1) * cosine * legendre - order * former) / (order + 1)
        former, legendre = legendre, step
        radial = radial * near / at
    return -(distance_m / radius_m) / ka * np.exp(-1j * kr) * total


def nearer_db(distance_m, cosine, hz, radius_m=RADIUS_M):
    """Return what changes beside 1/r, from 1 m to a distance."""
    near, far = (np.abs(sphere(cosine, each, hz, radius_m)) for each in (distance_m, 1))
    return 20 * np.log10(near / far)


def response(model, distance_m, hz=HZ, kind=Speakers, **more):
    """Return the gain of each ear in dB, without 1/r."""
    impulse = np.zeros((2, 4_800), np.float32)
    impulse[0, 0] = distance_m
    block = kind(room=0, width_deg=0, distance_m=distance_m, **more).use_head(model.head())
    block.process(np.zeros((2, 4_800), np.float32))
    heard = block.process(impulse).astype(float)
    waves = np.exp(-2j * np.pi * np.outer(np.arange(4_800), hz) / RATE_HZ)
    return 20 * np.log10(np.abs(heard @ waves))


PLACES = [(azimuth, 0) for azimuth in (0, 25, 60, 90, 115, 180, -35, -90)] + [(60, 40), (-80, -30)]


@pytest.mark.parametrize("distance_m", [0.3, 0.5, 0.8])
@pytest.mark.parametrize(("azimuth_deg", "elevation_deg"), PLACES)
def test_near_sources_differ_between_the_ears_as_on_a_sphere(
    model, distance_m, azimuth_deg, elevation_deg
):
    place = {"azimuth_deg": azimuth_deg, "elevation_deg": elevation_deg}
    heard = response(model, distance_m, **place) - response(model, 1, **place)
    left = direction(azimuth_deg, elevation_deg)[1]
    for ear, cosine in enumerate((left, -left)):
        error = heard[ear] - nearer_db(distance_m, cosine, HZ)
        assert np.abs(error).max() < (0.25 if cosine > 0.4 else 0.65) * min(1, 0.35 / distance_m)
        assert np.sqrt(np.mean(np.square(error))) < 0.25


def test_a_source_at_the_ear_has_a_greater_difference_at_low_frequencies(model):
    """Against a source at 1 m: 5.6 dB at 60 Hz, at 0.3 m."""
    hz = np.array([60.0])
    left, right = response(model, 0.3, hz, azimuth_deg=90) - response(model, 1, hz, azimuth_deg=90)
    assert left - right == pytest.approx(5.6, abs=0.2)


def test_a_larger_head_has_a_greater_difference(model):
    for head_cm in (48, 66):
        more = {"azimuth_deg": 70, "head_cm": head_cm}
        heard = response(model, 0.3, **more) - response(model, 1, **more)
        radius_m = head_cm / 100 / (2 * np.pi)
        for ear, angle in enumerate((20, 160)):
            expected = nearer_db(0.3, np.cos(np.deg2rad(angle)), HZ, radius_m)
            np.testing.assert_allclose(heard[ear], expected, atol=0.35)


@pytest.mark.parametrize("distance_m", [0.3, 0.4, 0.6, 0.9])
def test_the_ear_turned_away_never_gets_louder_than_by_the_distance(model, distance_m):
    hz = np.geomspace(20, 20_000, 40)
    for azimuth_deg in range(0, 181, 15):
        more = {"azimuth_deg": azimuth_deg}
        right = response(model, distance_m, hz, **more)[1] - response(model, 1, hz, **more)[1]
        assert right.max() < 0.005


def test_the_difference_begins_at_1_m_without_a_step(model):
    for azimuth_deg in (0, 90, 135):
        more = {"azimuth_deg": azimuth_deg}
        at_1_m = response(model, 1, **more)
        assert np.abs(response(model, 0.99, **more) - at_1_m).max() < 0.02
        assert np.abs(response(model, 1.5, **more) - at_1_m).max() < 0.001


def test_a_source_that_was_near_is_as_it_would_have_been(model):
    """Its samples are the same then, to the last bit."""
    pair = [Speakers(room=0, azimuth_deg=40).use_head(model.head()) for _ in range(2)]
    pair[0].distance_m = 0.4
    for each in pair:
        each.process(NOISE[:, :10_000])
    pair[0].distance_m = 2
    for each in pair:
        each.process(NOISE[:, 10_000:20_000])
    np.testing.assert_array_equal(*(each.process(NOISE[:, 20_000:]) for each in pair))


def test_a_scene_has_no_near_field(model):
    more = {"kind": Scene, "azimuth_deg": 90}
    np.testing.assert_allclose(response(model, 0.3, **more), response(model, 1, **more), atol=0.01)


def test_a_placed_generator_has_a_near_field(model):
    def heard(placed):
        with Engine() as engine:
            engine.set_standalone(True)
            engine.use_head(model.head())
            place = {"azimuth_deg": 90, "elevation_deg": 0, "distance_m": 0.4}
            noise = engine.add_layer("isochronic", {"floor_db": -40, "ceiling_db": -40, **place})
            engine.place(noise, placed)
            engine.route([noise] + [engine.add_layer("speakers", {"room": 0})] * placed)
            return engine.process(np.zeros((2, RATE_HZ), np.float32))

    mono = heard(False).mean(0).astype(np.float32)
    speakers = Speakers(room=0, azimuth_deg=90, width_deg=0, distance_m=0.4)
    expected = speakers.use_head(model.head()).process(np.stack([mono / 2, 0 * mono]))
    error = (heard(True) - expected)[:, 4_800:]
    assert np.sqrt(np.mean(np.square(error)) / np.mean(np.square(expected))) < 1e-3


# ---- movement ------------------------------------------------------------------------------------


def played(model, blocks):
    """Play sources that come near, jump there and go away, in blocks of these sizes."""
    random, turn, at, pieces = np.random.default_rng(5), 0, 0, []
    with Engine() as engine:
        engine.use_head(model.head())
        space = engine.add_layer("speakers", {"distance_m": 0.5})
        placed = engine.add_layer("noise", {"path": 5, "path_hz": 2, "distance_m": 0.7})
        engine.place(placed)
        engine.route([space, placed])
        events = {
            3_001: lambda: engine.set_parameter(space, "azimuth_deg", -170),
            7_000: lambda: engine.set_parameter(space, "distance_m", 2, 0.1),
            13_000: lambda: engine.set_parameter(placed, "azimuth_deg", 90, 0.2),
            13_999: lambda: engine.set_parameter(space, "distance_m", 0.3),
            17_000: lambda: engine.set_parameter(space, "head_cm", 62),
            20_000: lambda: engine.set_parameter(space, "path", 1),
            24_500: lambda: engine.set_parameter(space, "distance_m", 1.2),
            30_010: lambda: engine.set_parameter(space, "distance_m", 0.6, 0.05),
        }
        while at < NOISE.shape[1]:
            if at in events:
                events[at]()
            some = blocks[turn % len(blocks)] if blocks else int(random.integers(1, 300))
            end = min([at + some, NOISE.shape[1], *(each for each in events if each > at)])
            pieces.append(engine.process(np.ascontiguousarray(NOISE[:, at:end])))
            at, turn = end, turn + 1
    return np.hstack(pieces)


@pytest.fixture(scope="module")
def in_large_blocks(model):
    return played(model, [4096])


@pytest.mark.parametrize(
    "blocks", [[1], [7], [16], [64], [100], [128, 3, 500], [8192], []], ids=str
)
def test_block_sizes_cannot_be_heard(model, in_large_blocks, blocks):
    np.testing.assert_array_equal(played(model, blocks), in_large_blocks)


def above_5_khz_db(heard):
    """Return the highest peak above 5 kHz, relative to the highest peak of the sound."""
    high = sosfilt(butter(8, 5_000, "highpass", fs=RATE_HZ, output="sos"), heard)
    return 20 * np.log10(np.abs(high[:, 4800:]).max() / np.abs(heard[:, 4800:]).max())


def sine(frames):
    tone = (0.02 * np.sin(2 * np.pi * 1000 * np.arange(frames) / RATE_HZ)).astype(np.float32)
    return np.stack([tone, tone])


def test_jumps_near_the_head_make_no_sound_of_their_own(model):
    random, source, pieces = np.random.default_rng(3), sine(200 * 2_400), []
    speakers = Speakers(room=0, width_deg=0, distance_m=0.3).use_head(model.head())
    for turn in range(200):
        pieces.append(speakers.process(source[:, 2_400 * turn : 2_400 * (turn + 1)]))
        speakers.azimuth_deg = random.uniform(-180, 180)
        speakers.elevation_deg = random.uniform(-90, 90)
    assert above_5_khz_db(np.hstack(pieces)) < -90


@pytest.mark.parametrize(
    "path", [{"path": 1, "path_hz": 1 / 6}, {"path": 5, "path_hz": 0.5, "path_deg": 180}]
)
def test_movement_near_the_head_makes_no_sound_of_its_own(model, path):
    """An orbit at 60 degrees a second, and a way through 1 m and back."""
    speakers = Speakers(room=0, width_deg=0, distance_m=0.6, **path).use_head(model.head())
    assert above_5_khz_db(speakers.process(sine(6 * RATE_HZ))) < -95


def test_changes_of_the_distance_do_not_click(model):
    """The gain's corners at the ends of each way alone, without the near field, have -76 dB."""
    pieces, source = [], sine(40 * 9_600)
    with Engine() as engine:
        engine.use_head(model.head())
        layer = engine.add_layer("speakers", {"room": 0, "azimuth_deg": 60})
        engine.route([layer])
        for turn in range(40):
            engine.set_parameter(layer, "distance_m", (0.3, 2, 0.6, 1.1)[turn % 4], 0.1)
            pieces.append(engine.process(source[:, 9_600 * turn : 9_600 * (turn + 1)].copy()))
    assert above_5_khz_db(np.hstack(pieces)) < -74
