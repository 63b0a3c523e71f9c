"""Stands for python-rtmidi with ALSA's sequencer, which a container cannot have.

ALSA numbers clients and ports, shows our own ports among the others, and has a loop for testing.
"""

import signal
from collections import deque
from types import SimpleNamespace
from typing import Any

THROUGH = "Midi Through:Midi Through Port-0 14:0"


class Sequencer:
    """The devices, and what they have sent and got."""

    def __init__(self, *systems: str) -> None:
        self.systems = systems or ("alsa",)
        self.compiled = {"alsa", "jack"}
        self.sources = [THROUGH]
        self.sinks = [THROUGH]
        self.queues: dict[str, deque[list[int]]] = {}
        self.sent: list[tuple[str, list[int]]] = []
        self.clients: list[Any] = []
        self.refuses_to_open = ""
        self.unbounded: list[str] = []
        """Calls that could have waited for ever."""
        sequencer = self

        def note(call: str) -> None:
            if not signal.getitimer(signal.ITIMER_REAL)[0]:
                sequencer.unbounded.append(call)

        class Port:
            ports: list[str]

            def __init__(self, rtapi: str, name: str, queue_size_limit: int = 1024) -> None:
                note("open a client")
                if rtapi not in sequencer.systems:
                    raise RuntimeError(f"{rtapi}: no such system")
                self.is_deleted = False
                self.opened = ""
                sequencer.clients.append(self)

            def get_ports(self) -> list[str]:
                note("get_ports")
                return [*self.ports, "Entrain:Entrain 130:0", "Entrain:Entrain 131:0"]

            def open_virtual_port(self, name: str) -> None:
                note("open_virtual_port")
                self.opened = f"virtual {name}"

            def open_port(self, number: int, name: str) -> None:
                note("open_port")
                port = self.get_ports()[number]
                if port == sequencer.refuses_to_open:
                    raise RuntimeError("it has gone")
                self.opened = port

            def close_port(self) -> None:
                note("close_port")
                self.opened = ""

            def delete(self) -> None:
                note("delete")
                self.is_deleted = True
                sequencer.clients.remove(self)

        class MidiIn(Port):
            ports = sequencer.sources

            def get_message(self) -> tuple[list[int], float] | None:
                queue = sequencer.queues.get(self.opened)
                return (queue.popleft(), 0.0) if queue else None

        class MidiOut(Port):
            ports = sequencer.sinks

            def send_message(self, message: list[int]) -> None:
                note("send_message")
                sequencer.sent.append((self.opened, message))

        self.library = SimpleNamespace(
            MidiIn=MidiIn, MidiOut=MidiOut, API_LINUX_ALSA="alsa", API_UNIX_JACK="jack"
        )
        self.library.get_compiled_api = lambda: list(self.compiled)

    def plug_in(self, source: str, sink: str = "") -> None:
        self.sources.append(source)
        if sink:
            self.sinks.append(sink)

    def unplug(self, source: str) -> None:
        self.sources.remove(source)
        if source in self.sinks:
            self.sinks.remove(source)

    def send(self, port: str, *message: int) -> None:
        self.queues.setdefault(port, deque()).append(list(message))
