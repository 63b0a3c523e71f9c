"""Carries out each request.  Runs on the main thread's asyncio loop."""

from collections.abc import Callable, Mapping

from entrain.block import Parameter
from entrain.engine import Engine, blocks
from entrain.errors import EntrainError
from entrain.platform import clock
from entrain.vdevice.api import messages
from entrain.vdevice.api.hub import Answer
from entrain.vdevice.api.listed import blocks as listed_blocks
from entrain.vdevice.api.listed.heads import listed_heads
from entrain.vdevice.api.listed.outputs import described
from entrain.vdevice.api.listed.protocols import listed, whole
from entrain.vdevice.api.messages.results import WithContent
from entrain.vdevice.api.reported_hotkeys import ReportedHotkeys
from entrain.vdevice.device.virtual_device import VirtualDevice
from entrain.vdevice.head.head_tracking import HeadTracking
from entrain.vdevice.limits import OPENTRACK_PORT, Mode
from entrain.vdevice.protocol.check import check_own, parameter_at
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.remote.midi_control import MidiControl
from entrain.vdevice.remote.midi_ends import check_ends
from entrain.vdevice.remote.osc_control import OscControl
from entrain.vdevice.session import adjust
from entrain.vdevice.session.audition import Audition
from entrain.vdevice.session.output_protocols import OutputProtocols
from entrain.vdevice.session.output_spaces import OutputSpaces
from entrain.vdevice.session.player import Player
from entrain.vdevice.session.step_text import HEAD, MODE
from entrain.vdevice.session.undo import Undo
from entrain.vdevice.storage.saver import Saver


