"""Sends a random command every 50 ms while devices, rates, defaults, players and heads change.

Usage: PYTHONPATH=tests python tests/device/random_commander.py [--minutes N] [--seed N]
           [--server pipewire|pulse] [--asan FOLDER]

The servers are tested in parallel.  After each half minute, Entrain and its surroundings are
brought to the initial state, and Entrain's memory is measured.  At the end, sound must arrive.
When Entrain has quit, the default output, the volumes and the server's modules must be the same as
before the run.  The seed determines the commands and the events around them.

With ``--asan`` Entrain runs with the libraries of that folder, which `.ci/native asan` has built:
AddressSanitizer then reports invalid reads and writes.
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
from head_tracker import RestlessTracker
from lab_servers import LabPipeWire, LabServer
from long_run import SERVERS, memory_kb
from measure import level_db
from prepared_heads import prepare_heads

import entrain as package
from entrain.platform import processes
from entrain.platform.adapter import PlatformError
from entrain.platform.sandbox import VirtualDevice
from entrain.vdevice.api.client import Client, ClientError

PACE_S = 0.05
"""Time between two commands."""
EVENT_S = 0.5
"""Time between two changes around Entrain."""
ROUND_S = 30.0
NO_REFUSALS = ("internal error", "does not answer", "without an answer", "answer of Entrain")
"""Texts that an answer contains only if Entrain has a fault."""
SLOWEST_ANSWER_S = 10.0
MOST_GROWTH_KB = 512
MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(256 * 1024)}
"""With its own threshold, glibc keeps the memory of up to four heads for later: 10 MB each."""
SHORTEST_FOR_MEMORY_S = 300.0
"""A shorter run does not check the memory, because Python is still filling its caches."""

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
    """The result of a run."""

    server: str
    commands: int = 0
    refused: int = 0
    events: int = 0
    crashes: int = 0
    """How often the session manager crashed or hung."""
    slowest_s: float = 0.0
    """The longest time until an answer."""
    memory_kb: list[int] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    """A description of each fault."""

    @property
    def memory_growth_kb(self) -> int:
        """The growth from the third quarter of the run to the last; the first half is a warm-up.

        Python allocates memory in pieces of 1 MB, the last piece some minutes after the start.
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
    """Send commands for that long, with a private server and private folders."""
    result = Result(kind)
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="home-", dir="/tmp")))
        server = stack.enter_context(SERVERS[kind]((SPEAKERS, HEADPHONES)))
        environment = {**server.environment, **_folders(home)}
        soundlab.run(environment, "pactl", "set-sink-volume", "speakers", VOLUME)
        soundlab.run(environment, "pactl", "set-default-sink", "speakers")
        before = _surroundings(environment)
        messages = stack.enter_context((home / "messages").open("w"))
        memory = _sanitizer(asan, home) if asan else MEMORY
        prepare_heads(environment)  # with AddressSanitizer, Entrain cannot
        entrain = stack.enter_context(
            app.running({**environment, **memory}, *app.PATIENT[kind], stderr=messages)
        )
        stack.enter_context(RestlessTracker(entrain, random.Random(seed + 2)))
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
        unchanged = "the surroundings are the same as before"
        _expect(result, unchanged, lambda: _surroundings(environment) == before)
        if unchanged in str(result.faults):
            result.faults.append(f"before: {before}\nafter: {_surroundings(environment)}")
        result.faults += _last_words(home)
    growth_kb = result.memory_growth_kb
    if seconds >= SHORTEST_FOR_MEMORY_S and not asan and growth_kb >= MOST_GROWTH_KB:
        result.faults.append(f"the memory has grown by {growth_kb} kB: {result.memory_kb}")
    return result


def _storm(kind: str, seconds: float, seed: int, asan: Path | None) -> Result:
    """Run, and return an exception as a fault, so that the other server's result is not lost."""
    try:
        return run(kind, seconds, seed, asan)
    except Exception as error:
        traceback.print_exc()
        return Result(kind, faults=[f"the run did not finish: {error}"])


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
    """Send commands and change the surroundings until then, on two threads."""
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
    """Restore the initial state, except for the devices' settings that Entrain remembers."""
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
    if entrain.status()["space"]["hrtf_in_use"]:  # so that the memory can be compared
        with Client(app.control_socket(entrain.environment)) as client:
            client.ask("settings", hrtf="kemar", space={"mode": "off"})
    time.sleep(0.5)


# ---- surroundings ----------------------------------------------------------------------------


