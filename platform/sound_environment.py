"""What a session's environment tells the sound libraries of other programs' streams.

A player that names no device and no latency takes them from there.  Entrain knows both: a variable
that makes its blocks longer adds delay of which `status` knows nothing, and one that names a device
or a property sends its sound elsewhere.  By other variables the server is found; those stay.
"""

import os

_OF_STREAMS = (
    "PULSE_LATENCY_MSEC",
    "PULSE_SINK",
    "PULSE_SOURCE",
    "PIPEWIRE_AUTOCONNECT",
    "PIPEWIRE_LATENCY",
    "PIPEWIRE_NODE",
    "PIPEWIRE_PROPS",
    "PIPEWIRE_QUANTUM",
    "PIPEWIRE_RATE",
)
_BEGINNING = "PULSE_PROP"  # also PULSE_PROP_media.role and the like


def forget_streams() -> None:
    """Take out of this process's environment what is said there of streams.

    To be called before the sound libraries are used, and while nothing but the main thread reads
    the environment.
    """
    for name in list(os.environ):
        if name in _OF_STREAMS or name.startswith(_BEGINNING):
            del os.environ[name]
