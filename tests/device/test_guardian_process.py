"""The guardian process alone, on a private PulseAudio; the test plays the program that dies."""

import os
import select
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from soundlab import default_sink, play, run, sine, wait_until

from entrain import _native

EXECUTABLE = _native.path("entrain").with_name("entrain-guardian")
DEVICES = ("speakers", "headphones")  # by default the server takes the first one


class Pulse:
    """A private PulseAudio with two devices; the first is the default."""

    def __init__(self, folder: Path) -> None:
        self.environment = {"PULSE_SERVER": f"unix:{folder}/native"}
        self.log = (folder / "pulse.log").open("wb")
        sinks = [f"-L module-null-sink sink_name={name}" for name in DEVICES]
        self.process = subprocess.Popen(
            ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--log-target=stderr"]
            + [f"-L module-native-protocol-unix socket={folder}/native auth-anonymous=1"]
            + [*sinks, "-L module-always-sink"],
            stderr=self.log,
        )
        self.socket = folder / "native"

    def wait_until_ready(self):
        wait_until(self.socket.exists, 15, "PulseAudio starts")
        self.pactl("set-default-sink", "speakers")

    def close(self):
        self.process.kill()
        self.process.wait()
        self.log.close()

    def pactl(self, *words):
        return run(self.environment, "pactl", *words).strip()

    def load(self, name="entrain", mark=""):
        return int(
            self.pactl(
                "load-module",
                "module-null-sink",
                f"sink_name={name}",
                f'sink_properties="device.description={name} {mark}"',
            )
        )

    @property
    def default(self):
        return default_sink(self.environment)

    @property
    def sinks(self):
        return [line.split("\t")[1] for line in self.pactl("list", "short", "sinks").splitlines()]

    def index_of(self, sink):
        modules = (line.split("\t") for line in self.pactl("list", "short", "modules").splitlines())
        return next(int(words[0]) for words in modules if f"sink_name={sink}" in words[2].split())

    def sink_of_the_player(self):
        sinks = (line.split("\t") for line in self.pactl("list", "short", "sinks").splitlines())
        names = {words[0]: words[1] for words in sinks}
        players = self.pactl("list", "short", "sink-inputs").splitlines()
        return names[players[0].split("\t")[1]] if players else None


class Guardian:
    """A guardian, and the parent's end of its socket."""

    def __init__(self, pulse: Pulse) -> None:
        self.socket, its_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.process = subprocess.Popen(
            [EXECUTABLE],
            stdin=its_end,
            env={**os.environ, **pulse.environment},
            start_new_session=True,
        )
        its_end.close()

    def wait_until_ready(self):
        self.socket.settimeout(15)
        assert self.socket.recv(100) == b"ready"

    def tell(self, *messages):
        for message in messages:
            self.socket.send(message if isinstance(message, bytes) else message.encode())

    def expect_to_stay(self):
        with pytest.raises(subprocess.TimeoutExpired):
            self.process.wait(0.3)

    def leave(self):
        """Close the socket, as when the parent dies, and wait until the guardian has finished."""
        self.socket.close()
        assert self.process.wait(15) == 0


@pytest.fixture
def pulse(home):
    server = Pulse(home)
    try:
        server.wait_until_ready()
        yield server
    finally:
        server.close()


@pytest.fixture
def start(pulse):
    guardians = []

    def start_one(ready=True):
        guardians.append(Guardian(pulse))
        if ready:
            guardians[-1].wait_until_ready()
        return guardians[-1]

    yield start_one
    for guardian in guardians:
        guardian.socket.close()
        guardian.process.kill()
        guardian.process.wait()


@pytest.fixture
def guardian(start):
    return start()


@contextmanager
def listening(pulse, file):
    """Write the server's events to a file while the block runs."""
    environment = {**os.environ, **pulse.environment, "LC_ALL": "C"}
    with (
        file.open("wb") as output,
        subprocess.Popen(["pactl", "subscribe"], env=environment, stdout=output) as listener,
    ):
        try:
            wait_until(lambda: pulse.default and file.stat().st_size, 15, "events are heard")
            yield
        finally:
            listener.kill()


