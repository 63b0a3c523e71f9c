"""Descriptions of blocks: read from their sources, checked, and handed to the engine.

This module needs nothing but Python and knows no engine: the build runs it too, to check each FAUST
source and to write what the engine then tells about the block.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from keyword import iskeyword
from typing import Any

from entrain.errors import EntrainError

CHANNELS = {"generator": (2, 2), "processor": (2, 2), "input": (2, 2), "output": (2, 2)}
"""Numbers of inputs and outputs of a block, by its group."""

LAYER_GROUPS = ("generator", "processor")
"""Groups of the blocks that protocols are made of; the other blocks belong to the engine."""

PROMISES = {
    "": (),
    "tones": ("rate", "carrier"),
    "modulation": ("rate",),
    "interaural": ("rate",),
}
"""Promises that a block can make, each with the roles that it then has to declare."""

RATE_UNITS = {"Hz": 1, "1/min": 60}
"""Units that a rate can have, and over how many seconds each counts."""

_ROLES = ("strength", "level", "rate", "rate_depth", "carrier", "corner")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_CHOICE = re.compile(r"'([^']*)':(-?[\d.]+)")
_GPL = re.compile(r"(?<!L)GPL|General Public")


class UnfitBlock(EntrainError):
    """A block that must not be linked, or that Entrain could not use; the text says why."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A block's parameter, as its source declares it; values in `unit`."""

    symbol: str
    name: str
    unit: str
    minimum: float
    maximum: float
    initial: float
    step: float
    choices: tuple[tuple[str, float], ...] = ()
    """Names of some of its values, where the parameter is a choice and not an amount."""
    scale: str = "lin"
    """``log`` where equal ratios are equal steps to a listener."""

    def within(self, value: float) -> float:
        """Return the value of the range that is nearest to `value`."""
        return float(min(max(value, self.minimum), self.maximum))


AMOUNT = Parameter("amount", "Amount", "1", 0, 1, 1, 0.001)
"""The engine gives it to every layer of a protocol; at 0 the layer is bit-exactly not there."""


@dataclass(frozen=True, slots=True)
class Substitute:
    """The block that replaces a dichotic one where both ears hear both channels."""

    kind: str
    values: dict[str, float | str]
    """Its parameters by symbol: a number, or the symbol of the block's own parameter that it takes
    its value from; a value loses its sign where the substitute's range has no negative numbers.
    Without any, parameters of the same name have the same value."""


@dataclass(frozen=True, slots=True)
class Block:
    """A kind of block, of which layers are made; `group`: input, generator, processor, output."""

    kind: str
    group: str
    description: str
    parameters: dict[str, Parameter]
    promise: str = ""
    """The promise that it makes: ``tones`` at the carrier plus and minus half of the rate, a
    ``modulation`` at the rate, an ``interaural`` turning at the rate, or nothing."""
    strength: str = ""
    """The parameter that a protocol's ramps and fades move; at 0 the block does nothing.

    It is the layer's `amount`, unless the block has a better one: half a processed sound mixed
    with the untouched one cancels where the processor turns phases."""
    level: str = ""
    """The parameter that `stronger` and `weaker` move; empty: none."""
    rate: str = ""
    """The parameter that `faster` and `slower` move; empty: the block has no rhythm."""
    rate_depth: str = ""
    """The parameter at whose 0 nobody hears the rate; empty: it is always heard."""
    carrier: str = ""
    """The parameter with the frequency in the middle of its two tones."""
    corner: str = ""
    """The parameter with the frequency below which it leaves the sound alone."""
    dichotic: bool = False
    """It does nothing, or something else, where both ears hear both channels."""
    without_headphones: Substitute | None = None
    """Its replacement on loudspeakers; None: a dichotic block is silent there."""

    def in_hz(self, rate: float) -> float:
        """Convert a value of the parameter `rate` to Hz; its sign stays."""
        return rate / RATE_UNITS[self.parameters[self.rate].unit]


