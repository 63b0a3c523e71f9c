"""Commands about outside control."""

from typing import Annotated, Literal

from pydantic import Field

from entrain.vdevice.api.messages.kinds import Command, Query
from entrain.vdevice.api.messages.remote_results import MidiMappings
from entrain.vdevice.api.messages.request_fields import Within
from entrain.vdevice.limits import MAX_LEARN_S, MAX_MIDI_MAPPINGS, MidiSystem
from entrain.vdevice.remote.midi_settings import End, MidiControlName, MidiMapping, Target
from entrain.vdevice.remote.osc_settings import ListenAddress, Port

LEARN_S = 30.0


class Osc(Command):
    """Change how other programs steer Entrain by OSC; a field left out keeps its value."""

    command: Literal["osc"] = "osc"
    on: bool | None = None
    """Whether Entrain listens."""
    port: Port | None = None
    """UDP port on which Entrain listens."""
    feedback_port: Port | None = None
    """UDP port of the other program, to which answers and changes go."""
    listen: ListenAddress | None = None
    """Address of this computer on which Entrain listens; `localhost` is 127.0.0.1."""


class Midi(Command):
    """Let MIDI devices steer Entrain, or not; a field left out keeps its value."""

    command: Literal["midi"] = "midi"
    on: bool | None = None
    """Whether Entrain listens."""
    system: MidiSystem | None = None
    """The MIDI system to use; `auto` takes whichever works."""


class MidiLearn(Command):
    """Map the control that the user moves next; the status tells when that is done.

    The end of the connection ends the wait for the control.
    """

    command: Literal["midi_learn"] = "midi_learn"
    target: Target | None
    """A parameter's address, an action, or ``use:`` with a protocol's id; null: stop learning."""
    low: End = None
    """Value at the lower end of the control; null: the parameter's own end."""
    high: End = None
    """Value at the upper end of the control; null: the parameter's own end."""
    pickup: bool = True
    """False: the control follows the value by itself, so it has an effect at once."""
    timeout_s: Annotated[float, Within(1, MAX_LEARN_S, "s")] = LEARN_S
    """Time after which Entrain waits for a control no more."""


class MidiForget(Command):
    """Remove the mappings of a target, or the mapping of one control; null: all mappings."""

    command: Literal["midi_forget"] = "midi_forget"
    target: Target | None
    """As in `midi_learn`; null: all."""
    control: MidiControlName | None = None
    """The control whose mapping to `target` is removed; null: all controls."""


class MidiMap(Command):
    """Add mappings; each replaces an earlier one of the same control."""

    command: Literal["midi_map"] = "midi_map"
    mappings: Annotated[tuple[MidiMapping, ...], Field(max_length=MAX_MIDI_MAPPINGS)]
    """The new mappings."""
    replace: bool = False
    """Remove all other mappings."""


class ListMidiMappings(Query):
    """Return the user's mappings."""

    answer = MidiMappings
    command: Literal["midi_mappings"] = "midi_mappings"
