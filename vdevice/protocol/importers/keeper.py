"""Saves imported protocols in the library, with unique ids."""

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.importers.report import Imported
from entrain.vdevice.protocol.library import Library
from entrain.vdevice.protocol.model import Protocol
from entrain.vdevice.protocol.user_folder import shown

_MAX_ID, _MAX_NAME = 64, 100


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


class Keeper:
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
