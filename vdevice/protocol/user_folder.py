"""The folder of the user's own protocols, which other programs may change at any time.

Each query looks at the folder anew, but reads only files that have changed.
"""

import contextlib
import errno
import itertools
import os
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from entrain.platform.files import UnfitFile, read_file
from entrain.platform.folder_watch import ContentWatch
from entrain.platform.whole_file import replace_file
from entrain.vdevice.limits import Category
from entrain.vdevice.protocol.document import parse_protocol, write_protocol
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.model import Protocol
from entrain.vdevice.protocol.names import is_id
from entrain.vdevice.protocol.parts.evidence import Evidence
from entrain.vdevice.protocol.values import BlockSource

MAX_FILE_BYTES = 1 << 20
MAX_FILES = 1000

Signature = tuple[int, int, int]
"""Changes with the file: time of change in ns, size in bytes, inode."""


@dataclass(frozen=True)
class Entry:
    """Summary of a protocol in the library; `Library.by_id` returns the whole protocol."""

    id: str
    """Empty: the file exists, but has no usable id."""
    name: str
    category: Category
    own: bool
    """Whether it is the user's, not a shipped one."""
    path: Path | None = None
    """The user's file."""
    evidence: Evidence | None = None
    requires_headphones: bool = False
    problems: tuple[str, ...] = ()
    """Errors in the file, one line each, beginning with its name."""


