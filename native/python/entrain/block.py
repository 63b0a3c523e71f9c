"""Descriptions of blocks: read from FAUST sources, checked, and passed on to the engine.

This module needs only Python and knows no engine.  The build runs it to check each FAUST source and
to write the description that the engine returns for the block.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from keyword import iskeyword
from typing import Any

from entrain.errors import EntrainError

CHANNELS = {"generator": (2, 2), "processor": (2, 2), "input": (2, 2), "output": (2, 2)}
"""Numbers of inputs and outputs of a FAUST block, by group."""

LAYER_GROUPS = ("generator", "processor")
"""Groups of the blocks that the layers of protocols may be."""

ROUTED_GROUPS = (*LAYER_GROUPS, "space")
"""Groups of the blocks that the engine's user may route."""

OWN_GROUPS = ("input", "output")
"""Groups of the blocks that belong to the engine."""

PROMISES = {
    "": (),
    "tones": ("rate", "carrier"),
    "modulation": ("rate",),
    "interaural": ("rate",),
}
"""Promises that a block can make, with the roles that it must then declare."""

RATE_UNITS = {"Hz": 1, "1/min": 60}
"""Units that a rate can have, and the number of seconds in each unit's period."""

_ROLES = ("strength", "level", "rate", "rate_depth", "carrier", "corner")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
CONTROLLERS = (*range(20, 32), 85, 86, 87, 89, 90, *range(102, 120))
"""MIDI controllers to which no standard gives a meaning.  (88 is the velocity's low part.)"""

_CHOICE = re.compile(r"'([^']*)':(-?[\d.]+)")
_GPL = re.compile(r"(?<!L)GPL|General Public")


class UnfitBlock(EntrainError):
    """A block must not be linked, or Entrain cannot use it; the text says why."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a block, as its source declares it; values are in `unit`."""

    symbol: str
    name: str
    unit: str
    minimum: float
    maximum: float
    initial: float
    step: float
    choices: tuple[tuple[str, float], ...] = ()
    """Names and values of the choices, if the parameter is a choice."""
    scale: str = "lin"
    """``log`` if equal ratios are equal steps to a listener."""
    period: float = 0.0
    """Two values that differ by this are the same; 0: none.  Moves go the short way round."""
    controller: int | None = None
    """MIDI controller that moves the parameter unless the user chooses another; None: none."""
    knob: tuple[float, float] | None = None
    """Ends of the way of a knob unless the user chooses others; None: the ends of the range.

    Between two ends above 0, equal ways are equal ratios."""

    @property
    def knob_ends(self) -> tuple[float, float]:
        """Ends of the way of a knob unless the user chooses others."""
        if self.knob is not None:
            return self.knob
        if self.period:  # one turn is enough
            return -self.period / 2, self.period / 2
        return self.minimum, self.maximum

    def within(self, value: float) -> float:
        """Return `value`, limited to the parameter's range."""
        return float(min(max(value, self.minimum), self.maximum))


AMOUNT = Parameter("amount", "Amount", "1", 0, 1, 1, 0.001)
"""The engine adds this parameter to every layer that can be routed; at 0 it has no effect."""

PATHS = ("still", "orbit", "arc", "eight", "swing", "breathe")
"""Ways in which a source can move by itself, in the order of the engine's numbers."""

PLACE = (
    Parameter("azimuth_deg", "Azimuth", "deg", -360, 360, 0, 1, period=360),
    Parameter("elevation_deg", "Elevation", "deg", -90, 90, 0, 1),
    Parameter("distance_m", "Distance", "m", 0.3, 20, 1, 0.01, scale="log"),
    Parameter("path", "Path", "1", 0, 5, 0, 1, tuple(zip(PATHS, range(6), strict=True))),
    Parameter("path_hz", "Path rate", "Hz", 0, 4, 0.05, 0.001),
    Parameter("path_deg", "Path width", "deg", -360, 360, 90, 1),
)
"""The engine adds these parameters to every generator: its place while it is placed."""


@dataclass(frozen=True, slots=True)
class Substitute:
    """The block that replaces a dichotic one when both ears hear both channels."""

    kind: str
    values: dict[str, float | str]
    """Values of its parameters by symbol.  A value is a number, or the symbol of a parameter of the
    replaced block, whose value is used; its sign is dropped if the range has no negative numbers.
    If empty, parameters with the same symbol have the same value."""


