"""Real players that a test steers: mpv, GStreamer's playbin and Chromium.

Each plays two titles in turn, without an end, on the default device.
"""

import json
import os
import random
import select
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, Self

import soundlab
from needs import skip_without, skip_without_programs

from entrain.platform import processes
from entrain.platform.sandbox import Sandbox

PACE_S = 0.08
PATIENCE_S = 20
SYSTEM_PYTHON = "/usr/bin/python3"
"""GStreamer's Python modules are packages of the system."""


class RealPlayer(ABC):
    """A running player; a context manager."""

    name: ClassVar[str]
    """The name of its streams' app in the sound server."""

    def __init__(self, server: Sandbox, folder: Path, titles: Sequence[Path], title_s: float):
        self.actions = 0
        self._server = server
        self._folder = folder
        self._titles = titles
        self._title_s = title_s

    @staticmethod
    @abstractmethod
    def skip_if_missing() -> None:
        """Skip the test if this machine lacks the player."""

    @abstractmethod
    def __enter__(self) -> Self:
        """Start the player, which begins to play."""

    @abstractmethod
    def __exit__(self, *_: object) -> None:
        """End the player."""

    def storm(self, count: int, chance: random.Random) -> None:
        """Carry out `count` random actions, one after the other."""
        for _ in range(count):
            self._anything(chance)
            time.sleep(chance.uniform(0.5, 1.5) * PACE_S)
            self.actions += 1

    def _anything(self, chance: random.Random) -> None:
        choice = chance.random()
        if choice < 0.7:
            self._seek(chance.uniform(0, self._title_s - 2))
        elif choice < 0.85:
            self._pause()
            time.sleep(0.05)
            self._resume()
        elif choice < 0.95:
            self._seek(self._title_s - 0.1)
            time.sleep(0.2)
        else:
            self._open_next()

    @abstractmethod
    def _seek(self, position_s: float) -> None: ...

    @abstractmethod
    def _pause(self) -> None: ...

    @abstractmethod
    def _resume(self) -> None: ...

    @abstractmethod
    def _open_next(self) -> None:
        """Break the title off and play the other one."""

    def _start(self, *command: str, **options: Any) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(command, env={**os.environ, **self._server.environment}, **options)


class Mpv(RealPlayer):
    """The player mpv, controlled through its socket."""

    name = "mpv"

    @staticmethod
    def skip_if_missing() -> None:
        skip_without_programs("mpv")

    def __enter__(self) -> Self:
        path = self._folder / "mpv"
        driver = {"pipewire": "pipewire", "pulse": "pulse"}[self._server.kind]
        self._process = self._start(
            *("mpv", "--no-config", "--no-video", "--no-terminal", f"--ao={driver}"),
            *("--loop-playlist=inf", "--gapless-audio=no", "--hr-seek=yes"),
            *(f"--input-ipc-server={path}", *map(str, self._titles)),
        )
        try:
            soundlab.wait_until(path.exists, PATIENCE_S, "mpv listens")
        except BaseException:
            processes.end(self._process)
            raise
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        self._socket.settimeout(PATIENCE_S)
        self._answers = self._socket.makefile("rb")
        return self

    def __exit__(self, *_: object) -> None:
        self._answers.close()
        self._socket.close()
        self._process.kill()
        self._process.wait()

    def _seek(self, position_s: float) -> None:
        self._ask("seek", position_s, "absolute")

    def _pause(self) -> None:
        self._ask("set_property", "pause", True)

    def _resume(self) -> None:
        self._ask("set_property", "pause", False)

    def _open_next(self) -> None:
        self._ask("playlist-next")

    def _ask(self, *command: object) -> None:
        """Send a command and wait for the answer; mpv may refuse a command between two titles."""
        self._socket.sendall(json.dumps({"command": command}).encode() + b"\n")
        while "error" not in json.loads(self._answers.readline()):
            pass  # the line was an event, not the answer


