"""Entrain's volume is its target's volume: what to set when, without ever calling a server.

The sound passes Entrain at unity, so only the target's volume is heard.  That decides every
doubtful case: the target's volume is shown on Entrain, which nobody hears.  The target is
only ever set to what somebody has just chosen on Entrain, so nothing gets louder by surprise.
"""

from entrain.platform.adapter import OWN_DEVICE, Volume
from entrain.vdevice.device.pending_writes import Echoes

TOLERANCE = 3 / 65536
"""Servers count volumes in steps of 1/65536 and round on the way."""

GRACE_S = 0.25
"""After Entrain appears, its session manager gives it the volume of another day."""

ECHO_S = 3.0
"""Longest time after which a volume that we have set shows up."""


class VolumeMirror:
    """Volume, balance and mute of Entrain and of the target, kept the same.

    At the start and after a change of the target, the target's volume wins; later the side
    that changed last, and the target if both have changed between two looks.  No clock of
    its own and no thread: times are given in seconds of any clock that only goes forward.
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
            As the server has just told; None where the device is not there.
        target_name : str
            Name of the real device that Entrain plays on.
        now_s : float
            Time of this look.

        Returns
        -------
        list of (str, Volume)
            Devices to be set, at most one; most often there is nothing to do.

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
        # What they will be once all that we have written has arrived.
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
        # What we have set never showed up, or was overtaken: say what is heard, but once.
        self._given_up = None if _agree(entrain, target) else (entrain, target)
        return self._set_entrain(entrain, target, now_s)

    def distrust(self, now_s: float) -> None:
        """Let the target win for `GRACE_S`: the session manager restores old volumes now.

        To be called when the session manager or the connection has come back; that Entrain
        itself has appeared is seen here.
        """
        self._distrust_until_s = now_s + GRACE_S

    def wake_s(self) -> float | None:
        """Return when `observe` is to be called again even if nothing happens, or None."""
        times = (self._entrain_echoes.until_s(), self._target_echoes.until_s())
        return max((time for time in times if time is not None), default=None)

    def _forget(self, entrain: Volume | None) -> None:
        """Let whichever device comes next be a new target."""
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
        """Tell whether somebody else has changed this side."""
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
    """Tell whether one is what the other makes of it; with other channel counts both ways go."""
    return _close(entrain, target.fitted(len(entrain.channels))) or _close(
        target, entrain.fitted(len(target.channels))
    )
