"""Run a back end with a smart filter in a separate process.

Usage: python smart_backend.py TARGET

The back end adds a tone of 400 Hz at -20 dBFS to the sound.  Lines on standard input switch the
smart filter (on, off) or end the process (quit).  The answer to each line is the state.
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