class GStreamer(RealPlayer):
    """GStreamer's playbin in a process of its own, which reads commands; see its script."""

    name = "gstreamer"

    @staticmethod
    def skip_if_missing() -> None:
        script = Path(__file__).with_name("gstreamer_player.py")
        check = [SYSTEM_PYTHON, str(script)]
        try:
            present = subprocess.run(check, capture_output=True, check=False).returncode == 0
        except FileNotFoundError:
            present = False
        needed = "python3-gi", "gir1.2-gstreamer-1.0", "gstreamer1.0-plugins-{base,good}"
        skip_without([] if present else [*needed, "gstreamer1.0-pulseaudio"])

    def __enter__(self) -> Self:
        script = Path(__file__).with_name("gstreamer_player.py")
        self._process = self._start(
            *(SYSTEM_PYTHON, str(script), *(title.as_uri() for title in self._titles)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        return self

    def __exit__(self, *_: object) -> None:
        processes.end(self._process)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe
            pipe.close()

    def _seek(self, position_s: float) -> None:
        self._ask(f"seek {position_s}")

    def _pause(self) -> None:
        self._ask("pause")

    def _resume(self) -> None:
        self._ask("resume")

    def _open_next(self) -> None:
        self._ask("next")

    def _ask(self, command: str) -> None:
        """Send a command and wait until it has been carried out."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{command}\n".encode())
        self._process.stdin.flush()
        assert select.select([self._process.stdout], [], [], PATIENCE_S)[0], command
        assert self._process.stdout.readline() == b"done\n", command


class Chromium(RealPlayer):
    """An audio element in Chromium, controlled through the pipe for remote debugging."""

    name = "Chromium"

    @staticmethod
    def skip_if_missing() -> None:
        skip_without_programs("chromium", "bash")

    def __enter__(self) -> Self:
        page = self._folder / "page.html"
        page.write_text(_PAGE.replace("TITLES", json.dumps([t.as_uri() for t in self._titles])))
        reads, self._commands = os.pipe()
        self._answers, writes = os.pipe()
        self._process = self._start(
            # Chromium reads commands from the descriptor 3 and answers through 4.
            *("bash", "-c", f'exec "$@" 3<&{reads} 4>&{writes}', "bash"),
            *("chromium", "--headless=new", "--no-sandbox", "--remote-debugging-pipe"),
            *("--autoplay-policy=no-user-gesture-required", "--no-first-run", "--disable-gpu"),
            *("--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
            "--allow-file-access-from-files",  # else audio contexts get silence
            *(f"--user-data-dir={self._folder / 'chromium'}", page.as_uri()),
            pass_fds=(reads, writes),
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(reads)
        os.close(writes)
        self._number = 0
        self._unread = b""
        self._session = ""
        try:
            self._session = self._attach(page.as_uri())
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        processes.end(self._process)
        with suppress(ProcessLookupError):  # they still write into the folder
            os.killpg(self._process.pid, signal.SIGKILL)
        os.close(self._commands)
        os.close(self._answers)

    def _seek(self, position_s: float) -> None:
        self._run(f"seek({position_s})")

    def _pause(self) -> None:
        self._run("pause()")

    def _resume(self) -> None:
        self._run("play()")

    def _open_next(self) -> None:
        self._run("change()")

    def _attach(self, address: str) -> str:
        """Return the session with which commands reach the page."""

        def page() -> str:
            targets = self._ask("Target.getTargets")["targetInfos"]
            return next((each["targetId"] for each in targets if each["url"] == address), "")

        target = soundlab.wait_until(page, PATIENCE_S, "Chromium opens the page")
        answer = self._ask("Target.attachToTarget", targetId=target, flatten=True)
        return str(answer["sessionId"])

    def _run(self, script: str) -> None:
        """Run a script in the page, and wait for its promise."""
        answer = self._ask("Runtime.evaluate", expression=script, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer

    def _ask(self, method: str, **parameters: object) -> dict[str, Any]:
        """Send a command and return the answer."""
        self._number += 1
        command = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            command["sessionId"] = self._session
        os.write(self._commands, json.dumps(command).encode() + b"\0")
        while True:
            while b"\0" not in self._unread:
                assert select.select([self._answers], [], [], PATIENCE_S)[0], command
                more = os.read(self._answers, 65536)
                assert more, "Chromium has ended"
                self._unread += more
            message, self._unread = self._unread.split(b"\0", 1)
            answer = json.loads(message)
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return dict(answer["result"])


_PAGE = """<!doctype html>
<title>A page with sound</title>
<script>
const titles = TITLES;
let audio = new Audio(), context, changes = 0, number = 0;

// A pause or another source in the meantime breaks play() off, which is not an error here.
async function play() {
  await context?.resume();
  audio.play().catch(() => {});
}

async function pause() {
  audio.pause();
  await context?.suspend();
}

function next() {
  audio.src = titles[number++ % titles.length];
  return play();
}

// The promise is kept when the sound is at its new place, or another title has begun.
function seek(position) {
  return new Promise(done => {
    for (const event of ["seeked", "emptied", "error"])
      audio.addEventListener(event, () => done(), {once: true});
    audio.currentTime = position;
    setTimeout(done, 1000);
  });
}

// An element by itself plays silence while it pauses, and all of them share one stream.  Behind an
// audio context it has a stream of its own, which stops in a pause.
async function open() {
  audio.pause();
  await context?.close();
  audio = new Audio();
  audio.addEventListener("ended", next);
  context = context ? null : new AudioContext();
  context?.createMediaElementSource(audio).connect(context.destination);
  await next();
}

function change() { return changes++ % 2 ? open() : next(); }

open();
</script>
"""
