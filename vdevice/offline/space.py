"""The space of a rendered file: the user's head, and a space for protocols that leave it open."""

import json
from pathlib import Path

from entrain.head import Head
from entrain.platform.factory import load
from entrain.platform.files import read_file
from entrain.vdevice.hrtf import process, sets
from entrain.vdevice.limits import SpaceMode
from entrain.vdevice.protocol.model import Layer
from entrain.vdevice.protocol.parts.places import SPACE_ID
from entrain.vdevice.storage import store


def users_space(mode: SpaceMode) -> Layer | None:
    """Return the layer that places the music; None: no space."""
    return None if mode == "off" else Layer(kind=mode, id=SPACE_ID)


def chosen_head() -> Head:
    """Return the head that the user has chosen last; it is prepared if the cache has none.

    Raises
    ------
    EntrainError
        It cannot be prepared or read.

    """
    chosen = _stored_id(load().paths().state / store.FILE_NAME)
    return Head.from_file(process.prepared(sets.find(chosen)))


def _stored_id(path: Path) -> str:
    """Read the id from the state file, without the rest of the state."""
    try:
        document = json.loads(read_file(path, store.MAX_FILE_BYTES))
    except (OSError, ValueError, RecursionError):
        return sets.DEFAULT_ID
    chosen = document.get("hrtf") if isinstance(document, dict) else None
    return chosen if isinstance(chosen, str) else sets.DEFAULT_ID