class RequestHandler:
    """Carries out requests: for each client, one after the other.

    Parameters
    ----------
    engine, device, player, protocols, head, osc, midi
        The parts that requests control.
    spaces : OutputSpaces
        The user's space on each output.
    audition : Audition
        Plays a sample through heads, until the next command.
    saver : Saver
        Stores the settings.
    undo : Undo
        Makes steps of changes of the sound.
    hotkeys : ReportedHotkeys
        The icon's reports of the desktop's keyboard shortcuts.
    stop : callable
        Ends the app.

    """

    def __init__(
        self,
        engine: Engine,
        device: VirtualDevice,
        player: Player,
        protocols: OutputProtocols,
        spaces: OutputSpaces,
        audition: Audition,
        head: HeadTracking,
        osc: OscControl,
        midi: MidiControl,
        saver: Saver,
        undo: Undo,
        hotkeys: ReportedHotkeys,
        stop: Callable[[], None],
    ) -> None:
        self._engine = engine
        self._device = device
        self._player = player
        self._protocols = protocols
        self._spaces = spaces
        self._audition = audition
        self._head = head
        self._osc = osc
        self._midi = midi
        self._saver = saver
        self._undo = undo
        self._hotkeys = hotkeys
        self._stop = stop

    async def carry_out(self, request: messages.Request) -> Answer:
        """Carry out one request; raises `EntrainError` if it is refused.

        Returns
        -------
        Answer
            None: the status is the answer.

        """
        if isinstance(request, messages.Command) and not isinstance(
            request, messages.Audition | messages.SetHotkeys
        ):
            self._audition.end()  # a command is about the user's own sound
        match request:
            case messages.TurnHead(w=w, x=x, y=y, z=z):  # first, since it is the most frequent
                self._head.turn(w, x, y, z)
            case messages.Set():
                return self._set(request)
            case messages.Stop():
                self._stop()
            case messages.On():
                await self._device.switch(True)
                if self._player.ended:
                    self._player.begin_again()
            case messages.Off():
                await self._device.switch(False)
            case messages.Bypass(on=on, matched=matched):
                wanted = not self._engine.bypass if on is None else on
                self._player.bypass(wanted, matched=matched)
            case messages.Use():
                found = await self._protocols.find(
                    request.protocol, request.layers, standalone=request.standalone
                )
                with self._undo.step():
                    self._protocols.use(found, request.here)
            case messages.Next():
                found = await self._protocols.find_next()
                with self._undo.step():
                    self._protocols.use(found)
            case messages.Undo():
                self._undo.undo()
            case messages.Redo():
                self._undo.redo()
            case messages.Save(name=name, replace=replace):
                await self._protocols.save(name, replace)
            case messages.Delete(id=protocol_id):
                await self._protocols.delete(protocol_id)
            case messages.Rename(id=protocol_id, name=name):
                await self._protocols.rename(protocol_id, name)
            case messages.Session(runs=runs, position_s=position_s):
                self._session(runs, position_s)
            case messages.Adjust(rate_steps=rate_steps, level_steps=level_steps):
                self._adjust(rate_steps, level_steps)
            case messages.Sleep(minutes=minutes):
                self._player.sleep(minutes, clock.suspended_too_s())
            case messages.Settings():
                await self._settings(request)
            case messages.SetOutput(name=name):
                await self._device.choose(name or "")
            case messages.Tracking():
                if request.port == self._osc.settings.port:
                    raise EntrainError(f"port {request.port} is OSC's; choose another")
                self._head.change(**_wishes(request))
            case messages.Osc():
                if request.port in (*self._head.ports, OPENTRACK_PORT):
                    raise EntrainError(f"port {request.port} is head tracking's; choose another")
                self._osc.change(**_wishes(request))
            case messages.Midi():
                self._midi.change(**_wishes(request))
            case messages.MidiLearn(target=None):
                self._midi.stop_learning()
            case messages.MidiLearn(target=str(target)):
                await self._require_target(target)
                self._check_ends(target, request.low, request.high)
                self._midi.learn(
                    target,
                    request.low,
                    request.high,
                    pickup=request.pickup,
                    timeout_s=request.timeout_s,
                )
            case messages.MidiForget(target=target, control=control):
                self._midi.forget(target, control)
            case messages.MidiMap(mappings=mappings, replace=replace):
                for each in mappings:
                    self._check_ends(each.target, each.low, each.high)
                self._midi.map(mappings, replace=replace)
            case messages.ListMidiMappings():
                return messages.MidiMappings(mappings=self._midi.settings.mappings)
            case messages.SetHotkeys(enabled=enabled, report=report):
                self._hotkeys.take(enabled, report)
            case messages.Recentre():
                self._head.recentre()
            case messages.Audition(hrtf=None):
                self._audition.end()
            case messages.Audition(hrtf=str(name)):
                if not self._device.on:
                    raise EntrainError("Entrain is off; `entrain on` switches it on")
                await self._audition.hear(name)
            case messages.ListDevices():
                return await self._devices()
            case messages.GetSamples(first=first, frames=frames):
                return self._samples(first, frames)
            case messages.ListBlocks():
                return listed_blocks.described(blocks().values())
            case messages.ListHeads():
                return await self._protocols.ask(lambda _: listed_heads())
            case messages.GetProtocol(id=wanted):
                return await self._protocols.ask(lambda library: whole(library, wanted))
            case messages.ListProtocols():
                recent = self._protocols.recent
                return await self._protocols.ask(lambda library: listed(library, recent))
        return None

    def _adjust(self, rate_steps: int, level_steps: int) -> None:
        """Change all rates and all levels by steps; raises `ProtocolError`."""
        values = self._player.stepped(rate_steps, level_steps)
        with self._undo.step(values):
            self._player.set_all(values, adjust.GLIDE_S)
            self._protocols.note_values()

    def _set(self, request: messages.Set) -> Answer:
        """Set one value or several.  If one of them is refused, none is set."""
        if request.values is not None:
            self._set_all(request.values, request.over_s)
            # No second validation: a slider sends a thousand requests per second.
            return messages.Values.model_construct(values=request.values)
        assert request.address is not None  # the request has been checked
        assert request.value is not None
        self._set_all({request.address: request.value}, request.over_s)
        return None

    def _set_all(self, values: Mapping[str, float], over_s: float) -> None:
        own = {
            address: value for address, value in values.items() if check_own(address, value, blocks)
        }
        others = {address: value for address, value in values.items() if address not in own}
        users = {address: others.pop(address) for address in [*filter(self._spaces.owns, others)]}
        if users:
            self._spaces.check(users)
        with self._undo.step(values):
            if others:
                self._player.set_all(others, over_s)
                self._protocols.note_values()
            for address, value in own.items():
                self._player.set_own(address, value, over_s)
            if users:
                self._spaces.set(users, over_s)
            if own:
                self._saver.keep(settings={**self._saver.kept.settings, **own})

    async def _settings(self, request: messages.Settings) -> None:
        device = self._device
        if request.mode is not None:
            self._require(request.mode)
            await device.set_mode(request.mode)
        if request.applications is not None:
            rules = request.applications
            told = {name: getattr(rules, name) for name in rules.model_fields_set}
            await device.set_rules(device.rules.model_copy(update=told))
        if request.preferred_outputs is not None:
            await device.prefer(request.preferred_outputs)
        if request.unplugged is not None:
            await device.set_unplugged(request.unplugged)
        if request.hrtf is not None:
            await self._spaces.use_head(request.hrtf)
        if request.space is not None:
            wishes = request.space
            moved = [MODE] * (wishes.mode is not None) + [HEAD] * (wishes.head_cm is not None)
            with self._undo.step(moved):
                self._spaces.change(wishes.mode, wishes.head_cm)
        if request.session_log is not None:
            self._saver.keep(session_log=request.session_log)

    async def _require_target(self, target: str) -> None:
        """Refuse a parameter or a protocol that does not exist; raises `EntrainError`."""
        if target.startswith("use:"):
            wanted = target.removeprefix("use:")
            await self._protocols.ask(lambda library: whole(library, wanted))
        elif "." in target:
            self._parameter(target)

    def _parameter(self, address: str) -> Parameter:
        """Return a parameter that is there now; raises `ProtocolError`."""
        space = self._player.space
        return parameter_at([*self._player.layers, *([space] if space else [])], address, blocks)

    def _check_ends(self, target: str, low: float | None, high: float | None) -> None:
        """Refuse ends that a control of this target cannot have; raises `EntrainError`."""
        if "." not in target:
            return
        try:
            parameter = self._parameter(target)
        except ProtocolError:  # its layer may be of another protocol
            parameter = None
        check_ends(target, low, high, parameter)

    def _require(self, mode: Mode) -> None:
        """Refuse a mode that this system does not support; raises `EntrainError`."""
        state = self._device.state
        if mode == "smart" and state and state.smart_supported is False:
            manager = state.session_manager or self._device.backend_name
            raise EntrainError(
                f"smart needs WirePlumber 0.5 or newer on PipeWire; this is {manager}"
            )

    async def _devices(self) -> Answer:
        state = self._device.state
        return described(
            await self._device.list_devices(),
            current=self._device.target_name,
            default=state.effective_default if state else "",
            preferred=self._device.preferred,
        )

    def _samples(self, first: int | None, frames: int) -> Answer:
        tapped = self._engine.tap(first, frames)
        told = messages.Samples(
            first=tapped.first,
            frames=tapped.frames,
            rate_hz=tapped.rate_hz,
            bytes=len(tapped.content),
        )
        return WithContent(told, tapped.content, self._engine.tap)

    def _session(self, runs: bool | None, position_s: float | None) -> None:
        if position_s is not None:
            if self._player.ended:
                self._player.begin_again()
            self._engine.seek_session(position_s)
        if runs is not None:
            self._engine.run_session(runs)
        self._player.session_moved()


def _wishes(request: messages.Command) -> dict[str, object]:
    """Return the settings that a request names."""
    return request.model_dump(exclude={"command", "client"}, exclude_none=True)
