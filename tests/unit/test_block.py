"""The declarations of a block, and the messages that refuse wrong ones."""

import json
from dataclasses import replace
from typing import Any

import pytest

from entrain.block import (
    AMOUNT,
    ROUTED_GROUPS,
    UnfitBlock,
    block_from_faust,
    block_from_json,
    block_to_json,
    check_controllers,
    check_substitute,
)
from entrain.engine import blocks


def slider(symbol: str, unit: str = "1", low: float = 0, high: float = 1, **meta: str) -> Any:
    meta = {"symbol": symbol, "unit": unit} | meta
    return {
        "label": symbol.title(),
        "meta": [{key: value} for key, value in meta.items() if value],
        "init": low,
        "min": low,
        "max": high,
        "step": 0.1,
    }


SLIDERS = [slider("pace", "Hz", 0.1, 9), slider("push"), slider("tone", "Hz", 1, 9)]


def faust(*sliders: Any, channels: tuple[int, int] = (2, 2), **declared: str) -> dict[str, Any]:
    """Return FAUST's description of a source, by default a processor with `SLIDERS`."""
    declared = {"name": "trial", "group": "processor", "description": "For a test"} | declared
    items = list(sliders or SLIDERS)
    return {
        "name": declared["name"],
        "inputs": channels[0],
        "outputs": channels[1],
        "meta": [{key: value} for key, value in declared.items() if value],
        "ui": [{"type": "vgroup", "items": items}],
    }


def test_what_is_not_declared_is_the_amount_or_nothing():
    block = block_from_faust("trial", faust())

    assert list(block.parameters) == ["pace", "push", "tone", "amount"]
    assert (block.strength, block.level) == (AMOUNT.symbol, AMOUNT.symbol)
    assert (block.rate, block.rate_depth, block.carrier, block.corner) == ("", "", "", "")
    assert not block.dichotic
    assert block.without_headphones is None


@pytest.mark.parametrize(
    ("declared", "level"),
    [
        ({"strength": "push"}, "push"),
        ({"strength": "pace", "rate": "pace"}, AMOUNT.symbol),  # a higher level must not be faster
        ({"strength": "push", "level": "none"}, ""),
        ({"strength": "push", "level": "loud_db"}, "loud_db"),
    ],
)
def test_what_stronger_moves_is_the_strength_unless_something_else_is_declared(declared, level):
    sliders = (slider("pace", "Hz", -9, 9), slider("push"), slider("loud_db", "dB", -9, -1))
    assert block_from_faust("trial", faust(*sliders, **declared)).level == level


def test_a_parameter_has_a_scale_and_names_for_its_values():
    style = "menu{'sine':0;'square':-1.5}"
    block = block_from_faust("trial", faust(slider("form", style=style), slider("x", scale="log")))

    assert block.parameters["form"].choices == (("sine", 0.0), ("square", -1.5))
    assert [each.scale for each in block.parameters.values()] == ["lin", "log", "lin"]


def test_a_parameter_has_a_midi_controller_if_it_declares_one():
    block = block_from_faust("trial", faust(slider("x", midi="ctrl 31"), slider("y")))

    assert [each.controller for each in block.parameters.values()] == [31, None, None]
    assert block_from_json(block_to_json(block)) == block


def test_a_parameter_has_a_way_for_knobs_if_it_declares_one():
    block = block_from_faust("trial", faust(slider("x", knob="0.2 0.8"), slider("y")))

    assert [each.knob for each in block.parameters.values()] == [(0.2, 0.8), None, None]
    assert block_from_json(json.loads(json.dumps(block_to_json(block)))) == block


def test_one_step_of_a_knob_is_a_small_step_of_every_rate_and_frequency():
    """A step of the 127 of a usual knob; 4 % of 10 Hz are 0.4 Hz."""
    for block in blocks().values():
        for each in block.parameters.values():
            if each.controller is not None and each.unit == "Hz":
                low, high = each.knob or (each.minimum, each.maximum)
                assert low > 0, (block.kind, each)
                assert (high / low) ** (1 / 127) < 1.05, (block.kind, each)
                assert low <= each.initial <= high, (block.kind, each)


def test_no_controller_belongs_to_two_blocks():
    """Only a space may share controllers with another, since one space is heard at a time."""
    first, other = (
        replace(block_from_faust("trial", faust(slider("x", midi="ctrl 31"))), kind=kind)
        for kind in ("first", "other")
    )

    with pytest.raises(UnfitBlock, match="other: first has the controller 31 of x already"):
        check_controllers({"first": first, "other": other})
    spaces = (replace(each, group="space") for each in (first, other))
    check_controllers({each.kind: each for each in spaces})


