"""The part of the bridge that MIDI devices steer."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

from entrain.vdevice.bridge.app_mirror import AppMirror
from entrain.vdevice.bridge.control_link import ControlLink
from entrain.vdevice.bridge.midi import shown
from entrain.vdevice.bridge.midi.controls import Movement
from entrain.vdevice.bridge.midi.learning import Learned, Learner
from entrain.vdevice.bridge.midi.library import NoMidi
from entrain.vdevice.bridge.midi.mapping import Mapping as MidiMapping
from entrain.vdevice.bridge.midi.mapping import action_request
from entrain.vdevice.bridge.midi.ports import MidiPorts
from entrain.vdevice.bridge.midi.sound import Sound
from entrain.vdevice.bridge.midi.surface import Act, SetValue, Surface, Wish
from entrain.vdevice.bridge.monitor import Monitor
from entrain.vdevice.bridge.part import Report
from entrain.vdevice.limits import MIDI_MONITOR_SOCKET

SCAN_S = 2.0
"""Time between two looks at the devices, in seconds."""
BUSY_POLL_S, IDLE_POLL_S = 0.005, 0.03
"""Time between two looks for messages: while a control moves, and otherwise."""
REST_POLL_S, REST_AFTER_S = 0.25, 300.0
"""Time between two looks without a device or long after its last message, and how long after."""
BUSY_S = 2.0
"""Time after the last message in which a control counts as moved, in seconds."""
LEARNED_S = 1.5
"""Silence after which the likeliest control is learned, in seconds."""
SHOW_S = 0.03
"""Shortest time between two looks for values that devices should show, in seconds."""
REPORT_S, LEARNING_REPORT_S = 1.0, 0.1
FIRST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 30.0
"""Pause before the MIDI system is opened again; it doubles each time."""
CLIENT = "midi"


class MidiPart:
    """Obeys MIDI devices until it is closed.

    Parameters
    ----------
    settings : mapping
        `system`, `mappings` and `learning`, as `MidiControl` gives them.
    control_socket : Path
        The control socket.
    mirror : AppMirror
        Knows what the app does.
    report : callable
        Takes what is to be reported.

    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        control_socket: Path,
        mirror: AppMirror,
        report: Report,
    ) -> None:
        self.wants_meters = False
        self._system = settings["system"]
        self._mirror = mirror
        self._app = ControlLink(control_socket, CLIENT, self._refuse)
        self._monitor = Monitor(control_socket.with_name(MIDI_MONITOR_SOCKET))
        self._sound = Sound(mirror)
        self._surface = Surface(self._sound)
        self._ports: MidiPorts | None = None
        self._now_s = asyncio.get_running_loop().time
        self._pause_s = FIRST_PAUSE_S
        self._scan_at_s = self._show_at_s = self._report_at_s = 0.0
        self._heard_at_s = -1e9
        self._messages = self._refused = 0
        self._refusal = self._problem = ""
        self._learning: Mapping[str, Any] | None = None
        self._learner: Learner | None = None
        self._has_news = True
        self._report = report
        self.change(settings, report)
        mirror.add(self)
        self._life = asyncio.create_task(self._live())

    def change(self, settings: Mapping[str, Any], report: Report) -> bool:
        """Take other mappings, or learn another one; another system needs a new start.

        A MIDI system that has not worked is tried again at once.
        """
        if settings["system"] != self._system:
            return False
        self._report = report
        self._surface.map([MidiMapping.from_json(each) for each in settings["mappings"]])
        if settings["learning"] != self._learning:
            self._learning = settings["learning"]
            self._learn()
        self._scan_at_s = self._report_at_s = 0.0
        return True

    def _learn(self) -> None:
        """Listen anew for the control that is to be learned, if any."""
        wish = self._learning
        is_action = wish is not None and action_request(wish["target"]) is not None
        self._learner = Learner(is_action) if wish is not None else None

    def app_changed(self, parts: AbstractSet[str]) -> None:
        """Show the new values on the devices."""
        if "moving" in parts:
            self._sound.moved_at_s = self._now_s()
        self._has_news = True

    def close(self) -> None:
        """Close all ports.  Idempotent."""
        self._life.cancel()
        self._mirror.remove(self)
        self._app.close()
        self._monitor.close()
        if self._ports is not None:
            self._ports.close()
            self._ports = None

    async def _live(self) -> None:
        while True:
            now_s = self._now_s()
            try:
                self._step(now_s)
            except NoMidi as error:
                self._fail(now_s, str(error))
            except Exception as error:  # a bug in one message must not end all
                self._fail(now_s, f"internal error: {type(error).__name__}: {error}")
            if now_s >= self._report_at_s:
                self._tell(now_s)
            await asyncio.sleep(self.poll_s(now_s))

    def poll_s(self, now_s: float) -> float:
        """Return the time until the next look for messages, in seconds."""
        silent_s = now_s - self._heard_at_s
        if silent_s < BUSY_S:
            return BUSY_POLL_S
        has_devices = self._ports is not None and bool(self._ports.devices)
        if self._learner is None and (silent_s > REST_AFTER_S or not has_devices):
            return REST_POLL_S
        return IDLE_POLL_S

    def _fail(self, now_s: float, problem: str) -> None:
        """Close all ports, and open them again after a while."""
        ports, self._ports, self._problem = self._ports, None, problem
        self._tell(now_s)  # the end of a call may never come
        if ports is not None:
            for device in ports.devices:
                self._surface.forget(device)
            with contextlib.suppress(Exception):
                ports.close()
        self._scan_at_s = now_s + self._pause_s
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)

    def _step(self, now_s: float) -> None:
        if now_s >= self._scan_at_s:
            self._scan(now_s)
        if self._ports is None or not self._mirror.status:
            return
        for device, message, after_s in self._ports.received():
            self._messages += 1
            self._heard_at_s = now_s
            self._hear(device, message, self._surface.read(device, message, after_s))
        for wish in self._surface.glide(now_s):
            self._ask(wish)
        if self._learner is not None and now_s - self._heard_at_s > LEARNED_S:
            self._learned(self._learner.last())
        if now_s >= self._show_at_s:
            self._show_at_s = now_s + SHOW_S
            self._show(now_s)
        self._follow_moving_values(now_s)

    def _hear(self, device: str, message: Sequence[int], movements: Sequence[Movement]) -> None:
        """Let the movements of one message have their effect."""
        wishes: list[Wish] = []
        for movement in movements:
            if self._learner is not None:
                self._learned(self._learner.take(device, movement))
            elif self._learning is None:
                wishes += self._surface.take(device, movement, self._heard_at_s)
        if self._learning is not None:
            self._monitor.show(lambda: _learning_line(device, movements))
            return
        for wish in wishes:
            self._ask(wish)
        self._monitor.show(lambda: shown.line(self._surface, device, message, movements, wishes))

    def _scan(self, now_s: float) -> None:
        """Look at the devices."""
        if self._ports is None:
            self._ports = MidiPorts(self._system)
            self._problem, self._pause_s = "", FIRST_PAUSE_S
        before = self._ports.devices
        for device in self._ports.scan():
            self._surface.forget(device)
        if self._ports.devices != before:
            self._report_at_s, self._has_news = 0.0, True
        self._scan_at_s = now_s + SCAN_S

    def _ask(self, wish: Wish) -> None:
        match wish:
            case SetValue(address, value):
                is_sent = self._app.set_value(address, value)
            case Act(request):
                is_sent = self._app.ask(request, self._answered)
        if not is_sent:
            self._answered(None, "Entrain is busy")

    def _answered(self, _result: object, error: str) -> None:
        if error:
            self._refuse(error)

    def _refuse(self, why: str) -> None:
        self._refused, self._refusal = self._refused + 1, why[:1000]
        self._monitor.show(lambda: shown.entry(refused=self._refusal))

    def _show(self, now_s: float) -> None:
        """Show values on motor faders, LED rings and lamps."""
        assert self._ports is not None
        # After a movement, the device may have to be put right even without news.
        if not self._has_news and now_s - self._heard_at_s > BUSY_S:
            return
        self._has_news = self._surface.feedback(self._ports.outputs, now_s, self._ports.send_all)

    def _follow_moving_values(self, now_s: float) -> None:
        """Ask for quick news while a control moves whose value moves by itself, too."""
        wants = self._surface.wants_news and now_s - self._heard_at_s < BUSY_S
        self._surface.wants_news = wants
        if wants != self.wants_meters:
            self.wants_meters = wants
            self._mirror.look()

    def _learned(self, found: Learned | None) -> None:
        if found is None or self._learning is None:
            return
        wish = self._learning
        mapping = MidiMapping(
            found.device,
            found.control,
            wish["target"],
            found.encoding,
            wish["low"],
            wish["high"],
            wish["pickup"],
        )
        self._learner = None  # until the answer; the app then ends the wish, or refuses

        def answered(result: object, error: str) -> None:
            self._answered(result, error)
            if error and self._learning is wish:
                self._learn()
                self._report_at_s = 0.0

        request = {"command": "midi_map", "mappings": [mapping.to_json()]}
        if not self._app.ask(request, answered):
            answered(None, "Entrain is busy")

    def _tell(self, now_s: float) -> None:
        learner = self._learner
        self._report_at_s = now_s + (LEARNING_REPORT_S if learner is not None else REPORT_S)
        self._report(
            {
                "system": self._ports.system if self._ports is not None else "",
                "devices": self._ports.devices if self._ports is not None else [],
                "messages": self._messages,
                "malformed": self._surface.malformed,
                "refused": self._refused,
                "refusal": self._refusal,
                "heard": learner.heard if learner is not None else "",
                "problem": self._problem,
            }
        )


def _learning_line(device: str, movements: Sequence[Movement]) -> dict[str, object]:
    """Return the line about a message that arrives while a control is learned."""
    said = "".join(map(shown.said, movements[:1]))
    return shown.entry(device, said, effect="a control is learned")
