"""A bridge's copy of the status of the app, kept up to date by one `watch` for all parts.

Without a follower that wants meters, the app sends only news of commands and devices.
"""

import asyncio
import contextlib
import json
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from entrain.vdevice.api.app_link import AppLink, request_line
from entrain.vdevice.limits import MAX_WATCH_S

METERS_S = 0.1
"""Interval of the news while a follower wants meters, in seconds."""
RETRY_S = 0.5
"""Pause before the next attempt while Entrain does not answer, in seconds."""
_OWN_GROUPS = ("input", "output")
_PARTS = frozenset(
    ("on", "bypass", "protocol", "position", "moving", "settings", "space", "sleep_left_s")
) | {"undo_text", "redo_text"}
_METERS = frozenset(("measured", "levels"))


class Parameter(NamedTuple):
    """A parameter of a layer that is there now; numbers are in its own unit."""

    symbol: str
    name: str
    unit: str
    minimum: float
    maximum: float
    initial: float
    step: float
    scale: str
    choices: tuple[float, ...]
    period: float
    """Two values that differ by this are the same; 0: none."""
    controller: int | None
    """MIDI controller that moves it unless the user chooses another."""
    value: float
    """The final value of a parameter that moves."""
    knob: tuple[float, float] | None = None
    """Ends of a knob's way unless the user chooses others; None: the ends of the range."""


Layers = Mapping[str, Mapping[str, Parameter]]
"""Parameters by the layer's id and their own symbol."""


class Follower(Protocol):
    """Wants to hear of changes in the app."""

    @property
    def wants_meters(self) -> bool:
        """Whether measurements and levels are of interest."""

    def app_changed(self, parts: AbstractSet[str]) -> None:
        """Hear that these fields of the status have changed."""


class AppMirror:
    """Follows the app until it is closed.

    Parameters
    ----------
    control_socket : Path
        The control socket.

    """

    def __init__(self, control_socket: Path) -> None:
        self.status: dict[str, Any] = {}
        """The watched fields of the status; empty until the app has answered."""
        self.layers: Layers = {}
        """The layers of the protocol, the layers of the engine's own, and the space."""
        self._blocks: Mapping[str, Any] = {}
        self._place: list[Any] = []
        self._link = AppLink(control_socket)
        self._followers: list[Follower] = []
        self._failed: list[Follower] = []
        """Followers whose error is in the log."""
        self._watched: frozenset[str] = frozenset()
        self._following = asyncio.create_task(self._follow())

    def add(self, follower: Follower) -> None:
        """Tell a follower about all changes from now on."""
        self._followers.append(follower)
        self.look()

    def remove(self, follower: Follower) -> None:
        """Tell it nothing more.  Idempotent."""
        if follower in self._followers:
            self._followers.remove(follower)
            if follower in self._failed:
                self._failed.remove(follower)
            self.look()

    def look(self) -> None:
        """Look again whether a follower wants meters."""
        if self._watched and self._watched != self._wanted():
            self._watch()

    def close(self) -> None:
        """Stop to follow.  Idempotent."""
        self._following.cancel()
        self._link.close()

    def take(self, status: Mapping[str, Any]) -> None:
        """Take fields of the status: news of the watch, or the answer to a command.

        Fields that cannot be understood raise an error, and none of them counts.
        """
        changed = {
            name: value
            for name, value in status.items()
            if name in _PARTS | _METERS and (name not in self.status or self.status[name] != value)
        }
        status, layers = {**self.status, **changed}, self.layers
        if changed.keys() & {"protocol", "settings", "space"}:
            layers = dict(self._found_layers(status))
        self.status, self.layers = status, layers
        if changed:
            for each in list(self._followers):
                self._tell(each, changed.keys())

    def present(self, layer: str, symbol: str) -> float:
        """Return the present value of a parameter, also while it moves."""
        moving: Mapping[str, float] = self.status["moving"]
        return moving.get(f"{layer}.{symbol}", self.layers[layer][symbol].value)

    def _tell(self, follower: Follower, parts: AbstractSet[str]) -> None:
        """Tell one follower; its errors do not keep the news from the others."""
        try:
            follower.app_changed(parts)
        except Exception as error:
            if follower not in self._failed:  # once is enough in the log
                self._failed.append(follower)
                asyncio.get_running_loop().call_exception_handler(
                    {"message": "a part of the bridge cannot take news", "exception": error}
                )

    async def _follow(self) -> None:
        while True:
            # An answer that cannot be understood must not end the news for good.
            with contextlib.suppress(Exception):
                described = json.loads(await self._link.ask(request_line("blocks")))["result"]
                self._blocks = {each["kind"]: each for each in described["blocks"]}
                self._place = described["place"]
                self._watch()
                while line := await self._link.line():
                    self.take(json.loads(line)["result"])
            self._watched = frozenset()
            self._link.close()
            await asyncio.sleep(RETRY_S)

    def _wanted(self) -> frozenset[str]:
        has_meters = any(each.wants_meters for each in self._followers)
        return _PARTS | _METERS if has_meters else _PARTS

    def _watch(self) -> None:
        """Begin a watch; the app then ends the former one."""
        self._watched = self._wanted()
        interval_s = METERS_S if self._watched & _METERS else MAX_WATCH_S
        parts = sorted(self._watched)
        self._link.send(request_line("watch", interval_s=interval_s, parts=parts, prompt=True))

    # ---- layers ------------------------------------------------------------------------------

    def _found_layers(
        self, status: Mapping[str, Any]
    ) -> Iterator[tuple[str, Mapping[str, Parameter]]]:
        settings, space = status["settings"], status["space"]
        for kind, block in self._blocks.items():
            if block["group"] in _OWN_GROUPS:
                own = {
                    each["symbol"]: settings[f"{kind}.{each['symbol']}"]
                    for each in block["parameters"]
                    if f"{kind}.{each['symbol']}" in settings
                }
                yield kind, _parameters(block["parameters"], own)
        if block := self._blocks.get(space["mode"]):
            yield "space", _parameters(block["parameters"], space["params"])
        for layer in (status["protocol"] or {"layers": []})["layers"]:
            if block := self._blocks.get(layer["kind"]):
                place = layer["place"] or {}
                described = [*block["parameters"], *(self._place if place else ())]
                yield layer["id"], _parameters(described, {**layer["params"], **place})


def _parameters(described: list[Any], values: Mapping[str, Any]) -> dict[str, Parameter]:
    found = {}
    for each in described:
        value = values.get(each["symbol"], each["initial"])
        if isinstance(value, str):  # the name of a choice
            value = {choice["name"]: choice["value"] for choice in each["choices"]}[value]
        found[each["symbol"]] = Parameter(
            symbol=each["symbol"],
            name=each["name"],
            unit=each["unit"],
            minimum=each["minimum"],
            maximum=each["maximum"],
            initial=each["initial"],
            step=each["step"],
            scale=each["scale"],
            choices=tuple(choice["value"] for choice in each["choices"]),
            period=each["period"],
            controller=each["controller"],
            value=float(value),
            knob=tuple(each["knob"]) if each["knob"] else None,
        )
    return found
