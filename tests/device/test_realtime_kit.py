"""Real-time priority on PulseAudio for users without the right to take it."""

import os
import signal
import time
from contextlib import ExitStack, contextmanager

import app
import pytest
import soundlab
from needs import skip, skip_without_programs
from system_bus import RealtimeKit, private_bus

from entrain.platform import realtime_kit
from entrain.platform.adapter import PlatformError

ORDINARY_USER = ["prlimit", "--rtprio=0:0"]
if os.geteuid() == 0:
    ORDINARY_USER += ["setpriv", "--bounding-set=-sys_nice"]
REALTIME = os.SCHED_RR | os.SCHED_RESET_ON_FORK


@pytest.fixture(autouse=True)
def tools():
    """Skip the tests if one of their programs is missing."""
    skip_without_programs("dbus-daemon", "prlimit", "setpriv")


@pytest.fixture
def bus(home, monkeypatch):
    """Start a system bus for the programs of this test."""
    with private_bus(home) as address:
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
        yield address


@contextmanager
def ordinary_app(server, monkeypatch, *options):
    """Run Entrain as a user without the right to real-time priority."""
    with monkeypatch.context() as patch:
        patch.setattr(app, "ENTRAIN", [*ORDINARY_USER, *app.ENTRAIN])
        with app.running(server.environment, *options) as entrain:
            yield entrain


@pytest.fixture
def permission():
    """Skip the test if this user may not give real-time priority, as RealtimeKit does.

    `test_it_works_without` runs without this right.
    """
    thread = os.posix_spawn("/bin/sleep", ["sleep", "10"], {})
    try:
        os.sched_setscheduler(thread, REALTIME, os.sched_param(realtime_kit.PRIORITY))
    except PermissionError:
        skip("this user may not give real-time priority; root, and audio groups, may")
    finally:
        os.kill(thread, signal.SIGKILL)
        os.waitpid(thread, 0)


@pytest.fixture
def promoted(pulse_server, bus, monkeypatch, permission):
    """Run Entrain, and a RealtimeKit that has given it priority and keeps the requests."""
    with RealtimeKit(bus, "gives") as service, ordinary_app(pulse_server, monkeypatch) as entrain:
        entrain.wait_for(realtime=True)
        yield entrain, service


def policies(entrain):
    """Return the scheduling policy of each thread."""
    return {
        int(thread): os.sched_getscheduler(int(thread))
        for thread in os.listdir(f"/proc/{entrain.pid}/task")
    }


def test_realtime_kit_is_asked_once_and_gives(promoted):
    """One thread asks, within the service's limits for priority and time; the doctor reports it."""
    entrain, service = promoted
    [(process, thread, priority)] = service.requests
    assert (process, priority) == (entrain.pid, realtime_kit.PRIORITY)
    assert [id for id, how in policies(entrain).items() if how == REALTIME] == [thread]
    assert "the audio thread is real-time" in entrain("doctor")


def test_a_thread_that_runs_away_does_not_cost_the_app(promoted, pulse_server):
    """The kernel's signal takes the priority away; the app goes on."""
    entrain, service = promoted

    os.kill(entrain.pid, signal.SIGXCPU)

    entrain.wait_for(realtime=False)
    assert len(service.requests) == 1
    with soundlab.play(pulse_server.environment, soundlab.sine(1000, 20)):
        entrain.wait_for(state="processing")


def test_who_may_take_it_asks_nobody(pulse_server, bus, permission):
    with RealtimeKit(bus, "gives") as service, app.running(pulse_server.environment) as entrain:
        entrain.wait_for(realtime=True)
        assert service.requests == []


@pytest.mark.parametrize("system", ["no bus", "no service", "refuses", "silent"])
def test_it_works_without(pulse_server, home, monkeypatch, system):
    """The thread stays an ordinary one; the verbose log has one line about it."""
    with ExitStack() as stack:
        address = f"unix:path={home}/no-bus"
        if system != "no bus":
            address = stack.enter_context(private_bus(home))
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
        if system in ("refuses", "silent"):
            stack.enter_context(RealtimeKit(address, system))
        entrain = stack.enter_context(ordinary_app(pulse_server, monkeypatch, "--verbose"))
        with soundlab.play(pulse_server.environment, soundlab.sine(1000, 60)):
            status = entrain.wait_for(state="processing")
            assert not status["realtime"]
            assert status["errors"] == []
            doctor = app.command(pulse_server.environment, "doctor").stdout
            assert "an ordinary thread" in doctor
            log = home / "state" / "entrain" / "entrain.log"
            soundlab.wait_until(
                lambda: log.read_text().count("gets no real-time priority") == 1, 10, "one line"
            )
            assert entrain.status()["state"] == "processing"


@pytest.mark.parametrize(
    ("behaviour", "reason"), [("refuses", "Operation not permitted"), ("silent", "not answer")]
)
def test_a_refusal_is_told_in_one_line(bus, monkeypatch, behaviour, reason):
    monkeypatch.setattr(realtime_kit, "TIMEOUT_S", 0.5)
    began_s = time.monotonic()

    with RealtimeKit(bus, behaviour), pytest.raises(PlatformError, match=reason) as raised:
        realtime_kit.make_realtime(1)

    assert "\n" not in str(raised.value)
    assert time.monotonic() - began_s < 10
