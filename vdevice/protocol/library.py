"""Finds protocols: shipped ones by id, files, and layers typed on a command line."""

from collections.abc import Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from entrain.vdevice.protocol.check import check
from entrain.vdevice.protocol.document import parse_protocol
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.model import Layer, Protocol
from entrain.vdevice.protocol.spec import is_id, is_spec, parse_spec
from entrain.vdevice.protocol.values import BlockSource
from entrain.vdevice.protocol.wording import plain

MAX_FILE_BYTES = 1 << 20
DEFAULT_ID = "default"
CUSTOM_ID = "custom"


def ids() -> list[str]:
    """The ids of the shipped protocols, sorted."""
    return sorted(f.name.removesuffix(".json") for f in _shipped().iterdir() if _is_json(f.name))


def by_id(protocol_id: str) -> Protocol:
    """Load a shipped protocol; raises `ProtocolError` naming those there are."""
    if protocol_id not in ids():
        known = ", ".join(ids()) or "none"
        raise ProtocolError(f"there is no protocol {protocol_id!r}; there is {known}")
    file = _shipped() / f"{protocol_id}.json"
    return parse_protocol(file.read_bytes(), file.name)


def load_file(path: Path, blocks: BlockSource | None = None) -> Protocol:
    """Load a protocol from a file of at most `MAX_FILE_BYTES`.

    Raises
    ------
    ProtocolError
        The file cannot be read or does not hold a protocol.

    """
    try:
        if path.exists() and not path.is_file():  # a pipe would make us wait
            raise ProtocolError(f"{plain(str(path))} is not a file")
        with path.open("rb") as file:
            text = file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ProtocolError(f"cannot read {plain(str(path))}: {reason}") from error
    if len(text) > MAX_FILE_BYTES:
        raise ProtocolError(f"{plain(str(path))} is larger than {MAX_FILE_BYTES} bytes")
    return parse_protocol(text, plain(str(path)), blocks)


def resolve(
    source: str | None, specs: Sequence[str] = (), blocks: BlockSource | None = None
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
        Gives the blocks to check against.

    Raises
    ------
    ProtocolError
        Nothing is there, or it cannot be used.

    """
    if source is None or is_spec(source):
        return from_specs([source, *specs] if source else specs, blocks)
    if is_id(source):
        protocol = _by_id_with_advice(source)
        if blocks:
            check(protocol, blocks)
    else:
        protocol = load_file(Path(source), blocks)
    return _add(protocol, specs, blocks) if specs else protocol


def from_specs(specs: Sequence[str], blocks: BlockSource | None = None) -> Protocol:
    """An ad-hoc protocol; a second layer of one kind gets the id ``kind-2`` unless named."""
    return _add(Protocol(id=CUSTOM_ID, name="Custom", layers=()), specs, blocks)


def _add(protocol: Protocol, specs: Sequence[str], blocks: BlockSource | None) -> Protocol:
    layers = list(protocol.layers)
    for text in specs:
        layer = parse_spec(text, blocks)
        taken = {other.id for other in layers}
        if layer.id in taken and layer.id != layer.kind:
            raise ProtocolError(f"{layer.id}: two layers have this id; give each its own")
        layers.append(layer.model_copy(update={"id": _free_id(layer, taken)}))
    return protocol.model_copy(update={"id": CUSTOM_ID, "layers": tuple(layers)})


def _free_id(layer: Layer, taken: set[str]) -> str:
    name, number = layer.id, 1
    while name in taken:
        number += 1
        name = f"{layer.kind}-{number}"
    return name


def _by_id_with_advice(protocol_id: str) -> Protocol:
    try:
        return by_id(protocol_id)
    except ProtocolError as error:
        if Path(protocol_id).is_file():
            raise ProtocolError(f"{error}; for the file, write ./{protocol_id}") from error
        raise


def _is_json(name: str) -> bool:
    return name.endswith(".json")


def _shipped() -> Traversable:
    return resources.files("entrain.presets") / "protocols"
