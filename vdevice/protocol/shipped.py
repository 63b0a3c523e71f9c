"""Protocols that come with Entrain."""

from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

from entrain.vdevice.protocol.document import parse_protocol
from entrain.vdevice.protocol.model import Protocol
from entrain.vdevice.protocol.user_folder import Entry


@cache
def shipped_ids() -> tuple[str, ...]:
    """Return the ids of all shipped protocols, sorted."""
    names = (file.name for file in _shipped_folder().iterdir())
    return tuple(sorted(name.removesuffix(".json") for name in names if name.endswith(".json")))


@cache
def shipped(protocol_id: str) -> Protocol:
    """Load the shipped protocol with this id."""
    file = _shipped_folder() / f"{protocol_id}.json"
    return parse_protocol(file.read_bytes(), file.name)


@cache
def sample(name: str) -> Protocol:
    """Load a sound for one purpose, which is not in the library."""
    file = resources.files("entrain.presets") / "samples" / f"{name}.json"
    return parse_protocol(file.read_bytes(), file.name)


def shipped_entry(protocol_id: str) -> Entry:
    """Return the entry of the shipped protocol with this id."""
    protocol = shipped(protocol_id)
    return Entry(
        protocol_id,
        protocol.name,
        protocol.category,
        own=False,
        evidence=protocol.evidence,
        requires_headphones=protocol.requires_headphones,
    )


def _shipped_folder() -> Traversable:
    return resources.files("entrain.presets") / "protocols"
