"""Sleep and wake-up, a lost server, a second start, and invalid requests.

Behaviour that does not touch the sound server is tested on one server only.
"""

import itertools
import json
import os
import signal
import socket
import time
from pathlib import Path

import app
import numpy as np
import pytest
import soundlab
from conftest import replace_session_manager
from processes import children, executable

from entrain.vdevice.api.client import Client

LAYER = "binaural:carrier_hz=400,beat_hz=10,floor_db=-20,ceiling_db=-20"
QUIET_LAYER = "binaural:carrier_hz=400,beat_hz=10,floor_db=-90,ceiling_db=-90"


def asleep(server):
    return set(soundlab.sink_states(server.environment).values()) == {"SUSPENDED"}


def cpu_ticks(pid):
    """Return the processor time of a process and its children, in ticks."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12]) + sum(map(cpu_ticks, children(pid)))


def rests(pid, for_s=1):
    """Tell whether the process uses no processor time for a while."""

    def spent_ns():
        files = Path(f"/proc/{pid}/task").glob("*/schedstat")
        return sum(int(file.read_text().split()[0]) for file in files)

    before = spent_ns()
    time.sleep(for_s)
    return spent_ns() == before


# ---- sleep ----------------------------------------------------------------------------


@pytest.mark.slow
def test_when_nothing_plays_everything_sleeps(server):
    """All sinks are suspended within 20 s; from then on Entrain uses no processor time.

    The protocol is in a user's file, which Entrain still reloads after an edit.
    """
    still_s = {"pipewire": 20, "pulse": 10}[server.kind]
    with app.running(server.environment, "--layer", LAYER) as entrain:
        with soundlab.play(server.environment, soundlab.sine(1000, 60, 0.1)):
            entrain.wait_for(state="processing")
            app.command(server.environment, "save", "Sleepy")
        soundlab.wait_until(lambda: asleep(server), 20, "all sinks suspended")
        soundlab.wait_until(lambda: rests(entrain.pid, 5), 20, "Entrain rests")
        before = cpu_ticks(entrain.pid)
        time.sleep(still_s)
        assert cpu_ticks(entrain.pid) == before
        assert entrain.status()["state"] == "idle"
        file = Path(os.environ["XDG_DATA_HOME"]) / "entrain" / "protocols" / "sleepy.json"
        file.write_text(file.read_text().replace("Sleepy", "Sleepier"))
        soundlab.wait_until(
            lambda: entrain.status()["protocol"]["name"] == "Sleepier", 5, "the edited file"
        )


def test_a_standalone_protocol_is_heard_without_a_player(server):
    """It keeps the device awake, until Entrain is off or plays another protocol."""
    environment = server.environment
    if server.kind == "pulse":  # makes the device fall asleep sooner than after 5 s
        soundlab.run(environment, "pactl", "unload-module", "module-suspend-on-idle")
        soundlab.run(environment, "pactl", "load-module", "module-suspend-on-idle", "timeout=1")

    def works():
        return soundlab.sink_states(environment)["speakers"] == "RUNNING"

    def is_heard():
        return soundlab.tone_db(recorder.take(0.2), 405) > -30

    options = ("--layer", LAYER, "--standalone", *app.PATIENT[server.kind])
    with app.running(environment, *options) as entrain:
        soundlab.wait_until(works, 5, "the tones wake the device")
        time.sleep(2.0)
        assert works()
        assert entrain.status()["state"] == "processing"
        with (
            soundlab.recording(environment, "speakers") as recorder,
            Client(app.control_socket(environment)) as client,
        ):
            soundlab.wait_until(is_heard, 5, "the tones")
            client.ask("off")
            soundlab.wait_until(lambda: not is_heard(), 5, "silence while it is off")
            client.ask("on")
            soundlab.wait_until(is_heard, 5, "the tones again")
            client.ask("use", protocol="default")
            soundlab.wait_until(lambda: not is_heard(), 5, "silence after the tones")
        soundlab.wait_until(lambda: not works(), 5, "the device rests")
        entrain.wait_for(state="idle")


def test_a_stream_is_heard_from_its_first_sample_to_its_last(server, tmp_path):
    """The devices sleep before the stream begins."""
    frames, falling = 48_000, 960
    heights = [np.linspace(0, 0.5, frames), np.linspace(0.5, 0, falling)]
    ramp = np.repeat(np.concatenate(heights).astype(np.float32)[:, None], 2, axis=1)
    tries = itertools.count()

    def is_heard_whole():
        soundlab.wait_until(lambda: asleep(server), 20, "all sinks suspended")
        file = tmp_path / f"heard-{next(tries)}.wav"
        with soundlab.record_passively(server, "speakers", file):
            with soundlab.play(server.environment, ramp) as player:
                player.wait(10)
            soundlab.wait_until(lambda: asleep(server), 20, "all sinks suspended again")
        heard = soundlab.read_wav(file)[:, 0]
        # A sample's value tells its place in the stream.
        first = heard[np.flatnonzero(heard > 0.001)[0]] / 0.5 * frames
        top = int(np.argmax(heard))
        fall = np.flatnonzero(heard[top:] < 0.05)[0]  # a fall by nine tenths
        return (
            first < 0.01 * 48_000
            and heard[top] == pytest.approx(0.5, abs=0.005 * 0.5)
            and fall == pytest.approx(0.9 * falling, abs=0.05 * falling)
        )

    with app.running(server.environment, "--layer", QUIET_LAYER, *app.PATIENT[server.kind]):
        # A busy machine may be late once; a loss by Entrain's fault would recur every time.
        soundlab.wait_until(is_heard_whole, 60, "all of it")


def test_tones_fade_when_the_last_stream_stops(server):
    """The sound falls to silence without a step larger than the tone's own slope."""
    with (
        app.running(server.environment, "--layer", LAYER, *app.PATIENT[server.kind]),
        soundlab.recording(server.environment, "speakers") as recorder,
    ):

        def ends_smoothly():
            with soundlab.play(server.environment, soundlab.sine(1000, 1, 0.001)) as player:
                player.wait(10)
            heard = recorder.take(3)[:, 0]
            end = np.flatnonzero(np.abs(heard) > 1e-6)[-1]
            steps = np.abs(np.diff(heard[end - 9600 : end + 480]))
            return end < len(heard) - 480 and np.max(steps) < 1.1 * own_step

        own_step = 0.1 * np.sqrt(2) * 2 * np.pi * 405 / 48_000
        # A busy machine may lose a cycle once; a cut by Entrain would recur every time.
        soundlab.wait_until(ends_smoothly, 30, "an end without a step")


