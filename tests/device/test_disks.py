"""Tests a full disk, a read-only home, a missing home, and a kill during a save.

None of these affects the sound.  Entrain reports what it cannot save, and saved files stay intact.
"""

import json
import os
import random
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import app
import pytest
import soundlab
from needs import skip

from entrain.vdevice.api.client import Client, ClientError
from entrain.vdevice.protocol.document import parse_protocol

LAYER = "tone=binaural:carrier_hz=400,beat_hz=10,floor_db=-20,ceiling_db=-20"
SOAK = os.environ.get("ENTRAIN_SOAK") == "1"
KILLS = 40 if SOAK else 4

NAMESPACE = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
NOBODY = ["unshare", "--user", "--map-user=54321", "--map-group=54321"]
"""A user without an entry in the system's list, and so without a home folder."""


@contextmanager
def started_with(prefix, environment, *options):
    """Run Entrain through another command, which prepares its surroundings."""
    if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode != 0:
        skip("this system does not allow namespaces, for example in a chroot")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "ENTRAIN", [*prefix, *app.ENTRAIN])
        with app.running(environment, *options) as entrain:
            yield entrain


def shell(script):
    """Return a command prefix that runs a script in a mount namespace, then Entrain."""
    return [*NAMESPACE, "sh", "-ec", f'{script}\nexec "$@"', "sh"]


def state_file():
    return Path(os.environ["XDG_STATE_HOME"]) / "entrain" / "state.json"


def stored_protocol(folder):
    """Read the stored protocol.  Entrain may be saving and removing an old file meanwhile."""
    for _ in range(1000):
        state = json.loads((folder / "state.json").read_bytes())
        path = folder / "state-protocols" / state["protocol_files"]["protocol"]
        with suppress(FileNotFoundError):
            return parse_protocol(path.read_bytes(), path.name)
    raise AssertionError(f"{path} is missing")


def wait_for_the_first_save(folder):
    """Wait until the state is on the disk; Entrain answers earlier."""
    soundlab.wait_until((folder / "state.json").exists, 15, "the first save")


def errors(entrain):
    return " ".join(entrain.status()["errors"])


def wait_for_error(entrain, text):
    """Wait until the status has this error; Entrain saves within a second of a change."""
    soundlab.wait_until(lambda: text in errors(entrain), 10, text)


def hear(server, tone_hz=405):
    with (
        soundlab.recording(server.environment, "speakers") as recorder,
        soundlab.play(server.environment, soundlab.sine(1000, 60, 0.1)),
    ):
        soundlab.wait_until(
            lambda: abs(soundlab.tone_db(recorder.take(0.2), tone_hz) + 20) < 0.5, 15, "the tones"
        )


def test_a_full_disk(server):
    """The saved state stays intact, and later changes are saved when the disk has room."""
    folder = state_file().parent
    folder.mkdir()
    disk = shell(f"mount -t tmpfs -o size=64k,mode=700 none {folder}")
    with started_with(disk, server.environment, "--layer", LAYER) as entrain:
        inside = Path(f"/proc/{entrain.pid}/root{folder}")  # Entrain's disk, seen from outside
        wait_for_the_first_save(inside)
        before = (inside / "state.json").read_bytes()
        filling = inside / "filling"
        with filling.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(512))
        entrain("set", "tone.beat_hz", "7")
        wait_for_error(entrain, "state.json: No space left on device")
        assert (inside / "state.json").read_bytes() == before
        hear(server, 403.5)
        filling.unlink()
        entrain("set", "tone.beat_hz", "8")
        soundlab.wait_until(
            lambda: stored_protocol(inside).layers[0].params["beat_hz"] == 8, 10, "it is saved"
        )
        assert not [path for path in inside.iterdir() if path.name.startswith(".")]


def test_a_home_that_is_read_only(server, home):
    runtime = os.environ["XDG_RUNTIME_DIR"]
    disk = shell(
        f"mount --bind {home} {home}\n"
        f"mount --bind {runtime} {runtime}\n"
        f"mount -o remount,bind,ro {home}"
    )
    with started_with(disk, server.environment, "--layer", LAYER) as entrain:
        entrain("set", "tone.beat_hz", "10")
        wait_for_error(entrain, "state.json: Read-only file system")
        hear(server)
        refused = app.command(server.environment, "save", "Mine")
        assert refused.returncode == 1
        assert "Read-only file system" in refused.stderr
        assert len(refused.stderr.strip().splitlines()) == 1
        assert entrain.quit() == 0
    assert not state_file().exists()


def test_no_home_at_all(server, monkeypatch, tmp_path):
    """Entrain runs for a user without a home, and writes no files to its working folder."""
    for name in ("HOME", *(f"XDG_{place}_HOME" for place in ("STATE", "CONFIG", "CACHE", "DATA"))):
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    with started_with(NOBODY, server.environment, "--layer", LAYER) as entrain:
        entrain("set", "tone.beat_hz", "10")
        wait_for_error(entrain, "state")
        hear(server)
        doctor = app.command(server.environment, "doctor")
        assert "Traceback" not in doctor.stderr
        assert entrain.quit() == 0
    assert list(tmp_path.iterdir()) == []


def test_settings_are_never_half_written(home):
    """Entrain is killed again and again during saves; the file is complete at each look."""
    chance = random.Random(1)
    looks = 0
    for _ in range(KILLS):
        with app.running({}, "--backend", "null", "--layer", LAYER) as entrain:
            assert errors(entrain) == ""
            wait_for_the_first_save(state_file().parent)
            writer = threading.Thread(target=_change_much)
            writer.start()
            end_s = time.monotonic() + chance.uniform(0.2, 0.6)
            while time.monotonic() < end_s:
                stored_protocol(state_file().parent)
                looks += 1
            entrain.kill()
            writer.join()
        assert stored_protocol(state_file().parent)
    assert looks > 20 * KILLS
    with app.running({}, "--backend", "null") as entrain:
        assert errors(entrain) == ""
        assert [path.name for path in state_file().parent.glob(".*")] == []


def _change_much():
    """Change a saved value, and a setting that is written at once, until Entrain is killed."""
    with suppress(ClientError), Client() as client:
        for beat in range(1_000_000):
            client.ask("set", address="tone.beat_hz", value=beat % 40, over_s=0)
            client.ask("settings", mode=("default", "manual")[beat % 2])
