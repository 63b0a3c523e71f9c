"""How the head is turned, and whether it is tracked on the present output.

Runs on the main thread's asyncio loop; poses come from the bridge on another thread.
"""

import math
import threading
import time
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from entrain.errors import EntrainError
from entrain.vdevice.head.head_sink import HeadSink
from entrain.vdevice.head.settings import TrackingSettings
from entrain.vdevice.remote.bridge_process import BridgeProcess
from entrain.vdevice.rotation import (
    FORWARD,
    Angles,
    Centre,
    Rotation,
    angles_of,
    inverse,
    normalized,
    share_of,
)

STALE_S = 1.0
"""Age at which a pose counts no more, in seconds; the engine then turns the head to the front."""
FORGOTTEN_S = 10.0
"""Age at which the status shows a pose no more, in seconds."""
MOST_OUTPUTS = 64
"""Outputs whose settings are kept, those used last."""
_PART = "tracking"


class Report(BaseModel):
    """Report of the bridge about trackers."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    listening: Annotated[tuple[int, ...], Field(max_length=8)] = ()
    """UDP ports."""
    source: Annotated[str, Field(max_length=200)] = ""
    packets_per_s: FiniteFloat = 0.0
    ignored: int = 0
    malformed: int = 0
    problem: Annotated[str, Field(max_length=1000)] = ""


class HeadTracking:
    """Hands poses to the engine, and keeps the settings of each output.

    Parameters
    ----------
    sink : HeadSink
        Is told how the head is turned, by one thread at a time.
    stored : mapping
        Settings by the output's name.
    changed : callable
        Called when something has changed by itself.
    bridge : BridgeProcess
        Hears trackers.

    """

    def __init__(
        self,
        sink: HeadSink,
        stored: Mapping[str, TrackingSettings],
        changed: Callable[[], None],
        bridge: BridgeProcess,
    ) -> None:
        self.by_output = dict(stored)
        """Settings by the output's name, those used last at the end."""
        self.report = Report()
        """Last report of the bridge."""
        self._sink = sink
        self._changed = changed
        self._bridge = bridge
        bridge.hear(_PART, self._take_report)
        bridge.hear_poses(self._turn)
        self._output = ""
        self._is_on = False
        """Whether the head was tracked with the settings used last."""
        # The lock guards these, and lets one thread at a time turn the head.
        self._lock = threading.Lock()
        self._pose: tuple[float, float, float, float] = FORWARD
        """The rotation from the room to the head, as it came."""
        self._at_s = -math.inf
        self._centre: Centre | None = None
        self._follow = 1.0
        self._is_as_tracked = True
        """Whether the head is turned by the pose as it comes."""

    @property
    def settings(self) -> TrackingSettings:
        """Settings for the present output."""
        return self.by_output.get(self._output, TrackingSettings())

    @property
    def ports(self) -> set[int]:
        """UDP ports for OSC, of all outputs."""
        return {self.settings.port, *(each.port for each in self.by_output.values())}

    # ---- poses -------------------------------------------------------------------------------

    def turn(self, w: float, x: float, y: float, z: float) -> None:
        """Take the rotation from the room to the head; raises `EntrainError` for other numbers."""
        if not self._turn(w, x, y, z):
            raise EntrainError("w, x, y and z are not a rotation")

    def _turn(self, w: float, x: float, y: float, z: float) -> bool:
        """Take a pose of the head, on any thread; False if it is not a rotation."""
        if not 0.9999 < w * w + x * x + y * y + z * z < 1.0001:
            pose = normalized(w, x, y, z)
            if pose is None:
                return False
            w, x, y, z = pose
        with self._lock:
            self._pose, self._at_s = (w, x, y, z), time.monotonic()
            if self._is_as_tracked:  # the usual case: this runs 100 times a second
                self._sink.turn_head(w, x, y, z)
            else:
                self._hand_on()
        return True

    def recentre(self) -> None:
        """Count the present pose as straight ahead; raises `EntrainError` if there is none."""
        with self._lock:
            if time.monotonic() - self._at_s > STALE_S:
                if not self.settings.on:
                    raise EntrainError("head tracking is off; `entrain head on` switches it on")
                raise EntrainError("no pose of the head arrives; `entrain head status` says more")
            self._centre, self._is_as_tracked = Centre.at(inverse(Rotation(*self._pose))), False
            self._hand_on()

    def _hand_on(self) -> None:
        turned = inverse(Rotation(*self._pose))
        if self._centre is not None:
            turned = self._centre.applied_to(turned)
        if self._follow != 1.0:
            turned = share_of(turned, self._follow)
        self._sink.turn_head(*inverse(turned))

    @property
    def age_s(self) -> float | None:
        """Age of the last pose in seconds; None if it is forgotten."""
        age_s = time.monotonic() - self._at_s
        return age_s if age_s < FORGOTTEN_S else None

    @property
    def angles(self) -> Angles | None:
        """How the head is turned from straight ahead; None where no pose arrives."""
        with self._lock:
            pose, at_s, centre = self._pose, self._at_s, self._centre
        if time.monotonic() - at_s > STALE_S:
            return None
        turned = inverse(Rotation(*pose))
        return angles_of(centre.applied_to(turned) if centre else turned)

    # ---- settings ----------------------------------------------------------------------------

    def change(self, **wishes: object) -> None:
        """Change settings for the present output; raises `EntrainError` without an output."""
        if not self._output:
            raise EntrainError("there is no output yet to track the head for; connect one")
        settings = self.settings.model_copy(update=wishes)
        self.by_output.pop(self._output, None)
        self.by_output[self._output] = settings
        while len(self.by_output) > MOST_OUTPUTS:
            del self.by_output[next(iter(self.by_output))]
        # The problem may just be solved.
        self._apply(ends=wishes.get("on") is False, again=bool(self.report.problem))

    def play_on(self, output: str) -> None:
        """Use the settings of another output."""
        self._output = output
        self._apply()

    def _apply(self, *, ends: bool = False, again: bool = False) -> None:
        settings = self.settings
        wanted = settings.model_dump(include={"port", "lan", "preset", "invert"})
        self._bridge.want(_PART, wanted if settings.on else None, again=again)
        with self._lock:
            self._follow = settings.follow
            ends = ends or (self._is_on and not settings.on)
            self._is_on = settings.on
            if ends:  # otherwise, poses of clients at the control socket go on
                self._pose, self._at_s, self._centre = FORWARD, -math.inf, None
                self._hand_on()
            self._is_as_tracked = self._centre is None and self._follow == 1.0

    def _take_report(self, told: Mapping[str, Any]) -> None:
        try:
            report = Report.model_validate(told)
        except ValidationError:
            return
        if report != self.report:
            self.report = report
            self._changed()
