"""Answers as lines of JSON.  A line for many clients is made only once."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic_core import to_json, to_jsonable_python

from entrain.vdevice.api.messages import Status, Values, WholeProtocol
from entrain.vdevice.api.messages.results import WithContent
from entrain.vdevice.protocol.document import compact_protocol, layers_json
from entrain.vdevice.protocol.model import Layer
from entrain.vdevice.worker_thread import WorkerThread

MAX_ERROR_CHARS = 4000
_LONG_LAYERS_POINTS = 200
"""Layers with more breakpoints than this are turned into JSON on another thread."""


class AnswerLines:
    """Turns answers and events into JSON.

    Parameters
    ----------
    worker : WorkerThread
        Does the work that takes more than a millisecond.

    """

    def __init__(self, worker: WorkerThread) -> None:
        self._worker = worker
        self._layers: list[Layer] = []
        self._layers_json = b"[]"
        self._status: Status | None = None
        self._fields: Mapping[str, Any] = {}
        self._line = b""

    async def answer(self, result: object) -> bytes:
        """Return the line that answers a request, with the bytes that follow it."""
        if isinstance(result, Values):  # up to a thousand per second: take the fastest way
            return b'{"ok": true, "result": %s}\n' % to_json(result)
        if isinstance(result, WithContent):
            line = b'{"ok": true, "result": %s}\n' % to_json(result.result)
            return b"".join((line, result.content))
        if isinstance(result, WholeProtocol):
            return await self._worker.do(lambda: _whole(result))
        if not isinstance(result, Status):
            return encoded({"ok": True, "result": to_jsonable_python(result)})
        if self._status is result and self._line:
            return self._line
        fields = self._fields_of(result)
        line = await self._with_layers(encoded({"ok": True, "result": fields}), result)
        if self._status is result:  # unless another client's answer came between
            self._line = line
        return line

    async def parts(
        self, status: Status, names: Iterable[str], caused_by: Sequence[str] = ()
    ) -> bytes:
        """Return the line with some fields of a status, for a client that watches parts.

        Parameters
        ----------
        status : Status
            The status.
        names : iterable of str
            Names of the fields.
        caused_by : sequence of str
            Names of the clients that have caused the change.

        """
        fields = self._fields_of(status)
        parts = {name: fields[name] for name in names}
        line = encoded({"ok": True, "result": parts, "caused_by": caused_by})
        return await self._with_layers(line, status) if "protocol" in parts else line

    def _fields_of(self, status: Status) -> Mapping[str, Any]:
        """Return each field as a JSON value; the protocol's layers are left out."""
        if self._status is not status:
            bare = status
            if status.protocol is not None:
                without = {"protocol": status.protocol.model_copy(update={"layers": []})}
                bare = status.model_copy(update=without)
            self._status, self._fields, self._line = status, to_jsonable_python(bare), b""
        return self._fields

    async def _with_layers(self, line: bytes, status: Status) -> bytes:
        if status.protocol is None or not status.protocol.layers:
            return line
        layers = await self._layers_of(status.protocol.layers)
        # Text cannot contain this sequence: its quotation marks would be escaped.
        return line.replace(b'"layers": []', b'"layers": ' + layers, 1)

    async def _layers_of(self, layers: list[Layer]) -> bytes:
        """Return layers as JSON; keep the result, since layers may be long and seldom change."""
        # `==` would compare every breakpoint, and there may be 20,000; `is` is fast.
        if len(layers) == len(self._layers) and all(
            one is other for one, other in zip(layers, self._layers, strict=True)
        ):
            return self._layers_json
        points = sum(len(way.points) for each in layers for way in each.automation.values())
        if points > _LONG_LAYERS_POINTS:
            made = await self._worker.do(lambda: layers_json(layers))
        else:
            made = layers_json(layers)
        self._layers, self._layers_json = layers, made
        return made


def _whole(result: WholeProtocol) -> bytes:
    own, document = to_json(result.own), compact_protocol(result.document)
    return b'{"ok": true, "result": {"document": %s, "own": %s}}\n' % (document, own)


def encoded(answer: Mapping[str, Any]) -> bytes:
    """Return an answer as a line of JSON."""
    return _dumps(answer) + b"\n"


def refusal(error: str) -> bytes:
    """Return the line that refuses a request, cut to `MAX_ERROR_CHARS`."""
    line = " ".join(error[: 2 * MAX_ERROR_CHARS].split())
    if len(line) > MAX_ERROR_CHARS:
        line = f"{line[:MAX_ERROR_CHARS]} …"
    return encoded({"ok": False, "error": line})


_encode = json.JSONEncoder(allow_nan=False, ensure_ascii=False).encode


def _dumps(value: object) -> bytes:
    return _encode(value).encode(errors="replace")