@dataclass(frozen=True, slots=True)
class Block:
    """A kind of block; layers are instances of it.  Groups: see `ROUTED_GROUPS`, `OWN_GROUPS`."""

    kind: str
    group: str
    description: str
    parameters: dict[str, Parameter]
    promise: str = ""
    """The block's promise: ``tones`` at the carrier plus and minus half the rate, a
    ``modulation`` at the rate, an ``interaural`` turning at the rate, or nothing."""
    strength: str = ""
    """The parameter that a protocol's ramps and fades move; at 0 the block does nothing.

    Defaults to the layer's `amount`.  A block that turns phases needs another parameter, since half
    a processed sound mixed with the untouched one cancels."""
    level: str = ""
    """The parameter that `stronger` and `weaker` move; empty: none."""
    rate: str = ""
    """The parameter that `faster` and `slower` move; empty: the block has no rhythm."""
    rate_depth: str = ""
    """The parameter that makes the rate inaudible at 0; empty: the rate is always audible."""
    carrier: str = ""
    """The parameter with the frequency midway between the block's two tones."""
    corner: str = ""
    """The parameter with the frequency below which the block leaves the sound unchanged."""
    dichotic: bool = False
    """Whether the block fails to work when both ears hear both channels."""
    without_headphones: Substitute | None = None
    """Its replacement on loudspeakers; None: a dichotic block is silent there."""

    def placed(self) -> "Block":
        """Return the block with the parameters that the engine adds for a generator's place."""
        place = {parameter.symbol: parameter for parameter in PLACE}
        return replace(self, parameters={**self.parameters, **place})

    def in_hz(self, rate: float) -> float:
        """Convert a value of the parameter `rate` to Hz, keeping its sign."""
        return rate / RATE_UNITS[self.parameters[self.rate].unit]


def block_from_json(described: Mapping[str, Any]) -> Block:
    """Create a block from the engine's description; the inverse of `block_to_json`."""
    fields = {key: value for key, value in described.items() if key in Block.__slots__}
    parameters = map(_parameter_from_json, described["parameters"])
    fields["parameters"] = {each.symbol: each for each in parameters}
    if other := described["without_headphones"]:
        fields["without_headphones"] = Substitute(**other)
    return Block(**fields)


def _parameter_from_json(described: Mapping[str, Any]) -> Parameter:
    choices = tuple(map(tuple, described.get("choices", ())))
    knob = described.get("knob")
    return Parameter(**{**described, "choices": choices, "knob": tuple(knob) if knob else None})


def block_to_json(block: Block) -> dict[str, Any]:
    """Create the engine's description of a block; parameters are a list in their order."""
    return {**asdict(block), "parameters": [asdict(each) for each in block.parameters.values()]}


def block_from_faust(stem: str, described: Mapping[str, Any]) -> Block:
    """Create a block from FAUST's description of its source.

    Parameters
    ----------
    stem : str
        File name of the source without its suffix, which is the block's kind.
    described : mapping
        FAUST's description of the source, as ``faust -json`` writes it.

    Raises
    ------
    UnfitBlock
        The block must not be linked, or Entrain cannot use it.

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
    if group in ROUTED_GROUPS:
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


def block_from_description(stem: str, described: Mapping[str, Any]) -> Block:
    """Create a block that is written in C++ from the description beside its source.

    Parameters
    ----------
    stem : str
        The block's kind.
    described : mapping
        Fields of `Block` and, in a list, of its parameters; `AMOUNT` is added.

    Raises
    ------
    UnfitBlock
        Entrain cannot use the block.

    """
    listed = [*described["parameters"], asdict(AMOUNT)]
    parameters = [_parameter_from_json(each) for each in listed]
    known = {each.symbol: each for each in parameters}
    fields = {"kind": stem, "strength": AMOUNT.symbol, **described, "parameters": known}
    block = Block(**fields)
    if problem := next(_problems(block, parameters), ""):
        raise UnfitBlock(f"{stem}: {problem}")
    return block


def check_substitute(block: Block, blocks: Mapping[str, Block]) -> None:
    """Raise `UnfitBlock` if these blocks do not contain the block's replacement, or it is unfit."""
    other = block.without_headphones
    if other is None:
        return
    place = blocks.get(other.kind)
    if place is None or place.group != block.group or place.dichotic:
        text = f"no {block.group} {other.kind} works without headphones"
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


def check_controllers(blocks: Mapping[str, Block]) -> None:
    """Raise `UnfitBlock` if one MIDI controller would move parameters of two blocks.

    Blocks of the group ``space`` may share controllers, since only one of them is heard at a time.
    """
    owners: dict[int, Block] = {}
    for block in blocks.values():
        for each in block.parameters.values():
            if each.controller is None:
                continue
            owner = owners.setdefault(each.controller, block)
            if owner is not block and {owner.group, block.group} != {"space"}:
                text = f"{owner.kind} has the controller {each.controller} of {each.symbol} already"
                raise UnfitBlock(f"{block.kind}: {text}")


def shared(block: Block, other: Block) -> dict[str, float | str]:
    """Return the meaning of empty `Substitute.values`: parameters of both blocks, by symbol."""
    return {symbol: symbol for symbol in other.parameters if symbol in block.parameters}


def gpl_functions(described: Mapping[str, Any]) -> list[str]:
    """Return the functions under the GPL that a FAUST source uses; the LGPL is allowed.

    Licences differ from function to function, and authors spell the key in two ways.
    """
    return [
        f"{key.rsplit('/', 1)[0]} ({value})"
        for entry in described["meta"]
        for key, value in entry.items()
        if re.search(r"licen[cs]e$", key) and _GPL.search(value) and "Lesser" not in value
    ]


