"""The space: directions, exactness, movement and jumps, with a made-up head."""

from dataclasses import replace

import numpy as np
import pytest
from made_up_head import MadeUp, delays_s, direction, harmonics, made_up
from scipy.signal import butter, fftconvolve, sosfilt
from space_sounds import RATE_HZ, above_5_khz_db, impulse, sine

from entrain.engine import Engine, Point
from entrain.faust import Scene, Speakers

EARLIEST = 7
"""Frames until the earlier ear hears a source: half the width of the fractional delay."""
NOISE = np.random.default_rng(1).normal(0, 0.1, (2, 40_000)).astype(np.float32)
BLOCKS = ([1], [7], [16], [64], [100], [128, 3, 500], [8192])


@pytest.fixture(scope="module")
def model() -> MadeUp:
    return made_up()


def kernel(fraction):
    """Return a fractional delay of `EARLIEST` + `fraction` frames, 16 points long."""
    x = np.arange(16) - EARLIEST - np.asarray(fraction)[..., None]
    window = np.i0(5 * np.sqrt(np.clip(1 - (x / 8) ** 2, 0, None))) / np.i0(5)
    points = np.sinc(x) * window
    return points / points.sum(-1, keepdims=True)


def expected_response(model, azimuth_deg, elevation_deg):
    """Return what the ears hear of an impulse from a direction on the grid, in double precision."""
    row, column = round((elevation_deg + 90) / 5), round(azimuth_deg / 5) % 72
    heard = np.zeros((2, 2048))
    for ear in range(2):
        delay = model.delays_s[row, column, ear].astype(float) * model.rate_hz
        whole = int(delay)
        late = np.convolve(kernel(delay - whole), model.responses[row, column, ear])
        heard[ear, whole : whole + len(late)] = late
    return heard


def db(of, reference):
    return 20 * np.log10(np.sqrt(np.mean(np.square(of)) / np.mean(np.square(reference))) + 1e-30)


# ---- directions ----------------------------------------------------------------------------------

PLACES = [(0, 0), (90, 0), (-90, 0), (180, 0), (-45, 30), (30, -45), (0, 90), (120, 60)]


@pytest.mark.parametrize(("azimuth", "elevation"), PLACES)
def test_a_source_has_the_responses_and_delays_of_its_direction(model, azimuth, elevation):
    speakers = Speakers(room=0, azimuth_deg=azimuth, elevation_deg=elevation, width_deg=0)
    heard = speakers.use_head(model.head()).process(impulse(0))
    expected = expected_response(model, azimuth, elevation)
    assert db(heard - expected, expected) < -95  # the table of delays has 256 fractions
    assert np.flatnonzero(np.abs(expected).max(0) > 1e-3)[0] <= 10


def test_the_left_speaker_is_on_the_left_and_the_right_one_on_the_right(model):
    head = model.head()
    for channel, azimuth in ((0, 30), (1, -30)):
        heard = Speakers(room=0, width_deg=60).use_head(head).process(impulse(channel))
        alone = Speakers(room=0, azimuth_deg=azimuth, width_deg=0).use_head(head)
        alone = alone.process(impulse(0))
        gain = 10 ** (model.gain_db[0, 12] / 20)  # of 60 degrees
        np.testing.assert_allclose(heard, gain * alone, atol=1e-7)


@pytest.mark.parametrize(
    ("kind", "values", "gain_db"),
    [(Speakers, {}, -1), (Scene, {"order": 3}, -3), (Scene, {"order": 1}, -5)],
)
def test_each_kind_of_space_has_gains_of_its_own_for_the_width(model, kind, values, gain_db):
    gains_db = np.zeros((3, 73), np.float32)
    heard = []
    for gains_db[:, 12] in ([0, 0, 0], [-1, -3, -5]):  # 60 degrees
        pair = kind(room=0, width_deg=60, **values)
        pair.use_head(replace(model, gain_db=gains_db).head())
        heard.append(pair.process(impulse(0)))
    np.testing.assert_allclose(heard[1], 10 ** (gain_db / 20) * heard[0], atol=1e-7)


