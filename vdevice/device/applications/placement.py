"""Decides which apps play through Entrain.

This module only makes decisions; it does not call a server.

Servers remember the device to which a stream was moved, and put the app's next stream there.
PulseAudio remembers it under the stream's role or the app's name; so does WirePlumber (at least up
to 0.5).  A move to the default device makes them forget it, so Entrain moves each of its streams
to the default in the end, and `SoundServer.move_stream` clears PulseAudio's memory at once.

WirePlumber may remember the device of an app that ended earlier, or whose Entrain was killed.  It
then plays the app's next stream on that real device; if it remembers Entrain and Entrain is not
running, it plays it on the default device.  While Entrain runs, a new stream on the device to which
Entrain last moved a stream of the same kind counts as moved by Entrain: it follows the target and
is given back like any other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from entrain.platform.adapter import OWN_DEVICE, Stream
from entrain.vdevice.device.applications.rules import ApplicationRules
from entrain.vdevice.limits import Mode

SETTLE_S = 3.0
"""Longest time that a move of a stream takes, in seconds.

It is also the longest time that the server itself takes to move streams after a device or the
default has changed.
"""


@dataclass(frozen=True)
class Situation:
    """Facts for decisions, besides the streams.

    Parameters
    ----------
    target : str
        The real device that Entrain plays on, or ``""``.
    default : str
        The effective default, or ``""``.
    devices : tuple of str
        All outputs, including Entrain.
    mode : str
        Entrain's mode.
    on : bool
        Whether Entrain is on.

    """

    target: str
    default: str
    devices: tuple[str, ...]
    mode: Mode
    on: bool


@dataclass(frozen=True)
class Move:
    """Play a stream on a device."""

    index: int
    device: str


@dataclass
class _Known:
    """Knowledge about a stream."""

    device: str
    """The stream's last settled device."""
    placed: bool
    """Whether Entrain has moved the stream to this device."""
    origin: str = ""
    """The device from which Entrain took the stream; ``""``: the stream followed the default."""
    left_alone: bool = False
    """Entrain does not move this stream, because the user or an app has chosen its device."""
    expected: str = ""
    """The device to which Entrain is moving the stream, or ``""``."""
    strayed_to: str = ""
    """The device to which the stream was moved, but not by Entrain, or ``""``."""
    since_s: float = 0.0
    """Time of the last change of `expected` or `strayed_to`."""