def test_a_cycle_wakes_one_thread_once(pipewire_server):
    """While music plays, only the filter's thread wakes up in each cycle."""
    server, quantum_frames, seconds = pipewire_server, 256, 3

    def wake_ups():
        files = Path(f"/proc/{entrain.pid}/task").glob("*/status")
        lines = (line for file in files for line in file.read_text().splitlines())
        return sum(
            int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches")
        )

    soundlab.force_quantum(server.environment, quantum_frames)
    with (
        app.running(server.environment, "--layer", LAYER) as entrain,
        soundlab.play(server.environment, soundlab.sine(1000, 60, 0.1)),
    ):
        entrain.wait_for(state="processing")
        time.sleep(2.0)
        began_s, before = time.monotonic(), wake_ups()
        time.sleep(seconds)
        cycles = (time.monotonic() - began_s) * soundlab.RATE_HZ / quantum_frames
        assert wake_ups() - before == pytest.approx(cycles, rel=0.1)


# ---- starting --------------------------------------------------------------------------------


def test_starting_under_music_does_not_upset_the_server(server):
    """PipeWire 0.3 crashes when a sink is started in the middle of its configuration."""
    program = {"pipewire": "pipewire", "pulse": "pulseaudio"}[server.kind]
    pid = server.pid(program)
    with (
        soundlab.play(server.environment, soundlab.sine(1000, 60, 0.1), sink="speakers") as player,
        soundlab.recording(server.environment, "speakers"),
    ):
        soundlab.wait_until(
            lambda: soundlab.sink_states(server.environment)["speakers"] == "RUNNING", 5, "music"
        )
        for _ in range(6):
            with app.running(server.environment, "--layer", LAYER) as entrain:
                soundlab.wait_until(
                    lambda e=entrain: e.status()["state"] in ("processing", "idle"), 5, "ready"
                )
        assert player.poll() is None
    assert executable(pid) == program
    assert soundlab.default_sink(server.environment) == "speakers"
    assert "start node error" not in server.log


