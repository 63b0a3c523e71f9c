"""The latency that players learn from the server, so that pictures can wait for the sound.

PulseAudio cannot pass it on: there, a player sees only the null sink's latency.
"""

import cmath
import json
import re
import statistics
import subprocess
import time

import app
import pytest
import soundlab

LAYER = "binaural:carrier_hz=400,beat_hz=10,floor_db=-90,ceiling_db=-90"
PASSED_ON_SINCE = (1, 0, 4)
"""Since this version, PipeWire's null sinks tell players the latency behind their monitor."""

LOST_SINCE = (1, 5, 81)
"""Since this version, `recalc_latencies` in PipeWire overwrites the latency that
`monitor.passthrough` has just handed on: players read 0."""


def skip_where_sinks_keep_it(server):
    version = soundlab.linked_version(server.environment, "pw-cli")
    if not PASSED_ON_SINCE <= version < LOST_SINCE:
        number = ".".join(map(str, version))
        pytest.skip(f"PipeWire {number}: a null sink tells players nothing before 1.0.4, after 1.4")


def told_frames(server, kind, name):
    """Return the latency that an object is told, in frames, or None if it is told none."""
    for item in json.loads(soundlab.run(server.environment, "pw-dump")):
        info = item.get("info") or {}
        properties = info.get("props") or {}
        own_name = properties.get("node.name" if kind == "Node" else "port.alias")
        if item["type"] != f"PipeWire:Interface:{kind}" or own_name != name:
            continue
        for latency in info["params"].get("Latency", []):
            if latency["direction"] == "Input":
                assert latency["minRate"] == latency["maxRate"]
                return latency["minRate"]
    return None


def wait_until_told(entrain, server, kind, name):
    """Wait until the object is told the latency that Entrain reports; return it."""

    def agree():
        added = entrain.status()["latency"]["added_frames"]
        return added if told_frames(server, kind, name) == added else 0

    return soundlab.wait_until(agree, 10, f"{name} is told the latency")


def test_the_engine_says_how_late_it_is_at_every_rate(pipewire_server):
    with (
        app.running(pipewire_server.environment, "--layer", LAYER) as entrain,
        soundlab.play(pipewire_server.environment, soundlab.sine(1000, 60, 0.1)),
    ):
        frames = {}
        for rate_hz in (48000, 44100, 96000, 48000):
            soundlab.force_rate(pipewire_server.environment, rate_hz)
            soundlab.wait_until(
                lambda r=rate_hz: entrain.status()["output"]["rate_hz"] == r, 10, ""
            )
            frames[rate_hz] = wait_until_told(
                entrain, pipewire_server, "Port", "Entrain engine:input_FL"
            )
    assert frames[44100] < frames[48000] < frames[96000]


def test_a_player_is_told_how_late_it_is_heard(pipewire_server):
    """Players are told the added latency, at every rate and after a change of the device."""
    skip_where_sinks_keep_it(pipewire_server)
    sine = soundlab.sine(1000, 60, 0.1)
    with app.running(pipewire_server.environment, "--layer", LAYER) as entrain:
        with soundlab.play(pipewire_server.environment, sine, sink="speakers"):
            entrain.wait_for(state="idle")
            assert not told_frames(pipewire_server, "Node", "player")
        with soundlab.play(pipewire_server.environment, sine):
            for rate_hz in (48000, 96000, 44100):
                soundlab.force_rate(pipewire_server.environment, rate_hz)
                soundlab.wait_until(
                    lambda r=rate_hz: entrain.status()["output"]["rate_hz"] == r, 10, "the rate"
                )
                wait_until_told(entrain, pipewire_server, "Node", "player")
            entrain("output", "headphones")
            wait_until_told(entrain, pipewire_server, "Node", "player")


def phase_of_latency_s(server, sink, quantum_s):
    """Return the latency that a player reports, modulo the quantum: whole quanta come and go."""
    command = ["pacat", "--playback", "--verbose", "--raw", "--latency-msec=100", "/dev/zero"]
    with subprocess.Popen(
        [*command, f"--device={sink}"],
        env=dict(server.environment) | {"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as player:
        time.sleep(3)
        player.terminate()
        assert player.stderr
        said = player.stderr.read()
    reported_us = [int(text) for text in re.findall(r"Latency: (\d+) usec", said)][10:]
    assert len(reported_us) > 20, said[-300:]
    turns = [cmath.exp(2j * cmath.pi * us * 1e-6 / quantum_s) for us in reported_us]
    middle = complex(
        statistics.median(turn.real for turn in turns),
        statistics.median(turn.imag for turn in turns),
    )
    return cmath.phase(middle) / (2 * cmath.pi) * quantum_s


def test_a_player_reports_a_latency_that_is_as_much_higher(pipewire_server):
    """A player's own measurement rises by Entrain's added latency, within 0.3 ms."""
    skip_where_sinks_keep_it(pipewire_server)
    quantum_s = 256 / 48000
    soundlab.force_quantum(pipewire_server.environment, 256)
    with app.running(pipewire_server.environment, "--layer", LAYER) as entrain:
        added_s = entrain.status()["latency"]["added_ms"] / 1000
        assert added_s > 0.001

        def rises():
            direct, through = (
                phase_of_latency_s(pipewire_server, sink, quantum_s)
                for sink in ("speakers", "entrain")
            )
            return abs((through - direct) % quantum_s - added_s) < 0.0003

        # A busy machine delays some of a player's measurements.
        soundlab.wait_until(rises, 40, f"a latency that is {1000 * added_s:.2f} ms higher")