class Applications:
    """Decides which streams move, and which ones Entrain must not move.

    - While Entrain is the default output, streams that bypass it are moved to the target, and
      follow the target.
    - In ``manual`` mode, included apps are moved to Entrain while it is on.
    - When a rule no longer applies, the stream moves back to its former device or to the default.
    - In ``smart`` mode the session manager routes all streams, so Entrain moves none.
    - If the user or an app has chosen the stream's device, Entrain does not move the stream.
      Moves that the server makes after a change of devices or of the default do not count.

    Times are in seconds of any monotonic clock.
    """

    def __init__(self, rules: ApplicationRules | None = None) -> None:
        self.rules = rules or ApplicationRules()
        self._known: dict[int, _Known] = {}
        self._sent: dict[tuple[str, ...], str] = {}
        """Device to which Entrain last moved a stream of each kind."""
        self._devices: dict[str, float] = {}
        """Time at which each device was first seen."""
        self._default = ""
        self._defaults: dict[str, float] = {}
        """Time at which each former default was replaced."""

    def needs_news(self, mode: Mode) -> bool:
        """Whether the present rules can concern any stream."""
        rules = self.rules
        passing = bool(rules.exclude) or rules.calls_pass or rules.notifications_pass
        wanted = passing or (mode == "manual" and bool(rules.include))
        return (wanted and mode != "smart") or self.has_placed

    @property
    def has_placed(self) -> bool:
        """Whether any stream is on its device because of Entrain."""
        return any(known.placed for known in self._known.values())

    def observe(self, streams: Sequence[Stream], situation: Situation, now_s: float) -> list[Move]:
        """Look at all streams and return the necessary moves; mostly there are none."""
        self._note(situation, now_s)
        self._meet(streams)
        moves = []
        for stream in streams:
            known = self._known.get(stream.index)
            if known is None or not self._has_settled(known, stream, now_s):
                continue
            device, gives_back = self._wanted(known, stream, situation)
            # Giving a stream back moves it even to its present device, so that the server forgets.
            if device and (device != stream.device or gives_back):
                self._send(known, stream, device, gives_back, situation.default, now_s)
                moves.append(Move(stream.index, device))
        return moves

    def give_back(self, streams: Sequence[Stream], default: str) -> list[Move]:
        """Undo all moves of Entrain before it quits; `default` is a real device."""
        return [
            Move(stream.index, self._origin(known) or default)
            for stream in streams
            if (known := self._known.get(stream.index)) and known.placed and not known.left_alone
        ]

    def server_restarted(self) -> None:
        """Forget all streams, since the new server has others."""
        self._known.clear()
        self._devices.clear()
        self._defaults.clear()
        self._default = ""

    # ---- observations ------------------------------------------------------------------------

    def _note(self, situation: Situation, now_s: float) -> None:
        # Devices of the first look do not count as new.
        at_s = now_s if self._devices else now_s - SETTLE_S
        self._devices = {name: self._devices.get(name, at_s) for name in situation.devices}
        if situation.default != self._default:
            if self._default:
                self._defaults[self._default] = now_s
            self._default = situation.default

    def _meet(self, streams: Sequence[Stream]) -> None:
        """Add new streams, and forget streams that have ended."""
        before, self._known = self._known, {}
        for stream in streams:
            if known := before.get(stream.index):
                self._known[stream.index] = known
            elif stream.device:
                placed = self._sent.get(_kind(stream)) == stream.device
                self._known[stream.index] = _Known(
                    stream.device, placed and not stream.pinned, left_alone=stream.pinned
                )

    def _has_settled(self, known: _Known, stream: Stream, now_s: float) -> bool:
        """Return whether Entrain knows why the stream is on its device, and may move it."""
        if known.left_alone or not stream.device:
            return False
        if known.expected:
            arrived = stream.device == known.expected
            follows = not known.placed and stream.device == self._default  # was given back
            if arrived or follows or known.expected not in self._devices:
                known.placed &= arrived
                known.device, known.expected = stream.device, ""
                return True
            known.left_alone = now_s - known.since_s > SETTLE_S  # its app forbids moves
            return False
        if stream.device == known.device:
            known.strayed_to = ""
            return True
        if known.strayed_to != stream.device:
            known.strayed_to, known.since_s = stream.device, now_s
        if now_s - known.since_s > SETTLE_S:
            known.left_alone = True
            return False
        if not self._server_did(known, now_s):
            return False
        known.placed = False
        known.device, known.strayed_to = known.strayed_to, ""
        return True

    def _server_did(self, known: _Known, now_s: float) -> bool:
        """Return whether a change of devices or of the default explains the stream's new device."""
        since_s = now_s - SETTLE_S
        unplugged = known.device not in self._devices
        plugged_in = self._devices.get(known.strayed_to, since_s) > since_s
        followed = (
            known.strayed_to == self._default
            and self._defaults.get(known.device, since_s) > since_s
            and not known.placed
        )
        return unplugged or plugged_in or followed

    # ---- decisions ---------------------------------------------------------------------------

    def _wanted(self, known: _Known, stream: Stream, situation: Situation) -> tuple[str, bool]:
        """Return the stream's proper device, or ``""``, and whether the stream is given back."""
        default, mode = situation.default, situation.mode
        if not default or (mode == "default" and situation.on and default != OWN_DEVICE):
            return "", False  # the default is just changing
        if default == OWN_DEVICE and mode != "smart":
            if self.rules.passes(stream):
                concerned = known.placed or stream.device == OWN_DEVICE
                return (situation.target if concerned else ""), False
            # Included streams stay, since the default is Entrain, too.
            taken_away = known.placed and stream.device != OWN_DEVICE
            return (OWN_DEVICE, True) if taken_away else ("", False)
        if mode == "manual" and situation.on and self.rules.includes(stream):
            return OWN_DEVICE, False
        return (self._origin(known) or default, True) if known.placed else ("", False)

    def _origin(self, known: _Known) -> str:
        return known.origin if known.origin in self._devices else ""

    def _send(
        self,
        known: _Known,
        stream: Stream,
        device: str,
        gives_back: bool,
        default: str,
        now_s: float,
    ) -> None:
        if device != stream.device:
            known.expected, known.since_s = device, now_s
        if gives_back:
            known.placed, known.origin = False, ""
            self._sent.pop(_kind(stream), None)
            return
        if not known.placed:
            known.origin = "" if stream.device in (default, OWN_DEVICE) else stream.device
        known.placed = True
        self._sent[_kind(stream)] = device


def _kind(stream: Stream) -> tuple[str, ...]:
    return (stream.kind, stream.app_id, stream.binary, stream.name)
