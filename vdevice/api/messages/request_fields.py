"""Types of the fields of requests, and parts of requests."""

from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
    Tag,
)
from pydantic_core import core_schema

from entrain.vdevice import limits
from entrain.vdevice.limits import HotkeysState, SpaceMode
from entrain.vdevice.protocol.fields import Line, Slug
from entrain.vdevice.protocol.model import Protocol
from entrain.vdevice.protocol.names import is_spec


class Within:
    """A range of a number.  Its error names the unit, and the JSON Schema has the range, too."""

    def __init__(self, low: float, high: float, unit: str) -> None:
        self._low, self._high, self._unit = low, high, unit

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), "minimum": self._low, "maximum": self._high, "unit": self._unit}

    def _check(self, value: float) -> float:
        if not self._low <= value <= self._high:  # in this form, NaN is outside
            raise ValueError(f"is outside {self._low:g} … {self._high:g} {self._unit}")
        return value


DeviceName = Annotated[Line, StringConstraints(min_length=1, max_length=255)]
PreferredOutputs = Annotated[tuple[DeviceName, ...], Field(max_length=32)]
"""Names of real devices, the most preferred first; they need not be connected."""


Spec = Annotated[Line, StringConstraints(max_length=limits.MAX_SPEC_CHARS)]
"""A layer as users type it: `kind:key=value,...`."""


def _form(value: object) -> str:
    if not isinstance(value, str):
        return "document"
    return "spec" if is_spec(value) else "id"


WantedProtocol = Annotated[
    Annotated[Slug, Tag("id")]
    | Annotated[Spec, Tag("spec")]
    | Annotated[Protocol, Tag("document")],
    Discriminator(_form),
]
"""The id of a protocol in the library, a SPEC, or a whole protocol."""

ProtocolName = Annotated[Line, StringConstraints(min_length=1, max_length=100)]

Address = Annotated[str, StringConstraints(max_length=130)]


class SpaceWishes(BaseModel):
    """Settings of the space on the present output; omitted ones stay as they are."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    mode: SpaceMode | None = None
    """How headphones play music that no protocol places."""
    head_cm: float | None = None
    """Circumference of the listener's head, 48 … 66."""


class HotkeysReport(BaseModel):
    """The portal's answer to the wish for keyboard shortcuts, as Entrain's icon reports it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    state: HotkeysState = "off"
    reason: Annotated[Line, StringConstraints(max_length=300)] = ""
    keys: Annotated[
        dict[Slug, Annotated[Line, StringConstraints(max_length=limits.MAX_KEY_CHARS)]],
        Field(max_length=limits.MAX_HOTKEYS),
    ] = {}
