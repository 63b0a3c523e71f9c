"""Answers as lines of JSON.  What many clients are told is written once."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic_core import to_jsonable_python

from entrain.vdevice.api.hub import FIELDS, Event
from entrain.vdevice.api.messages import Status
from entrain.vdevice.protocol.document import layers_json
from entrain.vdevice.protocol.model import Layer
from entrain.vdevice.worker_thread import WorkerThread

MAX_ERROR_CHARS = 4000
_LONG_LAYERS_POINTS = 200
"""Layers with more breakpoints than these become JSON on another thread."""


class AnswerLines:
    """Makes JSON of answers and events.

    Parameters
    ----------
    worker : WorkerThread
        Does what takes more than a millisecond.

    """

    def __init__(self, worker: WorkerThread) -> None:
        self._worker = worker
        self._layers: list[Layer] = []
        self._layers_json = b"[]"
        self._status: Status | None = None
        self._parts: Mapping[str, bytes] = {}
        self._line = b""

    async def answer(self, result: object) -> bytes:
        """Return the line that answers a request."""
        if not isinstance(result, Status):
            return encoded({"ok": True, "result": to_jsonable_python(result)})
        parts = await self._parts_of(result)
        if self._status is not result:  # another client's answer has come between
            return _line(parts, FIELDS)
        if not self._line:
            self._line = _line(parts, FIELDS)
        return self._line

    async def parts(self, status: Status, names: Iterable[str]) -> bytes:
        """Return the line with some fields of a status, for a client who asks for parts."""
        return _line(await self._parts_of(status), names, b', "caused_by": []')

    async def event(self, event: Event) -> bytes:
        """Return the line that tells a client who asks for parts what has changed."""
        causes = _dumps(event.caused_by)
        parts = await self._parts_of(event.status)
        return _line(parts, event.changed, b', "caused_by": ' + causes)

    async def _parts_of(self, status: Status) -> Mapping[str, bytes]:
        """Return each field as JSON."""
        if self._status is status:
            return self._parts
        protocol, layers = status.protocol, b"[]"
        if protocol is not None and protocol.layers:
            layers = await self._layers_of(protocol.layers)
            without = {"protocol": protocol.model_copy(update={"layers": []})}
            fields = to_jsonable_python(status.model_copy(update=without))
        else:
            fields = to_jsonable_python(status)
        parts = {name: _dumps(value) for name, value in fields.items()}
        if protocol is not None:
            # No text can hold this: its quotation marks would be escaped.
            parts["protocol"] = parts["protocol"].replace(
                b'"layers": []', b'"layers": ' + layers, 1
            )
        self._status, self._parts, self._line = status, parts, b""
        return parts

    async def _layers_of(self, layers: list[Layer]) -> bytes:
        """Return layers as JSON; they may be long, and seldom change."""
        # Of equal ones each has been looked at; `is` is quick where there are 20,000 breakpoints.
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


def encoded(answer: Mapping[str, Any]) -> bytes:
    """Return an answer as a line of JSON."""
    return _dumps(answer) + b"\n"


def refusal(error: str) -> bytes:
    """Return the line that refuses a request, for a person, and never longer than a screen."""
    line = " ".join(error[: 2 * MAX_ERROR_CHARS].split())
    if len(line) > MAX_ERROR_CHARS:
        line = f"{line[:MAX_ERROR_CHARS]} …"
    return encoded({"ok": False, "error": line})


def _dumps(value: object) -> bytes:
    return json.dumps(value, allow_nan=False, ensure_ascii=False).encode(errors="replace")


def _line(parts: Mapping[str, bytes], names: Iterable[str], more: bytes = b"") -> bytes:
    result = b", ".join(b'"%s": %s' % (name.encode(), parts[name]) for name in names)
    return b'{"ok": true, "result": {%s}%s}\n' % (result, more)
