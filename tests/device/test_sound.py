"""The sound at the real device while an app plays to Entrain."""

import subprocess
import sys
from dataclasses import replace

import app
import lag_probe
import numpy as np
import pytest
import soundlab
from conftest import HEADPHONES
from measure import frequency_hz, level_db, levels_db, rms_db, steady_level_db

from entrain.platform.sandbox import VirtualDevice

LAYER = "binaural:carrier_hz=400,beat_hz=10,floor_db=-20,ceiling_db=-20"
TONES_HZ = ([1000, 405], [1000, 395])
# On PulseAudio the input passes from one clock to another: its 1000 Hz are a little more or less
# at the device, and drift.  The beat is made with the device's clock.
STEADY_HZ = {"pipewire": TONES_HZ, "pulse": ([405], [395])}


def settled(recorder: soundlab.Recorder) -> None:
    """Wait for the input, and until all fades are over."""
    soundlab.wait_until(lambda: np.any(recorder.take(0.05)), 10, "sound arrives")
    recorder.take(0.5)


@pytest.mark.slow
def test_a_tone_and_the_beat_arrive_as_promised(server):
    """The level is right within 0.5 dB, and the beat of 405 and 395 Hz within 1 mHz."""
    # Long cycles, because a virtual machine may stand still for a tenth of a second.
    if server.kind == "pipewire":
        soundlab.force_quantum(server.environment, 8192)
    # A recording of 8 s tells a frequency to 0.01 mHz; test_long_run.py checks that it stays.
    seconds, within_s = {"pipewire": (16, 120), "pulse": (8, 120)}[server.kind]
    tone = soundlab.sine(1000, 200, amplitude=0.1)
    with (
        app.running(server.environment, "--layer", LAYER, *app.PATIENT[server.kind]) as entrain,
        soundlab.recording(server.environment, "speakers", latency_ms=500) as recorder,
        soundlab.play(server.environment, tone, latency_ms=1000),
    ):
        settled(recorder)
        stretches = recorder.take_stretches(
            seconds, least_s=8, tones_hz=STEADY_HZ[server.kind], within_s=within_s
        )
        # Entrain measures the same beat.
        measured = entrain.status()["measured"]
        assert measured["tones"]["beat_hz"] == pytest.approx(10, abs=0.01)
        assert measured["tones"]["left_db"] == pytest.approx(-20, abs=0.5)
        assert measured["text"].startswith("10.0")

    for heard in stretches:
        for ear, own_hz, other_hz in ((0, 405, 395), (1, 395, 405)):
            input_db = steady_level_db(heard[:480_000, ear], 1000)
            own_db, other_db = levels_db(
                heard[:480_000, ear], [own_hz, other_hz, *([1000] * (server.kind == "pipewire"))]
            )[:2]
            assert input_db == pytest.approx(-23.01, abs=0.5)
            assert own_db == pytest.approx(-20.0, abs=0.5)
            assert other_db < own_db - 80
        left_hz = frequency_hz(heard[:, 0], 405)
        right_hz = frequency_hz(heard[:, 1], 395)
        assert left_hz == pytest.approx(405, abs=0.001)
        assert right_hz == pytest.approx(395, abs=0.001)
        assert left_hz - right_hz == pytest.approx(10, abs=0.001)


@pytest.fixture(scope="module")
def probe(tmp_path_factory):
    return lag_probe.build(tmp_path_factory.mktemp("probe"))


@pytest.mark.parametrize("quantum_frames", [64, 128, 256, 1024])
def test_added_latency_is_the_look_ahead_and_nothing_else(pipewire_server, probe, quantum_frames):
    """The difference between the way through Entrain and the direct way, in one graph cycle."""
    with app.running(pipewire_server.environment, "--layer", LAYER) as entrain:
        soundlab.force_quantum(pipewire_server.environment, quantum_frames)

        def lag(sink: str) -> int:
            environment = pipewire_server.environment
            return lag_probe.frames(environment, probe, sink, "speakers", quantum_frames)

        added = entrain.status()["latency"]["added_frames"]
        # A lost cycle delays one of both ways, so the measurement is repeated.
        soundlab.wait_until(
            lambda: lag("entrain") - lag("speakers") == added, 40, f"{added} frames later"
        )
        assert entrain.status()["latency"]["added_ms"] <= 1.5


