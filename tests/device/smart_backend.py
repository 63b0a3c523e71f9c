"""Stand in the way of the default device, as a program of its own.

Usage: python smart_backend.py TARGET

Everything that passes gets a tone of 400 Hz at -20 dBFS.  Each line of its standard input is
carried out (on, off), or ends it (quit); it answers with its state.
"""

import sys

from entrain.backend import Backend
from entrain.engine import Engine

with Engine() as engine:
    tone = {"carrier_hz": 400, "beat_hz": 0, "floor_db": -20, "ceiling_db": -20}
    engine.route([engine.add_layer("binaural", tone)], restart=True)
    backend = Backend("pipewire", engine, sys.argv[1], smart=True)
    for line in sys.stdin:
        if line == "quit\n":
            break
        if line in ("on\n", "off\n"):
            backend.set_smart(line == "on\n")
        state = backend.state()
        print(int(state.smart), state.error, sep="\t", flush=True)
    backend.close()
