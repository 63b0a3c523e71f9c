"""Outside control in the status, and the answers about it."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from entrain.vdevice.limits import MidiSystem
from entrain.vdevice.remote.midi_settings import MidiMapping


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class OscStatus(_Answer):
    """How other programs steer Entrain by OSC."""

    on: bool = False
    """Whether OSC is switched on."""
    port: int = 0
    """UDP port on which Entrain listens."""
    feedback_port: int = 0
    """UDP port of the other program, to which answers and changes go."""
    listen: str = ""
    """Address of this computer on which Entrain listens."""
    listening: bool = False
    """Whether Entrain listens now."""
    clients: int = 0
    """Programs that have asked for changes, by `xmit`."""
    packets: int = 0
    """Packets since OSC was switched on."""
    refused: int = 0
    """Packets and messages without an effect, because they are not understood."""
    refusal: str = ""
    """Reason of the last refusal, one line."""
    problem: str = ""
    """One line; may be empty."""


class MidiMappings(_Answer):
    """The user's mappings, in the order in which they were made."""

    mappings: Sequence[MidiMapping]
    """All of them."""


class MidiLearning(_Answer):
    """A target that waits for its control."""

    target: str
    """As in `midi_learn`."""
    heard: str
    """The last movement, one line; empty before the first one."""


class MidiStatus(_Answer):
    """How MIDI devices steer Entrain."""

    on: bool = False
    """Whether MIDI is switched on."""
    system: MidiSystem = "auto"
    """The MIDI system that the user has chosen."""
    running: str = ""
    """The MIDI system in use, `alsa` or `jack`; empty: none."""
    devices: tuple[str, ...] = ()
    """Connected devices."""
    mappings: int = 0
    """Number of the user's mappings."""
    revision: int = 0
    """Another number after each change of the mappings."""
    messages: int = 0
    """Messages since MIDI was switched on."""
    malformed: int = 0
    """Messages that no device should send."""
    refused: int = 0
    """Wishes of devices that Entrain has refused."""
    refusal: str = ""
    """Reason of the last refusal, one line."""
    learning: MidiLearning | None = None
    """The target that waits for its control; null: none."""
    learned: MidiMapping | None = None
    """The mapping that was learned last; null after the next `midi_learn`."""
    problem: str = ""
    """One line; may be empty."""
