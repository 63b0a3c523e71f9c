"""Makes the answer to `status`."""

import time
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, cast

from entrain import __version__
from entrain.backend import Phase
from entrain.engine import Engine
from entrain.platform import clock
from entrain.platform.adapter import OWN_DEVICE
from entrain.vdevice.api.health import Health, judge
from entrain.vdevice.api.levels import levels
from entrain.vdevice.api.listed.outputs import described
from entrain.vdevice.api.measured import SelfMeasurement
from entrain.vdevice.api.messages import (
    ActiveProtocol,
    Callback,
    Head,
    Hotkeys,
    Latency,
    Levels,
    MidiLearning,
    MidiStatus,
    OscStatus,
    Output,
    Position,
    Space,
    Status,
)
from entrain.vdevice.api.reported_hotkeys import ReportedHotkeys
from entrain.vdevice.device.virtual_device import VirtualDevice
from entrain.vdevice.head.head_sink import EngineHead
from entrain.vdevice.head.head_tracking import HeadTracking
from entrain.vdevice.remote.midi_control import MidiControl
from entrain.vdevice.remote.osc_control import OscControl
from entrain.vdevice.session.output_spaces import OutputSpaces
from entrain.vdevice.session.player import Player
from entrain.vdevice.session.undo import Undo
from entrain.vdevice.storage.state import State
from entrain.vdevice.upgrade import UpgradeWatch

if TYPE_CHECKING:
    from entrain.vdevice.limits import SpaceMode


