"""Any command every 50 ms, while devices, defaults, rates, quanta and players come and go.

Usage: PYTHONPATH=tests python tests/device/random_commander.py [--minutes N] [--seed N]
           [--server pipewire|pulse] [--asan FOLDER]

The servers run at the same time.  After each half minute of storm Entrain and its surroundings
are brought to the same state, and its memory is looked at.  In the end sound must arrive; when
Entrain has quit, the default output, the volumes and the server's modules must be those from
before.  The commands follow from the seed, and so do the events around them.

With ``--asan`` Entrain runs with the libraries of that folder, which `.ci/native asan` has built:
AddressSanitizer then reports what is written or read beside its place.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import app
import numpy as np
import random_commands
import soundlab
from lab_servers import LabPipeWire, LabServer
from long_run import SERVERS, memory_kb
from measure import level_db

import entrain as package
from entrain.platform import processes
from entrain.platform.adapter import PlatformError
from entrain.platform.sandbox import VirtualDevice
from entrain.vdevice.api.client import Client, ClientError

PACE_S = 0.05
"""Between two commands."""
EVENT_S = 0.5
"""Between two changes around Entrain."""
ROUND_S = 30.0
NO_REFUSALS = ("internal error", "does not answer", "without an answer", "answer of Entrain")
"""What an answer says only where something is wrong."""
SLOWEST_ANSWER_S = 10.0
MOST_GROWTH_KB = 512
SHORTEST_FOR_MEMORY_S = 300.0
"""In a shorter run the memory is not judged: what Python keeps for the next time is still new."""

SPEAKERS = VirtualDevice("speakers", "Speakers", 1000)
HEADPHONES = VirtualDevice("headphones", "Headphones", 900)
PASSERS = (
    HEADPHONES,
    VirtualDevice("bluetooth", "Bluetooth", 1999, rate_hz=44100),
    VirtualDevice("telephone", "Telephone", 500, ("MONO",), 16000),
    VirtualDevice("cinema", "Cinema", 100, ("FL", "FR", "FC", "LFE", "RL", "RR"), 96000),
)
VOLUME = "60%"
PLAYERS = 4
TONE_S = 20.0


@dataclass
class Result:
    """What a run has shown."""

    server: str
    commands: int = 0
    refused: int = 0
    events: int = 0
    crashes: int = 0
    """Of the server's session manager, or that it stood still."""
    slowest_s: float = 0.0
    """The longest time until an answer."""
    memory_kb: list[int] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    """What must not be, one after the other."""

    @property
    def memory_growth_kb(self) -> int:
        """From the third quarter of the run to its last one; the first half is for warming up.

        Python takes memory in pieces of 1 MB, the last of them some minutes after the start.
        """
        quarter = len(self.memory_kb) // 4
        if not quarter:
            return 0
        third, last = self.memory_kb[-2 * quarter : -quarter], self.memory_kb[-quarter:]
        return int(np.median(last) - np.median(third))

    def __str__(self) -> str:
        memory = f"{(self.memory_kb or [0])[-1]} kB, grown by {self.memory_growth_kb} kB"
        return "\n".join(
            [
                f"-- {self.server}: {self.commands} commands, {self.refused} of them refused, "
                f"{self.events} events, {self.crashes} crashes of the session manager; "
                f"slowest answer {self.slowest_s:.2f} s; memory {memory}",
                *self.faults,
            ]
        )


