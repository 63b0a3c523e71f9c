"""Entrain's condition: one state and its reason."""

import logging
from dataclasses import dataclass

from entrain.backend import BackendState, Phase
from entrain.vdevice.limits import State

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Health:
    """The first line of `status`.

    Parameters
    ----------
    state : str
        ``processing``: sound plays through the layers, or the layers play alone; ``idle``: no app
        plays; ``bypassed``: sound passes untouched; ``off``: sound does not pass Entrain;
        ``waiting-for-device``: no real device is connected, or the server is still being asked;
        ``failed``: there is no sound server, and Entrain tries to connect again and again.
    reason : str
        The reason in one line; may be empty.

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
    """Sum up Entrain's condition.

    Parameters
    ----------
    backend : BackendState or None
        None: there is no connection to a sound server.
    on, bypass : bool
        The user's switches.
    trouble : str
        Why the last attempt to connect has failed; empty before the first attempt.
    reason : str
        Why Entrain is off or waits.
    target_there : bool
        The sound server lists the target device.
    note : str
        The running protocol's message to the listener.
    detour : str
        Entrain's reaction to a filter that leads back to Entrain.
    softened : str
        Why the output is softer than the listener may expect.
    alone : bool
        The protocol plays although no app does.

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
                f"{name} is not connected" if name else "no output device is connected",
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
    """Logs each change of Entrain's condition."""

    def __init__(self) -> None:
        self._last = Health("off")

    def observe(self, health: Health) -> None:
        """Log the condition if it differs from the last one."""
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
