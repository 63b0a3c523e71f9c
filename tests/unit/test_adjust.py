"""Faster or slower, stronger or weaker: the effect of one step on all layers."""

import numpy as np
import pytest

from entrain.engine import Engine, blocks
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.model import Layer, Protocol
from entrain.vdevice.protocol.parts.automation import Automation, Breakpoint
from entrain.vdevice.session import adjust
from entrain.vdevice.session.player import Player


def value(layer: Layer, symbol: str) -> float:
    return layer.params.get(symbol, blocks()[layer.kind].parameters[symbol].initial)


def faster(steps: int, *layers: Layer) -> dict[str, float]:
    return dict(adjust.faster(steps, layers, blocks(), value))


def stronger(steps: int, *layers: Layer) -> dict[str, float]:
    return dict(adjust.stronger(steps, layers, blocks(), value))


def layer(kind: str, **params: float) -> Layer:
    return Layer(kind=kind, params=params)


# ---- rate ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate_hz", "up_hz", "down_hz"),
    [
        (16, 17, 15),
        (15.3, 16, 15),
        (8, 9, 7.5),
        (7.83, 8, 7.5),
        (2, 2.5, 1.9),
        (1, 1.1, 0.9),
        (0.1, 0.2, 0.1),
    ],
)
def test_a_step_goes_to_the_next_round_rate(rate_hz, up_hz, down_hz):
    assert adjust.stepped(rate_hz, 1) == pytest.approx(up_hz, abs=1e-9)
    assert adjust.stepped(rate_hz, -1) == pytest.approx(down_hz, abs=1e-9)


def test_all_layers_keep_their_ratio_and_their_direction():
    found = faster(2, layer("am", rate_hz=10), layer("binaural", beat_hz=-5))

    assert found == {"am.rate_hz": 12.0, "binaural.beat_hz": -6.0}


def test_breaths_are_counted_by_the_minute():
    assert faster(1, layer("swell")) == {"swell.breaths_per_minute": 6.5}
    assert adjust.rate_hz([layer("swell")], blocks(), value) == pytest.approx(0.1)


def test_a_noise_that_does_not_swell_has_no_rate():
    assert adjust.rate_hz([layer("noise")], blocks(), value) is None
    assert adjust.rate_hz([layer("noise", am_depth=0.5)], blocks(), value) == 10.0
    with pytest.raises(ProtocolError, match="the running protocol has no rate"):
        faster(1, layer("noise"))


@pytest.mark.parametrize(("steps", "rate_hz", "where"), [(1, 100, "higher"), (-1, 0.1, "lower")])
def test_the_last_rate_is_told(steps, rate_hz, where):
    with pytest.raises(ProtocolError, match=f"the rate cannot go {where}"):
        faster(steps, layer("am", rate_hz=rate_hz))


# ---- level -----------------------------------------------------------------------------------


def test_a_step_of_level_is_3_db_of_tones_and_of_depths():
    found = stronger(-1, layer("binaural", level_db=-15), layer("am", depth=0.8))

    assert found["binaural.level_db"] == -18.0
    assert found["am.depth"] == pytest.approx(0.8 * 10 ** (-3 / 20), abs=1e-3)


def test_self_binaural_becomes_weaker_and_not_slower():
    assert list(stronger(-1, layer("selfbinaural"))) == ["selfbinaural.amount"]


def test_what_turns_the_programme_down_is_left_alone():
    with pytest.raises(ProtocolError, match="the running protocol has no level"):
        stronger(1, layer("gain"))


@pytest.mark.parametrize(("steps", "level_db", "where"), [(1, -6, "higher"), (-1, -24, "lower")])
def test_the_last_level_is_told(steps, level_db, where):
    with pytest.raises(ProtocolError, match=f"the level cannot go {where}"):
        stronger(steps, layer("binaural", level_db=level_db))


@pytest.mark.parametrize("kind", [b.kind for b in blocks().values() if b.group == "generator"])
def test_every_generator_has_a_level(kind):
    assert stronger(1, layer(kind)) == {f"{kind}.level_db": -12.0}


# ---- the running protocol --------------------------------------------------------------------


@pytest.fixture
def engine():
    with Engine() as engine:
        yield engine


@pytest.fixture
def player(engine):
    return Player(engine, lambda stretch: None)


def test_what_runs_moves_and_is_no_protocol_of_the_library_then(player):
    player.use(Protocol(id="x", name="X", layers=(layer("am", rate_hz=16),)), "x")
    assert player.rate_hz == 16.0

    player.set_all(player.stepped(1, -1), adjust.GLIDE_S)

    assert player.rate_hz == 17.0
    assert player.layers[0].params["depth"] == pytest.approx(0.354, abs=0.001)
    assert player.library_id == ""


def test_a_rate_that_goes_by_the_clock_is_moved_from_where_it_is(engine, player):
    steps = (Breakpoint(at_s=0, value=12, curve="step"), Breakpoint(at_s=600, value=4))
    moving = Layer(kind="am", automation={"rate_hz": Automation(points=steps)})
    player.use(Protocol(id="x", name="X", layers=(moving,)))
    engine.process(np.zeros((2, 4800), np.float32))
    assert player.rate_hz == 12.0

    player.set_all(player.stepped(1, 0), adjust.GLIDE_S)

    assert player.layers[0].params["rate_hz"] == 13.0
    assert player.layers[0].automation == {}


def test_after_its_end_nothing_can_be_moved(player):
    player.use(Protocol(id="x", name="X", layers=(layer("am"),)))
    player.sleep(0.0, 0.0)
    assert player.tick(1.0)

    assert player.rate_hz is None
    with pytest.raises(ProtocolError, match="X has ended"):
        player.set_all(player.stepped(1, 0), adjust.GLIDE_S)
