"""Limits and names that clients and the running app share; each is defined only here.

Both sides import this module, so it does not import pydantic or any other part of Entrain.
"""

from typing import Literal

Mode = Literal["default", "manual", "smart"]
"""The sound that Entrain processes.

``default``: Entrain is the default output while it is on; ``manual``: only the apps that the user
routes to Entrain; ``smart``: the real device stays the default, and its sound passes Entrain.
"""

Unplugged = Literal["softer", "silent", "same"]
"""How a loudspeaker plays that takes over after headphones were unplugged.
``softer``: it plays 20 dB softer; ``silent``: it is muted; ``same``: its volume is unchanged.
"""

SpaceMode = Literal["off", "speakers", "scene"]
"""How headphones play music that no protocol places.

``off``: inside the head; ``speakers``: as from two loudspeakers; ``scene``: in a sound field.
"""

State = Literal["processing", "idle", "bypassed", "off", "waiting-for-device", "failed"]
"""Entrain's condition, as `status` shows it."""

HotkeysState = Literal["off", "asking", "bound", "denied", "missing", "failed"]
"""How far the desktop's portal has come with the keyboard shortcuts.

``off``: Entrain has not asked; ``asking``: no answer has come yet; ``bound``: the keys work;
``denied``: the user refused; ``missing``: this desktop cannot do it; ``failed``: something broke.
"""

Category = Literal[
    "focus",
    "calm",
    "sleep",
    "meditation",
    "pain",
    "breath",
    "bilateral",
    "spatial",
    "experimental",
    "own",
]
"""The purpose of a protocol; ``own``: made or imported by the user."""

Grade = Literal["strong", "moderate", "weak", "none", "tradition"]
"""Strength of the evidence.  `entrain.tray.text.protocol_text.GRADES` explains each grade."""

MAX_OVER_S = 86400.0
"""Longest glide of a parameter, in seconds."""
MAX_SLEEP_MINUTES = 1440.0
MAX_SESSION_S = 7 * 86400.0
MAX_STEPS = 20
"""Largest number of steps in one `adjust`, up or down."""
MIN_LATENCY_MS, MAX_LATENCY_MS = 4.0, 500.0
MIN_WATCH_S, MAX_WATCH_S = 0.05, 60.0
"""Shortest and longest interval of a `watch`, in seconds."""
MAX_VALUES = 256
"""Largest number of values in one `set`."""
MAX_TAP_FRAMES = 16384
"""Largest number of frames in one answer to a `tap`."""
MIN_TAP_S, MAX_TAP_S = 0.015, 0.25
"""Shortest and longest interval of a `tap`, in seconds; at 192 kHz the longest loses no frame."""
MIN_VERIFY_HZ, MAX_VERIFY_HZ = 0.5, 100.0
"""Lowest and highest rate that `verify` examines on request."""
MAX_VERIFY_START_S = 1e6
MAX_LAYERS = 64
"""Largest number of layers in a protocol."""
MAX_SPEC_CHARS = 4096
MAX_CLIENT_CHARS = 64
"""Longest name that a client can give itself, in characters."""
MAX_CAUSES = 64
"""Largest number of clients that one event names as its cause."""

TrackerPreset = Literal["standard", "supperware", "nvsonic", "opentrack", "librepods"]
"""Senders of head poses; ``standard`` has the order and signs that belong to each address."""
HeadAxis = Literal["yaw", "pitch", "roll"]
OSC_PORT = 9000
"""UDP port on which Entrain hears head trackers that send OSC."""
OPENTRACK_PORT = 4242
"""UDP port on which Entrain hears opentrack's output "UDP over network"."""
OSC_CONTROL_PORT, OSC_FEEDBACK_PORT = 5510, 5511
"""UDP ports by which other programs steer Entrain, as FAUST has them: in, and out."""
OSC_MONITOR_SOCKET = "osc.sock"
"""Socket beside the control socket, from which `entrain osc monitor` reads what arrives."""
LOOPBACK = "127.0.0.1"
"""Address that only this computer reaches."""
MIN_PORT, MAX_PORT = 1024, 65535
MIN_HEAD_CM, MAX_HEAD_CM = 48.0, 66.0
"""Circumference of a listener's head."""
MAX_HOTKEYS = 16
"""Largest number of keyboard shortcuts in a report of the icon."""
MAX_KEY_CHARS = 100
"""Longest description of a shortcut's keys, in characters."""

MidiKind = Literal["cc", "cc14", "nrpn", "nrpn14", "nrpn_inc", "bend", "note", "program"]
"""Kinds of control on a MIDI device.  ``14``: with a second message for the low seven bits."""
MidiEncoding = Literal["absolute", "twos", "offset", "sign"]
"""``absolute``: a message has the position of the control; otherwise it has signed steps.

``twos``: two's complement, 127 is -1; ``offset``: 64 is 0, 63 is -1; ``sign``: 65 is -1.
"""
MidiSystem = Literal["auto", "alsa", "jack"]
MidiAction = Literal[
    "bypass", "next", "undo", "redo", "on", "off", "faster", "slower", "stronger", "weaker"
]
"""Actions that a MIDI control can cause; ``use:ID`` is one more for each protocol."""
MIDI_MONITOR_SOCKET = "midi.sock"
"""Socket beside the control socket, from which `entrain midi monitor` reads what arrives."""
MAX_MIDI_MAPPINGS = 128
MAX_MIDI_NAME_CHARS = 128
MAX_LEARN_S = 120.0
"""Longest time to wait for a control to be moved, in seconds."""


def is_loopback(address: str) -> bool:
    """Whether only this computer reaches an IP address."""
    return address.startswith("127.") or address == "::1"