def test_the_port_that_has_run_has_a_link_where_it_needs_one(pipewire_server):
    """From 0.3.72 on, PipeWire takes the format away from a port without a link.

    If WirePlumber asks for the format in that moment, it never links a player to the port.
    """
    version = soundlab.linked_version(pipewire_server.environment, "pw-cli")
    with app.running(pipewire_server.environment):
        links = soundlab.run(pipewire_server.environment, "pw-link", "--links")
        has_link = "entrain:playback_FL\n  |<- entrain-holder:" in links
        assert has_link == (version >= (0, 3, 72))  # in older versions a link only costs a wake-up


# ---- the server goes and comes -------------------------------------------------------------


def hears_tones(server):
    with (
        soundlab.play(server.environment, soundlab.sine(1000, 30, 0.1)),
        soundlab.recording(server.environment, "speakers") as recorder,
    ):
        soundlab.wait_until(
            lambda: abs(soundlab.tone_db(recorder.take(0.5), 405) + 20) < 0.5, 10, "the tones"
        )


def test_the_server_is_killed_and_started_again(server):
    with app.running(server.environment, "--layer", LAYER, *app.PATIENT[server.kind]) as entrain:
        with soundlab.play(server.environment, soundlab.sine(1000, 60, 0.1)):
            entrain.wait_for(state="processing")
            server.stop_server(kill=True)
            status = entrain.wait_for(state="failed")
        assert "sound server" in status["reason"]
        pauses = {round(entrain.status()["retry_in_s"] or 0, 1) for _ in range(40)}
        assert max(pauses) <= 4
        server.start_server()
        entrain.wait_for(state="idle", timeout_s=10)
        entrain.wait_for(reason="")
        assert entrain.status()["protocol"]["id"] == "custom"
        soundlab.wait_until(
            lambda: soundlab.default_sink(server.environment) == "entrain", 5, "on again"
        )
        hears_tones(server)


def test_pauses_between_tries_grow(any_server):
    with app.running(any_server.environment, "--layer", LAYER) as entrain:
        any_server.stop_server(kill=True)
        entrain.wait_for(state="failed")
        longest = 0.0

        def waits_seconds():
            nonlocal longest
            longest = max(longest, entrain.status()["retry_in_s"] or 0.0)
            return longest > 1.5

        soundlab.wait_until(waits_seconds, 20, "a pause of more than 1.5 s")
        before = cpu_ticks(entrain.pid)
        time.sleep(4)
        assert cpu_ticks(entrain.pid) - before < 40  # under a tenth of one processor


def test_it_can_be_started_before_the_server(server):
    server.stop_server()
    with app.running_unready(server.environment, "--layer", LAYER) as entrain:
        entrain.wait_for(state="failed")
        server.start_server()
        entrain.wait_for(state="idle", timeout_s=10)


