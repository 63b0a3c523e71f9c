"""`entrain doctor`: checks all that Entrain needs; `clean_up` removes the remains of a crash."""

import contextlib
import os
import platform
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from entrain import __version__
from entrain.errors import EntrainError
from entrain.platform import factory
from entrain.platform.adapter import OWN_DEVICE, Device, PlatformAdapter
from entrain.platform.installation_kind import installation
from entrain.vdevice import logs
from entrain.vdevice.limits import is_loopback
from entrain.vdevice.offline.leftovers import running_status
from entrain.vdevice.offline.redaction import without_names
from entrain.vdevice.offline.reports import Finding

_LIBRARIES = (
    *("pydantic", "pulsectl", "click", "cffi", "numpy", "soundfile", "platformdirs"),
    *("pysofaconventions", "netCDF4"),
)


def examine() -> list[Finding]:
    """Check everything, from the engine outwards; may wait some seconds for the sound server.

    Returns
    -------
    list of Finding
        Findings without names of people and machines, so that they can be published.

    """
    found = [Finding("entrain", None, f"{__version__}, Python {platform.python_version()}")]
    found.append(_installed())
    found += _guarded("system", _system)
    found += _guarded("native library", _engine)
    found += _guarded("back ends", _backends)
    try:
        adapter = factory.load()
    except EntrainError as error:
        return [*found, Finding("sound system", False, str(error))]
    status = running_status()
    found += list(_app(status))
    sandbox = status.get("sandbox", {}) if status else {}
    if sandbox:
        found.append(Finding("sandbox", None, "Entrain plays on a private sound server"))
    with _environment(sandbox):
        found += _guarded("sound server", lambda: _server(adapter, status))
    found += _guarded("priority", lambda: _priority(status))
    found += _guarded("settings", lambda: _folders(adapter))
    return [Finding(f.name, f.ok, without_names(f.text), without_names(f.advice)) for f in found]


@contextlib.contextmanager
def _environment(changes: Mapping[str, str]) -> Iterator[None]:
    """Change the environment during the block."""
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _guarded(name: str, look: Callable[[], Iterator[Finding]]) -> list[Finding]:
    found: list[Finding] = []
    try:
        found.extend(look())
    except EntrainError as error:
        found.append(Finding(name, False, str(error)))
    return found


def _installed() -> Finding:
    found = installation()
    return Finding("installed", None, found.way, f"to update: {found.update}")


def _system() -> Iterator[Finding]:
    name = f"{platform.system()} {platform.release()}"
    if sys.platform == "linux":
        with contextlib.suppress(OSError, KeyError):  # the system does not name itself
            name = f"{platform.freedesktop_os_release()['PRETTY_NAME']}, {name}"
    desktop = os.environ.get("XDG_CURRENT_DESKTOP", "")
    session = os.environ.get("XDG_SESSION_TYPE", "")
    yield Finding("system", None, ", ".join(filter(None, (name, desktop, session))))
    versions = []
    for library in _LIBRARIES:
        try:
            versions.append(f"{library} {metadata.version(library)}")
        except metadata.PackageNotFoundError:
            versions.append(f"{library} missing")
    yield Finding("libraries", None, ", ".join(versions))


def _engine() -> Iterator[Finding]:
    from entrain.engine import Engine, blocks, faust_version

    with Engine() as engine:
        text = f"loads; {len(blocks())} blocks of FAUST {faust_version()}"
        yield Finding("native library", True, text)
        latency_ms = 1000 * engine.latency_frames / engine.rate_hz
        yield Finding("added latency", None, f"{latency_ms:.2f} ms at {engine.rate_hz} Hz")


def _backends() -> Iterator[Finding]:
    from entrain.backend import available

    names = available()
    ok = bool({"pipewire", "pulse"} & set(names))
    advice = "" if ok else "install libpipewire-0.3 or libpulse and libsamplerate, build again"
    yield Finding("back ends", ok, ", ".join(names) or "none", advice)


