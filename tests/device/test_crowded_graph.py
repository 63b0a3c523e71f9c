"""Tests Entrain beside unusual devices, and when it runs out of memory."""

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


# ---- many changes of the default ------------------------------------------------------------


def test_the_default_goes_round_without_a_pause(server):
    """Entrain still works after the default has changed every few milliseconds."""
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


# ---- ports without a channel name ---------------------------------------------------------------


def test_left_and_right_stay_what_they_are_on_a_device_of_numbered_ports(pipewire_server):
    """A pro-audio profile has such ports; their object numbers are arbitrary at each connection."""
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
            # Another device takes some of the free object numbers, so that they differ each time.
            server.add_device(VirtualDevice(f"other{plugged}", "Other", 1, ("MONO",)))
            server.add_device(studio)


def _engine_links(server):
    """Return the studio's port to which each output of the engine is linked."""
    lines = soundlab.run(server.environment, "pw-link", "--output", "--links").splitlines()
    links = {}
    for above, line in itertools.pairwise(lines):
        if above.startswith("entrain-engine:output_") and "|-> studio:" in line:
            links[above.rpartition("_")[2].strip()] = line.rpartition(":")[2].strip()
    return links if len(links) == 2 else {}


# ---- another device with Entrain's name ---------------------------------------------------------


def test_another_device_is_called_entrain(pipewire_server):
    """Entrain reports it, does not touch it, and no music ends up in it; see also test_pulse."""
    server = pipewire_server
    foreign = VirtualDevice("entrain", "Foreign", 500)

    def is_reported(entrain):
        status = entrain.status()
        return status["state"] == "failed" and 'has the name "entrain"; rename' in status["reason"]

    server.add_device(foreign)
    with app.running_unready(server.environment, "--layer", LAYER) as entrain:
        soundlab.wait_until(lambda: is_reported(entrain), 10, "reported at the start")
        assert not any("left behind" in error for error in entrain.status()["errors"])
        doctor = app.command(server.environment, "doctor").stdout
        assert 'another device has the name "entrain"' in doctor
        server.remove_device("entrain")
        entrain.wait_for(state="idle", on=True)
        server.add_device(foreign)
        soundlab.wait_until(lambda: is_reported(entrain), 10, "reported while Entrain runs")
        soundlab.wait_until(
            lambda: soundlab.default_sink(server.environment) == "speakers", 5, "speakers again"
        )
        server.remove_device("entrain")
        entrain.wait_for(state="idle", on=True)


# ---- out of memory ------------------------------------------------------------------------------


def test_the_memory_is_used_up(server, tmp_path):
    """Any allocation on the back end's thread may fail; the next back end works."""
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