def run(kind: str, seconds: float, seed: int, asan: Path | None = None) -> Result:
    """Storm for that long; the folders and the server are private."""
    result = Result(kind)
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="home-", dir="/tmp")))
        server = stack.enter_context(SERVERS[kind]((SPEAKERS, HEADPHONES)))
        environment = {**server.environment, **_folders(home)}
        soundlab.run(environment, "pactl", "set-sink-volume", "speakers", VOLUME)
        soundlab.run(environment, "pactl", "set-default-sink", "speakers")
        before = _surroundings(environment)
        words = stack.enter_context((home / "words").open("w"))
        sanitized = _sanitizer(asan, home) if asan else {}
        entrain = stack.enter_context(
            app.running({**environment, **sanitized}, *app.PATIENT[kind], stderr=words)
        )
        world = stack.enter_context(_World(server, environment, random.Random(seed)))
        commands = random_commands.Commands(
            random.Random(seed + 1), [SPEAKERS.name, *(device.name for device in PASSERS)]
        )
        end_s = time.monotonic() + seconds
        while not result.faults and time.monotonic() < end_s:
            _round(entrain, world, commands, result, min(time.monotonic() + ROUND_S, end_s))
            if entrain.process.poll() is not None:
                break
            _calm(entrain, world)
            result.memory_kb.append(memory_kb(entrain.pid))
        result.events, result.crashes = world.events, world.crashes
        if entrain.process.poll() is None:
            _expect(result, "sound arrives", lambda: _sounds(environment) or world.check(), 90)
            if result.faults:
                result.faults.append(json.dumps(entrain.status())[:3000])
            entrain("stop")
            with suppress(subprocess.TimeoutExpired):
                entrain.process.wait(20)
        if entrain.process.poll() != 0:
            result.faults.append(f"the process has ended with {entrain.process.poll()}")
        _expect(result, "all is as before", lambda: _surroundings(environment) == before)
        if "all is as before" in str(result.faults):
            result.faults.append(f"before: {before}\nafter: {_surroundings(environment)}")
        result.faults += _last_words(home)
    growth_kb = result.memory_growth_kb
    if seconds >= SHORTEST_FOR_MEMORY_S and not asan and growth_kb >= MOST_GROWTH_KB:
        result.faults.append(f"the memory has grown by {growth_kb} kB: {result.memory_kb}")
    return result


def _storm(kind: str, seconds: float, seed: int, asan: Path | None) -> Result:
    """Run; what fails on one server does not hide what the other one has shown."""
    try:
        return run(kind, seconds, seed, asan)
    except Exception as error:
        traceback.print_exc()
        return Result(kind, faults=[f"the run was not finished: {error}"])


def _expect(
    result: Result, what: str, condition: Callable[[], object], within_s: float = 20
) -> None:
    try:
        soundlab.wait_until(condition, within_s, what)
    except AssertionError as error:
        result.faults.append(str(error))


# ---- commands --------------------------------------------------------------------------------


def _round(
    entrain: app.App,
    world: "_World",
    commands: random_commands.Commands,
    result: Result,
    end_s: float,
) -> None:
    """Let both storms go on until then, each on a thread of its own."""
    with ThreadPoolExecutor(1) as pool:
        commanding = pool.submit(_command, entrain, commands, result, end_s)
        while time.monotonic() < end_s and not commanding.done():
            world.change()
            time.sleep(EVENT_S)
        commanding.result()


def _command(
    entrain: app.App, commands: random_commands.Commands, result: Result, end_s: float
) -> None:
    next_s = time.monotonic()
    with Client(app.control_socket(entrain.environment), SLOWEST_ANSWER_S) as client:
        while time.monotonic() < end_s:
            request = commands.next()
            began_s = time.monotonic()
            try:
                client.ask(**request)
            except ClientError as error:
                result.refused += 1
                if any(words in str(error) for words in NO_REFUSALS):
                    result.faults.append(f"{json.dumps(request)[:2000]}: {error}")
                    return
            result.slowest_s = max(result.slowest_s, time.monotonic() - began_s)
            result.commands += 1
            next_s = max(next_s + PACE_S, time.monotonic())
            time.sleep(max(0.0, next_s - time.monotonic()))


def _calm(entrain: app.App, world: "_World") -> None:
    """Bring all to where it was in the beginning; what Entrain remembers of devices stays."""
    with Client(app.control_socket(entrain.environment)) as client:
        client.ask("settings", mode="default", preferred_outputs=[], applications={})
        client.ask("output", name=None)
        client.ask("sleep", minutes=None)
        client.ask("off")
        world.calm()
        client.ask("use", protocol="default", here=False)
        client.ask("use", protocol="default")
        client.ask("session", runs=True, position_s=0)
        client.ask("bypass", on=False)
        client.ask("on")
    entrain.wait_for(on=True, timeout_s=20)
    entrain.wait_for_output("speakers")
    time.sleep(0.5)


# ---- surroundings ----------------------------------------------------------------------------


