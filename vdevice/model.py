"""What a protocol is: layers made of blocks, with values in the blocks' own units.

Two steps, so that each can grow: pydantic checks the shape of a document, `check` what it means
to the blocks that are compiled in.  Either way a user reads one line per problem.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    FiniteFloat,
    StringConstraints,
    Tag,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from entrain.errors import EntrainError

if TYPE_CHECKING:  # the engine's library is loaded only when somebody calls `blocks()`
    from entrain.engine import Block

BlockSource = Callable[[], Mapping[str, "Block"]]

LAYER_GROUPS = ("generator", "processor")
"""Blocks of other groups belong to the engine."""

OWN_LAYERS = ("pre", "limiter")
"""The engine's own layers, by which addresses name them; they are not a protocol's."""

MAX_SESSION_S = 7 * 86400.0

_SLUG = r"[a-z0-9][a-z0-9_-]{0,63}"
_SPEC = re.compile(rf"(?:({_SLUG})=)?({_SLUG})(?::(.*))?", re.DOTALL)


class ProtocolError(EntrainError):
    """A protocol, SPEC, address or value that cannot be used."""


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must be one line of printable text")
    return text


Slug = Annotated[str, StringConstraints(pattern=f"^{_SLUG}$")]
Line = Annotated[str, AfterValidator(_printable)]


class Breakpoint(BaseModel):
    """Where a parameter is at a time of the session, and how it goes on from there."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    at_s: Annotated[FiniteFloat, Field(ge=0, le=MAX_SESSION_S)]
    value: FiniteFloat
    curve: Literal["step", "linear", "exponential", "smooth"] = "linear"
    """``step`` stays until the next one; ``exponential`` makes equal ratios in equal times."""


class Automation(BaseModel):
    """What a parameter does over the session; before and after its breakpoints it holds."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    points: Annotated[tuple[Breakpoint, ...], Field(min_length=1, max_length=10_000)]
    loop_s: Annotated[FiniteFloat, Field(ge=0, le=MAX_SESSION_S)] = 0.0
    """After how long it begins again; 0: not at all."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        for one, next_one in pairwise(self.points):
            if next_one.at_s <= one.at_s:
                raise ValueError(f"at_s = {next_one.at_s:.10g} does not come after {one.at_s:.10g}")
            if one.curve == "exponential" and one.value * next_one.value <= 0:
                raise ValueError(
                    f"no exponential curve leads from {one.value:.10g} to {next_one.value:.10g}"
                )
        if self.loop_s and self.points[-1].at_s > self.loop_s:
            raise ValueError(
                f"at_s = {self.points[-1].at_s:.10g} is after the loop's end, {self.loop_s:.10g}"
            )
        return self


class Layer(BaseModel):
    """One block and the values it starts with; what is not named keeps its initial value."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    kind: Slug
    id: Slug = Field(default_factory=lambda data: str(data.get("kind", "")))
    params: dict[Slug, FiniteFloat] = {}
    automation: dict[Slug, Automation] = {}
    """Wins over `params`, until the parameter is set by hand."""

    @field_validator("params", mode="before")
    @classmethod
    def _finite(cls, params: object, info: ValidationInfo) -> object:
        """Refuse NaN and infinity with the allowed range, where the context knows it."""
        for symbol, value in params.items() if isinstance(params, dict) else ():
            if isinstance(value, float) and not math.isfinite(value):
                block = info.context().get(info.data.get("kind")) if info.context else None
                raise ValueError(_not_finite(block, symbol, value))
        return params


class Protocol(BaseModel):
    """Layers under one name."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    schema_version: Literal[1] = 1
    id: Slug
    name: Annotated[Line, StringConstraints(min_length=1, max_length=100)]
    description: Annotated[Line, StringConstraints(max_length=2000)] = ""
    layers: Annotated[tuple[Layer, ...], Field(max_length=64)]
    standalone: bool = False
    """Generators are heard without a programme too; else they fade when it falls silent."""

    @model_validator(mode="after")
    def _unique_ids(self) -> Self:
        ids = [layer.id for layer in self.layers]
        for name in ids:
            if ids.count(name) > 1:
                raise ValueError(f"two layers have the id {name!r}; give each its own")
        return self


ProtocolReference = Annotated[
    Annotated[Slug, Tag("id")] | Annotated[Protocol, Tag("document")],
    Discriminator(lambda value: "id" if isinstance(value, str) else "document"),
]
"""A shipped protocol's id, or a whole protocol."""


class Address(NamedTuple):
    """Names a parameter of a layer: `tone.beat_hz`."""

    layer: str
    symbol: str


