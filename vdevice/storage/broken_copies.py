"""Keeps copies of a broken file beside it, in several generations.

The latest is ``NAME.broken``, the one before is ``NAME.broken.1``, and so on.
"""

import os
from itertools import pairwise
from pathlib import Path

from entrain.platform.files import read_file
from entrain.platform.whole_file import replace_file

GENERATIONS = 5


def copy(path: Path, content: bytes) -> Path:
    """Keep a copy of a file's content, unless the latest copy is equal.

    Returns
    -------
    Path
        Path of the copy.

    Raises
    ------
    OSError
        The copy cannot be written.

    """
    latest = _generations(path)[0]
    if not _holds(latest, content):
        _make_room(path)
        replace_file(latest, content)
    return latest


def move(path: Path, name: Path | None = None) -> Path:
    """Move a file (or any other object at its path) away, as its latest generation.

    A link itself is moved, not its target.  Returns and raises like `copy`.

    Parameters
    ----------
    path : Path
        The broken file.
    name : Path, optional
        The file that the copy is named after; by default `path`.

    """
    _make_room(name or path)
    return path.replace(_generations(name or path)[0])


def is_any(path: Path) -> bool:
    """Return whether any generation of a file exists."""
    return any(os.path.lexists(generation) for generation in _generations(path))


def _generations(path: Path) -> list[Path]:
    endings = ["", *(f".{number}" for number in range(1, GENERATIONS))]
    return [path.with_name(f"{path.name}.broken{ending}") for ending in endings]


def _make_room(path: Path) -> None:
    kept = _generations(path)
    if not os.path.lexists(kept[0]):
        return
    for newer, older in reversed(list(pairwise(kept))):
        if os.path.lexists(newer):
            newer.replace(older)


def _holds(path: Path, content: bytes) -> bool:
    try:
        return read_file(path, len(content)) == content
    except OSError:
        return False
