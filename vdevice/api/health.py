"""How things stand: one state, and why."""

import logging
from dataclasses import dataclass

from entrain.backend import BackendState, Phase
from entrain.vdevice.limits import State

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Health:
    """What `status` says first.

    Parameters
    ----------
    state : str
        ``processing``: sound plays through the layers, or they are heard alone; ``idle``: nothing
        plays; ``bypassed``: what plays passes untouched; ``off``: Entrain is not in the way of the
        sound; ``waiting-for-device``: there is no real device to play on, or not yet at the start;
        ``failed``: there is no sound server, and it is tried again and again.
    reason : str
        Why, one line; may be empty.

    """

    state: State
    reason: str = ""


def judge(
    backend: BackendState | None,
    *,
    on: bool,
    bypass: bool,
    trouble: str = "",
    reason: str = "",
    target_there: bool = True,
    note: str = "",
    detour: str = "",
    softened: str = "",
    alone: bool = False,
) -> Health:
    """Tell how things stand.

    Parameters
    ----------
    backend : BackendState or None
        None: there is no connection to a sound server.
    on, bypass : bool
        What the user has switched.
    trouble : str
        Why there is no connection, once it has been tried.
    reason : str
        Why it is off.
    target_there : bool
        The server lists the device that is to be played on.
    note : str
        What the running protocol has to say.
    detour : str
        What is done about a filter that leads back to Entrain.
    softened : str
        Why it is softer than the listener may expect.
    alone : bool
        The protocol is heard without any player.

    """
    if backend is None and not trouble:
        return Health("waiting-for-device", "connecting to the sound server")
    error = backend.error if backend else ""
    if backend is None or backend.phase == Phase.LOST:
        return Health("failed", trouble or error)
    if backend.phase != Phase.READY:
        if backend.phase == Phase.WAITING and detour:
            return Health("waiting-for-device", detour)
        if backend.phase == Phase.WAITING and not target_there:
            name = backend.target
            return Health(
                "waiting-for-device",
                f"{name} is not there" if name else "there is no output device",
            )
        return Health("waiting-for-device", reason or error)
    if not on and not backend.playing:
        return Health("off", reason or error)
    reason = backend.muffled or reason or error
    if bypass:
        return Health("bypassed", reason or softened)
    state: State = "processing" if backend.playing or alone else "idle"
    return Health(state, reason or softened or detour or note)


class HealthLog:
    """Writes each change into the log."""

    def __init__(self) -> None:
        self._last = Health("off")

    def observe(self, health: Health) -> None:
        """Compare with the last one."""
        if health != self._last:
            why = f": {health.reason}" if health.reason else ""
            trouble = health.state == "failed"
            _log.log(
                logging.WARNING if trouble else logging.INFO,
                "%s -> %s%s",
                self._last.state,
                health.state,
                why,
            )
            self._last = health
