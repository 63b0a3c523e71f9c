"""Finds protocols: shipped ones and the user's own by id, files, and layers typed by hand."""

import contextlib
import difflib
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import get_args

from entrain.platform.folders import data_folder
from entrain.vdevice.limits import MAX_LAYERS, Category
from entrain.vdevice.names import is_id, is_spec
from entrain.vdevice.protocol.check import check
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.model import Layer, Protocol
from entrain.vdevice.protocol.named_file import load_file
from entrain.vdevice.protocol.shipped import shipped, shipped_entry, shipped_ids
from entrain.vdevice.protocol.speakers import for_speakers, need_headphones
from entrain.vdevice.protocol.spec import parse_spec
from entrain.vdevice.protocol.user_folder import Entry, UserFolder, slug
from entrain.vdevice.protocol.values import BlockSource

DEFAULT_ID = "default"
CUSTOM_ID = "custom"
NOTHING = Protocol(id="none", name="Nothing", layers=(), speech_safe=True, sleep_safe=True)
"""Always there, and in no list: the sound passes untouched."""
CATEGORIES: tuple[Category, ...] = get_args(Category)
_MAX_ADVICE = 8
"""How many ids an error names."""


class Library:
    """The shipped protocols and the user's own, which win.  Called on one thread at a time.

    Each call looks at the user's folder anew, so nothing has to be loaded again.

    Parameters
    ----------
    folder : Path or None
        The user's own protocols; need not be there.  None: only the shipped ones.
    blocks : callable, optional
        Gives the blocks that the user's files are checked against.

    """

    def __init__(self, folder: Path | None, blocks: BlockSource | None = None) -> None:
        self._own = UserFolder(folder, blocks) if folder else None

    def ids(self) -> list[str]:
        """All ids that `by_id` can load, sorted."""
        found = dict.fromkeys(shipped_ids(), True)
        found |= {entry.id: not entry.problems for entry in self._own_entries() if entry.id}
        return sorted(name for name, works in found.items() if works)

    def entries(self) -> list[Entry]:
        """All protocols by category and id, and the user's files that cannot be used."""
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
        """One of `entries`, whose file works; raises `ProtocolError` as `by_id`."""
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

    def is_own(self, protocol_id: str) -> bool:
        """Whether a file of the user's has this id, broken or not; reads few files."""
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
            There is none, naming those there are; or the user's file is broken: it is not
            passed over in favour of a shipped protocol.

        """
        if protocol_id == NOTHING.id:
            return NOTHING
        entry = self.entry(protocol_id)
        if self._own and entry.path:
            return self._own.load(entry.path)
        return shipped(protocol_id)

    def problems(self) -> list[str]:
        """All that is wrong with the user's files, one line each; the others work."""
        return self._own.problems() if self._own else []

    def signature(self) -> Hashable:
        """Look whether the user's files have changed: then it is not equal to an earlier one.

        Reads no file, so it may be called every few seconds.
        """
        return tuple(self._own.signatures().items()) if self._own else ()

    def next_after(self, protocol: Protocol) -> Protocol:
        """The next one of the same category, after the last the first.

        Raises
        ------
        ProtocolError
            There is no other one.

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
        raise ProtocolError(f"there is no other protocol for {protocol.category!r}")

    def save(self, protocol: Protocol, name: str | None = None, *, replace: bool = True) -> Path:
        """Keep a protocol in the user's folder; a former version is kept as ``.json.bak``.

        Parameters
        ----------
        protocol : Protocol
            What is heard, or was imported.
        name : str, optional
            What the user calls it, from which its id is made.  What is said of the original
            stays only while the layers are the same.  Without a name: as it is.
        replace : bool
            Also where a protocol that comes with Entrain has this id, which is hidden then.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        ProtocolError
            No id can be made of the name, it is not free, or the file cannot be written.

        """
        if self._own is None:
            raise ProtocolError("there is no folder to save protocols in")
        if name is not None:
            protocol = self._called(protocol, name)
        _require_usable(protocol.id)
        if not replace and protocol.id in shipped_ids() and not self.is_own(protocol.id):
            raise ProtocolError(
                f"a protocol {protocol.id!r} comes with Entrain; use another name, or --replace to "
                "hear yours in its place"
            )
        return self._own.save(protocol)

    def try_save(self, protocol: Protocol, others: int = 0) -> None:
        """Save nothing, and raise what `save` would, after so many other new protocols."""
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
            made_of = f"Made of {original.name}." if original else ""
            changes |= {"evidence": None, "description": made_of}
        return protocol.model_copy(update=changes)

    def _own_entries(self) -> list[Entry]:
        return list(self._own.entries().values()) if self._own else []

    def _advice(self, protocol_id: str) -> str:
        ids = self.ids()
        if len(ids) <= _MAX_ADVICE:
            return f"there is no protocol {protocol_id!r}; there is {', '.join(ids) or 'none'}"
        near = difflib.get_close_matches(protocol_id, ids, 3, 0.5) or ids[:3]
        return (
            f"there is no protocol {protocol_id!r}; there is {', '.join(near)} … "
            f"(`entrain protocols` lists all {len(ids)})"
        )


def _require_usable(protocol_id: str) -> None:
    if protocol_id == NOTHING.id:
        raise ProtocolError(f"{protocol_id!r} stands for no protocol; use another name")


def user_library(blocks: BlockSource | None = None) -> Library:
    """The library of the user who runs this."""
    return Library(data_folder() / "protocols", blocks)


def ids() -> list[str]:
    """The ids of the shipped protocols, sorted."""
    return Library(None).ids()


def by_id(protocol_id: str) -> Protocol:
    """Load a shipped protocol; raises `ProtocolError` naming those there are."""
    return Library(None).by_id(protocol_id)


def resolve(
    source: str | None,
    specs: Sequence[str] = (),
    blocks: BlockSource | None = None,
    library: Library | None = None,
) -> Protocol:
    """Make a protocol of what a user typed.

    Parameters
    ----------
    source : str or None
        ID, FILE or SPEC.  The form decides, not what lies in the working directory: a plain
        name is an id, ``kind:…`` and ``id=kind`` are SPECs, everything else is a file.
    specs : sequence of str
        Further layers; with any, the result has the id ``custom``.
    blocks : callable, optional
        Gives the blocks to check against; without, see `from_specs`.
    library : Library, optional
        Where ids are looked up; by default this user's.

    Raises
    ------
    ProtocolError
        Nothing is there, or it cannot be used.

    """
    if source is None or is_spec(source):
        return from_specs([source, *specs] if source else specs, blocks)
    if is_id(source):
        protocol = _by_id_with_advice(source, library or user_library(blocks))
        if blocks:
            check(protocol, blocks)
    else:
        protocol = load_file(Path(source), blocks)
    return with_specs(protocol, specs, blocks) if specs else protocol


def from_specs(specs: Sequence[str], blocks: BlockSource | None = None) -> Protocol:
    """Make an ad-hoc protocol; a second layer of one kind gets the id ``kind-2`` unless named.

    Without the blocks nothing is checked, and no layer is known to need headphones.
    """
    return with_specs(Protocol(id=CUSTOM_ID, name="Custom", layers=()), specs, blocks)


def with_specs(protocol: Protocol, specs: Sequence[str], blocks: BlockSource | None) -> Protocol:
    """Add layers to a protocol, which has the id ``custom`` then; raises `ProtocolError`."""
    layers = list(protocol.layers)
    if len(layers) + len(specs) > MAX_LAYERS:
        raise ProtocolError(f"a protocol has {MAX_LAYERS} layers at most")
    for text in specs:
        layer = parse_spec(text, blocks)
        taken = {other.id for other in layers}
        if layer.id in taken and layer.id != layer.kind:
            raise ProtocolError(f"{layer.id}: two layers have this id; give each its own")
        layers.append(layer.model_copy(update={"id": _free_id(layer, taken)}))
    added = layers[len(protocol.layers) :]
    known = blocks() if blocks else {}
    former = protocol.without_headphones or for_speakers(protocol.layers, known)
    headphones = protocol.requires_headphones or need_headphones(added, known)
    others = (*former, *for_speakers(added, known)) if headphones else ()
    return protocol.model_copy(
        update={
            "id": CUSTOM_ID,
            "layers": tuple(layers),
            "requires_headphones": headphones,
            "without_headphones": others or None,
        }
    )


def _free_id(layer: Layer, taken: set[str]) -> str:
    name, number = layer.id, 1
    while name in taken:
        number += 1
        name = f"{layer.kind}-{number}"
    return name


def _by_id_with_advice(protocol_id: str, library: Library) -> Protocol:
    try:
        return library.by_id(protocol_id)
    except ProtocolError as error:
        if Path(protocol_id).is_file():
            raise ProtocolError(f"{error}; for the file, write ./{protocol_id}") from error
        raise
