"""Stored states of Entrain, for tests to inspect and to damage."""

import asyncio
import json
from pathlib import Path
from typing import Any

from entrain.platform.null import NullAdapter
from entrain.vdevice.api import messages
from entrain.vdevice.app import App
from entrain.vdevice.device.applications.rules import ApplicationRules
from entrain.vdevice.head.settings import TrackingSettings
from entrain.vdevice.options import RunOptions
from entrain.vdevice.protocol.library import Library
from entrain.vdevice.protocol.model import Protocol
from entrain.vdevice.protocol.parts.automation import Automation, Breakpoint
from entrain.vdevice.protocol.spec import from_specs
from entrain.vdevice.remote.midi_settings import MidiMapping, MidiSettings
from entrain.vdevice.remote.osc_settings import OscSettings
from entrain.vdevice.session.session_log import SessionLog
from entrain.vdevice.storage.state import State
from entrain.vdevice.storage.store import Store

KILLED = ".entrain-0123456789abcdef.part"
"""Name of the file that a process leaves behind when it is killed during a save."""

FULL = State(
    on=True,
    bypass=True,
    protocol=from_specs(["tone=binaural:beat_hz=4"]),
    output="speakers",
    former_default="headset",
    settings={"pre.gate": 1.0, "limiter.ceiling_db": -3.0},
    mode="manual",
    applications=ApplicationRules(include=("mpv", "spotify"), exclude=("zoom",), calls_pass=False),
    remembered={"headset": "focus-16", "speakers": from_specs(["noise"])},
    recent=("focus-16", "sleep-onset"),
    tracking={"headset": TrackingSettings(on=True, preset="nvsonic", invert=("yaw",), follow=0.5)},
    osc=OscSettings(on=True, port=6000, listen="127.0.0.2"),
    midi=MidiSettings(
        on=True,
        system="jack",
        mappings=(
            MidiMapping(device="Knobs", kind="cc", channel=1, number=7, target="tone.beat_hz"),
        ),
    ),
    session_log=False,
    hotkeys=True,
    latency_ms=20.0,
)


def written(path: Path, state: State = FULL) -> dict[str, Any]:
    """Write a state as Entrain does, and return the file's content."""
    Store(path).save(state)
    return dict(json.loads(path.read_bytes()))


async def _use(app: App) -> None:
    assert app.status()
    assert app.greeting()
    await app.hub.ask(messages.Bypass())
    await app.saver.flush()


def start(path: Path) -> None:
    """Start Entrain with a stored state, ask for its status, and save."""
    app = App(
        RunOptions(backend="null"),
        NullAdapter(),
        Store(path),
        SessionLog(None),
        Library(path.parent / "own"),
        sandbox={},
    )
    try:
        asyncio.run(_use(app))
    finally:
        app.engine.close()


def long_protocol(name: str = "Long") -> Protocol:
    """Make a protocol that is too long for the state's own file."""
    points = tuple(Breakpoint(at_s=t, value=4 + t % 7 / 10) for t in range(10_000))
    layer = from_specs(["tone=binaural"]).layers[0]
    layers = (layer.model_copy(update={"automation": {"beat_hz": Automation(points=points)}}),)
    return Protocol(id="long", name=name, layers=layers)