@pytest.mark.parametrize("rate_hz", [44_100, 96_000])
def test_the_beat_is_exact_at_other_sample_rates(server, rate_hz):
    if server.kind == "pipewire":
        device = "speakers"
        soundlab.force_rate(server.environment, rate_hz)
        soundlab.force_quantum(server.environment, 8192)  # a virtual machine may stand still
    else:
        device = "other"
        server.add_device(VirtualDevice("other", "Other", 0, rate_hz=rate_hz))
    options = ["--layer", LAYER, *app.PATIENT[server.kind]]
    with (
        app.running(server.environment, *options, "--output", device) as entrain,
        soundlab.recording(server.environment, device, rate_hz, latency_ms=500) as recorder,
        soundlab.play(
            server.environment,
            soundlab.sine(1000, 120, 0.1, rate_hz),
            rate_hz=rate_hz,
            latency_ms=1000,
        ),
    ):
        soundlab.wait_until(lambda: np.any(recorder.take(0.05, rate_hz)), 10, "sound arrives")
        heard = recorder.take_unbroken(5, STEADY_HZ[server.kind], rate_hz, within_s=90)
        assert entrain.status()["output"]["rate_hz"] == rate_hz

    assert frequency_hz(heard[:, 0], 405, rate_hz) == pytest.approx(405, abs=0.005)
    assert frequency_hz(heard[:, 1], 395, rate_hz) == pytest.approx(395, abs=0.005)
    assert level_db(heard[:, 0], 405, rate_hz) == pytest.approx(-20, abs=0.5)


def test_any_quantum_while_playing(pipewire_server):
    """At 16 to 8192 frames a cycle the tones go on, in phase and without a gap."""
    with (
        app.running(pipewire_server.environment, "--layer", LAYER) as entrain,
        soundlab.recording(pipewire_server.environment, "speakers") as recorder,
        soundlab.play(pipewire_server.environment, soundlab.sine(1000, 300, 0.1), latency_ms=400),
    ):
        settled(recorder)
        for quantum_frames in (16, 8192, 64, 2048, 512):
            soundlab.force_quantum(pipewire_server.environment, quantum_frames)
            soundlab.wait_until(
                lambda q=quantum_frames: entrain.status()["output"]["quantum_frames"] == q,
                10,
                f"quantum {quantum_frames}",
            )
            # The recorder's own buffers may break at the change; later sound is whole again.
            # A virtual machine cannot keep cycles of a third of a millisecond for a whole second,
            # with or without Entrain.
            stretch_s = 0.1 if quantum_frames < 512 else 1
            soundlab.wait_until(
                lambda s=stretch_s: is_clean(recorder.take(s)),
                60,
                f"clean sound at {quantum_frames}",
            )
        assert entrain.process.poll() is None


def is_clean(heard: soundlab.Frames, drifting: bool = False) -> bool:
    """Tell whether sound consists of both tones only; a single lost sample shows.

    If the input's frequency may drift, take a tenth of a second.
    """
    time_s = np.arange(len(heard)) / soundlab.RATE_HZ
    for ear, tones_hz in enumerate(TONES_HZ):
        input_db, carrier_db = levels_db(heard[:, ear], tones_hz)
        if abs(input_db + 23.01) > 0.5 or abs(carrier_db + 20) > 0.5:
            return False
        phase = 2 * np.pi * np.outer(time_s, tones_hz)
        columns = np.hstack([np.cos(phase), np.sin(phase)])
        if drifting:
            columns = np.hstack([columns, time_s[:, None] * columns])
        fit = np.linalg.lstsq(columns, heard[:, ear], rcond=None)[0]
        if rms_db(heard[:, ear] - columns @ fit) > -60:
            return False
    return True


