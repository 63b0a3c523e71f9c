"""The private sound server works like a real one and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import soundlab
from conftest import skip_unless_installed
from measure import steady_level_db

from entrain.platform.adapter import PlatformError
from entrain.platform.linux import LinuxAdapter
from entrain.platform.sandbox import VirtualDevice
from entrain.platform.sandbox_pipewire import PipeWireSandbox
from entrain.platform.sandbox_pulse import PulseSandbox

BLUETOOTH = VirtualDevice("bluetooth", "Bluetooth", 1999)
PROGRAMS = {
    "pipewire": ("pipewire", "wireplumber", "pipewire-pulse"),
    "pulse": ("pulseaudio",),
}


def alive(pid: int) -> bool:
    """Tell whether a process runs; a zombie does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def test_it_has_the_devices_and_the_best_one_is_the_default(server):
    assert set(soundlab.sink_states(server.environment)) == {"speakers", "headphones"}
    assert soundlab.default_sink(server.environment) == "speakers"


def test_what_is_played_is_recorded_at_its_level(server):
    assert_heard_at(server, -9.03, within_db=0.01)


def test_the_volume_of_a_device_is_in_its_monitor(server):
    soundlab.run(server.environment, "pactl", "set-sink-volume", "speakers", "50%")
    assert_heard_at(server, -9.03 - 18.06, within_db=0.05)


def assert_heard_at(server, expected_db, within_db):
    """Play a tone of -9.03 dB to a device until a second of it is recorded at this level."""
    with (
        soundlab.recording(server.environment, "speakers") as recorder,
        soundlab.play(server.environment, soundlab.sine(1000, 60), "speakers"),
    ):

        def is_right():
            heard = recorder.take(1.0)
            levels_db = [steady_level_db(heard[:, ear], 1000) for ear in (0, 1)]
            return levels_db == pytest.approx([expected_db] * 2, abs=within_db)

        soundlab.wait_until(is_right, 30, f"{expected_db:.2f} dB")


def test_a_passive_recording_lets_the_device_sleep_and_hears_it_wake(server, tmp_path):
    file = tmp_path / "heard.wav"
    with soundlab.record_passively(server, "speakers", file):
        soundlab.wait_until(
            lambda: soundlab.sink_states(server.environment)["speakers"] == "SUSPENDED",
            20,
            "the device sleeps",
        )
        with soundlab.play(server.environment, soundlab.sine(1000, 1), "speakers") as player:
            player.wait(10)

    heard = soundlab.read_wav(file)
    assert np.max(np.abs(heard)) == pytest.approx(0.5, abs=0.01)


def test_devices_come_and_go(server):
    server.add_device(BLUETOOTH)
    soundlab.wait_until(
        lambda: soundlab.default_sink(server.environment) == "bluetooth", 5, "the new device"
    )

    server.remove_device("bluetooth")
    soundlab.wait_until(
        lambda: soundlab.default_sink(server.environment) == "speakers", 5, "back to speakers"
    )
    assert set(soundlab.sink_states(server.environment)) == {"speakers", "headphones"}


def test_a_device_that_is_unplugged_stays_so_over_a_restart_of_the_session_manager(
    pipewire_server,
):
    pipewire_server.remove_device("speakers")
    pipewire_server.restart_session_manager()

    assert set(soundlab.sink_states(pipewire_server.environment)) == {"headphones"}


def test_the_configured_default_survives_a_restart_of_all_servers(server):
    soundlab.run(server.environment, "pactl", "set-default-sink", "headphones")
    soundlab.wait_until(
        lambda: any("headphones" in path.read_text() for path in stored_defaults(server)),
        10,
        "the choice is stored",
    )

    server.stop_server(kill=True)
    server.start_server()

    soundlab.wait_until(
        lambda: soundlab.default_sink(server.environment) == "headphones", 5, "the stored choice"
    )


def stored_defaults(server) -> list[Path]:
    names = ("wireplumber/default-nodes", "*-default-sink")
    return [path for name in names for path in (server.folder / "state").glob(name)]


def test_it_shares_nothing_with_the_user(server, home):
    for program in PROGRAMS[server.kind]:
        variables = Path(f"/proc/{server.pid(program)}/environ").read_bytes().split(b"\0")
        for line in variables:
            name, _, value = line.partition(b"=")
            if name.startswith((b"XDG_", b"PULSE_CONFIG", b"PULSE_STATE")):
                assert value.startswith(bytes(server.folder)), name
    soundlab.record(server.environment, "speakers", 0.1)
    assert not [path for path in home.rglob("*") if path.is_file()]


def test_close_leaves_no_process_and_no_file(server):
    pids = [server.pid(name) for name in PROGRAMS[server.kind]]
    os.kill(pids[0], signal.SIGSTOP)

    server.close()
    server.close()

    assert not server.folder.exists()
    assert not any(alive(pid) for pid in pids)


def test_a_killed_parent_leaves_no_process_and_no_file(server):
    sandbox = type(server)
    program = textwrap.dedent(f"""\
        from {sandbox.__module__} import {sandbox.__name__}
        sandbox = {sandbox.__name__}()
        print(sandbox.folder, *map(sandbox.pid, {PROGRAMS[server.kind]}), flush=True)
        input()
        """)
    parent = subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with parent:
        assert parent.stdout is not None
        folder, *pids = parent.stdout.readline().decode().split()
        assert Path(folder).exists()
        assert all(alive(int(pid)) for pid in pids)
        parent.kill()

    soundlab.wait_until(lambda: not Path(folder).exists(), 10, "the folder is gone")
    soundlab.wait_until(lambda: not any(alive(int(pid)) for pid in pids), 10, "all are gone")


def test_missing_programs_are_named(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(PlatformError) as caught:
        LinuxAdapter().sandbox()
    assert str(caught.value) == (
        "the sandbox needs these packages: pipewire pipewire-bin pipewire-pulse wireplumber"
        " (or: pulseaudio pulseaudio-utils)"
    )


@pytest.mark.parametrize(
    ("sandbox", "kind"), [(PipeWireSandbox, "pipewire"), (PulseSandbox, "pulse")]
)
def test_it_takes_the_server_that_is_installed(monkeypatch, home, sandbox, kind):
    """The sandbox takes PipeWire if both servers are installed."""
    skip_unless_installed(sandbox)
    if kind == "pulse":
        hide(monkeypatch, home, "wireplumber")

    private = LinuxAdapter().sandbox()
    try:
        states = soundlab.sink_states(private.environment)
        assert isinstance(private, sandbox)
    finally:
        private.close()
    assert set(states) == {"speakers"}


def hide(monkeypatch, home, program) -> None:
    """Behave as if a program were not installed."""
    folder = home / "bin"
    folder.mkdir()
    for name in reversed(os.environ["PATH"].split(":")):
        for path in Path(name).glob("*"):
            (folder / path.name).unlink(missing_ok=True)
            (folder / path.name).symlink_to(path)
    (folder / program).unlink(missing_ok=True)
    monkeypatch.setenv("PATH", str(folder))
