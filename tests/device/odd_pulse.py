"""Unusual PulseAudio servers: old, restricted, full, or owned by another user."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import soundlab
from lab_servers import LabPulse, LabServer

from entrain.platform.socket_probe import listens

NULL_SINK = "module-null-sink.so"


class OldPulse(LabPulse):
    """A server whose null sink does not know ``norewinds``, as before version 15."""

    def _options(self) -> list[str]:
        replace_null_sink(self.folder, "norewinds")
        return [*super()._options(), *module_folders(self.folder)]


class FullPulse(LabPulse):
    """A server that refuses one more null sink after `fill`, and accepts it after `empty`."""

    def _options(self) -> list[str]:
        (self.folder / "modules").mkdir(exist_ok=True)
        return [*super()._options(), *module_folders(self.folder)]

    def fill(self) -> None:
        # The devices exist already.  A new null sink fails, because it does not know `sink_name`.
        replace_null_sink(self.folder, "sink_name")

    def empty(self) -> None:
        (self.folder / "modules" / NULL_SINK).unlink()


class LockedPulse(LabPulse):
    """A server that loads no modules after its start."""

    def _options(self) -> list[str]:
        return [*super()._options(), "--disallow-module-loading"]


def module_folders(folder: Path) -> list[str]:
    """Return the options with which a server looks for modules in our folder first."""
    return [f"--dl-search-path={folder / 'modules'}:{installed_modules()}"]


def replace_null_sink(folder: Path, argument: str) -> None:
    """Put a null sink into the folder that does not know this argument."""
    code = (installed_modules() / NULL_SINK).read_bytes()
    word = b"\0" + argument.encode() + b"\0"
    assert word in code
    (folder / "modules").mkdir(exist_ok=True)
    (folder / "modules" / NULL_SINK).write_bytes(code.replace(word, word.upper()))


def installed_modules() -> Path:
    conf = subprocess.run(["pulseaudio", "--dump-conf"], capture_output=True, text=True).stdout
    return Path(conf.split("dl-search-path = ")[1].splitlines()[0])


@contextmanager
def strangers_server(server: LabServer, folder: Path) -> Iterator[tuple[dict[str, str], Path]]:
    """Forward a socket to a server so that the server cannot see that we are its owner.

    Yields the variables with which programs connect through this socket, and the path of the cookie
    that they present, which is a wrong cookie.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    tcp = ("module-native-protocol-tcp", "listen=127.0.0.1", f"port={port}")
    soundlab.run(
        server.environment,
        *("pactl", "load-module", *tcp, f"auth-cookie={server.environment['PULSE_COOKIE']}"),
    )
    cookie = folder / "cookie"
    cookie.write_bytes(bytes(256))
    path = folder / "native"
    forward = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("forward.py")), str(path), str(port)]
    )
    try:
        soundlab.wait_until(lambda: listens(path), 10, "the socket accepts connections")
        yield {"PULSE_SERVER": f"unix:{path}", "PULSE_COOKIE": str(cookie)}, cookie
    finally:
        forward.kill()
        forward.wait()
