"""Ramps and loops of imported files become automation of the layers."""

import pytest

from entrain.block import AMOUNT
from entrain.engine import blocks
from entrain.vdevice.protocol.model import Layer, Protocol
from entrain.vdevice.protocol.parts.automation import Automation, Breakpoint
from entrain.vdevice.protocol.timeline import compiled, end_s

TONE = Layer(kind="binaural", id="tone")
AM = Layer(kind="am", params={"depth": 0.6})


def protocol(*layers: Layer, **fields: object) -> Protocol:
    return Protocol.model_validate(
        {"id": "x", "name": "X", "layers": layers, **fields}, strict=False
    )


def points(layer: Layer, symbol: str) -> list[tuple[float, float]]:
    return [(p.at_s, p.value) for p in layer.automation[symbol].points]


def test_without_ramps_and_loop_the_layers_stay_as_they_are():
    assert compiled(protocol(TONE, AM), blocks) == (TONE, AM)


def test_a_generator_ramps_its_amount_and_a_processor_its_strength():
    tone, am = compiled(protocol(TONE, AM, ramp_in_s=20), blocks)

    assert points(tone, "amount") == [(0, 0), (20, 1)]
    assert points(am, "depth") == [(0, 0), (20, 0.6)]


def test_they_go_down_at_the_end():
    (tone,) = compiled(protocol(TONE, ramp_in_s=20, ramp_out_s=30, duration_s=600), blocks)

    assert points(tone, "amount") == [(0, 0), (20, 1), (570, 1), (600, 0)]


def test_a_session_that_is_all_ramp_turns_round_where_they_meet():
    (tone,) = compiled(protocol(TONE, ramp_in_s=20, ramp_out_s=30, duration_s=50), blocks)

    assert points(tone, "amount") == [(0, 0), (20, 1), (50, 0)]


def test_what_is_heard_already_does_not_come_up_again():
    tone, am = compiled(
        protocol(TONE, AM, ramp_in_s=20, ramp_out_s=30, duration_s=600), blocks, {"tone"}
    )

    assert points(tone, "amount") == [(570, 1), (600, 0)]
    assert points(am, "depth")[0] == (0, 0)


def test_a_protocol_that_moves_the_strength_itself_is_left_alone():
    moving = Automation(points=(Breakpoint(at_s=0, value=0.2),))
    layer = AM.model_copy(update={"automation": {"depth": moving}})

    assert compiled(protocol(layer, ramp_in_s=20), blocks) == (layer,)


def test_a_loop_repeats_the_automation_but_not_the_ramp():
    beat = Automation(points=(Breakpoint(at_s=0, value=10), Breakpoint(at_s=60, value=4)))
    layer = TONE.model_copy(update={"automation": {"beat_hz": beat}})

    (tone,) = compiled(protocol(layer, ramp_in_s=5, ramp_out_s=5, duration_s=60, loop=True), blocks)

    assert tone.automation["beat_hz"].loop_s == 60
    assert tone.automation["amount"].loop_s == 0
    assert points(tone, "amount") == [(0, 0), (5, 1)]


@pytest.mark.parametrize(
    ("fields", "end"),
    [
        ({}, None),
        ({"duration_s": 90}, 90),
        ({"max_minutes": 1}, 60),
        ({"duration_s": 90, "max_minutes": 1}, 60),
        ({"duration_s": 90, "loop": True}, None),
        ({"duration_s": 90, "loop": True, "max_minutes": 10}, 600),
    ],
)
def test_when_a_session_ends(fields, end):
    assert end_s(protocol(TONE, **fields)) == end


def test_every_processor_of_ours_has_a_strength_of_its_own():
    for block in blocks().values():
        if block.group == "processor":
            assert block.strength != AMOUNT.symbol, block.kind
            assert block.parameters[block.strength].within(0.0) == 0.0, block.kind
