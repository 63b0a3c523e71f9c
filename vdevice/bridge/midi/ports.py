"""The ports of one MIDI system: our virtual port, and one port for each direction of each device.

python-rtmidi's queue is read by polling.  Its callback would run Python on the thread on which JACK
makes sound.
"""

import contextlib
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from entrain.vdevice.bridge.midi.device_names import OWN_NAME, by_device
from entrain.vdevice.bridge.midi.driver_calls import bounded, silence
from entrain.vdevice.bridge.midi.library import NoMidi, load
from entrain.vdevice.limits import MidiSystem

MOST_DEVICES = 16
MOST_MESSAGES = 256
"""Messages of one device that are read before the others have their turn."""
_QUEUE_MESSAGES = 4096
_PULSE = [0x8F, 0, 0]
"""A message to ourselves: the end of a note that has not begun."""
_MOST_LOST = 2
"""Pulses without an answer after which the server has ended, or stands still."""
_MOST_UNCHECKED = 1000
"""Messages that are sent before a pulse shows that the server takes them.

RtMidi waits without end for room in a queue that no server empties; it holds over 2000 messages.
"""


class MidiPorts:
    """Opens our ports, and the devices' ports as they come and go.

    Parameters
    ----------
    system : "auto", "alsa" or "jack"
        ``auto``: ALSA, or else JACK.

    Raises
    ------
    NoMidi
        See there.

    """

    def __init__(self, system: MidiSystem) -> None:
        self._rtmidi = load()
        silence(self._rtmidi)
        self._api, self.system = self._found(system)
        self._virtual_in = self._client(self._rtmidi.MidiIn)
        self._virtual_out = self._client(self._rtmidi.MidiOut)
        self._inputs: dict[str, tuple[str, Any]] = {}
        """Name of the port, and the open port, by the device's name."""
        self._outputs: dict[str, tuple[str, Any]] = {}
        self._pulse = self._client(self._rtmidi.MidiOut) if self.system == "jack" else None
        self._lost = self._unchecked = 0
        try:
            with bounded():
                self._open()
        except Exception as error:
            self.close()
            raise NoMidi(_reason(error)) from error

    def _open(self) -> None:
        known = set(self._pulse.get_ports()) if self._pulse else set()
        for each in (self._virtual_in, self._virtual_out):
            each.open_virtual_port(OWN_NAME)
        if self._pulse:
            names = [str(each) for each in self._pulse.get_ports()]
            own = (each for each in names if each not in known and each.startswith(OWN_NAME))
            self._pulse.open_port(names.index(next(own)), "check")

    def _found(self, system: MidiSystem) -> tuple[int, str]:
        """Return RtMidi's number of the first system that works, and its name."""
        known = {"alsa": self._rtmidi.API_LINUX_ALSA, "jack": self._rtmidi.API_UNIX_JACK}
        wanted = list(known) if system == "auto" else [system]
        compiled = self._rtmidi.get_compiled_api()  # RtMidi would take another one instead
        for name in wanted:
            if known[name] not in compiled:
                continue
            with contextlib.suppress(Exception), bounded():
                self._rtmidi.MidiIn(rtapi=known[name], name=OWN_NAME).delete()
                return known[name], name
        names = " or ".join(
            {"alsa": "ALSA sequencer", "jack": "JACK server"}[each] for each in wanted
        )
        raise NoMidi(f"no {names} answers; Entrain tries again")

    def _client(self, kind: Any) -> Any:
        try:
            with bounded():
                if kind is self._rtmidi.MidiIn:
                    return kind(self._api, OWN_NAME, _QUEUE_MESSAGES)
                return kind(self._api, OWN_NAME)
        except Exception as error:
            raise NoMidi(_reason(error)) from error

    # ---- devices -----------------------------------------------------------------------------

    @property
    def devices(self) -> list[str]:
        """Names of the devices that can be heard, without our virtual port."""
        return sorted(self._inputs)

    @property
    def outputs(self) -> Collection[str]:
        """Devices that take messages, and our virtual port."""
        return {OWN_NAME, *self._outputs}

    def scan(self) -> list[str]:
        """Open the ports of new devices, and close the ports of devices that have gone.

        Returns
        -------
        list of str
            Devices that have gone, or have come anew.

        Raises
        ------
        NoMidi
            The MIDI system has ended.

        """
        with bounded():
            self._check()
            gone = self._match(self._inputs, self._rtmidi.MidiIn, self._virtual_in)
            return gone + self._match(self._outputs, self._rtmidi.MidiOut, self._virtual_out)

    def _match(self, opened: dict[str, tuple[str, Any]], kind: Any, lister: Any) -> list[str]:
        try:
            names = [str(each) for each in lister.get_ports()]
        except Exception as error:
            raise NoMidi(_reason(error)) from error
        present = {device: names[number] for device, number in by_device(names).items()}
        gone = [device for device, (port, _) in opened.items() if present.get(device) != port]
        for device in gone:
            _close(opened.pop(device)[1])
        for device, port in list(present.items()):
            if device in opened or len(opened) >= MOST_DEVICES:
                continue
            made = self._client(kind)
            try:
                made.open_port(names.index(port), OWN_NAME)
            except Exception:  # it has gone meanwhile
                _close(made)
                continue
            opened[device] = port, made
        return gone

    def _check(self) -> None:
        """Send a pulse through the JACK server, which does not tell its clients when it ends.

        To open another client for this would crash the process: libjack then frees memory that the
        present clients use.
        """
        if not self._pulse:
            return
        if self._lost >= _MOST_LOST:
            raise NoMidi("the JACK server does not answer; Entrain tries again")
        self._lost += 1
        self._pulse.send_message(_PULSE)

    # ---- messages ----------------------------------------------------------------------------

    def received(self) -> Iterator[tuple[str, Sequence[int], float]]:
        """Yield the devices' messages since the last call.

        The third number is the time since the last message of the device, in seconds.
        """
        ports = [(device, port) for device, (_, port) in self._inputs.items()]
        for device, port in [*ports, (OWN_NAME, self._virtual_in)]:
            for _ in range(MOST_MESSAGES):
                if (got := port.get_message()) is None:
                    break
                if self._pulse and got[0] == _PULSE and port is self._virtual_in:
                    self._lost = self._unchecked = 0
                    continue
                yield device, got[0], got[1]

    def send(self, device: str, message: Sequence[int]) -> bool:
        """Send a message to a device; False if it cannot take it now."""
        if self._unchecked >= _MOST_UNCHECKED:
            return False
        port = self._virtual_out if device == OWN_NAME else self._outputs[device][1]
        try:
            with bounded():
                port.send_message(message)
        except Exception:  # the device has gone; the next scan sees it
            return False
        self._unchecked += 1 if self._pulse else 0
        return True

    def send_all(self, device: str, messages: Sequence[Sequence[int]]) -> bool:
        """Send the messages of one control, or none if there is no room for all of them.

        False: not all were sent; if the device goes between two messages, it may have got some.
        """
        if self._unchecked + len(messages) > _MOST_UNCHECKED:
            return False
        return all(self.send(device, each) for each in messages)

    def close(self) -> None:
        """Close all ports.  Idempotent."""
        opened = [*self._inputs.values(), *self._outputs.values()]
        own = [self._virtual_in, self._virtual_out, *([self._pulse] if self._pulse else [])]
        with bounded():
            for each in [*(port for _, port in opened), *own]:
                _close(each)
        self._inputs, self._outputs = {}, {}


def _close(port: Any) -> None:
    """Close a port, within a block that is `bounded`."""
    with contextlib.suppress(Exception):
        if not port.is_deleted:
            port.close_port()
            port.delete()


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())[:200] or type(error).__name__
    return f"the MIDI system refuses: {text}"
