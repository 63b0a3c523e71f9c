"""A message that has arrived, and what the rest of OSC is told of its outcome."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from entrain.vdevice.bridge.osc.machines import Sender
from entrain.vdevice.bridge.osc_reader import Message


class Arrival(NamedTuple):
    """A message and its sender."""

    message: Message
    sender: Sender


class Outcomes(Protocol):
    """Takes what has become of messages."""

    def refuse(
        self, why: str, arrival: Arrival | None = None, advice: Callable[[], str] | None = None
    ) -> None:
        """Take the reason of a refusal.

        Parameters
        ----------
        why : str
            The reason, without the message's address.
        arrival : Arrival, optional
            The message, if the reason is about one.
        advice : callable, optional
            Returns what to do, or "".  It takes time, so it is called only for a reader.

        """

    def carried_out(self, arrival: Arrival, effect: str) -> None:
        """Take the effect of a message, such as "set tone.beat_hz 7.5"."""

    def clients_changed(self) -> None:
        """Hear that a machine has become a client, or is one no more."""
