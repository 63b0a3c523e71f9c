"""Protocols that are in no library, each in a file of its own.

A file is named after its content, so that it is written once, and never changed.
"""

import contextlib
import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from pydantic import StringConstraints

from entrain.platform.files import UnfitFile, read_file, replace_file
from entrain.vdevice import set_aside
from entrain.vdevice.protocol.document import compact_protocol, parse_protocol
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.model import Protocol

MAX_FILE_BYTES = 16 << 20
"""A protocol can be twice as long here as in the message of 1 MiB that has brought it."""

_OUR_OWN = re.compile(r"[0-9a-f]{16}\.json|\.[0-9a-f]{16}\.json\..+")
"""The second form is that of a file which is being written."""

FileName = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}\.json$")]


class StoredProtocols:
    """A folder of protocols.  Called on one thread at a time.

    Parameters
    ----------
    folder : Path
        Nobody else writes in it.  It is made when something is saved.

    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, Protocol] = {}

    def load(self, name: str) -> Protocol:
        """Read one; a file that is not a protocol is set aside.

        Raises
        ------
        ProtocolError
            There is none, or what is there is no protocol.
        OSError
            It cannot be read, but perhaps another time.

        """
        path = self._folder / name
        try:
            protocol = parse_protocol(read_file(path, MAX_FILE_BYTES), str(path))
        except FileNotFoundError:
            raise ProtocolError(f"{path} is missing") from None
        except UnfitFile as error:
            self._move_aside(path)
            raise ProtocolError(f"{path} {error.strerror}") from error
        except ProtocolError:
            self._move_aside(path)
            raise
        self._known[name] = protocol
        return protocol

    def save(self, protocol: Protocol) -> str:
        """Write one, where that has not been done; returns its name, for `load`.

        Raises
        ------
        OSError
            It cannot be written.

        """
        for name, known in self._known.items():
            if known == protocol and (self._folder / name).exists():
                return name
        content = compact_protocol(protocol)
        name = f"{hashlib.sha256(content).hexdigest()[:16]}.json"
        replace_file(self._folder / name, content)
        self._known[name] = protocol
        return name

    def keep_only(self, names: Iterable[str | None]) -> None:
        """Remove the files of other protocols, and what a killed process has left.

        Files whose names are not of our making stay.
        """
        kept = set(names)
        self._known = {name: known for name, known in self._known.items() if name in kept}
        with contextlib.suppress(OSError):
            for name in os.listdir(self._folder):
                if name not in kept and _OUR_OWN.fullmatch(name):
                    (self._folder / name).unlink()

    def _move_aside(self, path: Path) -> None:
        with contextlib.suppress(OSError):
            set_aside.move(path, self._folder / "protocol.json")