def _app(status: dict[str, Any] | None) -> Iterator[Finding]:
    if status is None:
        yield Finding("running app", None, "does not run", "start it: entrain run")
        return
    if not status:
        yield Finding("running app", False, "is there, but does not answer", "entrain stop")
        return
    state, reason = status["state"], status["reason"]
    well = state not in ("failed", "waiting-for-device")
    text = f"{state}: {reason}" if reason else state
    xruns = f"{status['xruns']} {'xrun' if status['xruns'] == 1 else 'xruns'}"
    yield Finding("running app", well, f"{text}; {status['mode']} mode, {xruns}")
    if upgrade := status.get("upgrade"):
        text = f"{status['version']} is running, {upgrade} is installed"
        yield Finding("upgrade", None, text, "restart Entrain: entrain stop, then entrain run")
    yield from _counted(status)
    callback = status["callback"]
    share = callback["longest_lately_share"]
    if share > 0:
        longest_ms = callback["longest_lately_us"] / 1000
        text = f"{longest_ms:.2f} ms at most in the last minute, {share:.0%} of the time there is"
        advice = "" if share < 1 else "the machine was too busy; see `priority` below"
        yield Finding("sound thread", share < 1, text, advice)
    if space := status.get("space"):
        yield _space(space)
    if head := status.get("head"):
        yield _tracker(head)
    if osc := status.get("osc"):
        yield _osc(osc)
    if midi := status.get("midi"):
        yield _midi(midi)
    if muffled := status["muffled"]:
        what, _, advice = muffled.partition("; ")
        yield Finding("volume", False, what, advice)
    for error in status["errors"]:
        yield Finding("last error", None, error)


def _counted(status: dict[str, Any]) -> Iterator[Finding]:
    """Report the counters of the sound thread; an app of an older version lacks some of them."""
    missing, nonfinite = status.get("missing_buffers", 0), status.get("nonfinite", 0)
    text = f"{missing} cycles without a buffer, {nonfinite} samples that were not numbers"
    advice = (
        "an app plays broken sound; Entrain replaces those samples by silence" if nonfinite else ""
    )
    yield Finding("sound since the start", None, text, advice)


def _space(space: dict[str, Any]) -> Finding:
    name = "space"
    if space["mode"] == "off":
        return Finding(name, None, "; ".join(filter(None, ("off", space["note"]))))
    ready = space["hrtf_in_use"] == space["hrtf"]
    text = f"{space['mode']}, HRTF {space['hrtf']}, head of {space['head_cm']:g} cm"
    if ready:
        return Finding(name, True, text)
    advice = "" if not space["hrtf_in_use"] else "choose another one: entrain hrtf list"
    return Finding(name, None if not advice else False, f"{text}; {space['note']}", advice)


def _tracker(head: dict[str, Any]) -> Finding:
    if not head["on"]:
        return Finding("head tracking", None, "off")
    if head["problem"]:
        advice = "close the other app, or choose another port: entrain head on --port"
        return Finding("head tracking", False, head["problem"], advice)
    ports = " and ".join(map(str, head["listening"]))
    where = ", open to your network" if head["lan"] else ""
    if not head["packets_per_s"]:
        advice = "let your tracker send OSC or opentrack's packets to one of these ports"
        return Finding("head tracking", None, f"no poses at UDP port {ports}{where}", advice)
    text = f"{head['packets_per_s']:.0f} packets a second{where}"
    return Finding("head tracking", True, f"{text}, {head['malformed']} malformed so far")


def _osc(osc: dict[str, Any]) -> Finding:
    if not osc["on"]:
        return Finding("OSC", None, "off")
    if osc["problem"] or not osc["listening"]:
        text = osc["problem"] or "it does not listen yet"
        return Finding("OSC", False, text, "choose another port: entrain osc on --port")
    where = "" if is_loopback(osc["listen"]) else ", open to your network"
    text = f"UDP port {osc['port']}{where}, {osc['packets']} packets, {osc['refused']} refused"
    return Finding("OSC", True, text)


