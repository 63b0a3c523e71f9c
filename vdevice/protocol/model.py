"""Data model of protocols: layers made of blocks, with values in the blocks' own units.

Pydantic checks the shape of a document here; the module `check` checks it against the engine's
blocks.
"""

import math
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    FiniteFloat,
    StringConstraints,
    Tag,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
    model_validator,
)
from pydantic.dataclasses import dataclass

from entrain.vdevice.limits import MAX_LAYERS, MAX_SESSION_S, Category
from entrain.vdevice.protocol.evidence import Evidence
from entrain.vdevice.protocol.fields import Line, Slug
from entrain.vdevice.protocol.values import not_finite

Seconds = Annotated[FiniteFloat, Field(ge=0, le=MAX_SESSION_S)]
_Layers = Annotated[tuple["Layer", ...], Field(max_length=MAX_LAYERS)]


# Not a pydantic model: 20,000 models would double the time of each garbage collection.
@dataclass(frozen=True, slots=True, config=ConfigDict(extra="forbid", strict=True))
class Breakpoint:
    """A parameter's value at a time in the session, and the curve from there to the next one."""

    at_s: Seconds
    value: FiniteFloat
    curve: Literal["step", "linear", "exponential", "smooth"] = "linear"
    """``step`` holds until the next one; ``exponential`` makes equal ratios in equal times."""


_MOST_POINTS = 20_000
_AT_ONCE = 500


def _in_pieces(points: object, validate: ValidatorFunctionWrapHandler) -> object:
    """Validate many breakpoints in pieces, so that other threads can run in between."""
    if not isinstance(points, list | tuple):
        return validate(points)
    points = tuple(points)
    if not _AT_ONCE < len(points) <= _MOST_POINTS:
        return validate(points)
    made: list[Breakpoint] = []
    for end in range(_AT_ONCE, len(points) + _AT_ONCE, _AT_ONCE):
        try:
            made += validate(points[end - _AT_ONCE : end])
        except ValidationError:
            validate(points[:end])  # reports the place counted from the first breakpoint
            raise
    return tuple(made)


class Automation(BaseModel):
    """Automation of a parameter; before and after the breakpoints the value holds."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    points: Annotated[
        tuple[Breakpoint, ...],
        Field(min_length=1, max_length=_MOST_POINTS),
        WrapValidator(_in_pieces),
    ]
    loop_s: Seconds = 0.0
    """Time after which the automation repeats; 0: it does not."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        for one, next_one in pairwise(self.points):
            if next_one.at_s <= one.at_s:
                raise ValueError(f"at_s = {next_one.at_s:.10g} does not come after {one.at_s:.10g}")
            if one.curve == "exponential" and one.value * next_one.value <= 0:
                raise ValueError(
                    f"an exponential curve cannot go from {one.value:.10g} to {next_one.value:.10g}"
                )
        if self.loop_s and self.points[-1].at_s > self.loop_s:
            raise ValueError(
                f"at_s = {self.points[-1].at_s:.10g} is after the loop's end, {self.loop_s:.10g}"
            )
        return self


class Layer(BaseModel):
    """A block and its starting values; parameters that are not named have initial values."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    kind: Slug
    id: Slug = Field(default_factory=lambda data: str(data.get("kind", "")))
    params: dict[Slug, FiniteFloat] = {}
    automation: dict[Slug, Automation] = {}
    """Takes precedence over `params`, until the parameter is set by hand."""

    @field_validator("params", mode="before")
    @classmethod
    def _finite(cls, params: object, info: ValidationInfo) -> object:
        """Refuse NaN and infinity; the error names the allowed range if the context knows it."""
        for symbol, value in params.items() if isinstance(params, dict) else ():
            if isinstance(value, float) and not math.isfinite(value):
                block = info.context().get(info.data.get("kind")) if info.context else None
                raise ValueError(not_finite(block, symbol, value))
        return params


class Protocol(BaseModel):
    """Named layers with their course over time and their properties."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    schema_version: Literal[2] = 2
    id: Slug
    name: Annotated[Line, StringConstraints(min_length=1, max_length=100)]
    description: Annotated[Line, StringConstraints(max_length=2000)] = ""
    category: Category = "own"
    layers: _Layers
    standalone: bool = False
    """Whether generators are heard without an input; otherwise they fade when it falls silent."""
    spatial: Literal["off"] = "off"
    """How the input is placed around the head."""
    duration_s: Annotated[Seconds, Field(gt=0)] | None = None
    """Length of the session; None: as long as the user likes."""
    ramp_in_s: Annotated[FiniteFloat, Field(ge=0, le=1800)] = 0.0
    """Time in which the layers' strength rises from 0."""
    ramp_out_s: Annotated[FiniteFloat, Field(ge=0, le=3600)] = 0.0
    """Time in which the layers' strength falls to 0, at the end of the session."""
    loop: bool = False
    """Whether the session starts again after `duration_s` instead of ending."""
    time_of_day: bool = False
    """Whether the session's clock shows the time since midnight."""
    evidence: Evidence | None = None
    requires_headphones: bool = False
    """Whether it fails to work when both ears hear both channels."""
    without_headphones: _Layers | None = None
    """Layers for loudspeakers; None: no layers work there."""
    speech_safe: bool = False
    """Whether words stay easy to understand."""
    sleep_safe: bool = False
    """Whether it can run while the listener falls asleep."""
    max_minutes: Annotated[int, Field(ge=1, le=1440)] | None = None
    """Time after which it ends in any case."""
    warnings: tuple[Annotated[Line, StringConstraints(min_length=1, max_length=400)], ...] = ()
    """When not to use it."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for layers in (self.layers, self.without_headphones or ()):
            ids = [layer.id for layer in layers]
            for name in ids:
                if ids.count(name) > 1:
                    raise ValueError(f"two layers have the id {name!r}; give each its own")
        if self.loop and self.duration_s is None:
            raise ValueError("a loop needs duration_s")
        if self.duration_s is not None and self.ramp_in_s + self.ramp_out_s > self.duration_s:
            raise ValueError("ramp_in_s and ramp_out_s together are longer than duration_s")
        if self.time_of_day and not (self.loop and self.max_minutes is None):
            raise ValueError("time_of_day needs loop, and excludes max_minutes")
        if self.without_headphones is not None and not self.requires_headphones:
            raise ValueError("without_headphones needs requires_headphones")
        return self


ProtocolReference = Annotated[
    Annotated[Slug, Tag("id")] | Annotated[Protocol, Tag("document")],
    Discriminator(lambda value: "id" if isinstance(value, str) else "document"),
]
"""Id of a protocol in the library, or a complete protocol."""
