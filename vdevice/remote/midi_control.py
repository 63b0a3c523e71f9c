"""MIDI as the app knows it: its settings, learning, and what the bridge reports about it.

Runs on the main thread's asyncio loop.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from entrain.errors import EntrainError
from entrain.vdevice.limits import MAX_MIDI_MAPPINGS
from entrain.vdevice.remote.bridge_process import BridgeProcess
from entrain.vdevice.remote.midi_settings import MidiControlName, MidiMapping, MidiSettings

_PART = "midi"

Text = Annotated[str, Field(max_length=1000)]


class MidiReport(BaseModel):
    """Report of the bridge about MIDI."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    system: Text = ""
    devices: Annotated[tuple[Text, ...], Field(max_length=64)] = ()
    messages: int = 0
    malformed: int = 0
    refused: int = 0
    refusal: Text = ""
    heard: Text = ""
    problem: Text = ""


class Learning(BaseModel):
    """A target that waits for its control."""

    model_config = ConfigDict(frozen=True)

    serial: int
    """Tells one wish from the next, so that the bridge listens anew to an equal one."""
    target: str
    low: FiniteFloat | None
    high: FiniteFloat | None
    pickup: bool


class MidiControl:
    """Lets MIDI devices steer Entrain.

    Parameters
    ----------
    bridge : BridgeProcess
        Runs the part.
    stored : MidiSettings
        The settings of the last run.
    changed : callable
        Called when something has changed by itself.

    """

    def __init__(
        self, bridge: BridgeProcess, stored: MidiSettings, changed: Callable[[], None]
    ) -> None:
        self.settings = stored
        self.report = MidiReport()
        self.learning: Learning | None = None
        self.learned: MidiMapping | None = None
        """The mapping that was learned last."""
        self.revision = 0
        """Grows with each change of the mappings."""
        self._bridge = bridge
        self._changed = changed
        self._timer: asyncio.TimerHandle | None = None
        self._serial = 0
        bridge.hear(_PART, self._take_report)
        self._apply()

    def change(self, **wishes: object) -> None:
        """Change settings, and try anew what did not work."""
        before = self.settings
        self.settings = before.model_copy(update=wishes)
        if not self.settings.on:
            self._end_learning()
        self._apply(again=bool(self.report.problem) or self.settings.system != before.system)

    def learn(
        self,
        target: str,
        low: float | None = None,
        high: float | None = None,
        *,
        pickup: bool = True,
        timeout_s: float = 30.0,
    ) -> None:
        """Map the control that is moved next; raises `EntrainError` while MIDI does not work."""
        if not self.settings.on:
            raise EntrainError("MIDI is off; `entrain midi on` switches it on")
        if self.report.problem:
            raise EntrainError(self.report.problem)
        self._end_learning()
        self._serial += 1
        self.learning = Learning(
            serial=self._serial, target=target, low=low, high=high, pickup=pickup
        )
        self.learned = None
        self._timer = asyncio.get_running_loop().call_later(timeout_s, self._give_up)
        self._apply()

    def stop_learning(self) -> None:
        """Stop to wait for a control.  Idempotent."""
        self._end_learning()
        self._apply()

    def map(self, mappings: Sequence[MidiMapping], *, replace: bool) -> None:
        """Add mappings; each replaces an earlier one of the same control.

        Raises
        ------
        EntrainError
            There would be too many.

        """
        kept = {} if replace else {each.control: each for each in self.settings.mappings}
        for each in mappings:
            kept.pop(each.control, None)
            kept[each.control] = each
        if len(kept) > MAX_MIDI_MAPPINGS:
            raise EntrainError(
                f"there would be more than {MAX_MIDI_MAPPINGS} mappings; "
                "`entrain midi forget` removes some"
            )
        self._set_mappings(tuple(kept.values()))
        wish = self.learning
        if wish is not None and mappings and mappings[-1].target == wish.target:
            self._end_learning()
            self.learned = mappings[-1]
        self._apply()

    def forget(self, target: str | None, control: MidiControlName | None = None) -> None:
        """Remove mappings; raises `EntrainError` if there are none to remove.

        Parameters
        ----------
        target : str, optional
            Mappings of this target alone.
        control : MidiControlName, optional
            The mapping of this control alone.

        """
        mappings = self.settings.mappings
        kept = tuple(
            each
            for each in mappings
            if (target is not None and each.target != target)
            or (control is not None and each.control != control.control)
        )
        if (target, control) != (None, None) and len(kept) == len(mappings):
            what = target or "this target"
            raise EntrainError(f"no control is mapped to {what}; `entrain midi list` shows all")
        self._set_mappings(kept)
        self._apply()

    def _set_mappings(self, mappings: tuple[MidiMapping, ...]) -> None:
        self.settings = self.settings.model_copy(update={"mappings": mappings})
        self.revision += 1

    def close(self) -> None:
        """Stop to wait for a control.  Idempotent."""
        self._end_learning()

    def _give_up(self) -> None:
        self.stop_learning()
        self._changed()

    def _end_learning(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.learning = None

    def _apply(self, *, again: bool = False) -> None:
        wanted = self.settings.model_dump(mode="json", exclude={"on"})
        wanted["learning"] = self.learning.model_dump(mode="json") if self.learning else None
        report = self.report
        self._bridge.want(_PART, wanted if self.settings.on else None, again=again)
        if self.settings.on and not again:
            # Until the next one comes, the last report is true but for learning.
            self.report = report.model_copy(update={"heard": ""})

    def _take_report(self, told: Mapping[str, Any]) -> None:
        try:
            report = MidiReport.model_validate(told)
        except ValidationError:
            return
        if report != self.report:
            self.report = report
            self._changed()