class UserFolder:
    """The user's own protocols.  Use on one thread at a time.

    Parameters
    ----------
    path : Path
        The folder; created when a protocol is saved.
    blocks : callable, optional
        Returns the blocks to check against.

    """

    def __init__(self, path: Path, blocks: BlockSource | None = None) -> None:
        self.path = path
        self._blocks = blocks
        self._seen: dict[str, tuple[Signature, Entry]] = {}
        self._too_many = False
        self._unreadable = ""

    def signatures(self) -> dict[str, Signature]:
        """Return the present files with their signatures, without reading the files."""
        found: dict[str, Signature] = {}
        self._unreadable = ""
        try:
            with os.scandir(self.path) as items:
                for item in items:
                    # Editors use hidden files while they write.
                    if not item.name.endswith(".json") or item.name.startswith("."):
                        continue
                    with contextlib.suppress(FileNotFoundError):  # removed in the meantime
                        found[item.name] = _signature(self.path / item.name)
        except FileNotFoundError:
            pass
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            self._unreadable = f"cannot read {shown(self.path)}: {reason}"
        self._too_many = len(found) > MAX_FILES
        return {name: found[name] for name in sorted(found)[:MAX_FILES]}

    def watch(self, watch: ContentWatch) -> None:
        """Have all changes of `signatures` from now on told."""
        watch.add(self.path.parent)  # the folder may be missing yet, or be a link
        watch.add(self.path)
        with contextlib.suppress(OSError, ValueError), os.scandir(self.path) as items:
            for item in itertools.islice(items, MAX_FILES):
                if item.is_symlink() and not watch.add(self.path / item.name):
                    # It leads nowhere yet.
                    watch.add(Path(os.path.realpath(self.path / item.name)).parent)

    def entries(self) -> dict[str, Entry]:
        """Return all files by name; if several have one id, only one of them is usable."""
        signatures = self.signatures()
        self._seen = {name: self._look(name, signature) for name, signature in signatures.items()}
        entries = {name: entry for name, (_, entry) in self._seen.items()}
        owner: dict[str, str] = {}  # file by id
        for name, entry in entries.items():
            if not entry.problems and (name == f"{entry.id}.json" or entry.id not in owner):
                owner[entry.id] = name
        for name, entry in entries.items():
            if not entry.problems and (first := owner[entry.id]) != name:
                line = f"{shown(name)}: {shown(first)} has the same id {entry.id!r}"
                entries[name] = _broken(self.path / name, [line])
            elif entry.problems and entry.id in owner:
                entries[name] = _broken(self.path / name, entry.problems)
        return entries

    def called(self, protocol_id: str) -> Entry | None:
        """Return the usable file that is named after its id; reads no other file."""
        name = f"{protocol_id}.json"
        if not is_id(protocol_id):
            return None
        try:
            signature = _signature(self.path / name)
        except OSError:
            return None
        self._seen[name] = self._look(name, signature)
        entry = self._seen[name][1]
        return entry if entry.id == protocol_id and not entry.problems else None

    def problems(self) -> list[str]:
        """Return all errors in the folder, one line each."""
        lines = [line for entry in self.entries().values() for line in entry.problems]
        if self._too_many:
            lines.append(f"{shown(self.path)} has more than {MAX_FILES} files; the rest is ignored")
        if self._unreadable:
            lines.append(self._unreadable)
        return lines

    def load(self, path: Path) -> Protocol:
        """Read one of the files; raises `ProtocolError`."""
        name = shown(path.name)
        try:
            text = read_file(path, MAX_FILE_BYTES)
        except UnfitFile as error:
            raise ProtocolError(f"{name}: {error.strerror}") from error
        except FileNotFoundError as error:
            reason = (
                "is a link that leads nowhere" if path.is_symlink() else "does not exist any more"
            )
            raise ProtocolError(f"{name}: {reason}") from error
        except OSError as error:
            raise ProtocolError(f"{name}: cannot be read: {error.strerror}") from error
        return parse_protocol(text, name, self._blocks)

    def save(self, protocol: Protocol) -> Path:
        """Write a protocol under its id; the former file is kept as ``.json.bak``.

        Raises
        ------
        ProtocolError
            The file cannot be written, or would not be readable.

        """
        path, content, before = self._prepared(protocol)
        if before == content:
            return path
        try:
            if before is not None:
                replace_file(path.with_name(path.name + ".bak"), before)
            replace_file(path, content)
        except OSError as error:
            raise _unsaved(path, error) from error
        return path

    def delete(self, path: Path) -> Path:
        """Move one of the files aside; returns its new path, which ends in ``.json.bak``.

        Raises
        ------
        ProtocolError
            The file cannot be moved.

        """
        kept = path.with_name(path.name + ".bak")
        try:
            path.replace(kept)
        except OSError as error:
            raise ProtocolError(f"cannot delete {shown(path)}: {error.strerror}") from error
        return kept

    def rename(self, path: Path, protocol: Protocol) -> Path:
        """Write a protocol with a new id into its file, then name the file after the id.

        A crash in between leaves a usable file with its former name.

        Raises
        ------
        ProtocolError
            The file cannot be written; it is unchanged.

        """
        content = self._checked(protocol)
        try:
            replace_file(path, content)
        except OSError as error:
            raise _unsaved(path, error) from error
        named = self.path / f"{protocol.id}.json"
        if os.path.lexists(named):  # perhaps it has another protocol
            return path
        try:
            return path.rename(named)
        except OSError:
            return path

    def try_save(self, protocol: Protocol, others: int = 0) -> None:
        """Write nothing, but raise the error that `save` would raise.

        Parameters
        ----------
        protocol : Protocol
            The protocol that might be saved.
        others : int
            Number of other new files that would be written before.

        """
        path, _, _ = self._prepared(protocol, others)
        folder = self.path
        while not os.path.lexists(folder) and folder != folder.parent:
            folder = folder.parent
        if not folder.is_dir():
            raise _unsaved(path, NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)))
        if not os.access(folder, os.W_OK | os.X_OK):
            raise _unsaved(path, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))

    def _prepared(self, protocol: Protocol, others: int = 0) -> tuple[Path, bytes, bytes | None]:
        """Return the file to write, its new content and its present content."""
        content = self._checked(protocol)
        path = self._path_for(protocol.id)
        try:
            if path.exists():
                return path, content, read_file(path, 16 * MAX_FILE_BYTES)
            if len(self.signatures()) + others >= MAX_FILES:
                raise ProtocolError(f"{shown(self.path)} is full: {MAX_FILES} files")
        except UnfitFile as error:
            raise ProtocolError(f"{shown(path)} {error.strerror}; it was not changed") from error
        except OSError as error:
            raise _unsaved(path, error) from error
        return path, content, None

    def _checked(self, protocol: Protocol) -> bytes:
        """Return the content of a protocol's file, which can be read again."""
        content = write_protocol(protocol)
        parse_protocol(content, protocol.id, self._blocks)
        if len(content) > MAX_FILE_BYTES:
            raise ProtocolError(
                f"{protocol.id} is too long: {len(content)} of {MAX_FILE_BYTES} bytes"
            )
        return content

    def _look(self, name: str, signature: Signature) -> tuple[Signature, Entry]:
        if (seen := self._seen.get(name)) and seen[0] == signature:
            return seen
        path = self.path / name
        try:
            protocol = self.load(path)
        except ProtocolError as error:
            stem = name.removesuffix(".json")
            lines = str(error).splitlines()
            return signature, _broken(path, lines, stem if is_id(stem) else "")
        return signature, Entry(
            protocol.id,
            protocol.name,
            protocol.category,
            True,
            path,
            protocol.evidence,
            protocol.requires_headphones,
        )

    def _path_for(self, protocol_id: str) -> Path:
        """Return the file with this id, else an unused name or a broken file of that name."""
        entries = self.entries()
        for entry in entries.values():
            if entry.id == protocol_id and entry.path:
                return entry.path
        name, number = f"{protocol_id}.json", 1
        while name in entries and not entries[name].problems:  # has another protocol
            number += 1
            name = f"{protocol_id}-{number}.json"
        return self.path / name


def slug(name: str) -> str:
    """Make an id from a name; raises `ProtocolError` if no character is usable."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = "".join(char if char.isalnum() else " " for char in plain).split()
    made = "-".join(words)[:64].rstrip("-")
    if not made:
        raise ProtocolError(f"{shown(name)!r} needs a letter a-z or a digit, to make an id")
    return made


def shown(text: Path | str) -> str:
    """Return a path for display, without control characters."""
    text = str(text)
    return text if text.isprintable() else repr(text)[1:-1]


def _unsaved(path: Path, error: OSError) -> ProtocolError:
    return ProtocolError(f"cannot save {shown(path)}: {error.strerror}")


def _signature(path: Path) -> Signature:
    """Return the signature of a file or of a link's target; of the link itself if it is broken."""
    try:
        status = path.stat()
    except OSError:
        status = path.lstat()
    return status.st_mtime_ns, status.st_size, status.st_ino


def _broken(path: Path, problems: list[str] | tuple[str, ...], protocol_id: str = "") -> Entry:
    return Entry(protocol_id, path.name, "own", True, path, problems=tuple(problems))