def _midi(midi: dict[str, Any]) -> Finding:
    if not midi["on"]:
        return Finding("MIDI", None, "off")
    if midi["problem"] or not midi["running"]:
        text = midi["problem"] or "it does not listen yet"
        return Finding("MIDI", False, text, "docs/midi.md says what MIDI needs")
    devices = ", ".join(midi["devices"]) or "no device"
    text = f"{midi['running']}, {devices}, {midi['messages']} messages, {midi['refused']} refused"
    return Finding("MIDI", True, text)


def _server(adapter: PlatformAdapter, status: dict[str, Any] | None) -> Iterator[Finding]:
    server = adapter.connect()
    try:
        info = server.info()
        manager = server.session_manager()
        devices = server.devices()
    finally:
        server.close()
    yield Finding("sound server", True, f"{info.name} {info.version}")
    if manager is not None:
        named = status.get("session_manager") if status else ""
        advice = "start it: systemctl --user start wireplumber"
        if status and status.get("sandbox"):
            advice = "start Entrain again: entrain stop, then entrain run --sandbox"
        advice = "" if manager else advice
        yield Finding("session manager", bool(manager), named or manager or "none", advice)
    yield Finding("back end here", True, adapter.default_backend())
    real = [device for device in devices if device.is_real]
    advice = "" if real else "connect one, or look for it in the desktop's sound settings"
    names = ", ".join(map(_described, real))
    yield Finding("output devices", bool(real), names or "none", advice)
    running = status is not None
    if any(device.name == OWN_DEVICE and not device.own for device in devices):
        text = f'another device has the name "{OWN_DEVICE}"'
        yield Finding("device name", False, text, "rename or remove it; Entrain then comes back")
    if any(device.own for device in devices) and not running:
        text = "a device Entrain without its app"
        yield Finding("leftovers", False, text, "entrain doctor --fix")
    stale = info.default == OWN_DEVICE and not running
    default = next((_described(d) for d in real if d.name == info.default), info.default)
    advice = "entrain doctor --fix" if stale else ""
    yield Finding("default output", not stale, default or "none", advice)


def _described(device: Device) -> str:
    """Describe a device; a Bluetooth device gets no name, since it often contains its owner's."""
    bluetooth = "bluez" in device.name
    name = "a Bluetooth device" if bluetooth else device.description
    form = "" if device.form == "unknown" else f"{device.form}, "
    return f"{name} ({form}{device.channels} channels, {device.rate_hz} Hz)"


def _priority(status: dict[str, Any] | None) -> Iterator[Finding]:
    if status and status.get("realtime") is not None:
        text = "the audio thread is real-time" if status["realtime"] else "an ordinary thread"
        advice = "install rtkit, or see in the log why it refuses; it works without, but may click"
        if status["realtime"] or status.get("sandbox"):  # the sandbox does not ask rtkit
            advice = ""
        yield Finding("priority", None, text, advice)
        return
    if sys.platform != "win32":
        import resource

        limit = getattr(resource, "RLIMIT_RTPRIO", None)
        if limit is not None:
            allowed = resource.getrlimit(limit)[1]
            text = f"this user may ask for {allowed}" if allowed else "only through rtkit"
            yield Finding("priority", None, f"real-time: {text}")


def _folders(adapter: PlatformAdapter) -> Iterator[Finding]:
    paths = adapter.paths()
    for name, folder in (("settings", paths.state), ("own protocols", paths.data)):
        # A missing folder can be created if its nearest existing parent is writable.
        place = next(p for p in (folder, *folder.parents) if p.exists())
        ok = place.is_dir() and os.access(place, os.W_OK)
        text = "can be saved" if ok else f"cannot be saved: {_short(place)} is not writable"
        yield Finding(name, ok, text)
    for line in logs.last_lines(paths.state):
        yield Finding("logged", None, line)


def _short(path: Path) -> str:
    try:
        home = Path.home()
    except RuntimeError:  # a user without a home folder
        return str(path)
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)