def block_from_json(described: Mapping[str, Any]) -> Block:
    """Make a block of what the engine tells of it; the opposite of `block_to_json`."""
    fields = {key: value for key, value in described.items() if key in Block.__slots__}
    fields["parameters"] = {
        each["symbol"]: Parameter(**{**each, "choices": tuple(map(tuple, each["choices"]))})
        for each in described["parameters"]
    }
    if other := described["without_headphones"]:
        fields["without_headphones"] = Substitute(**other)
    return Block(**fields)


def block_to_json(block: Block) -> dict[str, Any]:
    """Make of a block what the engine is to tell of it; parameters are a list, in their order."""
    return {**asdict(block), "parameters": [asdict(each) for each in block.parameters.values()]}


def block_from_faust(stem: str, described: Mapping[str, Any]) -> Block:
    """Make a block of a FAUST source.

    Parameters
    ----------
    stem : str
        The source's file name without its suffix: the block's kind.
    described : mapping
        FAUST's own description of it, as ``faust -json`` writes it.

    Raises
    ------
    UnfitBlock
        It must not be linked, or Entrain could not use it.

    """
    if guilty := gpl_functions(described):
        raise UnfitBlock(f"{stem} uses functions under the GPL: {', '.join(guilty)}")
    declared = _merged(described["meta"])
    group = declared.get("group", "")
    if group not in CHANNELS:
        raise UnfitBlock(f"{stem}: declare group as one of {', '.join(CHANNELS)}")
    if (described["inputs"], described["outputs"]) != CHANNELS[group]:
        raise UnfitBlock(f"{stem}: a {group} has {CHANNELS[group]} inputs and outputs")
    if declared["name"] != stem:
        raise UnfitBlock(f"{stem}: declare its name as {stem}")
    parameters = [_parameter(stem, each) for each in sliders(described["ui"])]
    roles = {role: declared.get(role, "") for role in _ROLES}
    if group in LAYER_GROUPS:
        parameters.append(AMOUNT)
        roles["strength"] = roles["strength"] or AMOUNT.symbol
        roles["level"] = _level(roles)
    block = Block(
        stem,
        group,
        declared.get("description", ""),
        {each.symbol: each for each in parameters},
        declared.get("promise", ""),
        dichotic=_flag(stem, declared.get("dichotic", "false")),
        without_headphones=_substitute(stem, declared.get("without_headphones", "")),
        **roles,
    )
    if problem := next(_problems(block, parameters), ""):
        raise UnfitBlock(f"{stem}: {problem}")
    return block


def check_substitute(block: Block, blocks: Mapping[str, Block]) -> None:
    """Raise `UnfitBlock` where what takes the block's place is not among these blocks."""
    other = block.without_headphones
    if other is None:
        return
    place = blocks.get(other.kind)
    if place is None or place.group != block.group or place.dichotic:
        text = f"there is no {block.group} {other.kind} that works without headphones"
        raise UnfitBlock(f"{block.kind}: {text}")
    for symbol, value in (other.values or shared(block, place)).items():
        if symbol not in place.parameters:
            raise UnfitBlock(f"{block.kind}: {other.kind} has no parameter {symbol}")
        parameter = place.parameters[symbol]
        if isinstance(value, str):
            if block.parameters[value].unit != parameter.unit:
                raise UnfitBlock(f"{block.kind}: {other.kind}'s {symbol} is in {parameter.unit}")
        elif parameter.within(value) != value:
            raise UnfitBlock(f"{block.kind}: {other.kind}'s {symbol} cannot be {value:.10g}")


def shared(block: Block, other: Block) -> dict[str, float | str]:
    """Return what `Substitute.values` means where it is empty: what both have, by symbol."""
    return {symbol: symbol for symbol in other.parameters if symbol in block.parameters}


def gpl_functions(described: Mapping[str, Any]) -> list[str]:
    """Name the functions under the GPL that a FAUST source uses; the LGPL is another licence.

    Licences differ from function to function, and their authors spell the key in two ways.
    """
    return [
        f"{key.rsplit('/', 1)[0]} ({value})"
        for entry in described["meta"]
        for key, value in entry.items()
        if re.search(r"licen[cs]e$", key) and _GPL.search(value) and "Lesser" not in value
    ]


