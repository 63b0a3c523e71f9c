"""Removes environment variables that would change Entrain's streams.

Sound libraries take a stream's device and latency from these variables if a player names none.
Entrain manages both itself.  A variable for longer blocks would add a delay that `status` does not
show, and a variable for a device or a property would send the sound elsewhere.  Variables that lead
to the sound server stay.
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
_BEGINNING = "PULSE_PROP"  # for example PULSE_PROP_media.role


def forget_streams() -> None:
    """Remove the variables about streams from this process's environment.

    Call it before the sound libraries are used, and while only the main thread reads the
    environment.
    """
    for name in list(os.environ):
        if name in _OF_STREAMS or name.startswith(_BEGINNING):
            del os.environ[name]
