"""Data models of the space: the music's place around the head, and the place of a generator."""

from collections.abc import Mapping
from typing import Annotated, Literal, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    WithJsonSchema,
    field_serializer,
)

from entrain.vdevice.protocol.fields import Slug
from entrain.vdevice.protocol.parts.automation import Automation

SPACE_ID = "space"
"""Id of the layer that places the music; no layer of a protocol can have it."""

HEAD_SIZE = "head_cm"
"""The parameter of the space that belongs to the listener."""

MAX_PLACED = 8
"""Highest number of placed generators in a protocol."""

PathName = Literal["still", "orbit", "arc", "eight", "swing", "breathe"]
"""Ways in which a source moves by itself; in the order of the engine's numbers."""

PATHS: tuple[str, ...] = get_args(PathName)


def _numbered(params: object) -> object:
    """Replace the name of a path by the engine's number."""
    if isinstance(params, dict) and params.get("path") in PATHS:
        return {**params, "path": float(PATHS.index(params["path"]))}
    return params


def _named(params: Mapping[str, float]) -> dict[str, float | str]:
    """Replace the engine's number of a path by its name."""
    number = params.get("path")
    if number is None or number not in range(len(PATHS)):
        return dict(params)
    return {**params, "path": PATHS[int(number)]}


class Place(BaseModel):
    """The place of a generator around the head; +90 degrees is left."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    azimuth_deg: Annotated[FiniteFloat, Field(ge=-360, le=360)] = 0.0
    elevation_deg: Annotated[FiniteFloat, Field(ge=-90, le=90)] = 0.0
    distance_m: Annotated[FiniteFloat, Field(ge=0.3, le=20)] = 1.0
    path: PathName = "still"
    path_hz: Annotated[FiniteFloat, Field(ge=0, le=4)] = 0.05
    path_deg: Annotated[FiniteFloat, Field(ge=-360, le=360)] = 90.0

    @property
    def values(self) -> dict[str, float]:
        """The engine's parameters with their values."""
        return {**self.model_dump(exclude={"path"}), "path": float(PATHS.index(self.path))}

    def with_value(self, symbol: str, value: float) -> "Place":
        """Return the place with one value changed; the value has been checked."""
        changed = PATHS[round(value)] if symbol == "path" else float(value)
        return self.model_copy(update={symbol: changed})


class Spatial(BaseModel):
    """How the music is placed around the head."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    mode: Literal["speakers", "scene"]
    """``speakers``: two loudspeakers in a room; ``scene``: a sound field of third order."""
    params: Annotated[
        dict[Slug, FiniteFloat],
        BeforeValidator(_numbered),
        WithJsonSchema(
            {
                "type": "object",
                "properties": {"path": {"enum": list(PATHS)}},
                "additionalProperties": {"type": "number"},
            }
        ),
    ] = {}
    automation: dict[Slug, Automation] = {}
    """Takes precedence over `params`, until the parameter is set by hand."""
    fast: bool = False
    """Whether sources may move faster than 60 degrees per second."""

    @field_serializer("params")
    def _write(self, params: dict[str, float]) -> dict[str, float | str]:
        return _named(params)