def parse_protocol(text: bytes, source: str, blocks: BlockSource | None = None) -> Protocol:
    """Read a JSON document.

    Parameters
    ----------
    text : bytes
        UTF-8, with or without a byte order mark.
    source : str
        Where it came from; begins the line of an error.
    blocks : callable, optional
        Gives the blocks to check against.

    Raises
    ------
    ProtocolError
        Not JSON, not a protocol, or not possible with these blocks.

    """
    try:
        protocol = Protocol.model_validate_json(text.removeprefix(b"\xef\xbb\xbf"), context=blocks)
        if blocks:
            check(protocol, blocks)
    except ValidationError as error:
        raise ProtocolError(f"{source}: {explain(error)[0]}") from error
    except ProtocolError as error:
        raise ProtocolError(f"{source}: {error}") from error
    return protocol


def is_id(text: str) -> bool:
    """Whether the text can be a protocol's id."""
    return re.fullmatch(_SLUG, text) is not None


def is_spec(text: str) -> bool:
    """Whether the text is meant as a SPEC: `kind:…`, `id=kind` or `id=kind:…`."""
    match = _SPEC.fullmatch(text)
    return match is not None and not is_id(text)


def parse_spec(text: str, blocks: BlockSource | None = None) -> Layer:
    """Read one layer as typed on a command line.

    Parameters
    ----------
    text : str
        ``kind``, ``kind:key=value,...`` or ``id=kind:key=value,...``
    blocks : callable, optional
        Gives the blocks to check against.

    Raises
    ------
    ProtocolError
        Not a SPEC, or not possible with these blocks.

    """
    match = _SPEC.fullmatch(text)
    if match is None:
        raise ProtocolError(f"{_quote(text)} is not kind:key=value,... (binaural:beat_hz=10)")
    name, kind, values = match[1] or match[2], match[2], match[3]
    block = blocks().get(kind) if blocks else None
    params: dict[str, float] = {}
    for item in values.split(",") if values else ():
        symbol, equals, number = (part.strip() for part in item.partition("="))
        if not equals or re.fullmatch(_SLUG, symbol) is None:
            raise ProtocolError(f"{name}: {_quote(item)} is not key=value")
        if symbol in params:
            raise ProtocolError(f"{name}: {symbol} is given twice")
        params[symbol] = parse_number(number, f"{name}: {symbol}")
        if not math.isfinite(params[symbol]):
            raise ProtocolError(f"{name}: {_not_finite(block, symbol, params[symbol])}")
    layer = Layer(kind=kind, id=name, params=params)
    if blocks:
        for problem in layer_problems(layer, blocks()):
            raise ProtocolError(problem)
    return layer


def parse_address(text: str) -> Address:
    """Read `layer-id.symbol`; raises `ProtocolError`."""
    match = re.fullmatch(rf"({_SLUG})\.({_SLUG})", text)
    if match is None:
        raise ProtocolError(f"{_quote(text)} is not an address (layer.parameter: tone.beat_hz)")
    return Address(match[1], match[2])


def parse_number(text: str, what: str) -> float:
    """Read a number, NaN and infinity too: only `check_value` knows the range to name."""
    try:
        return float(text)
    except ValueError:
        raise ProtocolError(f"{what} = {_quote(text)} is not a number") from None


def check(protocol: Protocol, blocks: BlockSource) -> None:
    """Raise `ProtocolError` with the first of the protocol's `problems`."""
    for problem in problems(protocol, blocks):
        raise ProtocolError(problem)


def problems(protocol: Protocol, blocks: BlockSource) -> Iterator[str]:
    """All that these blocks cannot do, one line each."""
    for layer in protocol.layers:
        yield from layer_problems(layer, blocks())


def layer_problems(layer: Layer, blocks: Mapping[str, "Block"]) -> Iterator[str]:
    """All that these blocks cannot do for one layer, one line each."""
    block = blocks.get(layer.kind)
    if block is None or block.group not in LAYER_GROUPS:
        kinds = ", ".join(sorted(b.kind for b in blocks.values() if b.group in LAYER_GROUPS))
        yield f"{layer.id}: there is no layer kind {layer.kind!r}; there is {kinds or 'none'}"
        return
    if layer.id in OWN_LAYERS:
        yield f"{layer.id}: is the engine's own; give the layer another id"
    values = [
        *layer.params.items(),
        *((symbol, p.value) for symbol, a in layer.automation.items() for p in a.points),
    ]
    for symbol, value in values:
        try:
            check_value(block, symbol, value, layer.id)
        except ProtocolError as error:
            yield str(error)