def test_the_session_manager_is_killed_and_started_again(pipewire_server):
    with app.running(pipewire_server.environment, "--layer", LAYER) as entrain:
        soundlab.wait_until(
            lambda: soundlab.default_sink(pipewire_server.environment) == "entrain", 5, "on"
        )
        replace_session_manager(pipewire_server)
        entrain.wait_for(state="idle", timeout_s=15)
        soundlab.wait_until(
            lambda: soundlab.default_sink(pipewire_server.environment) == "entrain", 15, "still on"
        )
        hears_tones(pipewire_server)


def test_the_session_manager_is_killed_while_music_plays(pipewire_server):
    """The tones still fade when the new session manager starts."""
    with app.running(pipewire_server.environment, "--layer", LAYER) as entrain:
        with soundlab.play(pipewire_server.environment, soundlab.sine(1000, 30, 0.1)):
            entrain.wait_for(state="processing")
            replace_session_manager(pipewire_server)
        hears_tones(pipewire_server)


def test_it_can_be_stopped_at_any_moment_of_its_start(server):
    for delay_s in np.linspace(0.0, 0.6, {"pipewire": 13, "pulse": 7}[server.kind]):
        with app.running_unready(server.environment, "--layer", LAYER) as entrain:
            time.sleep(delay_s)
            assert entrain.quit(signal.SIGTERM) == 0
        soundlab.wait_until(
            lambda: soundlab.default_sink(server.environment) == "speakers", 5, "default is back"
        )


# ---- only one Entrain ------------------------------------------------------------------------


def test_a_second_start_says_that_it_runs(any_server):
    with app.running(any_server.environment) as entrain:
        second = app.command(any_server.environment, "run", "--headless")
        assert second.returncode == 1
        assert second.stderr.strip() == "entrain: Entrain is already running (use `entrain status`)"
        entrain.wait_for(state="off")


def test_an_entrain_of_another_session_on_the_same_server(server, tmp_path):
    """The second Entrain leaves the first one's device alone, and makes its own after it."""
    elsewhere = {**server.environment, "XDG_RUNTIME_DIR": str(tmp_path)}
    tmp_path.chmod(0o700)
    with app.running(server.environment, "--layer", LAYER) as first:
        with app.running_unready(elsewhere, "--layer", LAYER) as second:
            word = f"another Entrain (process {first.pid})"
            soundlab.wait_until(lambda: word in second.status()["reason"], 10, "the reason")
            assert second.status()["state"] == "failed"
            assert first.status()["state"] == "idle"
            assert len(soundlab.sink_states(server.environment)) == 3
            assert first.quit() == 0
            second.wait_for(state="idle", timeout_s=10, reason="")
        assert soundlab.default_sink(server.environment) == "speakers"
        assert "entrain" not in soundlab.sink_states(server.environment)


def test_a_dead_socket_does_not_hinder(any_server, home):
    with app.running(any_server.environment) as entrain:
        entrain.kill()
    left = Path(os.environ["XDG_RUNTIME_DIR"]) / "entrain" / "control.sock"
    assert left.is_socket()
    with app.running(any_server.environment) as entrain:
        entrain.wait_for(state="off")
        assert left.stat().st_mode & 0o777 == 0o600


def test_without_a_running_entrain_commands_say_so(any_server):
    advice = "; start it with `entrain run`"
    for arguments in (("status",), ("on",), ("set", "tone.beat_hz", "4"), ("stop",)):
        done = app.command(any_server.environment, *arguments)
        assert done.returncode == 1
        said = "entrain: Entrain is not running" + ("" if arguments == ("stop",) else advice)
        assert done.stderr.strip() == said


