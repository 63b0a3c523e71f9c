"""The running protocol: its sound, its duration, and its entries in the session log.

Called on the main thread only.  The engine keeps the session's time; the player looks at it now
and then, for events that happen only once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from math import isclose

from entrain.engine import Engine, blocks
from entrain.errors import EngineError
from entrain.platform.adapter import Form
from entrain.vdevice.limits import MAX_SESSION_S
from entrain.vdevice.protocol.address import parse_address
from entrain.vdevice.protocol.check import check_address
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.model import Layer, Protocol
from entrain.vdevice.protocol.parts.places import SPACE_ID
from entrain.vdevice.protocol.timeline import end_s
from entrain.vdevice.session import adjust, audible, deadlines
from entrain.vdevice.session.chain import Chain, Ways, prepare
from entrain.vdevice.session.changed_values import (
    check_movement,
    concerns_movement,
    with_heard_value,
)
from entrain.vdevice.session.edited_protocol import EditedProtocol
from entrain.vdevice.session.fade import Fade, layer_within, loop_fade, within
from entrain.vdevice.session.history import Played
from entrain.vdevice.session.listening_time import ListeningTime
from entrain.vdevice.session.session_log import Stretch
from entrain.vdevice.session.sleep_timer import SleepTimer
from entrain.vdevice.space.users_space import UsersSpace

_SILENCE = Protocol(id="none", name="None", layers=())


class Player:
    """Runs one protocol at a time.

    Parameters
    ----------
    engine : Engine
        No other object may route layers in this engine.
    log : callable
        Receives each listening time.
    set_alone : callable, optional
        Receives `plays_alone` after each change of the running layers.

    """

    def __init__(
        self,
        engine: Engine,
        log: Callable[[Stretch], None],
        set_alone: Callable[[bool], None] = lambda alone: None,
    ) -> None:
        self._engine = engine
        self._set_alone = set_alone
        self._chain = Chain(engine)
        self._listening = ListeningTime(engine, log)
        self._form: Form = "unknown"
        self._fade: Fade | None = None
        self._sleep: SleepTimer | None = None
        self._moving: dict[str, None] = {}
        """Addresses of values that glide for longer than a step, in order."""
        self.edited = EditedProtocol(_SILENCE, blocks)
        """The running protocol, as cheap to change as to share; see `protocol`."""
        self._users_space = UsersSpace()
        self.library_id = ""
        """Id in the library; empty after a value was changed."""
        self.ways = Ways(_SILENCE)
        """Prepared automation of `protocol`, or of `protocol` before values were set."""
        self.ended = False
        self.revision = 0
        """Counts the changes of the protocol's content."""

    # ---- facts for other parts -------------------------------------------------------------

    @property
    def protocol(self) -> Protocol:
        """The running protocol, with all values that were set since its start."""
        return self.edited.protocol

    @protocol.setter
    def protocol(self, protocol: Protocol) -> None:
        self._take(EditedProtocol(protocol, blocks))

    @property
    def layers(self) -> Sequence[Layer]:
        """The layers that play on this kind of output."""
        return audible.layers(self.protocol, self._form)

    @property
    def is_replaced(self) -> bool:
        """Whether the protocol's layers need headphones, but the output has none."""
        return audible.is_replaced(self.edited.frame, self._form)

    @property
    def hears_both_ears(self) -> bool:
        """Whether the output can keep both ears apart, as a space needs it."""
        return audible.hears_both_ears(self._form)

    @property
    def space(self) -> Layer | None:
        """The layer that places the music: the protocol's, or else the user's; None: no space."""
        if not self.hears_both_ears:
            return None
        if self.ended:
            return self._users_space.layer
        return self.protocol.space or self._users_space.of(self.edited.frame)

    @property
    def space_is_own(self) -> bool:
        """Whether the protocol leaves the space to the user."""
        return self.edited.frame.spatial is None

    @property
    def plays_alone(self) -> bool:
        """Whether the protocol is audible without any input."""
        if self.ended or self._engine.bypass or not self.protocol.standalone:
            return False
        return any(blocks()[layer.kind].group == "generator" for layer in self.layers)

    @property
    def note(self) -> str:
        """Message to the listener, one line; may be empty."""
        if self.ended:
            return f"{self.protocol.name} has ended"
        return audible.note(self.edited.frame, self._form)

    @property
    def left_s(self) -> float | None:
        """Time until the session ends, while sound plays; None if it has no end."""
        end = end_s(self.protocol)
        if end is None:
            return None
        return 0.0 if self.ended else max(0.0, end - self._engine.session()[0])

    @property
    def rate_hz(self) -> float | None:
        """Present rate of the beat, swelling or pulses; None if the protocol has none."""
        return None if self.ended else adjust.rate_hz(self.layers, blocks(), self._value)

    def sleep_left_s(self, now_s: float) -> float | None:
        """Time until the sleep timer ends; None if it is not set."""
        return max(0.0, self._sleep.seen(now_s).left_s) if self._sleep else None

    def layers_of(self, protocol: Protocol) -> Sequence[Layer]:
        """Return the layers of a protocol that would play on this kind of output."""
        return audible.layers(protocol, self._form)

    def played(self) -> Played:
        """Return what runs now, for `restore`."""
        session_s, runs = self._engine.session()
        return Played(self.edited, self.library_id, self.ways, session_s, runs, self.ended)

    def running(self) -> Sequence[tuple[Layer, int]]:
        """Return the layers in the engine, with the engine's numbers."""
        return tuple(self._chain.layers())

    # ---- actions ---------------------------------------------------------------------------

    def use(
        self,
        protocol: Protocol,
        library_id: str = "",
        ways: Ways | None = None,
        form: Form | None = None,
    ) -> None:
        """Start another protocol, or the same one again.

        Parameters
        ----------
        protocol : Protocol
            The protocol that was asked for.
        library_id : str
            Its id in the library, or empty.
        ways : Ways, optional
            Result of `prepare`; by default, it is made here.
        form : str, optional
            New kind of output, if it changes in the same step.

        Raises
        ------
        ProtocolError, EngineError
            The protocol does not fit the blocks, or the engine refuses it; then the former one
            continues.

        """
        ways = ways or prepare(protocol)
        self.note_heard()
        with self._unless_refused():
            self.protocol, self.library_id, self.ways = protocol, library_id, ways
            self._form = form or self._form
            self._route(restart=True)
            self._moving.clear()

    def rename(self, protocol: Protocol, library_id: str, ways: Ways) -> None:
        """Rename the running protocol; its layers are the same."""
        self.note_heard()
        self.protocol, self.library_id, self.ways = protocol, library_id, ways

    def refresh(self, protocol: Protocol, ways: Ways | None = None) -> None:
        """Continue with a changed document of the running protocol; raises errors like `use`."""
        ways = ways or prepare(protocol)
        with self._unless_refused():
            self.protocol, self.ways = protocol, ways
            if not self.ended:
                self._route(restart=False)

    def restore(self, former: Played, *, session: bool) -> None:
        """Glide back to what ran before.

        Parameters
        ----------
        former : Played
            What ran before.
        session : bool
            Go back to its session, too, which continues where it was left, or stays ended.
            Otherwise the present session continues.

        Raises
        ------
        EngineError
            The engine refuses the protocol; then the present one continues.

        """
        if session:
            self.note_heard()
        with self._unless_refused():
            self._take(former.edited)
            self.library_id, self.ways = former.library_id, former.ways
            if not session:
                self._reroute()
            elif former.ended:
                self._end()
            else:
                self._route(restart=True)
                if not self.protocol.time_of_day:
                    self._engine.seek_session(min(former.session_s, MAX_SESSION_S))
                self._engine.run_session(former.runs)
            if session:
                self._moving.clear()

    def begin_again(self) -> None:
        """Start the session again, even after its end."""
        with self._unless_refused():
            self._route(restart=True)

    def session_moved(self) -> None:
        """Follow a seek, a pause or a resumption, which also concern the fade of a loop."""
        if self._fade and not self._fade.of_sleep_timer:
            self._reroute()

    def listen_on(self, form: Form) -> None:
        """Use the layers for this kind of output; the session continues."""
        before = self.layers, self.space
        with self._unless_refused():
            self._form = form
            if (self.layers, self.space) != before:
                self._reroute()

    def surround(self, chosen: UsersSpace) -> None:
        """Use another space of the user's; if the engine refuses it, the former one stays."""
        before = self._users_space
        if chosen == before:
            return
        try:
            self._users_space = chosen
            self._reroute()
        except EngineError:
            self._users_space = before
            raise

    def move_space(self, chosen: UsersSpace, values: Mapping[str, float], over_s: float) -> None:
        """Move values of the user's space; they have been checked, and are in `chosen`."""
        self._users_space = chosen
        for address, value in values.items():
            fades = self._fade and self._fade.of_sleep_timer and self._chain.fades_by(address)
            if not fades and self._chain.can_set(address):
                self._chain.set(address, value, over_s)

    def set(self, address: str, value: float, over_s: float) -> None:
        """Move one parameter of the protocol; raises `ProtocolError`."""
        self.set_all({address: value}, over_s)

    def set_all(self, values: Mapping[str, float], over_s: float) -> None:
        """Move several parameters of the protocol, all or none; raises `ProtocolError`."""
        heard = audible.layers(self.edited.frame, self._form)
        if any(address.startswith(f"{SPACE_ID}.") for address in values):
            heard = (*heard, self._settable_space())
        changes = False
        for address, value in values.items():
            changes |= self.edited.value(*check_address(heard, address, value, blocks)) != value
        if not self.is_replaced and concerns_movement(values):
            check_movement(self.protocol, values, blocks)
        for address, value in values.items():
            # A fade to the end wins over values that are set meanwhile.
            if not self.ended and not (self._fade and self._chain.fades_by(address)):
                self._chain.set(address, value, over_s)
            self._moving.pop(address, None)
            if over_s > adjust.GLIDE_S:
                self._moving[address] = None
        if changes:
            self._take(self.edited.with_values(values, self.is_replaced))
            self.library_id = ""

    def as_heard(self) -> Protocol:
        """Return the protocol with the present values of gliding parameters."""
        heard = self.protocol
        for address, now in self._gliding():
            heard = with_heard_value(heard, address, now, self.is_replaced, blocks)
        return heard

    def moving(self) -> dict[str, float]:
        """Return the present values of parameters that automation or a long glide moves."""
        moved = {}
        for layer, number in self._chain.layers():
            for symbol in layer.automation:
                now = self._engine.parameter(number, symbol, target=False)
                moved[f"{layer.id}.{symbol}"] = float(f"{now:.6g}")
        return moved | dict(self._gliding())

    def stepped(self, rate_steps: int, level_steps: int) -> dict[str, float]:
        """Return all rates and all levels, changed by steps; raises `ProtocolError`."""
        if self.ended:
            raise ProtocolError(self.note)
        changes: list[adjust.Change] = []
        for steps, moved in ((rate_steps, adjust.faster), (level_steps, adjust.stronger)):
            if steps:
                changes += moved(steps, self.layers, blocks(), self._value)
        return dict(changes)

    def bypass(self, on: bool, *, matched: bool) -> None:
        """Let the input pass untouched, or not; `matched`: as loud as the processed sound."""
        self._engine.bypass_is_matched = matched
        self._engine.bypass = on
        self._set_alone(self.plays_alone)

    def set_own(self, address: str, value: float, over_s: float) -> None:
        """Move one parameter of the engine's own layers; the caller has checked the value."""
        self._chain.set(address, value, over_s)

    def sleep(self, minutes: float | None, now_s: float) -> None:
        """Fade the layers out before `minutes` are over; None cancels this.

        Times here and in `tick` are in seconds of a clock that also runs during suspension.
        """
        fades = self._fade is not None and self._fade.of_sleep_timer
        with self._unless_refused():
            self._sleep = None if minutes is None else SleepTimer.started(minutes, now_s)
            if fades:
                self._reroute()

    def tick(self, now_s: float) -> bool:
        """Do all due work; returns True if the sleep timer has ended, to switch Entrain off."""
        if self._sleep:
            self._sleep = self._sleep.seen(now_s)
            if self._sleep.left_s <= 0:
                self._sleep = None
                self._end(falls_asleep=True)
                return True
        session_s, end = self._engine.session()[0], end_s(self.protocol)
        if end is not None and not self.ended and session_s >= end:
            self._end()
        self._follow_fade(self._due_fade(0.0 if self.ended else session_s))
        if self.protocol.time_of_day and not self.ended:
            self._follow_the_day()
        if self._listening.is_due:
            self.note_heard()
        return False

    def pause_s(self, now_s: float) -> float:
        """Return the shortest time after which `tick` has something to do."""
        running = None if self.ended else self.protocol
        sleep = self._sleep.seen(now_s) if self._sleep else None
        session_s = self._engine.session()[0]
        return deadlines.pause_s(running, session_s, sleep, fades=self._fade is not None)

    def note_heard(self) -> None:
        """Write the listening time since the last call into the session log."""
        was_heard = not self.ended and bool(self.layers)
        self._listening.note(self.protocol, self._form, was_heard=was_heard)

    # ---- internals -------------------------------------------------------------------------

    def _gliding(self) -> Iterator[tuple[str, float]]:
        """Yield the present values of those parameters that still glide to the value set last."""
        for running, number in self._chain.layers():
            for address in self._moving:
                layer_id, symbol = parse_address(address)
                if running.id != layer_id or not self._chain.can_set(address):
                    continue
                now = self._engine.parameter(number, symbol, target=False)
                if not isclose(now, self._engine.parameter(number, symbol), rel_tol=1e-6):
                    yield address, float(f"{now:.6g}")

    def _take(self, edited: EditedProtocol) -> None:
        self.edited = edited
        self.revision += 1

    def _settable_space(self) -> Layer:
        """Return the protocol's space; raises `ProtocolError` if it has none."""
        if not self.hears_both_ears:
            raise ProtocolError("the space needs headphones")
        if space := self.edited.frame.space:
            return space
        raise ProtocolError(f"{self.edited.frame.name} has no space of its own")

    def _value(self, layer: Layer, symbol: str) -> float:
        """Return the final value of a parameter; session ramps are ignored, automation is not."""
        if symbol in layer.automation:
            for running, number in self._chain.layers():
                if running.id == layer.id:
                    return self._engine.parameter(number, symbol, target=False)
        initial = blocks()[layer.kind].parameters[symbol].initial
        return layer.params.get(symbol, initial)

    def _reroute(self) -> None:
        """Take over a change of the layers or of the space; the session continues."""
        if self.ended:
            self._chain.use(_SILENCE, restart=False, space=self.space)
        else:
            self._route(restart=False)

    @contextmanager
    def _unless_refused(self) -> Iterator[None]:
        """If the engine refuses a change, restore the fields of the protocol that still runs."""
        before = self.edited, self.library_id, self.ways, self._form, self.revision
        course = self._fade, self._sleep, self.ended
        try:
            yield
        except EngineError:
            self.edited, self.library_id, self.ways, self._form, self.revision = before
            self._fade, self._sleep, self.ended = course
            raise

    def _route(self, *, restart: bool) -> None:
        session_s = 0.0 if restart else self._engine.session()[0]
        fade, space = self._due_fade(session_s), None
        heard = self.protocol.model_copy(update={"layers": tuple(self.layers), "spatial": "off"})
        if self.hears_both_ears:
            space = self._users_space.of(self.protocol)
            spatial = self._users_space.completed(self.protocol.spatial, blocks)
            heard = heard.model_copy(update={"spatial": spatial})
        if fade:
            heard = within(fade, heard, session_s, blocks)
            if space and fade.of_sleep_timer:
                space = layer_within(fade, space, session_s, blocks)
        self._chain.use(heard, self.ways, restart=restart, space=space)
        self._fade, self.ended = fade, False
        if fade:
            self._fade_out(fade)
        self._set_alone(self.plays_alone)
        if self.protocol.time_of_day:
            self._follow_the_day()

    def _due_fade(self, session_s: float) -> Fade | None:
        """Return the fade that is due now: of two fades, the earlier end wins."""
        fades = (loop_fade(self.protocol, session_s), self._sleep.fade if self._sleep else None)
        return min(filter(None, fades), key=lambda fade: fade.left_s, default=None)

    def _follow_fade(self, due: Fade | None) -> None:
        before, self._fade = self._fade, due
        if due is None:
            if before:
                self._reroute()
        elif before is None or before.of_sleep_timer != due.of_sleep_timer:
            self._fade_out(due)

    def _fade_out(self, fade: Fade) -> None:
        """Fade to silence; the music keeps the user's space, unless Entrain is switched off.

        The fade of a loop stands still with the session's clock.
        """
        if not fade.of_sleep_timer and not self._engine.session()[1]:
            return
        keeps_space = self.space_is_own and not fade.of_sleep_timer
        self._chain.fade(fade.left_s, {SPACE_ID} if keeps_space else ())

    def _end(self, *, falls_asleep: bool = False) -> None:
        self.note_heard()
        self._fade = None
        self.ended = True
        space = None if falls_asleep else self.space
        self._chain.use(_SILENCE, restart=False, space=space)
        self._set_alone(False)

    def _follow_the_day(self) -> None:
        now = datetime.now()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        position_s = (now - midnight) / timedelta(seconds=1)
        if abs(self._engine.session()[0] - position_s) > 2:
            self._engine.seek_session(position_s)
