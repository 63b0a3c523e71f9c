"""Stores protocols that are not in the library, one file each.

A file is named after a hash of its content, so it is written once and never changed.
"""

import contextlib
import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from pydantic import StringConstraints

from entrain.platform.files import UnfitFile, read_file
from entrain.platform.whole_file import remove_leftovers, replace_file
from entrain.vdevice.protocol.document import compact_protocol, parse_protocol
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.model import Protocol
from entrain.vdevice.storage import broken_copies

MAX_FILE_BYTES = 16 << 20
"""A protocol may be twice as long here as in the message (at most 1 MiB) that has brought it."""

_OUR_OWN = re.compile(r"[0-9a-f]{16}\.json")

_MARK_S = 1_000_000_000
"""A modification time in the past.  No clock sets it, even if it is wrong after a power cut."""

FileName = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}\.json$")]


class StoredProtocols:
    """A folder of protocols.  Called on one thread at a time.

    Parameters
    ----------
    folder : Path
        Only Entrain writes in it.  It is created at the first save.

    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, Protocol] = {}

    def load(self, name: str) -> Protocol:
        """Read a protocol; a broken file is moved aside.

        Parameters
        ----------
        name : str
            The name of the file, from `save`.

        Raises
        ------
        ProtocolError
            The file is missing or broken.
        OSError
            The file (see `filename`) cannot be read now, but may become readable later.

        """
        path = self._folder / name
        try:
            protocol = parse_protocol(read_file(path, MAX_FILE_BYTES), str(path))
        except (FileNotFoundError, NotADirectoryError):
            raise ProtocolError(f"{path} is missing") from None
        except UnfitFile as error:
            self._move_aside(path)
            raise ProtocolError(f"{path} {error.strerror}") from error
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(path)) from error
        except ProtocolError:
            self._move_aside(path)
            raise
        self._known[name] = protocol
        return protocol

    def save(self, protocol: Protocol) -> str:
        """Write a protocol to a file, unless such a file exists.

        Returns
        -------
        str
            The name of the file, for `load`.

        Raises
        ------
        OSError
            The file cannot be written.

        """
        for name, known in self._known.items():
            if known == protocol and (self._folder / name).exists():
                return name
        content = compact_protocol(protocol)
        name = f"{hashlib.sha256(content).hexdigest()[:16]}.json"
        if not self._holds(name, content):  # otherwise keep the file, with the mark of `spare`
            replace_file(self._folder / name, content)
        self._known[name] = protocol
        return name

    def spare(self) -> None:
        """Mark all present files, so that `keep_only` can tell them from later files."""
        for path in self._files():
            with contextlib.suppress(OSError):
                os.utime(path, (_MARK_S, _MARK_S))

    def keep_only(self, names: Iterable[str | None], with_spared: bool) -> None:
        """Remove the files of other protocols, and leftovers of a killed process.

        Files with names that Entrain does not give stay.

        Parameters
        ----------
        names : iterable of str or None
            The names of the files that are needed.
        with_spared : bool
            Keep the files that `spare` has marked, too.

        """
        kept = set(names)
        self._known = {name: known for name, known in self._known.items() if name in kept}
        remove_leftovers(self._folder)
        for path in self._files():
            with contextlib.suppress(OSError):
                is_spared = with_spared and int(path.lstat().st_mtime) == _MARK_S
                if path.name not in kept and not is_spared:
                    path.unlink()

    def _files(self) -> list[Path]:
        try:
            names = os.listdir(self._folder)
        except OSError:
            return []
        return [self._folder / name for name in names if _OUR_OWN.fullmatch(name)]

    def _holds(self, name: str, content: bytes) -> bool:
        try:
            return read_file(self._folder / name, len(content)) == content
        except OSError:
            return False

    def _move_aside(self, path: Path) -> None:
        with contextlib.suppress(OSError):
            broken_copies.move(path, self._folder / "protocol.json")
