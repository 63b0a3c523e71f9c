"""Decides how to keep Entrain's volume and its target's volume equal.

This module only makes decisions; it does not call a server.  The sound passes Entrain at unity
gain, so only the target's volume has an effect.  Therefore, in case of doubt, Entrain takes the
target's volume.  The target gets a new volume only if the user has just set it on Entrain, so the
sound never gets louder by surprise.
"""

from entrain.platform.adapter import OWN_DEVICE, Volume
from entrain.vdevice.device.pending_writes import Echoes

TOLERANCE = 3 / 65536
"""Servers count volumes in steps of 1/65536, and round them."""

GRACE_S = 0.25
"""Time after Entrain's appearance in which the session manager restores an old volume, in s."""

ECHO_S = 3.0
"""Longest time until the server reports a volume that Entrain has set, in seconds."""


class VolumeMirror:
    """Keeps volume, balance and mute of Entrain and its target equal.

    At the start and after a change of the target, the target's volume wins.  Later, the side that
    changed last wins, and the target if both have changed between two looks.  Times are in seconds
    of any monotonic clock.
    """

    def __init__(self) -> None:
        self._target_name = ""
        self._entrain: Volume | None = None
        self._target: Volume | None = None
        self._entrain_echoes = Echoes(ECHO_S, _close)
        self._target_echoes = Echoes(ECHO_S, _close)
        self._distrust_until_s = 0.0
        self._given_up: tuple[Volume, Volume] | None = None

    def observe(
        self, entrain: Volume | None, target: Volume | None, target_name: str, now_s: float
    ) -> list[tuple[str, Volume]]:
        """Look at both volumes and decide.

        Parameters
        ----------
        entrain, target : Volume or None
            The server's present report; None if the device is not connected.
        target_name : str
            Name of the real device that Entrain plays on.
        now_s : float
            Time of this look.

        Returns
        -------
        list of (str, Volume)
            The volume to set, at most one; mostly there is none.

        """
        self._entrain_echoes.expire(now_s)
        self._target_echoes.expire(now_s)
        if entrain is None or target is None:
            self._forget(entrain)
            return []
        if self._entrain is None:
            self.distrust(now_s)
        new_target = target_name != self._target_name
        if new_target:
            self._target_name = target_name
            self._target_echoes.clear()
        entrain_news = self._news(self._entrain, entrain, self._entrain_echoes)
        target_news = self._news(self._target, target, self._target_echoes)
        self._entrain, self._target = entrain, target
        # The volumes after all of Entrain's changes have arrived.
        entrain_soon = self._entrain_echoes.newest() or entrain
        target_soon = self._target_echoes.newest() or target

        if new_target or target_news:
            return self._set_entrain(entrain_soon, target, now_s)
        if entrain_news:
            if now_s < self._distrust_until_s:
                return self._set_entrain(entrain, target_soon, now_s)
            if _agree(entrain, target_soon):
                return []
            wanted = entrain.fitted(len(target.channels))
            self._target_echoes.expect(wanted, now_s)
            return [(target_name, wanted)]
        waiting = (self._entrain_echoes.newest(), self._target_echoes.newest()) != (None, None)
        if waiting or self._given_up == (entrain, target):
            return []
        # A volume that Entrain has set was not reported, or was replaced: show the target's, once.
        self._given_up = None if _agree(entrain, target) else (entrain, target)
        return self._set_entrain(entrain, target, now_s)

    def distrust(self, now_s: float) -> None:
        """Let the target win for `GRACE_S`, because the session manager is restoring old volumes.

        Call this after the session manager or the connection has come back; Entrain's own
        appearance is noticed here.
        """
        self._distrust_until_s = now_s + GRACE_S

    def wake_s(self) -> float | None:
        """Return when to call `observe` again even without news, or None."""
        times = (self._entrain_echoes.until_s(), self._target_echoes.until_s())
        return max((time for time in times if time is not None), default=None)

    def _forget(self, entrain: Volume | None) -> None:
        """Treat the next device as a new target."""
        self._target_name = ""
        self._target = None
        self._target_echoes.clear()
        self._entrain = entrain
        if entrain is None:
            self._entrain_echoes.clear()

    def _set_entrain(
        self, entrain: Volume, target: Volume, now_s: float
    ) -> list[tuple[str, Volume]]:
        if _agree(entrain, target):
            return []
        wanted = target.fitted(len(entrain.channels))
        self._entrain_echoes.expect(wanted, now_s)
        return [(OWN_DEVICE, wanted)]

    @staticmethod
    def _news(before: Volume | None, now: Volume, echoes: Echoes[Volume]) -> bool:
        """Return whether this side has a change that Entrain has not made."""
        if before is not None and _close(before, now):
            return False
        return not echoes.take(now)


def _close(one: Volume, other: Volume) -> bool:
    return (
        one.muted == other.muted
        and len(one.channels) == len(other.channels)
        and all(abs(a - b) <= TOLERANCE for a, b in zip(one.channels, other.channels, strict=True))
    )


def _agree(entrain: Volume, target: Volume) -> bool:
    """Return whether the volumes match; with different channel counts, either fit counts."""
    return _close(entrain, target.fitted(len(entrain.channels))) or _close(
        target, entrain.fitted(len(target.channels))
    )