TURNS = [
    ({"yaw_deg": 90}, {"azimuth_deg": -90}),  # to the left: the sound comes from the right
    ({"yaw_deg": -30}, {"azimuth_deg": 30}),
    ({"pitch_deg": 45}, {"elevation_deg": -45}),  # up: from below
    ({"azimuth_deg": 90, "roll_deg": 30}, {"azimuth_deg": 90, "elevation_deg": -30}),
    ({"yaw_deg": 90, "follow": 0}, {}),
    ({"yaw_deg": 90, "follow": 0.5}, {"azimuth_deg": -45}),
]


@pytest.mark.parametrize(("turned", "same"), TURNS)
def test_a_turn_of_the_head_moves_the_sound_the_other_way(model, turned, same):
    head = model.head()
    heard = Speakers(room=0, width_deg=0, **turned).use_head(head).process(impulse(0))
    expected = Speakers(room=0, width_deg=0, **same).use_head(head).process(impulse(0))
    assert db(heard - expected, expected) < -90


@pytest.mark.parametrize("order", [1, 3])
@pytest.mark.parametrize(("azimuth", "elevation"), PLACES)
def test_the_scene_is_encoded_and_decoded(model, azimuth, elevation, order):
    scene = Scene(room=0, azimuth_deg=azimuth, elevation_deg=elevation, width_deg=0, order=order)
    heard = scene.use_head(model.head()).process(impulse(0))
    decoder = model.decoder if order == 3 else model.first_order_decoder
    gains = harmonics(direction(azimuth, elevation), order)
    expected = np.einsum("c,ecn->en", gains, decoder.astype(float))
    assert db(heard[:, :256] - expected, expected) < -120
    assert np.abs(heard[:, 256:]).max() < 1e-6


@pytest.mark.parametrize(("turned", "same"), TURNS)
def test_a_turn_of_the_head_turns_the_scene(model, turned, same):
    head = model.head()
    heard = Scene(room=0, width_deg=0, **turned).use_head(head).process(impulse(0))
    expected = Scene(room=0, width_deg=0, **same).use_head(head).process(impulse(0))
    assert db(heard - expected, expected) < -90


@pytest.mark.parametrize("kind", [Speakers, Scene])
def test_left_and_right_are_not_exchanged(model, kind):
    """The ear on the side of the source is louder, and hears it earlier."""
    for azimuth, near in ((90, 0), (-90, 1)):
        heard = kind(room=0, width_deg=0, azimuth_deg=azimuth).use_head(model.head())
        heard = heard.process(impulse(0))
        levels = np.sqrt(np.sum(np.square(heard), 1))
        assert levels[near] > 1.2 * levels[1 - near]
        low = sosfilt(butter(2, 1_500, fs=RATE_HZ, output="sos"), heard)
        behind = np.argmax(np.correlate(low[1 - near], low[near], "full")) - heard.shape[1] + 1
        assert 20 < behind < 40  # 0.66 ms


def test_a_larger_head_has_longer_delays(model):
    heard = Speakers(room=0, azimuth_deg=90, width_deg=0, head_cm=66).use_head(model.head())
    right = heard.process(impulse(0))[1]
    delay = delays_s(direction(90, 0))[1] * RATE_HZ * 66 / 57
    assert np.argmax(right) == pytest.approx(EARLIEST + delay, abs=1)


LEVELS = [(Speakers, 2, 1), (Speakers, 4, 0.5), (Speakers, 1, 2), (Scene, 0.3, 2 / 0.3)]