def sliders(widgets: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the settable widgets in FAUST's description of a source, in the source's order."""
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
        raise UnfitBlock(f"{stem}: the scale of {symbol} must be lin or log")
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
        float(declared.get("period", 0)),
        _controller(stem, declared.get("midi", "")),
        _knob(stem, declared.get("knob", "")),
    )


def _controller(stem: str, text: str) -> int | None:
    """Parse FAUST's ``ctrl number``, the only one of its MIDI declarations that blocks may have."""
    if not text:
        return None
    found = re.fullmatch(r"ctrl (\d{1,3})", text)
    if found is None:
        raise UnfitBlock(f"{stem}: write a controller as [midi:ctrl 20], not [midi:{text}]")
    return int(found[1])


def _knob(stem: str, text: str) -> tuple[float, float] | None:
    if not text:
        return None
    found = re.fullmatch(r"(-?[\d.]+) (-?[\d.]+)", text)
    if found is None:
        raise UnfitBlock(f"{stem}: write the way of a knob as [knob:0.5 40], not [knob:{text}]")
    return float(found[1]), float(found[2])


def _flag(stem: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise UnfitBlock(f"{stem}: dichotic must be true or false")
    return text == "true"


def _substitute(stem: str, text: str) -> Substitute | None:
    """Parse ``kind`` or ``kind:symbol=number,symbol=own-symbol``."""
    if not text:
        return None
    kind, _, listed = text.partition(":")
    values: dict[str, float | str] = {}
    for item in listed.split(",") if listed else ():
        symbol, _, value = item.partition("=")
        if not value:
            raise UnfitBlock(f"{stem}: write without_headphones as kind:symbol=value,...")
        try:
            values[symbol] = float(value)
        except ValueError:
            values[symbol] = value
    return Substitute(kind, values)


def _level(roles: Mapping[str, str]) -> str:
    """Return the declared level, or the strength; not a rate, which gets faster, not stronger."""
    if roles["level"]:
        return "" if roles["level"] == "none" else roles["level"]
    return AMOUNT.symbol if roles["strength"] == roles["rate"] else roles["strength"]


def _is_name(text: str) -> bool:
    """Whether a text can be a name in C++, in Python and in a protocol."""
    return _NAME.fullmatch(text) is not None and not iskeyword(text)


def _problems(block: Block, parameters: Sequence[Parameter]) -> Iterator[str]:
    """Yield all errors in a block's description that do not depend on other blocks."""
    if not _is_name(block.kind):
        yield "a block's name must consist of a-z, 0-9 and _"
    if not block.description:
        yield "declare its description"
    if len(block.parameters) < len(parameters):
        yield "two parameters have the same symbol"
    controllers = [each.controller for each in parameters if each.controller is not None]
    if wrong := set(controllers) - set(CONTROLLERS):
        yield f"the MIDI controller {min(wrong)} has a meaning of its own; take one of CONTROLLERS"
    if len(set(controllers)) < len(controllers):
        yield "two parameters have the same MIDI controller"
    for each in parameters:
        if each.knob and not each.minimum <= each.knob[0] < each.knob[1] <= each.maximum:
            yield f"the way of a knob must lie in the range of {each.symbol}"
    if block.group in LAYER_GROUPS:
        for parameter in PLACE:
            if parameter.symbol in block.parameters:
                yield f"{parameter.symbol} is a parameter of every generator's place"
    if block.group not in ROUTED_GROUPS:
        return
    known = block.parameters
    for role in _ROLES:
        symbol = getattr(block, role)
        if symbol and symbol not in known:
            yield f"its {role} is not one of its parameters: {symbol}"
            return
    strength = known[block.strength]
    if not strength.minimum <= 0 <= strength.maximum:
        yield f"its strength must do nothing at 0, but 0 is outside the range of {block.strength}"
    if block.level not in ("", block.strength, AMOUNT.symbol) and known[block.level].unit != "dB":
        yield f"its level must be in dB, or its strength; {block.level} is neither"
    if block.rate and known[block.rate].unit not in RATE_UNITS:
        yield f"its rate must be in {' or '.join(RATE_UNITS)}; {block.rate} is not"
    if block.rate_depth and not block.rate:
        yield "a rate_depth needs a rate"
    if block.promise not in PROMISES:
        yield f"its promise must be one of {', '.join(filter(None, PROMISES))}"
    elif missing := [role for role in PROMISES[block.promise] if not getattr(block, role)]:
        yield f"for the promise {block.promise}, declare its {' and its '.join(missing)}"
    if block.without_headphones and not block.dichotic:
        yield "only a dichotic block can have without_headphones"
    for value in block.without_headphones.values.values() if block.without_headphones else ():
        if isinstance(value, str) and value not in known:
            yield f"without_headphones names {value}, which is not one of its parameters"
