"""Limits and names of what can be asked of Entrain: each of them is written here and nowhere else.

Both sides import this module, so it imports neither pydantic nor anything else of Entrain.
"""

from typing import Literal

Mode = Literal["default", "manual", "smart"]
"""``default``: Entrain is the default output while it is on; ``manual``: only what the user
routes to it; ``smart``: the real device stays the default, and its sound passes Entrain."""

Unplugged = Literal["softer", "silent", "same"]
"""What a loudspeaker does that takes over because headphones were unplugged.

``softer``: it plays 20 dB softer; ``silent``: it is muted; ``same``: its volume is unchanged.
"""

State = Literal["processing", "idle", "bypassed", "off", "waiting-for-device", "failed"]
"""What Entrain does."""

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
"""What a protocol is for; ``own``: made or imported by the user."""

Grade = Literal["strong", "moderate", "weak", "none", "tradition"]
"""Strength of the evidence.  `entrain.tray.text.protocol_text.GRADES` explains each grade."""

MAX_OVER_S = 86400.0
"""Longest glide of a parameter, in seconds."""
MAX_SLEEP_MINUTES = 1440.0
MAX_SESSION_S = 7 * 86400.0
MAX_STEPS = 20
"""Most steps of one `adjust`, up or down."""
MIN_LATENCY_MS, MAX_LATENCY_MS = 4.0, 500.0
MIN_WATCH_S, MAX_WATCH_S = 0.05, 60.0
"""Shortest and longest time between two looks of a `watch`, in seconds."""
MAX_VALUES = 256
"""Most values of one `set`."""
MAX_LAYERS = 64
"""Most layers of a protocol."""
MAX_SPEC_CHARS = 4096
MAX_CLIENT_CHARS = 64
"""Longest name that a client can give itself."""
MAX_CAUSES = 64
"""Most clients that one event names as those who have caused it."""