def test_the_sample_rate_changes_while_playing(server):
    """On PipeWire the graph's rate changes; on PulseAudio another device has another rate."""
    rates_hz = {"headphones": 44_100, "speakers": 48_000}
    if server.kind == "pulse":
        server.remove_device("headphones")
        server.add_device(replace(HEADPHONES, rate_hz=44_100))
    with (
        app.running(server.environment, "--layer", LAYER, *app.PATIENT[server.kind]) as entrain,
        soundlab.play(server.environment, soundlab.sine(1000, 60, 0.1)) as player,
    ):
        for device, rate_hz in rates_hz.items():
            if server.kind == "pulse":
                entrain("output", device)
            else:
                device = "speakers"
                soundlab.force_rate(server.environment, rate_hz)
            soundlab.wait_until(
                lambda r=rate_hz: entrain.status()["output"]["rate_hz"] == r, 10, f"{rate_hz} Hz"
            )
            with soundlab.recording(server.environment, device, rate_hz) as recorder:
                soundlab.wait_until(
                    lambda r=rate_hz, rec=recorder: has_tones(rec.take(1, r), r), 15, "both tones"
                )
        assert player.poll() is None


def has_tones(heard: soundlab.Frames, rate_hz: int) -> bool:
    return abs(level_db(heard[:, 0], 405, rate_hz) + 20) < 0.5


def test_parameters_glide_and_bypass_is_silent_about_it(server):
    with (
        app.running(
            server.environment, "--layer", f"tone={LAYER}", *app.PATIENT[server.kind]
        ) as entrain,
        soundlab.recording(server.environment, "speakers") as recorder,
        soundlab.play(server.environment, soundlab.sine(1000, 60, 0.1)),
    ):
        settled(recorder)
        entrain("set", "tone.beat_hz", "4", "--over", "0.5")
        soundlab.wait_until(
            lambda: abs(frequency_hz(recorder.take(1)[:, 0], 402) - 402) < 0.05, 10, "402 Hz left"
        )
        entrain("bypass", "on")
        soundlab.wait_until(
            lambda: level_db(recorder.take(1)[:, 0], 402) < -80, 10, "the tones are gone"
        )
        soundlab.wait_until(
            lambda: abs(steady_level_db(recorder.take(1)[:, 0], 1000) + 23.01) < 0.5, 10, "alone"
        )
        entrain.wait_for(state="bypassed")
        entrain("toggle")
        entrain("use", "binaural:carrier_hz=300,beat_hz=-6,floor_db=-25,ceiling_db=-25")
        soundlab.wait_until(
            lambda: abs(level_db(recorder.take(1)[:, 1], 303) + 25) < 0.5, 10, "303 Hz right"
        )


def test_the_app_is_asleep_while_it_plays_on(server):
    """The sound goes on while the main thread holds Python's lock and sleeps."""
    code = f"""
import ctypes
from entrain.backend import Backend
from entrain.engine import Engine

engine = Engine()
values = {{"carrier_hz": 400, "floor_db": -20, "ceiling_db": -20}}
engine.route([engine.add_layer("binaural", values)])
backend = Backend("{server.kind}", engine, "speakers")
print("ready", flush=True)
ctypes.PyDLL(None).sleep(60)  # keeps the interpreter's lock
"""
    holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline()
        soundlab.wait_until(
            lambda: "entrain" in soundlab.sink_states(server.environment), 5, "the sink"
        )
        with (
            soundlab.recording(server.environment, "speakers") as recorder,
            soundlab.play(server.environment, soundlab.sine(1000, 60, 0.1), latency_ms=400),
        ):
            settled(recorder)
            drifting = server.kind == "pulse"
            stretch_s = 0.1 if drifting else 1
            soundlab.wait_until(
                lambda: is_clean(recorder.take(stretch_s), drifting), 30, "clean sound"
            )
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