class Reporter:
    """Collects the status from all parts.  Called on the main thread only.

    Parameters
    ----------
    engine, device, player, head, spaces, ears, osc, midi, undo, hotkeys, upgrade
        The sources of the status; they are only read.
    icon : bool
        False if Entrain was started with `--headless`.
    sandbox : mapping of str to str
        Environment of Entrain's private sound server; empty without one.

    """

    def __init__(
        self,
        engine: Engine,
        device: VirtualDevice,
        player: Player,
        head: HeadTracking,
        spaces: OutputSpaces,
        ears: EngineHead,
        osc: OscControl,
        midi: MidiControl,
        undo: Undo,
        hotkeys: ReportedHotkeys,
        upgrade: UpgradeWatch,
        *,
        icon: bool,
        sandbox: Mapping[str, str],
    ) -> None:
        self._icon = icon
        self._sandbox = dict(sandbox)
        self._engine = engine
        self._device = device
        self._player = player
        self._head = head
        self._spaces = spaces
        self._ears = ears
        self._osc = osc
        self._midi = midi
        self._undo = undo
        self._hotkeys = hotkeys
        self._upgrade = upgrade
        self._measurement = SelfMeasurement(engine)
        self._load = _Load()

    def health(self) -> Health:
        """Sum up Entrain's condition."""
        device = self._device
        return judge(
            device.state,
            on=device.on,
            bypass=self._engine.bypass,
            trouble=device.trouble,
            reason=device.reason,
            target_there=device.target is not None,
            note=self._player.note,
            detour=device.detour,
            softened=self._softened(),
            alone=device.plays_alone,
        )

    def _softened(self) -> str:
        entry = self._device.softened
        if entry is None:
            return ""
        where = {device.name: device.description for device in self._device.devices}[entry.device]
        where = where or entry.device
        how = "Silent" if entry.silent else "Playing softly"
        return f"Headphones disconnected. {how} on {where}; `entrain output` changes that."

    def status(self, kept: State, here: bool, errors: Collection[str]) -> Status:
        """Return the present status.

        Parameters
        ----------
        kept : State
            Source of the settings that no other part holds.
        here : bool
            The running protocol is remembered for the present output.
        errors : collection of str
            The last errors, oldest first.

        """
        device, engine = self._device, self._engine
        state, target, softened = device.state, device.target, device.softened
        stats, rate_hz = engine.stats(), engine.rate_hz
        running = state is not None and state.running
        health = self.health()
        latency_frames = engine.latency_frames
        if state:
            latency_frames += round(state.added_us * rate_hz / 1e6)
        retry_at_s = device.retry_at_s
        callback = self._callback()
        protocol = self._protocol(here)
        undo_text, redo_text = self._undo.undo_text, self._undo.redo_text
        return Status(
            state=health.state,
            reason=health.reason,
            on=device.on,
            bypass=engine.bypass,
            mode=device.mode,
            icon=self._icon,
            applications=device.rules,
            session_log=kept.session_log,
            hotkeys=Hotkeys(enabled=kept.hotkeys, **self._hotkeys.report.model_dump()),
            sleep_left_s=self._player.sleep_left_s(clock.suspended_too_s()),
            settings=kept.settings,
            backend=device.backend_name,
            session_manager=state.session_manager if state else "",
            realtime=state.realtime if state else None,
            sandbox=self._sandbox,
            sink=OWN_DEVICE if state and state.phase != Phase.CONNECTING else "",
            output=Output(
                name=device.target_name,
                description=target.description if target else "",
                form=device.form,
                rate_hz=state.rate_hz,
                quantum_frames=state.quantum_frames,
            )
            if state and device.target_name
            else None,
            outputs=described(
                device.devices,
                current=device.target_name,
                default=state.effective_default if state else "",
                preferred=device.preferred,
            ),
            chosen_output=device.chosen,
            preferred_outputs=list(device.preferred),
            detour=device.detour,
            unplugged=device.unplugged.setting,
            hrtf=self._spaces.head,
            softened=("silent" if softened.silent else "softer") if softened else None,
            latency=Latency(added_frames=latency_frames, added_ms=1000 * latency_frames / rate_hz),
            protocol=protocol,
            position=Position(elapsed_s=protocol.elapsed_s, left_s=protocol.left_s),
            moving=self._player.moving(),
            revision=self._player.revision,
            can_undo=bool(undo_text),
            undo_text=undo_text,
            can_redo=bool(redo_text),
            redo_text=redo_text,
            levels=levels(engine) if running else Levels(),
            measured=self._measurement.look(self._player.running()) if running else None,
            head=self._tracked(),
            space=self._space(),
            osc=self._told_by_osc(),
            midi=self._told_by_midi(),
            volume=max(target.volume.channels, default=0.0) if target else None,
            muted=target.volume.muted if target else False,
            muffled=state.muffled if state else "",
            xruns=stats.xruns,
            cpu_load=self._load.of(stats.busy_ns),
            missing_buffers=stats.missing_buffers,
            nonfinite=stats.nonfinite,
            worst_callback_ms=callback.longest_lately_us / 1000,
            callback=callback,
            errors=list(errors),
            retry_in_s=max(0.0, retry_at_s - time.monotonic()) if retry_at_s else None,
            version=__version__,
            upgrade=self._upgrade.version,
        )

    def _protocol(self, here: bool) -> ActiveProtocol:
        elapsed_s, runs = self._engine.session()
        player = self._player
        return ActiveProtocol(
            id=player.protocol.id,
            name=player.protocol.name,
            elapsed_s=elapsed_s,
            left_s=player.left_s,
            runs=runs,
            ended=player.ended,
            rate_hz=player.rate_hz,
            note=player.note,
            here=here,
            layers=list(player.layers),
        )

    def _tracked(self) -> Head:
        head = self._head
        settings, report, angles = head.settings, head.report, head.angles
        return Head(
            on=settings.on,
            lan=settings.lan,
            port=settings.port,
            preset=settings.preset,
            invert=settings.invert,
            follow=settings.follow,
            listening=report.listening,
            source=report.source,
            packets_per_s=report.packets_per_s,
            age_s=head.age_s,
            yaw_deg=angles.yaw_deg if angles else None,
            pitch_deg=angles.pitch_deg if angles else None,
            roll_deg=angles.roll_deg if angles else None,
            ignored=report.ignored,
            malformed=report.malformed,
            problem=report.problem,
        )

    def _told_by_osc(self) -> OscStatus:
        return OscStatus(**self._osc.settings.model_dump(), **self._osc.report.model_dump())

    def _told_by_midi(self) -> MidiStatus:
        midi = self._midi
        told = midi.report.model_dump()
        running, heard = told.pop("system"), told.pop("heard")
        wish = midi.learning
        return MidiStatus(
            on=midi.settings.on,
            system=midi.settings.system,
            running=running,
            mappings=len(midi.settings.mappings),
            revision=midi.revision,
            learning=MidiLearning(target=wish.target, heard=heard) if wish else None,
            learned=midi.learned,
            **told,
        )

    def _space(self) -> Space:
        spaces, layer = self._spaces, self._player.space
        is_heard = layer is not None and spaces.head_in_use != ""
        angles = self._ears.angles if is_heard else None
        return Space(
            mode=cast("SpaceMode", layer.kind) if layer else "off",
            setting=spaces.settings.mode,
            note=spaces.note,
            hrtf=spaces.head,
            hrtf_in_use=spaces.head_in_use,
            head_cm=spaces.head_cm,
            params=layer.params if layer else {},
            sources=self._engine.space().sources,
            yaw_deg=angles.yaw_deg if angles else None,
            pitch_deg=angles.pitch_deg if angles else None,
            roll_deg=angles.roll_deg if angles else None,
        )

    def _callback(self) -> Callback:
        durations = self._engine.durations()
        return Callback(
            median_us=durations.quantile_us(0.5),
            p999_us=durations.quantile_us(0.999),
            longest_lately_us=durations.longest_ns / 1000,
            longest_lately_share=durations.longest_share,
        )


class _Load:
    """Share of one core that the callback has used since the last look."""

    def __init__(self) -> None:
        self._at_s = time.monotonic()
        self._busy_ns = 0
        self._share = 0.0

    def of(self, busy_ns: int) -> float:
        now_s = time.monotonic()
        if now_s - self._at_s > 0.1:
            self._share = (busy_ns - self._busy_ns) / 1e9 / (now_s - self._at_s)
            self._at_s, self._busy_ns = now_s, busy_ns
        return self._share