@pytest.mark.parametrize(("kind", "distance_m", "gain"), LEVELS)
def test_the_level_falls_with_the_distance(model, kind, distance_m, gain):
    """Nearer than 1 m, `speakers` has a near field (test_space_near.py)."""
    head = model.head()
    heard = kind(room=0, distance_m=distance_m).use_head(head).process(impulse(0))
    reference = kind(room=0).use_head(head).process(impulse(0))
    assert db(np.sum(heard, 1), np.sum(reference, 1)) == pytest.approx(20 * np.log10(gain))
    if distance_m <= 2:
        np.testing.assert_allclose(heard, gain * reference, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("distance_m", [3, 7, 20])
@pytest.mark.parametrize("kind", [Speakers, Scene])
def test_the_air_takes_high_frequencies_from_far_sound(model, kind, distance_m):
    """0.1 dB for each metre at 8 kHz, beyond the 2 m at which the speakers stand."""
    head = model.head()
    far = kind(room=0, distance_m=distance_m).use_head(head).process(impulse(0, 4800))
    near = kind(room=0, distance_m=2).use_head(head).process(impulse(0, 4800))
    ratio_db = 20 * np.log10(np.abs(np.fft.rfft(far)[0] / np.fft.rfft(near)[0]) * distance_m / 2)
    assert ratio_db[100] == pytest.approx(0, abs=0.1)  # 1 kHz
    assert ratio_db[800] == pytest.approx(-0.1 * (distance_m - 2), abs=0.02)  # 8 kHz


def test_a_scene_of_a_higher_order_begins_without_old_sound(model):
    """Channels that only the third order has are silent after a time at the first order."""
    scene, silence = Scene(room=0, azimuth_deg=50).use_head(model.head()), 0 * NOISE[:, :9_600]
    scene.process(NOISE)
    scene.order = 1
    assert np.abs(scene.process(NOISE)).max() > 0.01
    scene.process(silence)
    scene.order = 3
    assert np.abs(scene.process(silence)).max() == 0


def test_without_a_head_the_block_changes_nothing():
    np.testing.assert_array_equal(Speakers(room=0, azimuth_deg=90).process(NOISE), NOISE)


@pytest.mark.parametrize(
    ("to_hz", "within_db", "within_us"), [(16_000, 0.1, 0.2), (20_000, 0.5, 1)]
)
def test_the_delay_of_an_ear_is_exact(model, to_hz, within_db, within_us):
    """The ear's response is an impulse, so that only the delay is left."""
    whole = np.zeros((37, 72, 2, 16), np.float32)
    whole[..., 0] = 1
    delays_s = np.zeros((37, 72, 2), np.float32)
    delays_s[..., 1] = np.arange(72) * 0.41 / RATE_HZ
    head = replace(model, responses=whole, delays_s=delays_s).head()
    hz = np.fft.rfftfreq(512, 1 / RATE_HZ)
    used = (hz > 0) & (hz <= to_hz)
    for column in range(0, 72, 5):
        ears = Speakers(room=0, azimuth_deg=5 * column, width_deg=0).use_head(head)
        right = np.fft.rfft(ears.process(impulse(0, 512))[1])
        delay_s = EARLIEST / RATE_HZ + float(delays_s[0, column, 1])
        error = (right * np.exp(2j * np.pi * hz * delay_s))[used]
        assert np.abs(20 * np.log10(np.abs(error))).max() < within_db
        assert np.abs(np.angle(error) / (2 * np.pi * hz[used])).max() < within_us * 1e-6


# ---- exactness -----------------------------------------------------------------------------------


def played(model, blocks, rate_hz=RATE_HZ):
    """Play through everything that can happen, at fixed frames, in blocks of these sizes."""
    random, turn, at, pieces = np.random.default_rng(len(blocks)), 0, 0, []
    with Engine(rate_hz) as engine:
        engine.use_head(model.head())
        first = engine.add_layer("speakers", {"azimuth_deg": 20})
        placed = engine.add_layer("noise", {"path": 4, "path_hz": 1, "azimuth_deg": 60})
        other = engine.add_layer("isochronic", {"azimuth_deg": -60})
        engine.place(placed)

        def second():
            layer = engine.add_layer("speakers", {"azimuth_deg": -20})
            engine.automate(layer, "elevation_deg", [Point(0, 0), Point(0.3, 80)])
            engine.place(other)
            engine.route([layer, placed, other], restart=True)

        def scene():
            layer = engine.add_layer("scene", {"order": 1, "path": 3, "path_hz": 2})
            engine.automate(layer, "azimuth_deg", [Point(0, 0), Point(0.1, 300)])
            engine.route([layer, placed, other])

        events = {
            0: lambda: engine.route([first, placed, other]),
            2_001: lambda: engine.turn_head((0.9, 0, 0, -0.3)),
            3_001: lambda: engine.set_parameter(first, "azimuth_deg", -170),
            7_000: lambda: engine.set_parameter(first, "path", 1),
            7_064: lambda: engine.set_parameter(first, "distance_m", 1, 0.1),
            10_501: lambda: engine.turn_head((0.9, 0.1, -0.2, 0.3)),
            13_000: lambda: engine.set_parameter(placed, "elevation_deg", 60, 0.2),
            13_999: lambda: engine.use_head(made_up(taps=128).head()),
            17_000: lambda: engine.route([engine.add_layer("scene", {"path": 1}), placed, other]),
            20_000: second,
            22_500: scene,
            23_700: lambda: engine.use_head(model.head()),
            25_000: lambda: engine.route([placed]),
            30_000: lambda: engine.use_head(None),
        }
        frames = NOISE.shape[1]
        while at < frames:
            if at in events:
                events[at]()
            some = blocks[turn % len(blocks)] if blocks else int(random.integers(1, 300))
            end = min([at + some, frames, *(each for each in events if each > at)])
            pieces.append(engine.process(np.ascontiguousarray(NOISE[:, at:end])))
            at, turn = end, turn + 1
    return np.hstack(pieces)


@pytest.fixture(scope="module")
def in_large_blocks(model):
    return played(model, [4096])


@pytest.mark.parametrize("blocks", [*BLOCKS, []], ids=str)
def test_block_sizes_cannot_be_heard(model, in_large_blocks, blocks):
    np.testing.assert_array_equal(played(model, blocks), in_large_blocks)


@pytest.mark.parametrize("rate_hz", [8_000, 44_100, 96_000, 192_000])
def test_block_sizes_cannot_be_heard_at_other_rates(model, rate_hz):
    np.testing.assert_array_equal(played(model, [], rate_hz), played(model, [8192], rate_hz))


def test_without_a_routed_space_not_a_bit_changes(model):
    """Neither a head nor a placed generator has an effect then."""

    def heard(space):
        with Engine() as engine:
            tone = engine.add_layer("noise")
            if space:
                engine.use_head(model.head())
                engine.place(tone)
                engine.turn_head((0.7, 0, 0, 0.7))
            engine.route([engine.add_layer("am"), tone])
            return engine.process(NOISE)

    np.testing.assert_array_equal(heard(True), heard(False))


def test_after_the_space_has_gone_not_a_bit_differs(model):
    with Engine() as engine:
        plain = engine.process(NOISE)
    with Engine() as engine:
        engine.use_head(model.head())
        engine.route([engine.add_layer("speakers")])
        engine.process(NOISE[:, :10_000].copy())
        engine.route([])
        engine.process(NOISE[:, 10_000:20_000].copy())
        heard = engine.process(NOISE[:, 20_000:].copy())
    np.testing.assert_array_equal(heard, plain[:, 20_000:])


# ---- movement ------------------------------------------------------------------------------------


def following(model, sound, azimuths_deg):
    """Return what the ears hear of a source whose filter and delay follow it in every frame."""
    frames, row = len(sound), 18
    column = np.mod(azimuths_deg, 360) / 5
    low = column.astype(int) % 72
    share = column - np.floor(column)
    padded = np.concatenate([np.zeros(200), sound, np.zeros(8)])
    heard = np.zeros((2, frames))
    for ear in range(2):
        delays = model.delays_s[row, :, ear].astype(float) * RATE_HZ
        delay = (1 - share) * delays[low] + share * delays[(low + 1) % 72]
        whole = delay.astype(int)
        points = kernel(delay - whole)
        at = 200 + np.arange(frames) - whole
        late = sum(points[:, j] * padded[at - j] for j in range(16))
        for place in range(72):
            weight = (1 - share) * (low == place) + share * ((low + 1) % 72 == place)
            filtered = fftconvolve(late, model.responses[row, place, ear].astype(float))
            heard[ear] += weight * filtered[:frames]
    return heard


@pytest.mark.parametrize(("hz", "below_db"), [(1_000, -95), (8_000, -75)])
def test_an_orbit_is_as_smooth_as_a_filter_that_follows_every_frame(model, hz, below_db):
    """At 60 degrees a second; the position is that at the end of each partition of 64 frames."""
    frames = 3 * RATE_HZ
    sound = (0.25 * np.sin(2 * np.pi * hz * np.arange(frames) / RATE_HZ)).astype(np.float32)
    orbit = Speakers(room=0, width_deg=0, path=1, path_hz=1 / 6).use_head(model.head())
    heard = orbit.process(np.stack([sound, 0 * sound]))
    expected = following(model, sound.astype(float), 60 * (np.arange(frames) + 1) / RATE_HZ)
    assert db((heard - expected)[:, 4800:], expected) < below_db


@pytest.mark.parametrize("kind", [Speakers, Scene])
def test_a_jump_makes_no_sound_of_its_own(model, kind):
    """500 jumps in any direction; each is over before the next one."""
    random, speakers = np.random.default_rng(3), kind(room=0, width_deg=0).use_head(model.head())
    pieces, source = [], sine(500 * 2_400)
    for turn in range(500):
        pieces.append(speakers.process(source[:, 2_400 * turn : 2_400 * (turn + 1)]))
        speakers.azimuth_deg = random.uniform(-180, 180)
        speakers.elevation_deg = random.uniform(-90, 90)
    assert above_5_khz_db(np.hstack(pieces)) < -90


def test_after_a_jump_the_source_is_heard_from_its_new_place(model):
    head = model.head()
    moving = Speakers(room=0, azimuth_deg=-60).use_head(head)
    for azimuth_deg in (90, 91, 10, 25):
        moving.process(NOISE[:, :4800])
        moving.azimuth_deg = azimuth_deg
    moving.process(NOISE[:, :4800])
    heard = moving.process(impulse(0))
    expected = Speakers(room=0, azimuth_deg=25).use_head(head)
    expected.process(NOISE[:, :4800])
    np.testing.assert_allclose(heard, expected.process(impulse(0)), atol=1e-6)


@pytest.mark.parametrize("kind", ["speakers", "scene"])
def test_a_change_of_the_head_makes_no_sound_of_its_own(model, kind):
    other = replace(made_up(taps=128, azimuths=36), gain_db=model.gain_db - 5)
    heads = [model.head(), other.head()]
    pieces, source = [], sine(100 * 4_800)
    with Engine() as engine:
        engine.route([engine.add_layer(kind, {"width_deg": 0, "room": 0})])
        for turn in range(100):
            engine.use_head(heads[turn % 2])
            pieces.append(engine.process(source[:, 4_800 * turn : 4_800 * (turn + 1)].copy()))
    assert above_5_khz_db(np.hstack(pieces)[:, 4_800:]) < -90


def test_a_change_of_the_mode_makes_no_sound_of_its_own(model):
    """Off, `speakers` and `scene` follow each other; each change is a cross-fade of 50 ms."""
    pieces, source = [], sine(100 * 9_600)
    with Engine() as engine:
        engine.use_head(model.head())
        for turn in range(100):
            kind = (None, "speakers", "scene")[turn % 3]
            engine.route([engine.add_layer(kind, {"room": 0})] if kind else [])
            piece = source[:, 9_600 * turn : 9_600 * (turn + 1)]
            pieces.append(engine.process(np.ascontiguousarray(piece)))
    assert above_5_khz_db(np.hstack(pieces)) < -90


def test_a_placed_generator_is_heard_from_its_place(model):
    """It is mono there, has its own level at 1 m, and fades to its place and back."""

    def heard(place, head=True):
        with Engine() as engine:
            engine.set_standalone(True)
            engine.use_head(model.head() if head else None)
            values = {"azimuth_deg": 90, "elevation_deg": 0, "floor_db": -30, "ceiling_db": -30}
            noise = engine.add_layer("isochronic", values)
            engine.place(noise, place)
            engine.route([noise, engine.add_layer("speakers", {"room": 0})])
            sound = engine.process(np.zeros((2, RATE_HZ), np.float32))
            assert engine.space().sources == (1 if place and head else 0)
            return sound

    mono = heard(False).mean(0).astype(np.float32)
    reference = Speakers(room=0, azimuth_deg=90, width_deg=0).use_head(model.head())
    expected = reference.process(np.stack([mono, 0 * mono]))
    placed = heard(True)[:, 4_800:]  # it fades in at first
    assert db(placed - expected[:, 4_800:], expected) < -60
    np.testing.assert_array_equal(heard(True, head=False), heard(False, head=False))


@pytest.mark.parametrize("kind", ["speakers", "scene"])
@pytest.mark.parametrize("block", [64, 1024])
def test_a_turn_of_the_tracked_head_is_heard_within_a_block_and_30_ms(model, kind, block):
    """The head turns to the left by 60 degrees: the sound goes to the right.

    At each moment the sound is heard from the place that sounds most similar.
    """
    head, begin, late = model.head(), 4 * 1024, 0
    places_deg = range(-70, 11, 5)
    values = {"width_deg": 0, "room": 0}
    class_ = {"speakers": Speakers, "scene": Scene}[kind]
    still = [
        class_(azimuth_deg=each, **values).use_head(head).process(NOISE[:, :12_288])
        for each in places_deg
    ]
    pieces = []
    with Engine() as engine:
        late = engine.latency_frames
        engine.use_head(head)
        engine.route([engine.add_layer(kind, values)])
        for at in range(0, 12_288, block):
            if at >= begin:
                engine.turn_head((np.cos(np.pi / 6), 0, 0, -np.sin(np.pi / 6)))
            pieces.append(engine.process(NOISE[:, at : at + block].copy()))
    heard = np.hstack(pieces)

    def place_deg(at):
        window = slice(at, at + 240)
        sought = heard[:, at + late : at + late + 240]
        return places_deg[np.argmin([db(sought - each[:, window], sought) for each in still])]

    assert place_deg(begin - 480) == 0
    assert place_deg(begin + block + round(0.03 * RATE_HZ)) in (-60, -55)


def test_a_head_that_is_no_longer_tracked_comes_back_to_the_front(model):
    with Engine() as engine:
        assert engine.space().age_s == np.inf
        engine.use_head(model.head())
        engine.route([engine.add_layer("speakers")])
        engine.turn_head((0.0, 0, 0, 5.0))
        engine.process(np.zeros((2, RATE_HZ * 9 // 10), np.float32))
        assert engine.space().turn == pytest.approx((0, 0, 0, 1), abs=1e-3)
        assert engine.space().age_s == pytest.approx(0.9, abs=0.01)
        engine.process(np.zeros((2, RATE_HZ * 22 // 10), np.float32))
        assert np.abs(engine.space().turn) == pytest.approx((1, 0, 0, 0), abs=1e-3)


def test_an_angle_goes_the_short_way_round(model):
    with Engine() as engine:
        engine.use_head(model.head())
        layer = engine.add_layer("speakers", {"azimuth_deg": 170})
        engine.route([layer])
        engine.process(NOISE[:, :4800].copy())
        engine.set_parameter(layer, "azimuth_deg", -170, 0.1)
        engine.process(NOISE[:, :2400].copy())
        middle = engine.parameter(layer, "azimuth_deg", target=False)
        assert np.cos(np.deg2rad(middle)) == pytest.approx(-1, abs=1e-4)
        engine.process(NOISE[:, :4800].copy())
        assert engine.parameter(layer, "azimuth_deg", target=False) == -170
