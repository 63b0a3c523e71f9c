"""`entrain doctor`: look at all that Entrain needs, without changing anything."""

import os
import platform
from collections.abc import Callable, Iterator
from pathlib import Path

from entrain import __version__
from entrain.errors import EntrainError
from entrain.platform import factory
from entrain.platform.adapter import SINK_NAME, PlatformAdapter
from entrain.vdevice.reports import Finding


def examine() -> list[Finding]:
    """Look, from the inside of Entrain outwards; may wait some seconds for the sound server."""
    found = [Finding("entrain", None, f"{__version__}, Python {platform.python_version()}")]
    found += _guarded("native library", _engine)
    found += _guarded("back ends", _backends)
    try:
        adapter = factory.load()
    except EntrainError as error:
        return [*found, Finding("system", False, str(error))]
    running = _is_running()
    text = "runs" if running else "does not run"
    found.append(Finding("running app", None, text, "" if running else "start it: entrain run"))
    found += _guarded("sound server", lambda: _server(adapter, running))
    found += _guarded("settings", lambda: _folders(adapter))
    return found


def _guarded(name: str, look: Callable[[], Iterator[Finding]]) -> list[Finding]:
    found: list[Finding] = []
    try:
        found.extend(look())
    except EntrainError as error:
        found.append(Finding(name, False, str(error)))
    return found


def _engine() -> Iterator[Finding]:
    from entrain.engine import Engine, blocks

    with Engine() as engine:
        kinds = ", ".join(sorted(blocks()))
        yield Finding("native library", True, f"loads; {kinds}")
        latency_ms = 1000 * engine.latency_frames / engine.rate_hz
        yield Finding("added latency", None, f"{latency_ms:.2f} ms at {engine.rate_hz} Hz")


def _backends() -> Iterator[Finding]:
    from entrain.backend import available

    names = available()
    ok = bool({"pipewire", "pulse"} & set(names))
    advice = "" if ok else "install libpipewire-0.3 or libpulse and libsamplerate, build again"
    yield Finding("back ends", ok, ", ".join(names) or "none", advice)


def _server(adapter: PlatformAdapter, running: bool) -> Iterator[Finding]:
    server = adapter.connect()
    try:
        info = server.info()
        devices = server.devices()
    finally:
        server.close()
    yield Finding("sound server", True, f"{info.name} {info.version}")
    backend = adapter.default_backend()
    yield Finding("back end here", True, backend)
    real = [device for device in devices if not device.own]
    advice = "" if real else "does a session manager (WirePlumber) run?"
    names = ", ".join(device.description for device in real)
    yield Finding("output devices", bool(real), names or "none", advice)
    left_behind = any(device.own for device in devices) and not running
    if left_behind:
        yield Finding("leftovers", False, "a device Entrain without its app", "entrain run")
    default_is_stale = info.default == SINK_NAME and not running
    advice = "entrain run, then entrain off" if default_is_stale else ""
    yield Finding("default output", not default_is_stale, info.default or "none", advice)


def _folders(adapter: PlatformAdapter) -> Iterator[Finding]:
    folder = adapter.paths().state
    # A folder that is not there yet can be made where its nearest parent can be written.
    place = next(p for p in (folder, *folder.parents) if p.exists())
    ok = os.access(place, os.W_OK)
    text = "can be saved" if ok else f"cannot be saved: no right to write to {_private(place)}"
    yield Finding("settings", ok, text)


def _private(path: Path) -> str:
    """Leave the user's name out: this text goes into bug reports."""
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)


def _is_running() -> bool:
    from entrain.vdevice.client import Client, NotRunning

    try:
        with Client():
            return True
    except NotRunning:
        return False
    except EntrainError:  # it is there, but does not answer
        return True
