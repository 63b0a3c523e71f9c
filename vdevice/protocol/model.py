"""Data model of protocols: layers made of blocks, with values in the blocks' own units.

Pydantic checks the shape of a document here; the module `check` checks it against the engine's
blocks.
"""

import math
from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    FiniteFloat,
    StringConstraints,
    Tag,
    ValidationInfo,
    field_validator,
    model_validator,
)

from entrain.vdevice.limits import MAX_LAYERS, Category
from entrain.vdevice.protocol.fields import Line, Slug
from entrain.vdevice.protocol.parts.automation import Automation, Seconds
from entrain.vdevice.protocol.parts.evidence import Evidence
from entrain.vdevice.protocol.parts.movement import movement_problem
from entrain.vdevice.protocol.parts.places import MAX_PLACED, SPACE_ID, Place, Spatial
from entrain.vdevice.protocol.values import not_finite

_Layers = Annotated[tuple["Layer", ...], Field(max_length=MAX_LAYERS)]


class Layer(BaseModel):
    """A block and its starting values; parameters that are not named have initial values."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    kind: Slug
    id: Slug = Field(default_factory=lambda data: str(data.get("kind", "")))
    params: dict[Slug, FiniteFloat] = {}
    automation: dict[Slug, Automation] = {}
    """Takes precedence over `params`, until the parameter is set by hand."""
    place: Place | None = None
    """The place of a generator around the head; None: in both ears, as the block makes it."""

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

    schema_version: Literal[3] = 3
    id: Slug
    name: Annotated[Line, StringConstraints(min_length=1, max_length=100)]
    description: Annotated[Line, StringConstraints(max_length=2000)] = ""
    category: Category = "own"
    layers: _Layers
    standalone: bool = False
    """Whether generators are heard without an input; otherwise they fade when it falls silent."""
    spatial: (
        Annotated[
            Annotated[Spatial, Tag("object")] | Annotated[Literal["off"], Tag("word")],
            Discriminator(lambda value: "word" if isinstance(value, str) else "object"),
        ]
        | None
    ) = None
    """How the input is placed around the head; None: as the user has set it."""
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
        if any(layer.place for layer in self.without_headphones or ()):
            raise ValueError("without headphones there is no space, so no layer has a place")
        if sum(layer.place is not None for layer in self.layers) > MAX_PLACED:
            raise ValueError(f"more than {MAX_PLACED} layers have a place")
        if problem := next(self.movement_problems(), ""):
            raise ValueError(problem)
        return self

    @property
    def space(self) -> Layer | None:
        """The layer that places the music; None if the protocol does not describe a space."""
        if not isinstance(self.spatial, Spatial):
            return None
        return Layer(
            kind=self.spatial.mode,
            id=SPACE_ID,
            params=self.spatial.params,
            automation=self.spatial.automation,
        )

    @property
    def all_layers(self) -> tuple[Layer, ...]:
        """The layers, and last the layer of the space."""
        return (*self.layers, *filter(None, (self.space,)))

    def movement_problems(self) -> Iterator[str]:
        """Yield which sources move too fast, one line each."""
        space = self.spatial if isinstance(self.spatial, Spatial) else None
        if space and space.fast:
            return
        sources = [
            (each.id, each.place.values, each.automation) for each in self.layers if each.place
        ]
        if space:
            sources.append((SPACE_ID, space.params, space.automation))
        yield from filter(None, (movement_problem(*source) for source in sources))


ProtocolReference = Annotated[
    Annotated[Slug, Tag("id")] | Annotated[Protocol, Tag("document")],
    Discriminator(lambda value: "id" if isinstance(value, str) else "document"),
]
"""Id of a protocol in the library, or a complete protocol."""
