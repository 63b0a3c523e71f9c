"""Starts and ends the parts of the bridge, as Entrain orders.

An order is one JSON object in a line: by its name, each part that is wanted, with a number and its
settings.  A report has the part's number, so that Entrain can tell it from a report about former
settings.  The modules of a part are imported only when the part is wanted.
"""

import asyncio
import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from entrain.errors import EntrainError
from entrain.vdevice.bridge.part import Part, Report
from entrain.vdevice.bridge.watchdog import keep_alarm_off

if TYPE_CHECKING:
    from entrain.vdevice.bridge.app_mirror import AppMirror

MOST_ORDER_BYTES = 1 << 20
_WITHOUT_MIRROR = {"tracking"}
"""Parts that need not know what the app does."""


class Bridge:
    """Runs the parts that Entrain wants.

    Parameters
    ----------
    link : socket
        Connects to Entrain; not blocking.
    control_socket : Path
        The control socket of this Entrain.

    """

    def __init__(self, link: socket.socket, control_socket: Path) -> None:
        self._link = link
        self._control_socket = control_socket
        self._ended = asyncio.Event()
        self._begun = bytearray()
        self._wanted: dict[str, Any] = {}
        """Number and settings of the parts that are wanted."""
        self._parts: dict[str, Part] = {}
        self._told: dict[str, str] = {}
        self._mirror: AppMirror | None = None

    async def run(self) -> None:
        """Obey until Entrain ends."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._link, self._receive)
        watching = asyncio.create_task(keep_alarm_off())
        try:
            await self._ended.wait()
        finally:
            watching.cancel()
            loop.remove_reader(self._link)
            for name in list(self._parts):
                self._end(name)

    def _receive(self) -> None:
        try:
            data = self._link.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self._begun += data
        if not data or len(self._begun) > MOST_ORDER_BYTES:
            self._ended.set()
            return
        *lines, self._begun = self._begun.split(b"\n")
        if lines:  # the last order replaces the others
            self._obey(json.loads(lines[-1]))

    def _obey(self, wanted: dict[str, Any]) -> None:
        before, self._wanted = self._wanted, wanted
        for name in before.keys() | wanted.keys():
            if before.get(name) != wanted.get(name):
                if name in wanted and self._has_changed(name, *wanted[name]):
                    continue
                self._end(name)
                if name in wanted:
                    self._start(name, *wanted[name])
        if self._mirror is not None and not wanted.keys() - _WITHOUT_MIRROR:
            self._mirror.close()
            self._mirror = None

    def _start(self, name: str, number: int, settings: Mapping[str, Any]) -> None:
        report = self._reporter(name, number)
        try:
            self._parts[name] = self._started(name, settings, report)
        except EntrainError as error:
            report({"problem": str(error)})
        except Exception as error:  # the other parts go on
            report({"problem": f"internal error: {type(error).__name__}: {error}"})

    def _has_changed(self, name: str, number: int, settings: Mapping[str, Any]) -> bool:
        """Give a running part other settings; False if it does not run, or must start anew."""
        part = self._parts.get(name)
        return part is not None and part.change(settings, self._reporter(name, number))

    def _started(self, name: str, settings: Mapping[str, Any], report: Report) -> Part:
        match name:
            case "tracking":
                from entrain.vdevice.bridge.tracking.tracker import Tracker

                return Tracker(settings, self._link, report)
            case "osc":
                from entrain.vdevice.bridge.osc.osc_part import OscPart

                return OscPart(settings, self._control_socket, self._mirrored(), report)
            case "midi":
                from entrain.vdevice.bridge.midi import library

                library.load()  # says in one line how to get it
                from entrain.vdevice.bridge.midi.midi_part import MidiPart

                return MidiPart(settings, self._control_socket, self._mirrored(), report)
        raise ValueError(f"there is no part {name}")

    def _mirrored(self) -> "AppMirror":
        """Return what all parts know of the app."""
        if self._mirror is None:
            from entrain.vdevice.bridge.app_mirror import AppMirror

            self._mirror = AppMirror(self._control_socket)
        return self._mirror

    def _end(self, name: str) -> None:
        self._told.pop(name, None)
        if part := self._parts.pop(name, None):
            part.close()

    def _reporter(self, name: str, number: int) -> Report:
        def report(told: Mapping[str, object]) -> None:
            line = json.dumps({"part": name, "number": number, "report": told})
            if self._told.get(name) != line:
                self._told[name] = line
                print(line, flush=True)

        return report