def test_the_default_is_set_first_and_then_the_module_unloaded(pulse, guardian, home):
    guardian.tell(f"module {pulse.load()}", "default headphones")
    pulse.pactl("set-default-sink", "entrain")
    log = home / "events"
    with listening(pulse, log), play(pulse.environment, sine(440, 60), sink=""):
        wait_until(lambda: pulse.sink_of_the_player() == "entrain", 15, "the player plays")

        guardian.leave()

        assert pulse.sink_of_the_player() == "headphones"
        assert pulse.default == "headphones"
        assert pulse.sinks == list(DEVICES)
        pulse.pactl("load-module", "module-suspend-on-idle")
        wait_until(lambda: "'new' on module" in log.read_text(), 15, "all events are heard")
    events = log.read_text()
    events = events[: events.index("'new' on module")]
    assert "'change' on server" in events[: events.index("'remove' on sink ")]
    assert "'change' on server" not in events[events.index("'remove' on sink ") :]


def test_it_waits_until_the_server_has_dropped_what_the_program_played(pulse, start, home):
    """Otherwise a player that moves to the device would sound twice there for some ms."""
    mine = f"--property=application.process.id={os.getpid()}"

    def events_of_an_end():
        """Close the socket and end the program's player 50 ms later, as a slow kernel does."""
        guardian = start()
        guardian.tell(f"module {pulse.load()}", "default headphones")
        log = home / "events"
        with (
            listening(pulse, log),
            subprocess.Popen(
                ["pacat", mine, "--raw", "/dev/zero"], env={**os.environ, **pulse.environment}
            ) as player,
        ):
            wait_until(pulse.sink_of_the_player, 15, "the program plays")
            clients = pulse.pactl("list", "short", "clients").splitlines()
            number = next(line.split("\t")[0] for line in clients if "pacat" in line)
            began_s = time.monotonic()
            guardian.socket.close()
            time.sleep(0.05)
            player.kill()
            took_s = time.monotonic() - began_s
            assert guardian.process.wait(15) == 0
            wait_until(lambda: "'remove' on sink #" in log.read_text(), 15, "the device is gone")
        return took_s, log.read_text(), f"'remove' on client #{number}"

    for _ in range(5):
        took_s, events, end_of_the_player = events_of_an_end()
        if took_s < 0.25:  # it waits half a second at most
            assert end_of_the_player in events
            assert events.index(end_of_the_player) < events.index("'remove' on sink #")
            return
    pytest.skip("this machine stood still each time")


def test_a_server_that_stands_still_is_waited_for(pulse, guardian):
    guardian.tell(f"module {pulse.load()}", "default headphones")
    pulse.pactl("set-default-sink", "entrain")
    pulse.process.send_signal(signal.SIGSTOP)
    guardian.socket.close()
    time.sleep(2.5)  # a machine short of memory may stand still for so long
    pulse.process.send_signal(signal.SIGCONT)

    assert guardian.process.wait(15) == 0
    assert pulse.sinks == list(DEVICES)
    assert pulse.default == "headphones"


@pytest.mark.parametrize(
    ("before", "fallback", "after"),
    [
        ("speakers", "default headphones", {"speakers"}),  # the user has chosen the speakers
        ("entrain", "default unplugged", set(DEVICES)),
        ("entrain", "default entrain", set(DEVICES)),
    ],
)
def test_a_default_is_set_only_in_place_of_ours_and_where_it_exists(
    pulse, guardian, before, fallback, after
):
    guardian.tell(f"module {pulse.load()}", fallback)
    pulse.pactl("set-default-sink", before)

    guardian.leave()

    assert pulse.sinks == list(DEVICES)
    assert pulse.default in after


def test_where_nobody_has_chosen_a_default_the_server_chooses(pulse, guardian):
    guardian.tell(f"module {pulse.load()}", "default headphones", "default ")
    pulse.pactl("set-default-sink", "entrain")

    guardian.leave()

    assert pulse.sinks == list(DEVICES)
    assert pulse.default == "speakers"


