"""Which programs are heard through Entrain.

Decisions only: nothing here calls a server.

Servers remember where a program was moved to: PulseAudio under its role or name, WirePlumber
(up to 0.5 at least) as well, and both put its next stream there.  A move to the default device
makes them forget, so every stream that we have moved is moved to the default in the end, and
`SoundServer.move_stream` takes it out of PulseAudio's memory at once.  WirePlumber's can outlive
a program that has ended before, or an Entrain that was killed: such a program is then played on
the real device that it was last sent to, or, where that was Entrain and Entrain is not there, on
the default one.  While we run, a stream that appears where we last sent its kind counts as moved
by us, so it follows the target and is given back like any other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from entrain.platform.adapter import OWN_DEVICE, Stream
from entrain.vdevice.device.known_programs import is_call, is_named, is_notification
from entrain.vdevice.limits import Mode
from entrain.vdevice.protocol.fields import Line

SETTLE_S = 3.0
"""Longest time after which a stream that was moved is there, and in which the server has moved
streams itself after a device or the default has changed."""


_Name = Annotated[Line, StringConstraints(min_length=1, max_length=255)]
_Names = Annotated[tuple[_Name, ...], Field(max_length=200)]
"""Each status tells them all, so there is an end to them."""


class ApplicationRules(BaseModel):
    """The user's wishes; a program is named by its application id, binary or name.

    Case does not matter.  `exclude` wins over `include`, and that over what passes by itself.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    include: _Names = ()
    """Heard through Entrain in `manual` mode."""
    exclude: _Names = ()
    """Never heard through Entrain."""
    calls_pass: bool = True
    """Calls go past Entrain."""
    notifications_pass: bool = True
    """Short sounds of the desktop do."""

    def includes(self, stream: Stream) -> bool:
        """Whether the user wants it to be heard through Entrain."""
        return is_named(stream, self.include) and not is_named(stream, self.exclude)

    def passes(self, stream: Stream) -> bool:
        """Whether it is to go past Entrain."""
        if is_named(stream, self.exclude):
            return True
        if is_named(stream, self.include):
            return False
        return (self.calls_pass and is_call(stream)) or (
            self.notifications_pass and is_notification(stream)
        )


@dataclass(frozen=True)
class Situation:
    """What decides, besides the streams themselves.

    Parameters
    ----------
    target : str
        The real device that Entrain plays on, or ``""``.
    default : str
        The effective default, or ``""``.
    devices : tuple of str
        All outputs, with Entrain.
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
    """Play this stream on that device."""

    index: int
    device: str


@dataclass
class _Known:
    """What is known of a stream."""

    device: str
    """Where it is, as far as it has settled."""
    placed: bool
    """Whether it is there because of us."""
    origin: str = ""
    """The device from which we took it, or ``""`` if it followed the default."""
    left_alone: bool = False
    """Somebody else has decided where it is, for its life."""
    expected: str = ""
    """Where it is to be soon, because of us."""
    strayed_to: str = ""
    """Where it is without us."""
    since_s: float = 0.0
    """Of one of those two."""


class Applications:
    """Who moves where, and who is left alone.

    - While Entrain is the default output, what is to go past it is moved to the target, and
      follows that.
    - In ``manual`` mode, included programs are moved to Entrain while it is on.
    - What does not apply any more is taken back: to where it was before, or to the default.
    - In ``smart`` mode the session manager routes everything, and nothing is moved.
    - A stream that anybody else has moved, or that asked for its device itself, is left alone
      for its life.  What the server does when devices or the default change is no such move.

    Times are in seconds of any clock that only goes forward.
    """

    def __init__(self, rules: ApplicationRules | None = None) -> None:
        self.rules = rules or ApplicationRules()
        self._known: dict[int, _Known] = {}
        self._sent: dict[tuple[str, ...], str] = {}
        """Where streams of a kind were sent last."""
        self._devices: dict[str, float] = {}
        """Since when each device is there."""
        self._default = ""
        self._defaults: dict[str, float] = {}
        """Until when each former default was one."""

    def needs_news(self, mode: Mode) -> bool:
        """Whether streams can matter at all."""
        rules = self.rules
        passing = bool(rules.exclude) or rules.calls_pass or rules.notifications_pass
        wanted = passing or (mode == "manual" and bool(rules.include))
        return (wanted and mode != "smart") or self.has_placed

    @property
    def has_placed(self) -> bool:
        """Whether a stream is where it is because of us."""
        return any(known.placed for known in self._known.values())

    def observe(self, streams: Sequence[Stream], situation: Situation, now_s: float) -> list[Move]:
        """Look at all streams and decide; most often there is nothing to do."""
        self._note(situation, now_s)
        self._meet(streams)
        moves = []
        for stream in streams:
            known = self._known.get(stream.index)
            if known is None or not self._has_settled(known, stream, now_s):
                continue
            device, gives_back = self._wanted(known, stream, situation)
            # One that is given back is moved even if it is there: so the server forgets.
            if device and (device != stream.device or gives_back):
                self._send(known, stream, device, gives_back, situation.default, now_s)
                moves.append(Move(stream.index, device))
        return moves

    def give_back(self, streams: Sequence[Stream], default: str) -> list[Move]:
        """Take back all that we have moved, as before quitting; `default` is a real device."""
        return [
            Move(stream.index, self._origin(known) or default)
            for stream in streams
            if (known := self._known.get(stream.index)) and known.placed and not known.left_alone
        ]

    def server_restarted(self) -> None:
        """Forget the streams: those that come now are others."""
        self._known.clear()
        self._devices.clear()
        self._defaults.clear()
        self._default = ""

    # ---- what has happened -----------------------------------------------------------------

    def _note(self, situation: Situation, now_s: float) -> None:
        # What is there at the first look has always been there.
        at_s = now_s if self._devices else now_s - SETTLE_S
        self._devices = {name: self._devices.get(name, at_s) for name in situation.devices}
        if situation.default != self._default:
            if self._default:
                self._defaults[self._default] = now_s
            self._default = situation.default

    def _meet(self, streams: Sequence[Stream]) -> None:
        """Make acquaintance with new streams, and forget those that have ended."""
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
        """Tell whether the stream is where it belongs as far as we know, and may be moved."""
        if known.left_alone or not stream.device:
            return False
        if known.expected:
            arrived = stream.device == known.expected
            follows = not known.placed and stream.device == self._default  # it was given back
            if arrived or follows or known.expected not in self._devices:
                known.placed &= arrived
                known.device, known.expected = stream.device, ""
                return True
            known.left_alone = now_s - known.since_s > SETTLE_S  # it may not be moved
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
        """Tell whether a stream is somewhere else because devices or the default have changed."""
        since_s = now_s - SETTLE_S
        unplugged = known.device not in self._devices
        plugged_in = self._devices.get(known.strayed_to, since_s) > since_s
        followed = (
            known.strayed_to == self._default
            and self._defaults.get(known.device, since_s) > since_s
            and not known.placed
        )
        return unplugged or plugged_in or followed

    # ---- what is to be done ----------------------------------------------------------------

    def _wanted(self, known: _Known, stream: Stream, situation: Situation) -> tuple[str, bool]:
        """Return where a stream is to be, or ``""``, and whether it is given back with that."""
        default, mode = situation.default, situation.mode
        if not default or (mode == "default" and situation.on and default != OWN_DEVICE):
            return "", False  # things are on the move
        if default == OWN_DEVICE and mode != "smart":
            if self.rules.passes(stream):
                concerned = known.placed or stream.device == OWN_DEVICE
                return (situation.target if concerned else ""), False
            # Included ones stay: the default is there as well.
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
