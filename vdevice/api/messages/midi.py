"""Requests about MIDI, and their answers."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from entrain.vdevice.api.messages.bases import Command, Query
from entrain.vdevice.limits import MAX_LEARN_S, MAX_MIDI_MAPPINGS, MidiSystem
from entrain.vdevice.remote.midi_settings import End, MidiMapping, Target

LEARN_S = 30.0


class Midi(Command):
    """Let MIDI devices steer Entrain, or not; a field left out keeps its value."""

    command: Literal["midi"] = "midi"
    on: bool | None = None
    system: MidiSystem | None = None


class MidiLearn(Command):
    """Map the control that the user moves next; the status tells when that is done."""

    command: Literal["midi_learn"] = "midi_learn"
    target: Target | None
    """A parameter's address, an action, or ``use:`` with a protocol's id; null: stop learning."""
    low: End = None
    """Value at the lower end of the control; null: the parameter's own end."""
    high: End = None
    pickup: bool = True
    """False: the control follows the value by itself, so it holds the value at once."""
    timeout_s: Annotated[float, Field(ge=1, le=MAX_LEARN_S, allow_inf_nan=False)] = LEARN_S


class MidiForget(Command):
    """Remove the mappings of a target; null: all mappings."""

    command: Literal["midi_forget"] = "midi_forget"
    target: Target | None


class MidiMap(Command):
    """Add mappings; each replaces an earlier one of the same control."""

    command: Literal["midi_map"] = "midi_map"
    mappings: Annotated[tuple[MidiMapping, ...], Field(max_length=MAX_MIDI_MAPPINGS)]
    replace: bool = False
    """Remove all other mappings."""


class ListMidiMappings(Query):
    """Return `MidiMappings`."""

    command: Literal["midi_mappings"] = "midi_mappings"


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class MidiMappings(_Answer):
    """The user's mappings, in the order in which they were made."""

    mappings: Sequence[MidiMapping]


class MidiLearning(_Answer):
    """A target that waits for its control."""

    target: str
    heard: str
    """The last movement, one line; empty before the first one."""


class MidiStatus(_Answer):
    """How MIDI devices steer Entrain."""

    on: bool = False
    system: MidiSystem = "auto"
    running: str = ""
    """The MIDI system in use, `alsa` or `jack`; empty: none."""
    devices: tuple[str, ...] = ()
    """Connected devices."""
    mappings: int = 0
    messages: int = 0
    malformed: int = 0
    """Messages that no device should send."""
    refused: int = 0
    """Wishes of devices that Entrain has refused."""
    refusal: str = ""
    """Reason of the last refusal, one line."""
    learning: MidiLearning | None = None
    learned: MidiMapping | None = None
    """The mapping that was learned last; null after the next `midi_learn`."""
    problem: str = ""
    """One line; may be empty."""
