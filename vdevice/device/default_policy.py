"""Decides when Entrain is the default output, and which real device it plays on.

This module only makes decisions; it does not call a server.  A server knows two defaults: the
*configured* one, which a user has chosen, and the *effective* one, which it uses while the
configured device is not connected.  Reports of both arrive one by one and late, and Entrain's own
changes are reported like any other.  So a decision may be asked for again with the same facts, and
then must change nothing.

The configured default is a user's choice, with three exceptions: Entrain itself; the *stand-in*,
which Entrain configures in its own place if no user has chosen any connected device; and a device
that was connected just now, which the server or one of its modules has chosen.  If no user has made
a choice, Entrain plays on the device that the server prefers at the moment.

Only in `default` mode is Entrain the default output whenever it is on.  In the other modes the
default belongs to the user: Entrain does not take it, and does not read it as a wish.  It gives the
default back only when it quits, when the mode changes while Entrain is on, or after the server has
made Entrain the default although no user has chosen it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from entrain.platform.adapter import OWN_DEVICE
from entrain.vdevice.device.arrivals import Arrivals
from entrain.vdevice.device.pending_writes import Echoes
from entrain.vdevice.limits import Mode

ECHO_S = 5.0
"""Longest time until the server reports a default that Entrain has configured, in seconds."""


@dataclass(frozen=True)
class Defaults:
    """The server's present report.

    Parameters
    ----------
    configured, effective : str
        Names of devices; ``""``: no device.
    devices : tuple of str
        The connected real devices, in the server's order of preference.
    frees : bool
        The configured default can be removed, or can name a device that is not connected.
    ours : bool or None
        Whether Entrain itself has configured the default; None: the server does not report it.

    """

    configured: str
    effective: str
    devices: tuple[str, ...]
    frees: bool = False
    ours: bool | None = None

    @property
    def blank(self) -> bool:
        """Whether no session manager has reported anything, or none runs any more."""
        return not self.configured and not self.effective


@dataclass(frozen=True)
class SetDefault:
    """Configure this default on the server; ``""``: remove it, so that the server decides."""

    name: str


@dataclass(frozen=True)
class SwitchOn:
    """The user has chosen Entrain in the desktop, so it is on."""

    reason: ClassVar[str] = ""


@dataclass(frozen=True)
class SwitchOff:
    """The user has chosen another output, so Entrain is off."""

    reason: str


@dataclass(frozen=True)
class Remember:
    """Store the real device to make the default again; ``""``: the user has chosen none."""

    former: str


Action = SetDefault | SwitchOn | SwitchOff | Remember


class DefaultPolicy:
    """Decides about on and off, and about the default output.

    Methods return actions, to be carried out in order.  Times are in seconds of any monotonic
    clock.

    Parameters
    ----------
    on : bool
        Stored value.
    former : str
        The real device that the user has chosen as default (stored); ``""``: none.
    mode : str
        Stored value.
    stand_in : str
        The device that Entrain has configured although no user had chosen it (stored).

    """

    def __init__(
        self, on: bool = False, former: str = "", mode: Mode = "default", stand_in: str = ""
    ) -> None:
        self.on = on
        self.former = former
        self.mode = mode
        self.stand_in = stand_in
        self._usual = ""  # the device that the server prefers to `former`, for its own reasons
        self._configured = ""
        self._written_over = ""  # the configured default before Entrain's last change
        self._blank = True  # the first facts count as a start
        self._rescued = False
        self._owed = False  # the default must be given back as soon as a device is connected
        self._restoring = False  # a server that has just started may not know its own choice yet
        self._in_doubt = False  # the user may have overruled what Entrain has given back
        self._stand_in_is_ours = False  # as reported; a restarted server does not know it
        self._echoes = Echoes[str](ECHO_S, str.__eq__)
        self._arrivals = Arrivals()

    def observe(self, seen: Defaults, now_s: float) -> list[Action]:
        """React to the server's report.  The first call is the start of Entrain.

        Call it only after Entrain's sink exists: a server refuses a default that does not exist.
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
        elif lapsed and self._in_doubt:  # the user has overruled it; then the mode has changed
            self._in_doubt = False
            actions += self.give_back(seen, now_s)
        elif (changed or lapsed) and self.mode == "default":
            actions += self._after_choice(seen, now_s, lapsed)
        if not self._takes:
            actions += self._without_default(seen, now_s)
        return actions

    def switch_on(self, seen: Defaults, now_s: float) -> list[Action]:
        """Switch on; in `default` mode become the default, and remember the former one."""
        self.on = True
        return self._take(seen, now_s) if self._takes else []

    def switch_off(self, seen: Defaults, now_s: float) -> list[Action]:
        """Switch off; in `default` mode give the default back."""
        self.on = False
        return self.give_back(seen, now_s) if self.mode == "default" else []

    def set_mode(self, mode: Mode, seen: Defaults, now_s: float) -> list[Action]:
        """Change the mode; Entrain stays on, or off.

        But if the user has made Entrain the default, `default` mode switches it on.
        """
        # Judge earlier events by the former mode.
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
        """Configure a real device, provided that Entrain is the default.

        Entrain's device stays, and servers may prefer it after it has been the default.  So if no
        user has chosen any connected device, a stand-in is configured.
        """
        expected = self._expected(seen, now_s)
        ours = OWN_DEVICE in (expected, seen.effective) and expected not in seen.devices
        name = self.wanted(seen.devices)
        self._owed = ours and not name
        return self._set(name, now_s) if ours and name else []

    def leave(self, seen: Defaults, now_s: float) -> list[Action]:
        """Configure the user's former choice, or no default, before quitting.

        Entrain's device is about to vanish.  If the server cannot remove a configured default, it
        then decides by itself.
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
        """Return when to call `observe` again even without news, or None."""
        return self._echoes.until_s()

    def session_restarted(self) -> None:
        """Treat the next facts as a start.

        Call this after the session manager has restarted, since the moment without its reports may
        have been missed.
        """
        self._blank = True

    @property
    def _takes(self) -> bool:
        """Whether Entrain is, or should become, the default."""
        return self.on and self.mode == "default"

    def _take(self, seen: Defaults, now_s: float) -> list[Action]:
        if seen.blank:  # the next start does it
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
            # A choice made while Entrain was not connected is the new former default.  But a
            # session manager without a configured default may have forgotten the former one.
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
        """Follow a choice that Entrain has not made."""
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
        """Return whether the server has switched: to a new device, or to its own stored choice."""
        name = seen.configured
        # The list of devices may be older than the report of the default.
        is_new = name not in seen.devices or self._arrivals.is_new(name, now_s)
        return name != "" and (is_new or self._restoring)

    def _after_own_write(self, seen: Defaults, now_s: float) -> list[Action]:
        """Correct a late change of Entrain's that has replaced a newer choice."""
        if self._echoes.newest() is not None or self._takes == (seen.configured == OWN_DEVICE):
            return []
        return self._set(OWN_DEVICE, now_s) if self._takes else self.give_back(seen, now_s)

    def _without_default(self, seen: Defaults, now_s: float) -> list[Action]:
        """Act for the server, if a default that Entrain has configured prevents it from acting."""
        if seen.configured == OWN_DEVICE:  # the default was given back and is not reported yet
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
        """Remember the configured default if a user has chosen it."""
        if seen.configured == OWN_DEVICE or (seen.configured and seen.configured == self.stand_in):
            return []
        if self._echoes.newest() is not None and seen.configured == self._written_over:
            return []
        # Servers remember earlier choices, too.  But a new device may be the best one before it
        # becomes the default.
        stands_out = seen.effective in seen.devices[1:] and seen.effective != seen.configured
        self._usual = seen.effective if stands_out and not self._arrivals.any_new(now_s) else ""
        self.stand_in = ""
        return self._remember(seen.configured)

    def _note_choice_of_stand_in(self, seen: Defaults) -> list[Action]:
        """Make the stand-in the former default if a user has chosen exactly this device."""
        if not self.stand_in or seen.configured != self.stand_in:
            return []
        was_ours, self._stand_in_is_ours = self._stand_in_is_ours, bool(seen.ours)
        if not was_ours or seen.ours is not False:
            return []
        self.stand_in = ""
        return self._remember(seen.configured)

    def _expected(self, seen: Defaults, now_s: float) -> str:
        """Return the configured default after all of Entrain's changes have arrived."""
        self._echoes.expire(now_s)
        self._compare(seen)
        newest = self._echoes.newest()
        return seen.configured if newest is None else newest

    def _compare(self, seen: Defaults) -> tuple[bool, bool]:
        """Return whether the configured default has changed, and whether Entrain has changed it."""
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
        Names of devices, the most important first; the first connected one counts.  ``""`` is
        ignored.
    devices : sequence of str
        Connected devices, in the server's order of preference; without a wish, the first counts.

    """
    real = [name for name in devices if name != OWN_DEVICE]
    return next((name for name in wishes if name in real), real[0] if real else "")
