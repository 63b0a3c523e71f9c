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
        raise NoMidi(_how_to_add()) from None


def _how_to_add() -> str:
    from entrain.platform.installation_kind import how_to_add, installation

    said = f"MIDI needs two more libraries; {how_to_add(('mido', 'python-rtmidi'))}"
    if not installation().add:
        return said
    builds = "; for this Python, pip builds one, with a C++ compiler and libasound2-dev"
    then = "then type `entrain midi on` again"
    return f"{said}{builds if sys.version_info >= (3, 13) else ''}; {then}"
