"""The listening times that the session log receives.  Called on the main thread only."""

from collections.abc import Callable
from datetime import datetime

from entrain.engine import Engine
from entrain.platform.adapter import Form
from entrain.vdevice.protocol.model import Protocol
from entrain.vdevice.session.session_log import Stretch

LOG_S = 1800.0
"""Time between log entries, in seconds; a crash loses at most this time from the log."""
_LEAST_MINUTES = 5 / 60
"""Shortest time that is logged."""


class ListeningTime:
    """Counts the time that the engine has processed since the last entry.

    Parameters
    ----------
    engine : Engine
        Counts the processed sound.
    log : callable
        Receives each listening time.

    """

    def __init__(self, engine: Engine, log: Callable[[Stretch], None]) -> None:
        self._engine = engine
        self._log = log
        self._started = datetime.now().astimezone()
        self._from_s = 0.0

    @property
    def is_due(self) -> bool:
        """True if the next entry of the log is due."""
        return self._engine.processed_s - self._from_s >= LOG_S

    def note(self, protocol: Protocol, form: Form, *, was_heard: bool) -> None:
        """Write the time since the last call into the log, if the protocol was heard."""
        processed_s = self._engine.processed_s
        minutes = (processed_s - self._from_s) / 60
        if minutes >= _LEAST_MINUTES and was_heard:
            self._log(
                Stretch(
                    started=self._started,
                    protocol=protocol.id,
                    name=protocol.name,
                    minutes=minutes,
                    device=form,
                )
            )
        self._started, self._from_s = datetime.now().astimezone(), processed_s
