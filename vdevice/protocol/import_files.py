"""Imports files and folders into the user's library, each file completely or not at all."""

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from entrain.vdevice.protocol.check import check
from entrain.vdevice.protocol.document import parse_protocol
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.importers.plain_text import as_utf8
from entrain.vdevice.protocol.importers.report import Imported
from entrain.vdevice.protocol.library import Library, read_bytes
from entrain.vdevice.protocol.model import Protocol
from entrain.vdevice.protocol.user_folder import shown
from entrain.vdevice.protocol.values import BlockSource

SUFFIXES = (".sbg", ".gnaural", ".xml", ".json")
MAX_FILES = 10_000
MAX_FILE_BYTES = 16 << 20
"""Limit for files of other programs; the resulting protocols are shorter."""
_MAX_ID, _MAX_NAME = 64, 100

Progress = Callable[[int, int], None]
"""Called with the number of finished files and the number of all files."""


@dataclass(frozen=True)
class Outcome:
    """Result of importing one file."""

    path: Path
    result: Literal["imported", "unchanged", "refused"]
    """``unchanged``: the library already has the same protocol."""
    id: str = ""
    notes: tuple[str, ...] = ()
    """Parts of the file that the protocol does not keep, one ``file:line: text`` each."""
    problems: tuple[str, ...] = ()
    """Reasons for a refusal, one line each."""


def import_files(
    files: Sequence[Path],
    library: Library,
    blocks: BlockSource,
    *,
    replace: bool = False,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Iterator[Outcome]:
    """Import files one by one; a refused file does not affect the others.

    Parameters
    ----------
    files : sequence of Path
        Files from `found_files`.
    library : Library
        The library that saves the protocols.
    blocks : callable
        Returns the blocks to check against.
    replace : bool
        Replace protocols of the library that have the same id; otherwise refuse such files.
    dry_run : bool
        Save nothing.
    progress : callable, optional
        Called after each file.

    """
    keeper = _Keeper(library, replace, dry_run)
    for number, path in enumerate(files):
        try:
            yield keeper.keep(path, _read(path, blocks))
        except ProtocolError as error:
            yield Outcome(path, "refused", problems=tuple(_with_name(path, error)))
        if progress:
            progress(number + 1, len(files))


def found_files(paths: Iterable[Path]) -> list[Path]:
    """Return the named files, and in the named folders, at any depth, those with a `SUFFIXES` name.

    Raises
    ------
    ProtocolError
        A folder has no such file, or there are more than `MAX_FILES` files.

    """
    found: dict[Path, None] = {}  # a set in order
    for path in paths:
        if not path.is_dir():
            found[path] = None
            continue
        inside = list(_walk(path))
        if not inside:
            raise ProtocolError(f"{shown(path)}: the folder has no {_suffixes()} file")
        found |= dict.fromkeys(inside)
        if len(found) > MAX_FILES:
            raise ProtocolError(f"more than {MAX_FILES} files at once; import fewer folders")
    return list(found)


def _walk(folder: Path) -> Iterator[Path]:
    """Yield matching files; links to folders are not followed, since they may form a circle."""
    for name, folders, files in os.walk(folder):
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        for file in sorted(files):
            if file.lower().endswith(SUFFIXES) and not file.startswith("."):
                yield Path(name, file)


def _read(path: Path, blocks: BlockSource) -> Imported:
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ProtocolError(f"{shown(path)} is not a {_suffixes()} file")
    text = read_bytes(path, MAX_FILE_BYTES)
    if suffix == ".json":
        return Imported(parse_protocol(as_utf8(text), shown(path), blocks), ())
    if suffix == ".sbg":
        from entrain.vdevice.protocol.importers.sbg import read_sbg

        imported = read_sbg(text, shown(path), path.stem, blocks())
    else:
        from entrain.vdevice.protocol.importers.gnaural import read_gnaural

        imported = read_gnaural(text, shown(path), path.stem, blocks())
    check(imported.protocol, blocks)
    return imported


class _Keeper:
    """Saves the protocols of one import or, in a dry run, finds out whether it could."""

    def __init__(self, library: Library, replace: bool, dry_run: bool) -> None:
        self._library, self._replace, self._dry_run = library, replace, dry_run
        self._taken: dict[str, tuple[Path, Protocol]] = {}  # ids used by this import
        self._new = 0  # new protocols that a dry run would have saved

    def keep(self, path: Path, imported: Imported) -> Outcome:
        """Save one protocol; raises `ProtocolError` if that is impossible."""
        protocol = imported.protocol
        notes = [
            f"{shown(path)}:{n.line}: {n.text}" if n.line else f"{shown(path)}: {n.text}"
            for n in imported.notes
        ]
        if protocol.id in self._taken:
            first, same = self._taken[protocol.id]
            if same != protocol:
                protocol = self._renamed(protocol)
                was = f"{shown(first)} has the same id {imported.protocol.id!r}"
                notes.append(f"{shown(path)}: {was}; it becomes {protocol.id!r}")
            if protocol.id in self._taken:
                return Outcome(path, "unchanged", protocol.id, tuple(notes))
        result = self._kept(protocol)
        self._taken[protocol.id] = path, protocol
        return Outcome(path, result, protocol.id, tuple(notes))

    def _kept(self, protocol: Protocol) -> Literal["imported", "unchanged"]:
        """Save a protocol, or check that it can be saved; raises `ProtocolError`."""
        is_there = protocol.id in self._library.ids()
        if is_there and self._library.by_id(protocol.id) == protocol:
            return "unchanged"
        if is_there and not self._replace:
            whose = "you have" if self._library.entry(protocol.id).own else "there is"
            raise ProtocolError(
                f"{whose} a protocol {protocol.id!r} already; --replace replaces it"
            )
        if self._dry_run:
            self._library.try_save(protocol, self._new)
            self._new += not self._library.is_own(protocol.id)
        else:
            self._library.save(protocol)
        return "imported"

    def _renamed(self, protocol: Protocol) -> Protocol:
        """Return a copy whose id and name have the lowest number that makes them unique."""
        for number in itertools.count(2):
            new = protocol.model_copy(
                update={
                    "id": _with_number(protocol.id, f"-{number}", _MAX_ID),
                    "name": _with_number(protocol.name, f" ({number})", _MAX_NAME),
                }
            )
            if self._has_room_for(new):
                break
        return new

    def _has_room_for(self, protocol: Protocol) -> bool:
        """Whether the id is free in this import and in the library, or has the same protocol."""
        if protocol.id in self._taken:
            return self._taken[protocol.id][1] == protocol
        if protocol.id not in self._library.ids():
            return not self._library.is_own(protocol.id)  # a broken file may have it
        return self._library.by_id(protocol.id) == protocol


def _with_number(text: str, number: str, most: int) -> str:
    return text[: most - len(number)] + number


def _with_name(path: Path, error: ProtocolError) -> Iterator[str]:
    name = shown(path)
    for line in str(error).splitlines():
        yield line if name in line else f"{name}: {line}"


def _suffixes() -> str:
    return f"{', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"
