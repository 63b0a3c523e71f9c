"""Keeps a file that could not be understood in copies beside it, in several generations.

The latest is ``NAME.broken``, the one before ``NAME.broken.1``, and so on.
"""

import os
from itertools import pairwise
from pathlib import Path

from entrain.platform.files import read_file
from entrain.platform.whole_file import replace_file

GENERATIONS = 5


def copy(path: Path, content: bytes) -> Path:
    """Keep the content of a file; the same content only once in a row.

    Returns
    -------
    Path
        Where it is kept.

    Raises
    ------
    OSError
        It cannot be kept.

    """
    latest = _generations(path)[0]
    if not _holds(latest, content):
        _make_room(path)
        replace_file(latest, content)
    return latest


def move(path: Path, name: Path | None = None) -> Path:
    """Move a file away, or whatever is at its path, as the latest generation of it.

    A link is moved, and not what it leads to.  Returns and raises as `copy`.

    Parameters
    ----------
    path : Path
        What cannot be understood.
    name : Path, optional
        Whose generation it becomes; without it, that of the path itself.

    """
    _make_room(name or path)
    return path.replace(_generations(name or path)[0])


def is_any(path: Path) -> bool:
    """Tell whether a generation of a file is kept."""
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
