"""Other devices beside Entrain's: many at once, oddly numbered, or of its own name."""

import itertools
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import app
import pulsectl
import soundlab
from measure import level_db

from entrain.platform.sandbox import VirtualDevice

LAYER = "tone=binaural:carrier_hz=400,beat_hz=10,floor_db=-20,ceiling_db=-20"
CHOICES = ("speakers", "headphones", "entrain")
SOAK = os.environ.get("ENTRAIN_SOAK") == "1"


def hears(recorder, tone_hz=1000, ear=0):
    return level_db(recorder.take(0.1)[:, ear], tone_hz) > -40


# ---- a storm of choices ---------------------------------------------------------------------


def test_the_default_goes_round_without_a_pause(server):
    """Players come and go, the target changes: Entrain is there when the storm is over."""
    seconds = 60 if SOAK else 4
    with (
        app.running(server.environment, "--layer", LAYER, *app.PATIENT[server.kind]) as entrain,
        soundlab.play(server.environment, soundlab.sine(1000, 120, 0.1), latency_ms=400),
        pulsectl.Pulse("desktop") as desktop,
    ):
        entrain.wait_for(state="processing")
        choices = itertools.cycle([desktop.get_sink_by_name(name) for name in CHOICES])
        pauses = random.Random(1)
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            desktop.sink_default_set(next(choices))
            time.sleep(pauses.uniform(0.01, 0.05))
            assert entrain.process.poll() is None, "Entrain has crashed"
        entrain("output", "speakers")
        entrain("on")
        entrain.wait_for(on=True)
        with (
            soundlab.play(server.environment, soundlab.sine(1000, 60, 0.1)),
            soundlab.recording(server.environment, "speakers") as recorder,
        ):
            soundlab.wait_until(lambda: hears(recorder) and hears(recorder, 405), 10, "sound")


# ---- ports without a place in the room ----------------------------------------------------------


def test_left_and_right_stay_what_they_are_on_a_device_of_numbered_ports(pipewire_server):
    """As a pro-audio profile has them; the server numbers the objects as it likes at each plug."""
    server = pipewire_server
    studio = VirtualDevice("studio", "Studio", 1999, tuple(f"AUX{n}" for n in range(18)))
    left_only = soundlab.sine(1000, 600, 0.1)
    left_only[:, 1] = 0
    quiet = "tone=binaural:floor_db=-90,ceiling_db=-90"
    server.add_device(studio)
    with (
        app.running(server.environment, "--layer", quiet, "--output", "studio") as entrain,
        soundlab.play(server.environment, left_only),
    ):
        for plugged in range(10 if SOAK else 2):
            entrain.wait_for_output("studio")
            soundlab.wait_until(lambda: _engine_links(server), 10, "linked to the studio")
            assert _engine_links(server) == {"FL": "playback_AUX0", "FR": "playback_AUX1"}
            server.remove_device("studio")
            # Something else comes, so that other numbers are free each time.
            server.add_device(VirtualDevice(f"other{plugged}", "Other", 1, ("MONO",)))
            server.add_device(studio)


def _engine_links(server):
    """Return the studio's port that each of the engine's is linked to."""
    lines = soundlab.run(server.environment, "pw-link", "--output", "--links").splitlines()
    links = {}
    for above, line in itertools.pairwise(lines):
        if above.startswith("entrain-engine:output_") and "|-> studio:" in line:
            links[above.rpartition("_")[2].strip()] = line.rpartition(":")[2].strip()
    return links if len(links) == 2 else {}


# ---- another device of Entrain's name -----------------------------------------------------------


def test_another_device_is_called_entrain(pipewire_server):
    """Told clearly, left alone, and no music ends up in it; test_pulse has the other server."""
    server = pipewire_server
    foreign = VirtualDevice("entrain", "Foreign", 500)

    def is_told(entrain):
        status = entrain.status()
        return status["state"] == "failed" and 'has the name "entrain"; rename' in status["reason"]

    server.add_device(foreign)
    with app.running_unready(server.environment, "--layer", LAYER) as entrain:
        soundlab.wait_until(lambda: is_told(entrain), 10, "told at the start")
        assert not any("left behind" in error for error in entrain.status()["errors"])
        doctor = app.command(server.environment, "doctor").stdout
        assert 'another device has the name "entrain"' in doctor
        server.remove_device("entrain")
        entrain.wait_for(state="idle", on=True)
        server.add_device(foreign)
        soundlab.wait_until(lambda: is_told(entrain), 10, "told while it runs")
        soundlab.wait_until(
            lambda: soundlab.default_sink(server.environment) == "speakers", 5, "speakers again"
        )
        server.remove_device("entrain")
        entrain.wait_for(state="idle", on=True)


# ---- no memory ----------------------------------------------------------------------------------


def test_the_memory_is_used_up(server, tmp_path):
    """Any allocation of the back end's own thread may fail: the next back end works."""
    failing = Path(__file__).with_name("failing_new.cpp")
    library = tmp_path / "failing_new.so"
    subprocess.run(
        ["c++", "-std=c++17", "-O1", "-shared", "-fPIC", "-Werror", failing, "-o", library],
        check=True,
    )
    seconds = "120" if SOAK else "3"
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("out_of_memory.py"), server.kind, seconds],
        env={**os.environ, **server.environment, "LD_PRELOAD": str(library)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 5, "so many allocations have failed"