@pytest.mark.parametrize("whose", ["speakers", "entrain2", "missing"])
def test_an_index_that_means_something_else_now_is_left_alone(pulse, guardian, whose):
    pulse.load("entrain2")
    pulse.load("entrain", "entrain.pid=1")
    pulse.pactl("set-default-sink", "entrain")
    index = 4000 if whose == "missing" else pulse.index_of(whose)
    guardian.tell(f"module {index}", "default headphones")

    guardian.leave()

    assert pulse.sinks == [*DEVICES, "entrain2", "entrain"]
    assert pulse.default == "entrain"


@pytest.mark.parametrize("told", [(), ("module 4000",), ("module none", "module loading")])
def test_a_module_whose_index_was_not_told_is_found_by_its_mark(pulse, guardian, told):
    """The program may die while the server loads the module, or before the server has begun."""
    pulse.load("entrain", f"entrain.pid=1{os.getpid()}")
    ours = pulse.load("entrain", f"entrain.pid={os.getpid()}")
    guardian.tell(*told, "default headphones")
    pulse.pactl("set-default-sink", "entrain.2")

    guardian.leave()

    assert f"{ours}\t" not in pulse.pactl("list", "short", "modules")
    assert pulse.sinks == [*DEVICES, "entrain"]
    assert pulse.default == "headphones"


def test_a_program_that_dies_at_once_is_cleaned_up_after(pulse, start):
    """The program dies before the guardian is connected; messages and answer are unread."""
    index = pulse.load()
    pulse.pactl("set-default-sink", "entrain")
    for moment in ("unconnected", "unread"):
        guardian = start(ready=False)
        if moment == "unread":
            index = pulse.load()
            pulse.pactl("set-default-sink", "entrain")
            assert select.select([guardian.socket], [], [], 15)[0]
            os.kill(guardian.process.pid, signal.SIGSTOP)
        guardian.tell(f"module {index}", "default headphones")
        guardian.socket.close()
        os.kill(guardian.process.pid, signal.SIGCONT)

        guardian.leave()

        assert pulse.sinks == list(DEVICES)
        assert pulse.default == "headphones"


def test_nothing_is_touched_where_there_is_no_module_any_more(pulse, guardian):
    index = pulse.load("entrain", f"entrain.pid={os.getpid()}")
    pulse.pactl("set-default-sink", "entrain")
    guardian.tell(f"module {index}", "default headphones", "module none")

    guardian.leave()

    assert pulse.sinks == [*DEVICES, "entrain"]
    assert pulse.default == "entrain"


def test_messages_that_it_does_not_know_are_ignored(pulse, guardian):
    index = pulse.load()
    pulse.pactl("set-default-sink", "entrain")
    guardian.tell(f"module {index}", "default headphones")
    guardian.tell(
        *("", "module", "module ", "module -1", "module 4294967295", f"module {10**30}"),
        *("module none ", "module nones", "module none\0", "modulenone", " module none"),
        *("default", "default two words", "default \n", "default speakers\0"),
        *(b"\xff" * 600, b"module none" + b" " * 600, b"default " + b"s" * 100_000),
    )
    guardian.expect_to_stay()

    guardian.leave()

    assert pulse.sinks == list(DEVICES)
    assert pulse.default == "headphones"


def test_signals_do_not_end_it(pulse, guardian):
    guardian.tell(f"module {pulse.load()}", "default headphones")
    pulse.pactl("set-default-sink", "entrain")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        os.kill(guardian.process.pid, number)
    guardian.expect_to_stay()

    guardian.leave()

    assert pulse.sinks == list(DEVICES)
    assert pulse.default == "headphones"


def test_the_end_of_the_server_ends_it(pulse, start, guardian):
    pulse.process.kill()

    assert guardian.process.wait(15) == 0
    without_server = start(ready=False)
    assert without_server.process.wait(15) == 1
    assert without_server.socket.recv(100) == b""


def test_it_sleeps_until_something_happens(pulse, guardian):
    guardian.tell(f"module {pulse.load()}", "default headphones")

    def switches():
        status = Path(f"/proc/{guardian.process.pid}/status").read_text()
        return [line for line in status.splitlines() if "ctxt_switches" in line]

    def count_for_2_s():
        before = switches()
        with pytest.raises(subprocess.TimeoutExpired):
            guardian.process.wait(2)
        return before == switches()

    wait_until(count_for_2_s, 15, "two seconds without waking up")
