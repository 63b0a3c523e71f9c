"""The heads that a user can choose: two built-in ones, and SOFA files that were prepared once.

A SOFA file of the user's has a *card*, a small JSON file in the data folder, which remembers its
place, its hash and its licence.  The prepared head lies in the cache under the file's hash; without
it, it is prepared anew from the SOFA file.
"""

import contextlib
import hashlib
import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from entrain.platform.files import UnfitFile, open_file, read_file
from entrain.platform.folders import cache_folder, data_folder
from entrain.platform.whole_file import replace_file
from entrain.vdevice.hrtf.errors import HrtfError
from entrain.vdevice.protocol.names import is_id
from entrain.vdevice.protocol.wording import plain

DEFAULT_ID = "kemar"
BUILT_IN = {
    DEFAULT_ID: "MIT KEMAR, a dummy head with normal pinnae",
    "sphere": "a rigid sphere without pinnae, for tests",
}
PREPARATION_VERSION = 2
"""Raised when the preparation changes: older prepared heads are then made anew."""
KEPT_HEADS = 8
"""Prepared heads in the cache, 5.6 MB each; the ones used longest ago are removed."""
MAX_CARDS = 200
MAX_FILE_BYTES = 256 << 20
"""Largest SOFA file."""

_PIECE_BYTES = 1 << 18
_MAX_CARD_BYTES = 1 << 16
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Card:
    """A head that can be chosen."""

    id: str
    title: str
    source: str = ""
    """Absolute path of the SOFA file; empty: built in."""
    sha256: str = ""
    """Hash of the SOFA file; empty: built in."""
    directions: int = 0
    licence: str = ""
    notes: tuple[str, ...] = ()

    @property
    def is_built_in(self) -> bool:
        """Whether the head comes with Entrain."""
        return self.id in BUILT_IN


@dataclass(frozen=True)
class Variant:
    """How a head is prepared."""

    taps: int = 256
    equalised: bool = True


def heads_folder() -> Path:
    """Return the folder of prepared heads; makes nothing."""
    return cache_folder() / "heads"


def cards_folder() -> Path:
    """Return the folder of cards; makes nothing."""
    return data_folder() / "heads"


def head_path(card: Card, variant: Variant | None = None) -> Path:
    """Return where a prepared head is, or will be."""
    variant = variant or Variant()
    key = card.sha256[:32] or card.id
    colour = "" if variant.equalised else "-measured"
    return heads_folder() / f"{key}-{PREPARATION_VERSION}-{variant.taps}{colour}.head"


def cards() -> list[Card]:
    """List all heads: the built-in ones, then the user's by id.  Damaged cards are left out."""
    found = [Card(name, title) for name, title in BUILT_IN.items()]
    with contextlib.suppress(OSError):
        for path in sorted(cards_folder().glob("*.json"))[:MAX_CARDS]:
            if card := _read_card(path):
                found.append(card)
    return found


def find(name: str) -> Card:
    """Return the head with this id.

    Raises
    ------
    HrtfError
        There is no such head.

    """
    if name in BUILT_IN:
        return Card(name, BUILT_IN[name])
    card = _read_card(cards_folder() / f"{name}.json") if is_id(name) else None
    if card is None:
        known = ", ".join(card.id for card in cards())
        raise HrtfError(f"there is no HRTF {name!r}; choose from {known}, or name a SOFA file")
    return card


def add(
    source: Path, sha256: str, title: str, directions: int, licence: str, notes: list[str]
) -> Card:
    """Write the card of a SOFA file that has been prepared; the same file keeps its id.

    Raises
    ------
    HrtfError
        The card cannot be written.

    """
    known = {card.id: card for card in cards()}
    same = next((card.id for card in known.values() if card.sha256 == sha256), None)
    card = Card(
        same or _free_id(source.stem, known),
        title,
        str(source.resolve()),
        sha256,
        directions,
        licence,
        tuple(notes),
    )
    path = cards_folder() / f"{card.id}.json"
    try:
        replace_file(path, json.dumps(asdict(card), indent=2).encode() + b"\n")
    except OSError as error:
        raise HrtfError(f"cannot write {path}: {error.strerror}") from error
    return card


def hash_of(source: Path) -> str:
    """Return the SHA-256 of a SOFA file.

    Raises
    ------
    HrtfError
        The file is missing, too large, or not a file.

    """
    name = plain(source.name or str(source))
    found = hashlib.sha256()
    try:
        with open_file(source) as file:
            size = os.fstat(file.fileno()).st_size
            while size <= MAX_FILE_BYTES and (piece := file.read(_PIECE_BYTES)):
                found.update(piece)
                size = max(size, file.tell())
    except UnfitFile as error:
        raise HrtfError(f"{name} {error.strerror}") from error
    except OSError as error:
        raise HrtfError(f"{name} cannot be read: {error.strerror}") from error
    except ValueError as error:  # a damaged card: the path contains a null byte
        raise HrtfError(f"{name} cannot be read: it is not a path") from error
    if size > MAX_FILE_BYTES:
        raise HrtfError(
            f"{name} has {size >> 20} MB; Entrain reads SOFA files up to {MAX_FILE_BYTES >> 20} MB"
        )
    return found.hexdigest()


def mark_used(path: Path) -> None:
    """Note that a prepared head is used, and remove heads from the cache that are not."""
    with contextlib.suppress(OSError):
        os.utime(path)
    heads: list[tuple[float, Path]] = []
    for each in path.parent.glob("*.head"):
        with contextlib.suppress(OSError):  # another Entrain may have removed it
            heads.append((each.stat().st_mtime, each))
    for _, each in sorted(heads)[:-KEPT_HEADS]:
        with contextlib.suppress(OSError):
            each.unlink()


def _read_card(path: Path) -> Card | None:
    try:
        found = json.loads(read_file(path, _MAX_CARD_BYTES))
        card = Card(**{**found, "id": path.stem, "notes": tuple(found.get("notes", ()))})
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return None
    texts = (card.title, card.source, card.sha256, card.licence, *card.notes)
    if not all(isinstance(text, str) for text in texts) or not isinstance(card.directions, int):
        return None
    if not is_id(card.id) or card.id in BUILT_IN or not _HASH.fullmatch(card.sha256):
        return None
    return card


def _free_id(stem: str, taken: dict[str, Card]) -> str:
    base = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")[:48] or "head"
    for number in range(1, MAX_CARDS + 2):
        name = base if number == 1 else f"{base}-{number}"
        if name not in taken:
            return name
    raise HrtfError("there are too many heads; remove some files in " + str(cards_folder()))