class _World:
    """Changes Entrain's surroundings: devices, defaults, rates, quanta, players."""

    def __init__(
        self, server: LabServer, environment: Mapping[str, str], chance: random.Random
    ) -> None:
        self.events = 0
        self.crashes = 0
        """How often the session manager crashed or hung."""
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
        """Make one random change."""
        self._with_a_session_manager(self._random.choice(self._changes))
        self.events += 1

    def calm(self) -> None:
        """Restore the initial surroundings."""
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
        """Replace the session manager if it hangs, as WirePlumber 0.4 sometimes does.

        Then it links no new streams, so that even a player on the speakers is not heard.
        """
        for _ in range(3):
            if self._server.kind == "pulse" or _sounds(self._environment, "speakers"):
                return
            self._replace_session_manager()

    def _with_a_session_manager(self, happens: Callable[[], None]) -> None:
        """Restart the session manager if it crashes, as systemd does; WirePlumber 0.4 crashes."""
        if "wireplumber" in self._server.ended:
            self._replace_session_manager()
        try:
            happens()
        except (PlatformError, subprocess.TimeoutExpired):
            # The session manager may hang.  If that is not the cause, the error will come again.
            if self._server.kind == "pulse" or self._server.ended.keys() - {"wireplumber"}:
                raise
            self._replace_session_manager()

    def _replace_session_manager(self) -> None:
        """Restart the session manager; real devices vanish and return with it.

        WirePlumber 0.4 may also hang when it starts while players run.  Then PipeWire keeps each
        new client waiting until the players have ended.
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
        """Unplug the device if it is connected, otherwise plug it in."""
        if self._is_there(device):
            self._server.remove_device(device.name)
        else:
            self._server.add_device(device)

    def _choose(self) -> None:
        names = [device.name for device in PASSERS]
        self._make_default(self._random.choice(["speakers", "entrain", *names]))

    def _make_default(self, name: str) -> None:
        with suppress(subprocess.CalledProcessError):  # the device may not exist at the moment
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
    """Return the server's state that Entrain must restore."""

    def listed(what: str) -> list[dict[str, Any]]:
        output = soundlab.run(environment, "pactl", "--format=json", "list", what)
        return list(json.loads(output))

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
            if "sink_name=headphones" not in str(module["argument"])  # its number changes
        ),
    }


def _sounds(environment: Mapping[str, str], sink: str = "") -> bool:
    """Whether a tone played on `sink`, or on the default output, is heard on the speakers."""
    with (
        suppress(AssertionError),  # the recorder gets no sound
        soundlab.play(environment, soundlab.sine(1000, 10, 0.1), sink),
        soundlab.recording(environment, "speakers") as recorder,
    ):
        end_s = time.monotonic() + 3
        while time.monotonic() < end_s:
            if level_db(recorder.take(0.1)[:, 0], 1000) > -50:
                return True
    return False


def _last_words(home: Path) -> list[str]:
    """Return the messages of Entrain or AddressSanitizer about faults."""
    found = [file.read_text(errors="replace")[:8000] for file in sorted(home.glob("asan.*"))]
    messages = (home / "messages").read_text(errors="replace")
    for word in ("Traceback", "never retrieved", "AddressSanitizer"):
        if word in messages:
            found.append(messages[max(0, messages.index(word) - 500) :][:4000])
            break
    return found


def _folders(home: Path) -> dict[str, str]:
    """Make the folders of a private home; return their environment variables."""
    folders = {"HOME": str(home)}
    for variable in ("RUNTIME_DIR", "STATE_HOME", "CONFIG_HOME", "CACHE_HOME", "DATA_HOME"):
        place = home / variable.split("_")[0].lower()
        place.mkdir(mode=0o700)
        folders[f"XDG_{variable}"] = str(place)
    return folders


def _sanitizer(libraries: Path, home: Path) -> dict[str, str]:
    """Copy the installed package with these libraries; return the variables that select it."""
    if not any(libraries.glob("libentrain.*")):
        raise SystemExit(f"there are no libraries in {libraries}; `.ci/native asan` builds them")
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
        # By design, Python does not free all memory at its end.
        "ASAN_OPTIONS": f"detect_leaks=0:exitcode=99:log_path={home / 'asan'}",
    }


def main() -> int:
    """Run, print the results, and fail if there are faults."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--server", choices=SERVERS, action="append")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--asan", type=Path, help="folder of libraries built by .ci/native asan")
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