class _World:
    """What changes around Entrain: devices, defaults, rates, quanta, players."""

    def __init__(
        self, server: LabServer, environment: Mapping[str, str], chance: random.Random
    ) -> None:
        self.events = 0
        self.crashes = 0
        """Of the session manager, or that it stood still."""
        self._server = server
        self._environment = environment
        self._random = chance
        self._players: list[subprocess.Popen[bytes]] = []
        self._tone = Path(environment["HOME"]) / "tone"
        self._tone.write_bytes(soundlab.sine(1000, TONE_S, 0.1).tobytes())
        self._changes = [self._plug_any, self._choose, self._play, self._play]
        if server.kind == "pipewire":
            self._changes += [self._another_rate, self._another_quantum]

    def __enter__(self) -> "_World":
        return self

    def __exit__(self, *_: object) -> None:
        while self._players:
            self._stop(self._players.pop())

    def change(self) -> None:
        """Let one thing happen."""
        self._with_a_session_manager(self._random.choice(self._changes))
        self.events += 1

    def calm(self) -> None:
        """Let it be as in the beginning."""
        while self._players:
            self._stop(self._players.pop())
        for device in PASSERS:
            if self._is_there(device) != (device is HEADPHONES):
                self._with_a_session_manager(lambda passing=device: self._plug(passing))
        if self._server.kind == "pipewire":
            soundlab.force_rate(self._environment, 0)
            soundlab.force_quantum(self._environment, 0)
        self._make_default("speakers")
        self.check()

    def check(self) -> None:
        """Replace a session manager that stands still: then nobody's new streams are linked.

        WirePlumber 0.4 does so, too; what is played past Entrain is not heard either then.
        """
        for _ in range(3):
            if self._server.kind == "pulse" or _sounds(self._environment, "speakers"):
                return
            self._replace_session_manager()

    def _with_a_session_manager(self, happens: Callable[[], None]) -> None:
        """Start it again where it crashes, as a session's systemd does; WirePlumber 0.4 does."""
        if "wireplumber" in self._server.ended:
            self._replace_session_manager()
        try:
            happens()
        except (PlatformError, subprocess.TimeoutExpired):
            # Without an end it stands still; where that was not the reason, it happens again.
            if self._server.kind == "pulse" or self._server.ended.keys() - {"wireplumber"}:
                raise
            self._replace_session_manager()

    def _replace_session_manager(self) -> None:
        """Start it again; real devices go and come with it.

        WirePlumber 0.4 may stand still as well when it starts beside players, and PipeWire leaves
        each new client waiting meanwhile; when the players have ended it goes on.
        """
        server = self._server
        assert isinstance(server, LabPipeWire)
        server.kill_session_manager()
        there = server._sinks()
        devices = [device for device in (SPEAKERS, *PASSERS) if device.name in there]
        for tries_left in (2, 1, 0):
            self.crashes += 1
            try:
                server.kill_session_manager()
                for name in {device.name for device in devices} & server._sinks().keys():
                    server.remove_device(name)
                server.start_session_manager(wait=False)
                for device in devices:
                    server.add_device(device)
                soundlab.run(self._environment, "pactl", "set-sink-volume", "speakers", VOLUME)
                return
            except (PlatformError, subprocess.SubprocessError):
                if not tries_left:
                    raise
                while self._players:
                    self._stop(self._players.pop())

    def _is_there(self, device: VirtualDevice) -> bool:
        return device.name in soundlab.sink_states(self._environment)

    def _plug_any(self) -> None:
        self._plug(self._random.choice(PASSERS))

    def _plug(self, device: VirtualDevice) -> None:
        """Plug it in, or unplug it where it is there."""
        if self._is_there(device):
            self._server.remove_device(device.name)
        else:
            self._server.add_device(device)

    def _choose(self) -> None:
        names = [device.name for device in PASSERS]
        self._make_default(self._random.choice(["speakers", "entrain", *names]))

    def _make_default(self, name: str) -> None:
        with suppress(subprocess.CalledProcessError):  # it may be away, as Entrain's own
            soundlab.run(self._environment, "pactl", "set-default-sink", name)

    def _another_rate(self) -> None:
        soundlab.force_rate(self._environment, self._random.choice((0, 44100, 48000, 96000)))

    def _another_quantum(self) -> None:
        soundlab.force_quantum(
            self._environment, self._random.choice((0, 64, 256, 1024, 2048, 8192))
        )

    def _play(self) -> None:
        if len(self._players) >= PLAYERS or (self._players and self._random.random() < 0.4):
            self._stop(self._players.pop(self._random.randrange(len(self._players))))
            return
        sink = self._random.choice(("entrain", "entrain", "speakers", ""))
        latency_ms = self._random.choice((20, 100, 400))
        with self._tone.open("rb") as tone:
            self._players.append(
                subprocess.Popen(
                    [
                        *("pacat", "--playback", "--raw", "--format=float32le", "--channels=2"),
                        *(f"--rate={soundlab.RATE_HZ}", f"--latency-msec={latency_ms}"),
                        *([f"--device={sink}"] if sink else []),
                    ],
                    env={**os.environ, **self._environment},
                    stdin=tone,
                    stderr=subprocess.DEVNULL,
                )
            )

    def _stop(self, player: "subprocess.Popen[bytes]") -> None:
        if self._random.random() < 0.5:
            processes.end(player)
        else:
            player.kill()
            player.wait()