def test_the_chief_parameters_of_every_block_have_controllers_of_their_own():
    check_controllers(blocks())
    for block in blocks().values():
        if block.group in ROUTED_GROUPS:
            known = block.parameters
            chief = {block.rate, block.level, block.strength} - {"", AMOUNT.symbol}
            assert all(known[symbol].controller is not None for symbol in chief), block.kind
            assert any(each.controller is not None for each in known.values()), block.kind


def test_the_engines_own_blocks_are_no_layers():
    block = block_from_faust("trial", faust(group="output"))

    assert AMOUNT.symbol not in block.parameters
    assert (block.strength, block.level) == ("", "")


@pytest.mark.parametrize(
    ("description", "said"),
    [
        (faust(group="nonsense"), "declare group as one of generator, processor, input, output"),
        (faust(channels=(1, 2)), "a processor has (2, 2) inputs and outputs"),
        (faust(name="other"), "declare its name as trial"),
        (faust(description=""), "declare its description"),
        (faust(**{"co.lib/limiter/licence": "GPLv3"}), "under the GPL: co.lib/limiter (GPLv3)"),
        (faust(slider("")), "needs a [symbol:...]"),
        (faust(slider("x", unit="")), "needs a [unit:...]"),
        (faust(slider("Rate")), "Rate cannot be a parameter's symbol"),
        (faust(slider("lambda")), "lambda cannot be a parameter's symbol"),
        (faust(slider("amount")), "amount cannot be a parameter's symbol"),
        (faust(slider("x"), slider("x")), "two parameters have the same symbol"),
        (faust(slider("x", scale="odd")), "the scale of x must be lin or log"),
        (faust(slider("x", midi="keyon 60")), "write a controller as [midi:ctrl 20]"),
        (faust(slider("x", knob="1")), "write the way of a knob as [knob:0.5 40]"),
        (faust(slider("x", knob="0 2")), "the way of a knob must lie in the range of x"),
        (faust(slider("x", midi="ctrl 7")), "the MIDI controller 7 has a meaning of its own"),
        (
            faust(slider("x", midi="ctrl 20"), slider("y", midi="ctrl 20")),
            "two parameters have the same MIDI controller",
        ),
        (faust(strength="nonsense"), "its strength is not one of its parameters: nonsense"),
        (faust(strength="pace"), "its strength must do nothing at 0"),
        (faust(level="tone"), "its level must be in dB, or its strength; tone is neither"),
        (faust(rate="push"), "its rate must be in Hz or 1/min; push is not"),
        (faust(rate_depth="push"), "a rate_depth needs a rate"),
        (faust(promise="nonsense"), "its promise must be one of tones, modulation, interaural"),
        (faust(promise="tones"), "for the promise tones, declare its rate and its carrier"),
        (faust(promise="modulation"), "for the promise modulation, declare its rate"),
        (faust(dichotic="yes"), "dichotic must be true or false"),
        (faust(without_headphones="other"), "only a dichotic block can have without_headphones"),
        (
            faust(dichotic="true", without_headphones="o:x"),
            "write without_headphones as kind:symbol=",
        ),
        (
            faust(dichotic="true", without_headphones="o:x=y"),
            "names y, which is not one of its parameters",
        ),
    ],
)
def test_a_block_that_cannot_be_used_is_refused(description, said):
    with pytest.raises(UnfitBlock, match=r"^trial") as caught:
        block_from_faust("trial", description)
    assert said in str(caught.value)


def test_the_name_of_a_block_has_to_be_one_in_c_and_python_too():
    with pytest.raises(UnfitBlock, match="a block's name must consist of"):
        block_from_faust("two-words", faust(name="two-words"))


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ("nonsense", "no processor nonsense works without headphones"),
        ("noise", "no processor noise works"),
        ("phasemod", "no processor phasemod works"),
        ("am:nonsense=1", "am has no parameter nonsense"),
        ("am:depth=2", "am's depth cannot be 2"),
        ("am:rate_hz=push", "am's rate_hz is in Hz"),
    ],
)
def test_an_alternative_that_cannot_be_is_refused(other, said):
    block = block_from_faust("trial", faust(dichotic="true", without_headphones=other))
    with pytest.raises(UnfitBlock, match=f"^trial: {said}"):
        check_substitute(block, blocks())


def test_the_engine_tells_what_the_build_has_written():
    for block in blocks().values():
        check_substitute(block, blocks())
        assert block_from_json(json.loads(json.dumps(block_to_json(block)))) == block
