"""Data model of automation: how a parameter moves during a session."""

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic.dataclasses import dataclass

from entrain.vdevice.limits import MAX_SESSION_S

Seconds = Annotated[FiniteFloat, Field(ge=0, le=MAX_SESSION_S)]


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
