"""Settings of MIDI."""

import re
from typing import Annotated, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    StringConstraints,
    model_validator,
)

from entrain.vdevice.limits import (
    MAX_MIDI_MAPPINGS,
    MAX_MIDI_NAME_CHARS,
    MidiAction,
    MidiEncoding,
    MidiKind,
    MidiSystem,
)
from entrain.vdevice.protocol.fields import Line
from entrain.vdevice.protocol.names import SLUG

_TARGET = re.compile(rf"{SLUG}\.{SLUG}|use:{SLUG}|{'|'.join(get_args(MidiAction))}")


def _target(text: str) -> str:
    if not _TARGET.fullmatch(text):
        raise ValueError(
            "must be an address (tone.beat_hz), use:ID of a protocol, or one of "
            + ", ".join(get_args(MidiAction))
        )
    return text


Target = Annotated[str, StringConstraints(max_length=140), AfterValidator(_target)]
"""A parameter's address, an action, or ``use:`` with a protocol's id."""
End = FiniteFloat | None

_HIGHEST: dict[MidiKind, int] = {
    "cc": 119,
    "cc14": 31,
    "nrpn": 16382,
    "nrpn14": 16382,
    "nrpn_inc": 16382,
    "bend": 0,
    "note": 127,
    "program": 127,
}
_WITH_STEPS = ("cc", "nrpn", "nrpn_inc")


class MidiControlName(BaseModel):
    """A control of a device."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    device: Annotated[Line, StringConstraints(min_length=1, max_length=MAX_MIDI_NAME_CHARS)]
    """Name of the device, as the status lists it."""
    kind: MidiKind
    channel: Annotated[int, Field(ge=1, le=16)]
    number: Annotated[int, Field(ge=0, le=16382)]
    """Number of the controller, the note, the program or the parameter (NRPN)."""

    @property
    def control(self) -> tuple[object, ...]:
        """The control alone."""
        return self.device, self.kind, self.channel, self.number


class MidiMapping(MidiControlName):
    """A control of a device, and its target."""

    target: Target
    encoding: MidiEncoding = "absolute"
    low: End = None
    """Value at the lower end of the control; None: the parameter's own end."""
    high: End = None
    pickup: bool = True
    """False: the control follows the value by itself, so it holds the value at once."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.number > _HIGHEST[self.kind]:
            raise ValueError(f"the number of a {self.kind} is at most {_HIGHEST[self.kind]}")
        if self.encoding != "absolute" and self.kind not in _WITH_STEPS:
            raise ValueError(f"a {self.kind} has no steps: its encoding is absolute")
        return self


class MidiSettings(BaseModel):
    """Whether and how MIDI devices steer Entrain."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    on: bool = False
    system: MidiSystem = "auto"
    mappings: Annotated[tuple[MidiMapping, ...], Field(max_length=MAX_MIDI_MAPPINGS)] = ()