def _surroundings(environment: Mapping[str, str]) -> dict[str, Any]:
    """Return all that has to be afterwards as it was before."""

    def listed(what: str) -> list[dict[str, Any]]:
        said = soundlab.run(environment, "pactl", "--format=json", "list", what)
        return list(json.loads(said))

    return {
        "default": soundlab.default_sink(environment),
        "sinks": {
            sink["name"]: (
                sink["mute"],
                [channel["value_percent"] for channel in sink["volume"].values()],
            )
            for sink in listed("sinks")
        },
        "modules": sorted(
            f"{module['name']} {module['argument']}"
            for module in listed("modules")
            if "sink_name=headphones" not in str(module["argument"])  # which comes and goes
        ),
    }


def _sounds(environment: Mapping[str, str], sink: str = "") -> bool:
    """Whether what is played there, or to the default output, is heard at the speakers."""
    with (
        suppress(AssertionError),  # the recording stands still
        soundlab.play(environment, soundlab.sine(1000, 10, 0.1), sink),
        soundlab.recording(environment, "speakers") as recorder,
    ):
        end_s = time.monotonic() + 3
        while time.monotonic() < end_s:
            if level_db(recorder.take(0.1)[:, 0], 1000) > -50:
                return True
    return False


def _last_words(home: Path) -> list[str]:
    """Return what Entrain or AddressSanitizer has said that must not be."""
    found = [file.read_text(errors="replace")[:8000] for file in sorted(home.glob("asan.*"))]
    said = (home / "words").read_text(errors="replace")
    for word in ("Traceback", "never retrieved", "AddressSanitizer"):
        if word in said:
            found.append(said[max(0, said.index(word) - 500) :][:4000])
            break
    return found


def _folders(home: Path) -> dict[str, str]:
    """Return the variables of a home folder of the run's own."""
    folders = {"HOME": str(home)}
    for variable in ("RUNTIME_DIR", "STATE_HOME", "CONFIG_HOME", "CACHE_HOME", "DATA_HOME"):
        place = home / variable.split("_")[0].lower()
        place.mkdir(mode=0o700)
        folders[f"XDG_{variable}"] = str(place)
    return folders


def _sanitizer(libraries: Path, home: Path) -> dict[str, str]:
    """Copy the installed package, with these libraries in it; return what makes Python use it."""
    if not any(libraries.glob("libentrain.*")):
        raise SystemExit(f"no libraries in {libraries}; `.ci/native asan` builds them")
    copied = home / "python" / "entrain"
    shutil.copytree(
        Path(package.__file__).parent, copied, ignore=shutil.ignore_patterns("lib", "__pycache__")
    )
    shutil.copytree(libraries, copied / "lib")
    runtime = subprocess.run(
        ["g++", "-print-file-name=libasan.so"], capture_output=True, check=True, text=True
    ).stdout.strip()
    return {
        "PYTHONPATH": str(copied.parent),
        "LD_PRELOAD": str(Path(runtime).resolve()),
        # Python leaves much behind at its end, by design.
        "ASAN_OPTIONS": f"detect_leaks=0:exitcode=99:log_path={home / 'asan'}",
    }


def main() -> int:
    """Run, say what was found, and fail where something was."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--server", choices=SERVERS, action="append")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--asan", type=Path, help="the folder of such libraries")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    kinds = options.server or list(SERVERS)
    with ThreadPoolExecutor(len(kinds)) as pool:
        results = list(
            pool.map(
                lambda kind: _storm(kind, 60 * options.minutes, options.seed, options.asan), kinds
            )
        )
    for result in results:
        print(result, flush=True)
    return int(any(result.faults for result in results))


if __name__ == "__main__":
    sys.exit(main())
