"""Finds protocols: shipped ones and the user's by id, others by the path of a file."""

import contextlib
import difflib
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import get_args

from entrain.platform.folder_watch import ContentWatch
from entrain.platform.folders import data_folder
from entrain.vdevice.limits import Category
from entrain.vdevice.protocol.check import check
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.model import Protocol
from entrain.vdevice.protocol.named_file import load_file
from entrain.vdevice.protocol.names import is_id, is_spec
from entrain.vdevice.protocol.shipped import shipped, shipped_entry, shipped_ids
from entrain.vdevice.protocol.spec import from_specs, with_specs
from entrain.vdevice.protocol.user_folder import Entry, UserFolder, slug
from entrain.vdevice.protocol.values import BlockSource
from entrain.vdevice.protocol.wording import choices

DEFAULT_ID = "default"
NOTHING = Protocol(id="none", name="Nothing", layers=(), speech_safe=True, sleep_safe=True)
"""The protocol without layers, which leaves the sound untouched; it is not listed."""
CATEGORIES: tuple[Category, ...] = get_args(Category)
_MAX_ADVICE = 8
"""Highest number of ids in an error message."""


class Library:
    """The shipped protocols and the user's own, which take precedence.

    Use it on one thread at a time.  Each call looks at the user's folder anew, so there is nothing
    to reload.

    Parameters
    ----------
    folder : Path or None
        Folder of the user's own protocols, which may not exist; None: only shipped protocols.
    blocks : callable, optional
        Returns the blocks that the user's files are checked against.

    """

    def __init__(self, folder: Path | None, blocks: BlockSource | None = None) -> None:
        self._own = UserFolder(folder, blocks) if folder else None
        self._blocks = blocks

    def ids(self) -> list[str]:
        """Return all ids that `by_id` can load, sorted."""
        found = dict.fromkeys(shipped_ids(), True)
        found |= {entry.id: not entry.problems for entry in self._own_entries() if entry.id}
        return sorted(name for name, works in found.items() if works)

    def entries(self) -> list[Entry]:
        """Return all protocols by category and id, and the user's files that are unusable."""
        found = {name: shipped_entry(name) for name in shipped_ids()}
        lost = []
        for entry in self._own_entries():
            if entry.id:
                found[entry.id] = entry
            else:
                lost.append(entry)
        order = CATEGORIES.index
        return sorted([*found.values(), *lost], key=lambda e: (order(e.category), e.id))

    def entry(self, protocol_id: str) -> Entry:
        """Return the entry of a usable protocol; raises `ProtocolError` as `by_id` does."""
        if protocol_id == NOTHING.id:
            return Entry(NOTHING.id, NOTHING.name, NOTHING.category, own=False)
        if self._own and (found := self._own.called(protocol_id)):
            return found
        for entry in self._own_entries():
            if entry.id == protocol_id:
                if entry.problems:
                    raise ProtocolError("\n".join(entry.problems))
                return entry
        if protocol_id not in shipped_ids():
            raise ProtocolError(self._advice(protocol_id))
        return shipped_entry(protocol_id)

    def own_file(self, protocol_id: str) -> Path | None:
        """Return the user's file with this id, broken or not."""
        found = (entry.path for entry in self._own_entries() if entry.id == protocol_id)
        return next(found, None)

    def is_own(self, protocol_id: str) -> bool:
        """Whether a file of the user, broken or not, has this id; reads few files."""
        if self._own is None or not protocol_id:
            return False
        called_so = (self._own.path / f"{protocol_id}.json").exists()
        if called_so or protocol_id in shipped_ids():
            return called_so
        return any(entry.id == protocol_id for entry in self._own_entries())

    def by_id(self, protocol_id: str) -> Protocol:
        """Load a protocol.

        Raises
        ------
        ProtocolError
            No protocol has this id; the text suggests others.  Or the user's file is broken; a
            shipped protocol with the same id is not used instead.

        """
        if protocol_id == NOTHING.id:
            return NOTHING
        entry = self.entry(protocol_id)
        if self._own and entry.path:
            return self._own.load(entry.path)
        return shipped(protocol_id)

    def id_of(self, name: str) -> str | None:
        """Return the id of the usable protocol with this name, in any case, or None."""
        for entry in self.entries():
            if entry.name.casefold() == name.strip().casefold() and not entry.problems:
                return entry.id
        return None

    def problems(self) -> list[str]:
        """Return all errors in the user's files, one line each; the other files work."""
        return self._own.problems() if self._own else []

    def signature(self) -> Hashable:
        """Return a value that differs from earlier ones if the user's files have changed.

        Reads no file, so it may be called every few seconds.
        """
        return tuple(self._own.signatures().items()) if self._own else ()

    def watch(self, watch: ContentWatch) -> None:
        """Have all changes of `signature` from now on told, where the system can tell."""
        if self._own:
            self._own.watch(watch)

    def next_after(self, protocol: Protocol) -> Protocol:
        """Return the next protocol of the same category; after the last one, the first one.

        Raises
        ------
        ProtocolError
            The category has no other protocol.

        """
        ids = [
            entry.id
            for entry in self.entries()
            if entry.category == protocol.category and not entry.problems
        ]
        at = ids.index(protocol.id) + 1 if protocol.id in ids else 0
        for other in ids[at:] + ids[:at]:
            if other != protocol.id:
                return self.by_id(other)
        raise ProtocolError(
            f"the category {protocol.category!r} has no other protocol; `entrain use ID` takes any"
        )

    def save(self, protocol: Protocol, name: str | None = None, *, replace: bool = True) -> Path:
        """Save a protocol in the user's folder; the former version is kept as ``.json.bak``.

        Parameters
        ----------
        protocol : Protocol
            The protocol to save.
        name : str, optional
            A new name, which also determines the id.  Description and evidence of the original
            are kept only if the layers are unchanged.  Without a name, the protocol keeps its own.
        replace : bool
            Save even if a shipped protocol has this id, which is hidden from then on.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        ProtocolError
            The name gives no valid id, the id is taken, or the file cannot be written.

        """
        if self._own is None:
            raise ProtocolError("there is no folder to save protocols in")
        if name is not None:
            protocol = self._called(protocol, name)
        _require_usable(protocol.id)
        if not replace and protocol.id in shipped_ids() and not self.is_own(protocol.id):
            raise ProtocolError(
                f"a protocol {protocol.id!r} comes with Entrain; use another name, or hide it with "
                'yours: `entrain save --replace`, or "replace": true in the control API'
            )
        return self._own.save(protocol)

    def delete(self, protocol_id: str) -> Path:
        """Delete a protocol of the user's own, usable or not.

        Returns
        -------
        Path
            The file that keeps the protocol; its name ends in ``.json.bak``.

        Raises
        ------
        ProtocolError
            The user has no such protocol, or its file cannot be moved.

        """
        own, path = self._owned(protocol_id, "deleted")
        return own.delete(path)

    def rename(self, protocol_id: str, name: str) -> str:
        """Rename a protocol of the user's own; returns its new id, which is made from the name.

        Raises
        ------
        ProtocolError
            The user has no such protocol, or the file is broken or cannot be written; the name
            gives no valid id, or the id of another protocol.

        """
        own, path = self._owned(protocol_id, "renamed")
        new_id = slug(name)
        _require_usable(new_id)
        if new_id != protocol_id and (new_id in shipped_ids() or self.own_file(new_id)):
            raise ProtocolError(f"there is a protocol {new_id!r} already; use another name")
        changes = {"id": new_id, "name": name.strip()}
        own.rename(path, self.by_id(protocol_id).model_copy(update=changes))
        return new_id

    def _owned(self, protocol_id: str, action: str) -> tuple[UserFolder, Path]:
        """Return the user's folder and file; raises `ProtocolError` if there is none."""
        path = self.own_file(protocol_id)
        if self._own and path:
            return self._own, path
        if protocol_id in shipped_ids() or protocol_id == NOTHING.id:
            raise ProtocolError(
                f"{protocol_id!r} comes with Entrain; only a protocol of your own can be {action}"
            )
        raise ProtocolError(self._advice(protocol_id))

    def try_save(self, protocol: Protocol, others: int = 0) -> None:
        """Save nothing, but raise the error of a `save` after `others` other new protocols."""
        if self._own is None:
            raise ProtocolError("there is no folder to save protocols in")
        _require_usable(protocol.id)
        self._own.try_save(protocol, others)

    def _called(self, protocol: Protocol, name: str) -> Protocol:
        changes: dict[str, object] = {"id": slug(name), "name": name.strip(), "category": "own"}
        original = None
        with contextlib.suppress(ProtocolError):
            original = self.by_id(protocol.id)
        if original is None or original.layers != protocol.layers:
            made_of = f"Made from {original.name}." if original else ""
            changes |= {"evidence": None, "description": made_of}
        return protocol.model_copy(update=changes)

    def _own_entries(self) -> list[Entry]:
        return list(self._own.entries().values()) if self._own else []

    def _advice(self, protocol_id: str) -> str:
        if self._blocks and protocol_id in self._blocks():
            return (
                f"there is no protocol {protocol_id!r}, but a layer of this kind; write "
                f"{protocol_id}: for a protocol of this layer alone"
            )
        ids = self.ids()
        if len(ids) <= _MAX_ADVICE:
            return f"there is no protocol {protocol_id!r}; {choices(ids)}"
        near = difflib.get_close_matches(protocol_id, ids, 3, 0.5) or ids[:3]
        return (
            f"there is no protocol {protocol_id!r}; choose from {', '.join(near)} … "
            f"(`entrain protocols` lists all {len(ids)})"
        )


