"""The kinds of block, as the control API shows them."""

from collections.abc import Iterable
from dataclasses import asdict

from entrain import block
from entrain.vdevice.api.messages import Block, Blocks, Choice, Parameter, Substitute


def described(blocks: Iterable[block.Block]) -> Blocks:
    """Describe blocks, sorted by kind."""
    return Blocks(
        blocks=[_described(each) for each in sorted(blocks, key=lambda each: each.kind)],
        place=[_parameter(each) for each in block.PLACE],
    )


def _described(each: block.Block) -> Block:
    substitute = each.without_headphones
    return Block(
        kind=each.kind,
        group=each.group,
        description=each.description,
        parameters=[_parameter(parameter) for parameter in each.parameters.values()],
        promise=each.promise,
        strength=each.strength,
        level=each.level,
        rate=each.rate,
        rate_depth=each.rate_depth,
        carrier=each.carrier,
        corner=each.corner,
        dichotic=each.dichotic,
        without_headphones=Substitute(**asdict(substitute)) if substitute else None,
    )


def _parameter(each: block.Parameter) -> Parameter:
    choices = [Choice(name=name, value=value) for name, value in each.choices]
    return Parameter.model_validate({**asdict(each), "choices": choices})
