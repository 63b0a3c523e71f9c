"""Types of the control API's answers about MIDI for clients; see `answers`."""

from typing import TypedDict

from entrain.vdevice.limits import MidiEncoding, MidiKind, MidiSystem


class MidiMapping(TypedDict):
    """A control of a device, and its target."""

    device: str
    kind: MidiKind
    channel: int
    number: int
    target: str
    encoding: MidiEncoding
    low: float | None
    high: float | None
    pickup: bool


class MidiMappings(TypedDict):
    """The user's mappings."""

    mappings: list[MidiMapping]


class MidiLearning(TypedDict):
    """A target that waits for its control."""

    target: str
    heard: str


class MidiStatus(TypedDict):
    """How MIDI devices steer Entrain."""

    on: bool
    system: MidiSystem
    running: str
    devices: list[str]
    mappings: int
    revision: int
    messages: int
    malformed: int
    refused: int
    refusal: str
    learning: MidiLearning | None
    learned: MidiMapping | None
    problem: str
