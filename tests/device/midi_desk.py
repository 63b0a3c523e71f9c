"""A private JACK server, and a MIDI device with knobs that is connected to it.

The server plays to no sound card.  ALSA's sequencer needs a kernel module, which a container lacks.
"""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import pytest
import soundlab

rtmidi = pytest.importorskip("rtmidi", reason="python-rtmidi is not installed")

CC = 0xB0


class JackServer:
    """A JACK server of its own name; a context manager.

    Parameters
    ----------
    folder : Path
        Place for its log.

    """

    def __init__(self, folder: Path) -> None:
        self.name = f"entrain-{os.getpid()}"
        self._log = folder / "jack.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it and wait until it takes clients."""
        command = ["jackd", "--no-realtime", "--no-mlock", "--name", self.name]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "-d", "dummy", "-r", "48000", "-p", "256"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        soundlab.wait_until(self._answers, 20, "JACK takes clients")

    @property
    def pid(self) -> int:
        """Number of the process, which runs."""
        assert self._process is not None
        return self._process.pid

    def stop(self) -> None:
        """End it.  Idempotent."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()
        try:
            probe = rtmidi.MidiIn(rtapi=rtmidi.API_UNIX_JACK, name="probe")
        except rtmidi.SystemError:
            return False
        probe.delete()
        return True


class Knobs:
    """A device with an output and an input; it is plugged in until `unplug`."""

    def __init__(self, name: str = "knobs") -> None:
        self.name = name
        self._out: Any = None
        self._in: Any = None
        self.plug_in()

    def plug_in(self) -> None:
        self._out = rtmidi.MidiOut(rtapi=rtmidi.API_UNIX_JACK, name=self.name)
        self._out.open_virtual_port("out")
        self._in = rtmidi.MidiIn(rtapi=rtmidi.API_UNIX_JACK, name=self.name)
        self._in.open_virtual_port("in")

    def unplug(self) -> None:
        for port in (self._out, self._in):
            port.close_port()
            port.delete()

    def send(self, *messages: Sequence[int]) -> None:
        for each in messages:
            self._out.send_message(each)

    def turn(self, number: int, value: int) -> None:
        self.send([CC, number, value])

    def turn_finely(self, number: int, value: int) -> None:
        """Send 14 bits."""
        self.send([CC, number, value >> 7], [CC, number + 32, value & 127])

    def got(self) -> list[list[int]]:
        """Return the messages that have come since the last call."""
        found = []
        while (message := self._in.get_message()) is not None:
            found.append(message[0])
        return found
