"""Requests of the clients as JSON, and the clients' errors.  Does not import pydantic."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from entrain.errors import EntrainError
from entrain.vdevice.rotation import normalized

if TYPE_CHECKING:
    from entrain.vdevice.protocol.model import Protocol


class NotRunning(EntrainError):
    """No Entrain is listening at the control socket."""

    def __init__(self) -> None:
        super().__init__("Entrain is not running; start it with `entrain run`")


class ClientError(EntrainError):
    """The running Entrain refuses a request, or its answer cannot be read."""


def check_askable(command: str, fields: Mapping[str, object]) -> None:
    """Raise `ClientError` for a command whose answer is not one; it names the method to use."""
    if command == "watch":
        raise ClientError("ask() cannot send 'watch', whose answers go on; use watching()")
    if command == "tap" and fields.get("interval_s") is not None:
        raise ClientError(
            "ask() cannot send 'tap' with interval_s, whose answers go on; use follow_samples()"
        )
    if command == "head":
        raise ClientError("ask() cannot send 'head', which has no answer; use turn_head()")


def request_text(request: Mapping[str, object]) -> bytes:
    """Write a request as JSON, in which a `Protocol` stands as in its file.

    Raises
    ------
    ClientError
        A field has no JSON form.

    """
    try:
        return json.dumps(request, default=_document).encode()
    except (TypeError, ValueError) as error:
        raise ClientError(f"cannot send {request['command']!r}: {error}") from None


def _document(value: object) -> object:
    dump = getattr(value, "model_dump", None)  # pydantic's, which is not imported here
    if dump is None or isinstance(value, type):
        raise TypeError(f"a {type(value).__name__} has no JSON form")
    return dump(mode="json")


def pose(w: float, x: float, y: float, z: float) -> dict[str, object]:
    """Return the request that turns the head; raises `ClientError` if it would be refused."""
    numbers = (w, x, y, z)
    is_rotation = all(isinstance(each, int | float) for each in numbers) and normalized(*numbers)
    if not is_rotation:
        raise ClientError("w, x, y and z are not a rotation")
    return {"command": "head", "w": float(w), "x": float(x), "y": float(y), "z": float(z)}


def use_request(
    protocol: "Protocol | str", layers: Sequence[str], standalone: bool, here: bool | None
) -> dict[str, object]:
    """Return the request of `Client.use`."""
    return {
        "command": "use",
        "protocol": protocol,
        "layers": list(layers),
        "standalone": standalone,
        "here": here,
    }