# ---- bad input ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("use", "nonsense:beat_hz=1"), 1, "no layer kind 'nonsense'; choose from am, "),
        (("use", "binaural:beat_hz=299"), 1, "beat_hz = 299 is outside -200 … 200 Hz"),
        (("use", "binaural:beat_hz=nan"), 1, "not a finite number; allowed is -200 … 200 Hz"),
        (("use", "binaural:nonsense=1"), 1, "nonsense is not a parameter"),
        (("use", "nonsense"), 1, "there is no protocol 'nonsense'"),
        (("use", "./missing.json"), 1, "missing.json: No such file"),
        (("set", "binaural.beat_hz", "299"), 1, "beat_hz = 299 is outside -200 … 200 Hz"),
        (("set", "binaural.beat_hz", "nan"), 1, "-200 … 200 Hz"),
        (("set", "nonsense.beat_hz", "4"), 1, "there is no layer 'nonsense'; choose from binaural"),
        (("set", "beat_hz", "4"), 1, "is not an address"),
        (("set", "binaural.beat_hz", "4", "--over", "-1"), 2, "--over"),
        (("output", "nonsense"), 1, "there is no output 'nonsense'; choose from speakers"),
        (("bypass", "maybe"), 2, "maybe"),
        (("nonsense",), 2, "nonsense"),
    ],
)
def test_bad_input_is_one_line_and_the_sound_goes_on(idle_entrain, arguments, code, said):
    before = idle_entrain.status()["protocol"]["layers"]
    done = app.command(idle_entrain.environment, *arguments)
    assert done.returncode == code
    assert said in done.stderr
    if code == 1:
        assert len(done.stderr.strip().splitlines()) == 1
    assert idle_entrain.status()["protocol"]["layers"] == before
    assert idle_entrain.status()["state"] == "idle"


@pytest.fixture
def idle_entrain(any_server):
    with app.running(any_server.environment, "--layer", LAYER) as entrain:
        yield entrain


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--output", "nonsense"), "no output 'nonsense'; choose from speakers, headphones"),
        (("--layer", "binaural:beat_hz=299"), "beat_hz = 299 is outside -200 … 200 Hz"),
        (("--protocol", "./missing.json"), "missing.json: No such file"),
    ],
)
def test_a_start_that_cannot_be_is_one_line(any_server, options, said):
    done = app.command(any_server.environment, "run", "--headless", *options)
    assert done.returncode == 1
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert soundlab.default_sink(any_server.environment) == "speakers"


def test_garbage_on_the_control_socket(idle_entrain):
    path = Path(os.environ["XDG_RUNTIME_DIR"]) / "entrain" / "control.sock"
    for message in (b"\n", b"garbage\n", b"\xff\xfe\n", b'{"command": "fly"}\n', b"[[[[\n"):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            client.sendall(message)
            answer = json.loads(client.makefile().readline())
            assert answer["ok"] is False
            assert answer["error"]
    assert idle_entrain.status()["state"] == "idle"


# ---- state that survives ---------------------------------------------------------------------


def test_protocol_output_and_bypass_survive_a_restart(any_server):
    with app.running(any_server.environment) as entrain:
        entrain("use", "tone=binaural:carrier_hz=321")
        entrain("set", "tone.beat_hz", "7")
        entrain("output", "headphones")
        entrain("bypass", "on")
        assert entrain.quit(signal.SIGTERM) == 0
    with app.running(any_server.environment) as entrain:
        status = entrain.status()
        assert status["protocol"]["layers"][0]["params"] == {"carrier_hz": 321, "beat_hz": 7}
        assert status["output"]["name"] == "headphones"
        assert status["bypass"] is True


def test_a_broken_state_file_is_kept_aside(any_server):
    state = Path(os.environ["XDG_STATE_HOME"]) / "entrain" / "state.json"
    state.parent.mkdir(parents=True)
    state.write_text("{ broken")
    with app.running(any_server.environment) as entrain:
        assert "state.json" in " ".join(entrain.status()["errors"])
    assert state.with_name("state.json.broken").read_text() == "{ broken"


def test_stop_returns_when_everything_is_as_before(server):
    with app.running(server.environment, "--layer", LAYER) as entrain:
        entrain("stop")
        assert soundlab.default_sink(server.environment) == "speakers"
        soundlab.wait_until(
            lambda: "entrain" not in soundlab.sink_states(server.environment), 2, "no sink"
        )
        assert entrain.process.wait(5) == 0