def check_value(block: "Block", symbol: str, value: float, layer_id: str = "") -> None:
    """See whether a parameter can have this value.

    Parameters
    ----------
    block : Block
        What the layer is made of.
    symbol : str
        The parameter's permanent name.
    value : float
        In the parameter's own unit.
    layer_id : str
        Begins the line of an error; the block's kind if empty.

    Raises
    ------
    ProtocolError
        No such parameter, not finite, or out of range.

    """
    name = layer_id or block.kind
    parameter = block.parameters.get(symbol)
    if parameter is None:
        known = ", ".join(block.parameters) or "none"
        raise ProtocolError(f"{name}: there is no parameter {symbol!r}; there is {known}")
    if not math.isfinite(value):
        raise ProtocolError(f"{name}: {_not_finite(block, symbol, value)}")
    if not parameter.minimum <= value <= parameter.maximum:
        raise ProtocolError(f"{name}: {symbol} = {value:.10g} is outside {_range(block, symbol)}")


def find_layer(protocol: Protocol, layer_id: str) -> Layer:
    """The layer with this id; raises `ProtocolError` naming those there are."""
    for layer in protocol.layers:
        if layer.id == layer_id:
            return layer
    known = ", ".join(layer.id for layer in protocol.layers) or "none"
    raise ProtocolError(f"there is no layer {layer_id!r}; there is {known}")


def check_own(address: str, value: float, blocks: BlockSource) -> bool:
    """Whether an address names one of the engine's own layers.

    Raises
    ------
    ProtocolError
        It does, but there is no such parameter, or it cannot have this value.

    """
    layer_id, symbol = parse_address(address)
    if layer_id not in OWN_LAYERS:
        return False
    check_value(blocks()[layer_id], symbol, value)
    return True


def with_value(protocol: Protocol, address: str, value: float, blocks: BlockSource) -> Protocol:
    """The protocol with one value changed, checked; raises `ProtocolError`."""
    layer_id, symbol = parse_address(address)
    layer = find_layer(protocol, layer_id)
    check(protocol.model_copy(update={"layers": (layer,)}), blocks)
    check_value(blocks()[layer.kind], symbol, value, layer_id)
    changed = layer.model_copy(
        update={
            "params": {**layer.params, symbol: float(value)},
            "automation": {k: v for k, v in layer.automation.items() if k != symbol},
        }
    )
    layers = tuple(changed if old.id == layer_id else old for old in protocol.layers)
    return protocol.model_copy(update={"layers": layers})


def explain(error: ValidationError, skip: int = 0) -> list[str]:
    """Turn pydantic's findings into lines for a user.

    Parameters
    ----------
    error : ValidationError
        From `model_validate_json` or `model_validate`.
    skip : int
        How many leading parts of each place are not the user's (union tags).

    Returns
    -------
    list of str
        At least one line; each names the field as in `layers[0].params.beat_hz`.

    """
    return [_explain_one(detail, skip) for detail in error.errors(include_url=False)]


def _explain_one(detail: Mapping[str, Any], skip: int) -> str:
    where = ""
    for part in detail["loc"][skip:]:
        shown = plain(str(part))
        where += f"[{part}]" if isinstance(part, int) else f".{shown}" if where else shown
    kind, context, value = detail["type"], detail.get("ctx", {}), detail["input"]
    if kind == "json_invalid":
        return f"not JSON: {context['error']}"
    if kind == "missing":
        return f"{where} is missing"
    if kind == "extra_forbidden":
        return f"{where} is not a field that belongs here"
    if kind == "string_pattern_mismatch":
        return f"{where} = {_quote(value)} is not a name of a-z, 0-9, - and _"
    scalar = isinstance(value, str | int | float | None)
    head = f"{where} = {_quote(value)}" if where and scalar else where or "the document"
    if kind == "value_error":
        text = str(context["error"])
        return f"{head} {text}" if scalar else text if not where else f"{where}: {text}"
    return f"{head}: {detail['msg'].replace('Input should', 'must')}"


def _not_finite(block: "Block | None", symbol: str, value: float) -> str:
    allowed = _range(block, symbol)
    line = f"{plain(symbol)} = {value} is not a finite number"
    return f"{line}; allowed is {allowed}" if allowed else line


def _range(block: "Block | None", symbol: str) -> str:
    parameter = block.parameters.get(symbol) if block else None
    if parameter is None:
        return ""
    unit = "" if parameter.unit in ("", "1") else f" {parameter.unit}"
    return f"{parameter.minimum:.10g} … {parameter.maximum:.10g}{unit}"


def plain(text: str) -> str:
    """Make a text short and free of control characters, whoever wrote it."""
    shown = text if text.isprintable() else repr(text)[1:-1]
    return shown if len(shown) <= 60 else shown[:57] + "..."


def _quote(value: object) -> str:
    return f"'{plain(value)}'" if isinstance(value, str) else plain(repr(value))
