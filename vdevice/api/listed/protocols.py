"""The library, as the control API shows it."""

from collections.abc import Sequence

from entrain.vdevice.api.messages import ListedProtocol, Protocols, WholeProtocol
from entrain.vdevice.protocol.library import Library
from entrain.vdevice.protocol.user_folder import Entry


def described(entry: Entry) -> ListedProtocol:
    """Describe one protocol."""
    return ListedProtocol(
        id=entry.id,
        name=entry.name,
        category=entry.category,
        own=entry.own,
        following=entry.evidence.following if entry.evidence else None,
        outcome=entry.evidence.outcome if entry.evidence else None,
        requires_headphones=entry.requires_headphones,
    )


def listed(library: Library, recent: Sequence[str]) -> Protocols:
    """Describe all usable protocols.

    Parameters
    ----------
    library : Library
        The source of the protocols.
    recent : sequence of str
        Ids of the protocols used last; ids that do not exist any more are left out.

    """
    entries = [entry for entry in library.entries() if not entry.problems]
    there = {entry.id for entry in entries}
    return Protocols(
        protocols=[described(entry) for entry in entries],
        recent=[each for each in recent if each in there],
        problems=library.problems(),
    )


def whole(library: Library, protocol_id: str) -> WholeProtocol:
    """Read one protocol in full; raises `ProtocolError`."""
    return WholeProtocol(document=library.by_id(protocol_id), own=library.is_own(protocol_id))
