"""OSC as the app knows it: its settings, and what the bridge reports about it.

Runs on the main thread's asyncio loop.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from entrain.errors import EntrainError
from entrain.vdevice.remote.bridge_process import BridgeProcess
from entrain.vdevice.remote.osc_settings import OscSettings, clash

_PART = "osc"
_log = logging.getLogger(__name__)


class OscReport(BaseModel):
    """Report of the bridge about OSC."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    listening: bool = False
    clients: int = 0
    packets: int = 0
    refused: int = 0
    refusal: Annotated[str, Field(max_length=1000)] = ""
    problem: Annotated[str, Field(max_length=1000)] = ""


class OscControl:
    """Lets other programs steer Entrain by OSC.

    Parameters
    ----------
    bridge : BridgeProcess
        Runs the part.
    stored : OscSettings
        The settings of the last run.
    changed : callable
        Called when something has changed by itself.

    """

    def __init__(
        self, bridge: BridgeProcess, stored: OscSettings, changed: Callable[[], None]
    ) -> None:
        self.settings = stored
        self.report = OscReport()
        self._bridge = bridge
        self._changed = changed
        bridge.hear(_PART, self._take_report)
        self._apply()

    def change(self, **wishes: object) -> None:
        """Change settings; raises `EntrainError` if they contradict each other."""
        settings = self.settings.model_copy(update=wishes)
        if settings.port == settings.feedback_port:
            raise EntrainError(clash(settings.port))
        self.settings = settings
        self._apply(again=bool(self.report.problem))  # the problem may just be solved

    def _apply(self, *, again: bool = False) -> None:
        wanted = self.settings.model_dump(exclude={"on"})
        self._bridge.want(_PART, wanted if self.settings.on else None, again=again)

    def _take_report(self, told: Mapping[str, Any]) -> None:
        try:
            report = OscReport.model_validate(told)
        except ValidationError:
            return
        if report == self.report:
            return
        if report.refused > self.report.refused and report.refusal:
            _log.info("OSC: %s (%d refused so far)", report.refusal, report.refused)
        self.report = report
        self._changed()
