"""python-rtmidi and mido, which Entrain does not need for anything else."""

import importlib
import sys
from types import ModuleType

from entrain.errors import EntrainError


class NoMidi(EntrainError):
    """No MIDI system answers, or the libraries are missing; the text says which."""


def load() -> ModuleType:
    """Return python-rtmidi; raises `NoMidi` if it or mido is missing."""
    try:
        importlib.import_module("mido")
        return importlib.import_module("rtmidi")
    except ImportError:
        builds = "; for this Python, pip builds it, with a C++ compiler and libasound2-dev"
        raise NoMidi(
            f"MIDI needs two libraries: `{sys.executable} -m pip install mido python-rtmidi`"
            f"{builds if sys.version_info >= (3, 13) else ''}. Then `entrain midi off` and `on`"
        ) from None
