"""No change of the space clicks or is louder, and live and rendered sound are the same."""

import contextlib
import time

import numpy as np
import pytest
import soundfile
from clicks import EVERY, RATE_HZ, bursts_db, noise, sines
from made_up_head import made_up
from scipy.signal import butter, sosfilt

from entrain.backend import Backend
from entrain.engine import Engine, blocks
from entrain.errors import EngineError
from entrain.vdevice.offline.render import render_file
from entrain.vdevice.protocol.model import Layer, Protocol
from entrain.vdevice.protocol.parts.places import SPACE_ID
from entrain.vdevice.session.chain import Chain

SWITCHES = 200
MODES = ("off", "speakers", "scene")
# `made_up` has gains of its own choice, so loudness is measured with real heads elsewhere.
HEAD = made_up()


def random_space(random):
    mode = str(random.choice(MODES))
    if mode == "off":
        return None
    values = {
        symbol: float(random.uniform(parameter.minimum, parameter.maximum))
        for symbol, parameter in blocks()[mode].parameters.items()
        if symbol in ("azimuth_deg", "elevation_deg", "width_deg", "room", "yaw_deg")
    }
    return Layer(kind=mode, id=SPACE_ID, params=values)


def random_protocol(random):
    layers = [Layer(kind="am", params={"depth": float(random.uniform(0, 0.3))})]
    for number in range(int(random.integers(0, 4))):
        place = {"azimuth_deg": float(random.uniform(-180, 180)), "path": "orbit"}
        placed = place if random.integers(2) else None
        params = {"level_db": -12.0}
        whole = {"kind": "noise", "id": f"noise-{number}", "params": params, "place": placed}
        layers.append(Layer.model_validate(whole))
    return Protocol(id="x", name="X", layers=tuple(layers))


@pytest.mark.parametrize("make_input", [sines, noise])
def test_200_random_changes_of_the_space_never_click(make_input):
    """Modes, values, heads, and placed generators; measured as other switches are."""
    random = np.random.default_rng(11)
    heads = [HEAD.head(), made_up(taps=128, azimuths=36).head()]
    source = np.repeat(make_input((SWITCHES + 2) * EVERY).astype("f4")[None], 2, 0)
    pieces = []
    with Engine(RATE_HZ) as engine:
        engine.use_head(heads[0])
        chain = Chain(engine)
        protocol, space = random_protocol(random), None
        chain.use(protocol)
        for turn in range(SWITCHES + 2):
            if 0 < turn <= SWITCHES:
                match random.integers(3):
                    case 0:
                        protocol = random_protocol(random)
                    case 1:
                        engine.use_head(heads[int(random.integers(2))])
                    case _:
                        space = random_space(random)
                chain.use(protocol, space=space)
            piece = source[:, turn * EVERY : (turn + 1) * EVERY]
            pieces.append(engine.process(np.ascontiguousarray(piece)))
    heard = sosfilt(butter(8, 8_000, "highpass", fs=RATE_HZ, output="sos"), np.hstack(pieces))
    bursts = [bursts_db(heard, turn * EVERY) for turn in range(1, SWITCHES + 1)]
    assert max(bursts) < 3.0, (np.argmax(bursts) + 1, max(bursts))


@pytest.mark.parametrize("mode", ["speakers", "scene"])
def test_off_again_is_bit_exact(mode):
    source = np.repeat(noise(6 * EVERY).astype("f4")[None], 2, 0)
    protocol = Protocol(id="x", name="X", layers=(Layer(kind="am"),))

    def heard(*spaces: Layer | None) -> np.ndarray:
        with Engine(RATE_HZ) as engine:
            engine.use_head(HEAD.head())
            chain = Chain(engine)
            pieces = []
            for turn, space in enumerate(spaces):
                chain.use(protocol, restart=turn == 0, space=space)
                piece = source[:, 2 * turn * EVERY : 2 * (turn + 1) * EVERY]
                pieces.append(engine.process(np.ascontiguousarray(piece)))
        return np.hstack(pieces)

    plain = heard(None, None, None)
    spatial = heard(None, Layer(kind=mode, id=SPACE_ID), None)
    np.testing.assert_array_equal(spatial[:, : 2 * EVERY], plain[:, : 2 * EVERY])
    assert np.abs(spatial - plain)[:, 3 * EVERY : 4 * EVERY].max() > 0.01
    np.testing.assert_array_equal(spatial[:, 5 * EVERY :], plain[:, 5 * EVERY :])