def _require_usable(protocol_id: str) -> None:
    if protocol_id == NOTHING.id:
        raise ProtocolError(f"{protocol_id!r} stands for the empty protocol; use another name")


def user_library(blocks: BlockSource | None = None) -> Library:
    """Return the library of the user who runs this process."""
    return Library(data_folder() / "protocols", blocks)


def ids() -> list[str]:
    """Return the ids of the shipped protocols, sorted."""
    return Library(None).ids()


def by_id(protocol_id: str) -> Protocol:
    """Load a shipped protocol; raises `ProtocolError` with the possible ids."""
    return Library(None).by_id(protocol_id)


def resolve(
    source: str | None,
    specs: Sequence[str] = (),
    blocks: BlockSource | None = None,
    library: Library | None = None,
) -> Protocol:
    """Return the protocol that a user asked for on a command line.

    Parameters
    ----------
    source : str or None
        ID, FILE or SPEC, distinguished by form and not by existing files: a plain name is an id,
        ``kind:…`` and ``id=kind`` are SPECs, everything else is a file.
    specs : sequence of str
        Further layers; if there are any, the result has the id ``custom``.
    blocks : callable, optional
        Returns the blocks to check against; without them, see `from_specs`.
    library : Library, optional
        The library to look up ids in; by default this user's.

    Raises
    ------
    ProtocolError
        The protocol does not exist or cannot be used.

    """
    if source is None or is_spec(source):
        return from_specs([source, *specs] if source else specs, blocks)
    if is_id(source):
        protocol = _by_id_with_advice(source, library or user_library(blocks))
        if blocks:
            check(protocol, blocks)
    else:
        protocol = _from_file(source, blocks, library or user_library(blocks))
    return with_specs(protocol, specs, blocks) if specs else protocol


def _by_id_with_advice(protocol_id: str, library: Library) -> Protocol:
    try:
        return library.by_id(protocol_id)
    except ProtocolError as error:
        if Path(protocol_id).is_file():
            raise ProtocolError(f"{error}; to use the file, write ./{protocol_id}") from error
        raise


def _from_file(path: str, blocks: BlockSource | None, library: Library) -> Protocol:
    try:
        return load_file(Path(path), blocks)
    except ProtocolError as error:
        if not Path(path).exists() and (protocol_id := library.id_of(path)):
            raise ProtocolError(
                f"there is no file {path!r}; the protocol {path!r} has the id {protocol_id}"
            ) from error
        raise
