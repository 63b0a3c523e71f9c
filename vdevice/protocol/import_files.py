"""Imports files and folders into the user's library, each file completely or not at all."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from entrain.vdevice.protocol.check import check
from entrain.vdevice.protocol.document import parse_protocol
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.importers.keeper import Keeper, Outcome
from entrain.vdevice.protocol.importers.plain_text import as_utf8
from entrain.vdevice.protocol.importers.report import Imported
from entrain.vdevice.protocol.library import Library
from entrain.vdevice.protocol.named_file import read_bytes
from entrain.vdevice.protocol.user_folder import shown
from entrain.vdevice.protocol.values import BlockSource

SUFFIXES = (".sbg", ".gnaural", ".xml", ".json")
MAX_FILES = 10_000
MAX_FILE_BYTES = 16 << 20
"""Limit for files of other programs; the resulting protocols are shorter."""

Progress = Callable[[int, int], None]
"""Called with the number of finished files and the number of all files."""


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
    keeper = Keeper(library, replace, dry_run)
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
        if not os.path.lexists(path):
            raise ProtocolError(f"{shown(path)} does not exist")
        raise ProtocolError(f"{shown(path)} is not a {_suffixes()} file")
    text = read_bytes(path, MAX_FILE_BYTES)
    if suffix == ".json":
        return Imported(parse_protocol(as_utf8(text), shown(path), blocks), ())
    if suffix == ".sbg":
        from entrain.vdevice.protocol.importers.sbagen.reader import read_sbg

        imported = read_sbg(text, shown(path), path.stem, blocks())
    else:
        from entrain.vdevice.protocol.importers.gnaural.reader import read_gnaural

        imported = read_gnaural(text, shown(path), path.stem, blocks())
    check(imported.protocol, blocks)
    return imported


def _with_name(path: Path, error: ProtocolError) -> Iterator[str]:
    name = shown(path)
    for line in str(error).splitlines():
        yield line if name in line else f"{name}: {line}"


def _suffixes() -> str:
    return f"{', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"
