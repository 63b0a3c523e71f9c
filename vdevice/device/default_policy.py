"""When Entrain is the default output, and which real device it plays on.

Decisions only: nothing here calls a server.  A server knows two defaults: the *configured*
one, which somebody has chosen, and the *effective* one, which is used while the other is not
there.  They come one by one and late, and our own choices come back as news; every decision
here may be asked for again with the same facts and then changes nothing.

The configured default is a person's choice, with three exceptions: Entrain itself; the *stand-in*,
which Entrain configures in its own place where nobody has chosen anything that is connected; and
a device that has only just been connected, which the server or one of its modules has chosen.
Where nobody has chosen, Entrain plays on the device that the server would take, whichever that is
at the moment.

Only in `default` mode is Entrain's being the default the same as its being on.  In the other
modes the default is the user's own: Entrain neither takes it nor takes it for a wish, and gives
it back only when it quits, when the mode changes while it is on, and where it has become the
default without anybody's choice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from entrain.platform.adapter import OWN_DEVICE
from entrain.vdevice.device.arrivals import Arrivals
from entrain.vdevice.device.pending_writes import Echoes
from entrain.vdevice.limits import Mode

ECHO_S = 5.0
"""Longest time after which a default that we have configured shows up."""


@dataclass(frozen=True)
class Defaults:
    """What the server says now.

    Parameters
    ----------
    configured, effective : str
        Names of devices, or ``""`` for none.
    devices : tuple of str
        The real devices that are there, in the server's order of preference.
    frees : bool
        The server can be told that nothing is configured, or a device that is not connected.
    ours : bool or None
        Entrain itself has configured it; None: the server does not tell.

    """

    configured: str
    effective: str
    devices: tuple[str, ...]
    frees: bool = False
    ours: bool | None = None

    @property
    def blank(self) -> bool:
        """Whether no session manager has said anything (yet, or any more)."""
        return not self.configured and not self.effective


@dataclass(frozen=True)
class SetDefault:
    """Configure this default on the server; ``""``: none, so that the server decides."""

    name: str


@dataclass(frozen=True)
class SwitchOn:
    """Entrain has been chosen in the desktop: it is on now."""

    reason: ClassVar[str] = ""


@dataclass(frozen=True)
class SwitchOff:
    """Another output has been chosen: Entrain is off now."""

    reason: str


@dataclass(frozen=True)
class Remember:
    """Store the real device that is to be the default again; ``""``: nobody has chosen one."""

    former: str


Action = SetDefault | SwitchOn | SwitchOff | Remember


class DefaultPolicy:
    """On and off, and the default output.

    Methods return what is to be done, in this order.  Times are in seconds of any clock that
    only goes forward.

    Parameters
    ----------
    on : bool
        As stored when Entrain ran last.
    former : str
        The real device that somebody has chosen as default, as stored; ``""`` if nobody has.
    mode : str
        As stored.
    stand_in : str
        The device that Entrain has configured although nobody had chosen it, as stored.

    """

    def __init__(
        self, on: bool = False, former: str = "", mode: Mode = "default", stand_in: str = ""
    ) -> None:
        self.on = on
        self.former = former
        self.mode = mode
        self.stand_in = stand_in
        self._usual = ""  # what the server takes, for reasons of its own, in place of `former`
        self._configured = ""
        self._written_over = ""  # what was configured when we have written last
        self._blank = True  # the first facts are those of a start
        self._rescued = False
        self._owed = False  # the default is to be given back, but there is no device to give it to
        self._restoring = False  # a server that has just started may not know its own choice yet
        self._in_doubt = False  # whether what was given back has been overruled by the user
        self._stand_in_is_ours = False  # as the server has told; it forgets when it is restarted
        self._echoes = Echoes[str](ECHO_S, str.__eq__)
        self._arrivals = Arrivals()

    def observe(self, seen: Defaults, now_s: float) -> list[Action]:
        """React to what the server says.  The first call is the start of Entrain.

        Call it once Entrain's sink is there: a server refuses a default that is not.
        """
        if self._arrivals.observe(seen.devices, now_s) and not self.former:
            self._usual = ""
        if seen.blank:
            self._blank = True
            return []
        if self._blank:
            return self._start(seen, now_s)
        lapsed = self._echoes.expire(now_s)
        changed, own = self._compare(seen)
        if changed or seen.effective != OWN_DEVICE:
            self._rescued = False
        if own or lapsed:
            self._restoring = False
        actions = self._note_choice_of_stand_in(seen)
        if own:
            self._in_doubt = False
            actions += self._after_own_write(seen, now_s)
        elif lapsed and self._in_doubt:  # it has been, and since then the mode has changed
            self._in_doubt = False
            actions += self.give_back(seen, now_s)
        elif (changed or lapsed) and self.mode == "default":
            actions += self._after_choice(seen, now_s, lapsed)
        if not self._takes:
            actions += self._without_default(seen, now_s)
        return actions

    def switch_on(self, seen: Defaults, now_s: float) -> list[Action]:
        """Be on; in `default` mode be the default, once, and remember what was it before."""
        self.on = True
        return self._take(seen, now_s) if self._takes else []

    def switch_off(self, seen: Defaults, now_s: float) -> list[Action]:
        """Be off and stay so; in `default` mode give the default back."""
        self.on = False
        return self.give_back(seen, now_s) if self.mode == "default" else []

    def set_mode(self, mode: Mode, seen: Defaults, now_s: float) -> list[Action]:
        """Change the mode; on stays on, and off stays off.

        But where the user has made Entrain the default himself, it is on in `default` mode.
        """
        # What has happened before is judged by the former mode.
        actions = [] if seen.blank or self._blank else self.observe(seen, now_s)
        took, self.mode = self._takes, mode
        if mode == "default" and self._expected(seen, now_s) == OWN_DEVICE and not self.on:
            self.on = True
            return [*actions, SwitchOn()]
        if self._takes and not took:
            return actions + self._take(seen, now_s)
        if not took or self._takes:
            self._in_doubt = seen.configured == OWN_DEVICE and self._echoes.newest() is not None
            return actions
        actions += self.give_back(seen, now_s)
        self._owed |= seen.blank
        return actions

    def give_back(self, seen: Defaults, now_s: float) -> list[Action]:
        """Configure a real device; only while Entrain is the default.

        Our device stays, and servers may prefer it to others once it has been the default: so
        where nobody has chosen a device that is connected, one stands in for it.
        """
        expected = self._expected(seen, now_s)
        ours = OWN_DEVICE in (expected, seen.effective) and expected not in seen.devices
        name = self.wanted(seen.devices)
        self._owed = ours and not name
        return self._set(name, now_s) if ours and name else []

    def leave(self, seen: Defaults, now_s: float) -> list[Action]:
        """Configure what somebody had chosen, or nothing, as before quitting.

        Our device goes: where the server cannot be told that nothing is configured, it decides
        by itself then.
        """
        expected = self._expected(seen, now_s)
        if expected != OWN_DEVICE and (not expected or expected != self.stand_in):
            return []
        if not seen.frees and (expected != OWN_DEVICE or self.former not in seen.devices):
            return []
        return self._set(self.former, now_s)

    def wanted(self, devices: Sequence[str]) -> str:
        """Return the real device that would be the default without Entrain, or ``""``."""
        return choose_target((self.former, self._usual), devices)

    def wake_s(self) -> float | None:
        """Return when `observe` is to be called again even if nothing happens, or None."""
        return self._echoes.until_s()

    def session_restarted(self) -> None:
        """Take the next facts as those of a start.

        To be called when the session manager has come back, if the moment in which it said
        nothing may have passed unseen.
        """
        self._blank = True

    @property
    def _takes(self) -> bool:
        """Whether Entrain is, or is to be, the default."""
        return self.on and self.mode == "default"

    def _take(self, seen: Defaults, now_s: float) -> list[Action]:
        if seen.blank:  # the start that follows does it
            self._blank = True
            return []
        actions = self._note_choice(seen, now_s)
        if self._expected(seen, now_s) != OWN_DEVICE:
            actions += self._set(OWN_DEVICE, now_s)
        return actions

    def _start(self, seen: Defaults, now_s: float) -> list[Action]:
        self._blank = False
        self._rescued = self._in_doubt = self._restoring = False
        self._stand_in_is_ours = bool(seen.ours)
        self._configured = seen.configured
        self._echoes.clear()
        self._arrivals.restart(seen.devices)
        actions: list[Action] = []
        if self._takes:
            # A choice made while we were away is the new former default.  A session manager for
            # which nothing is configured may have forgotten ours.
            if seen.configured or not self.former:
                actions += self._note_choice(seen, now_s)
            if seen.configured != OWN_DEVICE:
                actions += self._set(OWN_DEVICE, now_s)
                self._restoring = not seen.configured
        elif seen.configured == OWN_DEVICE and self.mode == "default":
            actions += self.give_back(seen, now_s)
        else:
            actions += self._without_default(seen, now_s)
        return actions

    def _after_choice(self, seen: Defaults, now_s: float, lapsed: bool) -> list[Action]:
        """Follow somebody else's choice."""
        chosen = seen.configured == OWN_DEVICE
        if chosen == self.on:
            return []
        if self.on and not lapsed and self._is_the_servers(seen, now_s):
            return [*self._remember(seen.configured), *self._set(OWN_DEVICE, now_s)]
        self.on = chosen
        if chosen:
            return [SwitchOn()]
        return [SwitchOff(f"another output was chosen: {seen.configured or seen.effective}")]

    def _is_the_servers(self, seen: Defaults, now_s: float) -> bool:
        """Tell whether the server has switched: to what was connected, or as it was before."""
        name = seen.configured
        # The list of devices may be older than the default.
        is_new = name not in seen.devices or self._arrivals.is_new(name, now_s)
        return name != "" and (is_new or self._restoring)

    def _after_own_write(self, seen: Defaults, now_s: float) -> list[Action]:
        """See to it that a write of ours that came after somebody else's choice does not win."""
        if self._echoes.newest() is not None or self._takes == (seen.configured == OWN_DEVICE):
            return []
        return self._set(OWN_DEVICE, now_s) if self._takes else self.give_back(seen, now_s)

    def _without_default(self, seen: Defaults, now_s: float) -> list[Action]:
        """Act as the server would, where a configuration of ours keeps it from doing so."""
        if seen.configured == OWN_DEVICE:  # what we have given back is on its way
            return self.give_back(seen, now_s) if self._owed and seen.devices else []
        self._owed = False
        actions = self._note_choice(seen, now_s)
        wanted = self.wanted(seen.devices)
        if not wanted or self._echoes.newest() is not None:
            return actions
        fell_to_us = seen.effective == OWN_DEVICE and seen.configured not in seen.devices
        outdated = seen.configured != "" and seen.configured == self.stand_in != wanted
        if outdated or (fell_to_us and not self._rescued):
            self._rescued = True
            actions += self._set(wanted, now_s)
        return actions

    def _note_choice(self, seen: Defaults, now_s: float) -> list[Action]:
        """Remember what somebody has chosen, if what is configured is somebody's choice."""
        if seen.configured == OWN_DEVICE or (seen.configured and seen.configured == self.stand_in):
            return []
        if self._echoes.newest() is not None and seen.configured == self._written_over:
            return []
        # Servers remember earlier choices as well.  But a device that has just come may be the
        # best one and not the default yet.
        stands_out = seen.effective in seen.devices[1:] and seen.effective != seen.configured
        self._usual = seen.effective if stands_out and not self._arrivals.any_new(now_s) else ""
        self.stand_in = ""
        return self._remember(seen.configured)

    def _note_choice_of_stand_in(self, seen: Defaults) -> list[Action]:
        """Take what stands in for a person's choice, where a person has chosen just that."""
        if not self.stand_in or seen.configured != self.stand_in:
            return []
        was_ours, self._stand_in_is_ours = self._stand_in_is_ours, bool(seen.ours)
        if not was_ours or seen.ours is not False:
            return []
        self.stand_in = ""
        return self._remember(seen.configured)

    def _expected(self, seen: Defaults, now_s: float) -> str:
        """Return what will be configured once all that we have written has arrived."""
        self._echoes.expire(now_s)
        self._compare(seen)
        newest = self._echoes.newest()
        return seen.configured if newest is None else newest

    def _compare(self, seen: Defaults) -> tuple[bool, bool]:
        """Tell whether the configured default has changed, and whether that was us."""
        changed = seen.configured != self._configured
        self._configured = seen.configured
        return changed, changed and self._echoes.take(seen.configured)

    def _remember(self, name: str) -> list[Action]:
        if name == self.former:
            return []
        self.former = name
        return [Remember(name)]

    def _set(self, name: str, now_s: float) -> list[Action]:
        self._echoes.expect(name, now_s)
        self._written_over = self._configured
        self.stand_in = name if name not in (OWN_DEVICE, self.former) else ""
        self._stand_in_is_ours = False
        return [SetDefault(name)]


def choose_target(wishes: Sequence[str], devices: Sequence[str]) -> str:
    """Return the real device that Entrain plays on, or ``""`` if there is none.

    Parameters
    ----------
    wishes : sequence of str
        Names of devices, the most important first: the first that is connected counts.  ``""``
        is no wish.
    devices : sequence of str
        Devices that are there, in the server's order of preference; without a wish, the first.

    """
    real = [name for name in devices if name != OWN_DEVICE]
    return next((name for name in wishes if name in real), real[0] if real else "")