def sliders(widgets: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Find what can be set in FAUST's description of a source, in the source's order."""
    found: list[Mapping[str, Any]] = []
    for widget in widgets:
        if "items" in widget:
            found += sliders(widget["items"])
        elif "init" in widget:
            found.append(widget)
    return found


def _merged(entries: Sequence[Mapping[str, str]]) -> dict[str, str]:
    return {key: value for entry in entries for key, value in entry.items()}


def _parameter(stem: str, widget: Mapping[str, Any]) -> Parameter:
    declared = _merged(widget.get("meta", ()))
    label = widget["label"]
    for key in ("symbol", "unit"):
        if key not in declared:
            raise UnfitBlock(f"{stem}: the parameter {label} needs a [{key}:...]")
    symbol = declared["symbol"]
    if not _is_name(symbol) or symbol == AMOUNT.symbol:
        raise UnfitBlock(f"{stem}: {symbol} cannot be a parameter's symbol")
    if declared.get("scale", "lin") not in ("lin", "log"):
        raise UnfitBlock(f"{stem}: the scale of {symbol} is lin or log")
    return Parameter(
        symbol,
        label,
        declared["unit"],
        widget["min"],
        widget["max"],
        widget["init"],
        widget["step"],
        tuple((name, float(number)) for name, number in _CHOICE.findall(declared.get("style", ""))),
        declared.get("scale", "lin"),
    )


def _flag(stem: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise UnfitBlock(f"{stem}: dichotic is true or false")
    return text == "true"


def _substitute(stem: str, text: str) -> Substitute | None:
    """Read ``kind`` or ``kind:symbol=number,symbol=own-symbol``."""
    if not text:
        return None
    kind, _, listed = text.partition(":")
    values: dict[str, float | str] = {}
    for item in listed.split(",") if listed else ():
        symbol, _, value = item.partition("=")
        if not value:
            raise UnfitBlock(f"{stem}: without_headphones is kind:symbol=value,...")
        try:
            values[symbol] = float(value)
        except ValueError:
            values[symbol] = value
    return Substitute(kind, values)


def _level(roles: Mapping[str, str]) -> str:
    """Take what is declared, or the strength; but a rate would make it faster, not stronger."""
    if roles["level"]:
        return "" if roles["level"] == "none" else roles["level"]
    return AMOUNT.symbol if roles["strength"] == roles["rate"] else roles["strength"]


def _is_name(text: str) -> bool:
    """Tell whether a text can be a name in C++, in Python and in a protocol."""
    return _NAME.fullmatch(text) is not None and not iskeyword(text)


def _problems(block: Block, parameters: Sequence[Parameter]) -> Iterator[str]:
    """All that is wrong with what a block says of itself, as far as it concerns no other block."""
    if not _is_name(block.kind):
        yield "a block's name is made of a-z, 0-9 and _"
    if not block.description:
        yield "declare its description"
    if len(block.parameters) < len(parameters):
        yield "two parameters have the same symbol"
    if block.group not in LAYER_GROUPS:
        return
    known = block.parameters
    for role in _ROLES:
        symbol = getattr(block, role)
        if symbol and symbol not in known:
            yield f"its {role} is no parameter: {symbol}"
            return
    strength = known[block.strength]
    if not strength.minimum <= 0 <= strength.maximum:
        yield f"its strength has to do nothing at 0, which {block.strength} cannot be"
    if block.level not in ("", block.strength, AMOUNT.symbol) and known[block.level].unit != "dB":
        yield f"its level has to be in dB, or its strength; {block.level} is neither"
    if block.rate and known[block.rate].unit not in RATE_UNITS:
        yield f"its rate has to be in {' or '.join(RATE_UNITS)}; {block.rate} is not"
    if block.rate_depth and not block.rate:
        yield "a rate_depth needs a rate"
    if block.promise not in PROMISES:
        yield f"its promise is one of {', '.join(filter(None, PROMISES))}"
    elif missing := [role for role in PROMISES[block.promise] if not getattr(block, role)]:
        yield f"for the promise {block.promise}, declare its {' and its '.join(missing)}"
    if block.without_headphones and not block.dichotic:
        yield "without_headphones is for what is dichotic"
    for value in block.without_headphones.values.values() if block.without_headphones else ():
        if isinstance(value, str) and value not in known:
            yield f"without_headphones names {value}, which is no parameter"