PLACED = {
    "kind": "noise",
    "id": "rain",
    "params": {"level_db": -20},
    "place": {"azimuth_deg": 90, "path": "orbit", "path_hz": 0.05},
    "automation": {
        "elevation_deg": {"points": [{"at_s": 0, "value": 0}, {"at_s": 2, "value": 60}]}
    },
}


@pytest.mark.parametrize("mode", ["speakers", "scene"])
def test_rendered_and_live_samples_are_identical_in_space(tmp_path, mode):
    automation = {"azimuth_deg": {"points": [{"at_s": 0, "value": 0}, {"at_s": 2, "value": 90}]}}
    spatial = {"mode": mode, "params": {"room": 0.3}, "automation": automation}
    whole = {"id": "x", "name": "X", "layers": [PLACED, {"kind": "am"}], "spatial": spatial}
    protocol = Protocol.model_validate(whole | {"ramp_in_s": 0.5}, strict=False)
    source = np.random.default_rng(1).uniform(-0.1, 0.1, (150_017, 2)).astype("f4")
    soundfile.write(tmp_path / "in.wav", source, RATE_HZ, subtype="FLOAT")

    render_file(tmp_path / "in.wav", tmp_path / "out.wav", protocol, head=HEAD.head())

    with Engine(RATE_HZ) as engine:
        engine.use_head(HEAD.head())
        Chain(engine).use(protocol)
        late = engine.latency_frames
        padded = np.concatenate([source, np.zeros((late, 2), "f4")]).T
        live = [engine.process(np.ascontiguousarray(b)) for b in np.array_split(padded, 1_777, 1)]
        assert engine.space().sources == 1
    rendered, _ = soundfile.read(tmp_path / "out.wav", dtype="float32")
    np.testing.assert_array_equal(rendered, np.concatenate(live, 1).T[late:])
    without = render_file(tmp_path / "in.wav", tmp_path / "plain.wav", protocol)
    assert without.frames == len(source)
    plain, _ = soundfile.read(tmp_path / "plain.wav", dtype="float32")
    assert np.abs(plain - rendered).max() > 0.01


@pytest.mark.parametrize("mode", ["speakers", "scene"])
def test_a_back_end_plays_the_same_samples(mode):
    """The null back end, which calls the engine from a thread of its own, as a live one does."""
    whole = {"id": "x", "name": "X", "layers": [PLACED], "standalone": True}
    protocol = Protocol.model_validate(whole | {"spatial": {"mode": mode}}, strict=False)
    frames = 8_192

    def prepared(engine):
        engine.use_head(HEAD.head())
        Chain(engine).use(protocol)

    def live():
        with Engine(RATE_HZ) as engine:
            prepared(engine)
            backend = Backend("null", engine)
            try:
                for _ in range(200):
                    time.sleep(0.02)
                    with contextlib.suppress(EngineError):  # too early, or, on a busy machine, late
                        return engine.read_tap(0, frames)
            finally:
                backend.close()
        return None

    with Engine(RATE_HZ) as engine:
        prepared(engine)
        expected = engine.process(np.zeros((2, frames), "f4"))
    heard = live()
    if heard is None:
        heard = live()
    assert np.abs(expected).max() > 0.001
    np.testing.assert_array_equal(heard, expected)


def test_eight_placed_generators_make_room_for_eight_others():
    """The engine also counts generators that fade out, unless they are taken out before."""

    def eight(name: str) -> Protocol:
        layers = tuple(
            Layer.model_validate({"kind": "noise", "id": f"{name}-{n}", "place": {}})
            for n in range(8)
        )
        return Protocol(id="x", name="X", layers=layers, standalone=True)

    with Engine(RATE_HZ) as engine:
        engine.use_head(HEAD.head())
        chain = Chain(engine)
        for name in ("a", "b", "a"):
            chain.use(eight(name), space=Layer(kind="scene", id=SPACE_ID))
            engine.process(np.zeros((2, 12_000), "f4"))
            assert engine.space().sources == 8
