"""PulseAudio only: the guardian cleans up after a crash, and the server may refuse requests."""

import os
import signal

import app
import numpy as np
import pytest
import soundlab
from lateness import Witness
from measure import steady_level_db
from odd_pulse import FullPulse, LockedPulse, OldPulse, strangers_server
from processes import children, executable

LAYER = "binaural:carrier_hz=400,beat_hz=10,floor_db=-20,ceiling_db=-20"
GUARDIAN = "entrain-guardian"
ROUNDS = 10
SILENCE_S = 0.2


def pactl(server, *arguments):
    return soundlab.run(server.environment, "pactl", *arguments)


def default(server):
    return soundlab.default_sink(server.environment)


def null_sinks(server):
    """Count the loaded modules of Entrain."""
    return pactl(server, "list", "short", "modules").count("sink_name=entrain")


def is_clean(server, former="headphones"):
    """Tell whether all of Entrain's objects are gone, and the former default is back."""
    sinks = soundlab.sink_states(server.environment)
    return not null_sinks(server) and "entrain" not in sinks and default(server) == former


def guardians(entrain):
    return [pid for pid in children(entrain.pid) if executable(pid) == GUARDIAN]


def on(server, entrain):
    """Wait until Entrain is the default and its guardian runs."""
    soundlab.wait_until(lambda: default(server) == "entrain", 10, "Entrain is the default")
    return soundlab.wait_until(lambda: guardians(entrain), 10, "a guardian")[0]


def longest_silence_s(heard):
    """Return the length of the longest stretch of digital silence on the left ear."""
    sound = np.flatnonzero(np.abs(heard[:, 0]) > 1e-4)
    gaps = np.diff(np.concatenate([[-1], sound, [len(heard)]])) - 1
    return float(np.max(gaps)) / soundlab.RATE_HZ


# ---- processes die -----------------------------------------------------------------------------


@pytest.mark.slow
def test_after_a_kill_the_player_is_heard_on_the_device_within_200_ms(pulse_server):
    """The silence is at most 200 ms of the device's time in each of ten kills.

    The former default is back.  Time in which the machine itself stood still does not count.
    """
    server = pulse_server
    pactl(server, "set-default-sink", "headphones")
    silences_s = []
    with (
        Witness() as machine,
        soundlab.recording(server.environment, "headphones") as recorder,
        soundlab.play(server.environment, soundlab.sine(1000, 200, 0.1), sink="") as player,
    ):
        for _ in range(ROUNDS):
            with app.running(server.environment, "--layer", LAYER) as entrain:
                on(server, entrain)
                recorder.skip_to_now()
                soundlab.wait_until(
                    lambda: soundlab.tone_db(recorder.take(0.2), 405) > -21, 15, "the tones"
                )
                lost_s = machine.lost_s()
                entrain.kill()
                heard = recorder.take(1)
                silences_s.append(longest_silence_s(heard) - (machine.lost_s() - lost_s))
                assert soundlab.tone_db(heard[-24_000:], 405) < -60
                soundlab.wait_until(
                    lambda: (
                        steady_level_db(recorder.take(0.5)[:, 0], 1000)
                        == pytest.approx(-23.01, abs=0.5)
                    ),
                    10,
                    "the input at its own level",
                )
                soundlab.wait_until(lambda: is_clean(server), 5, "all is clean")
        assert player.poll() is None
    assert max(silences_s) <= SILENCE_S, silences_s


def test_a_killed_guardian_is_replaced(pulse_server):
    server = pulse_server
    pactl(server, "set-default-sink", "headphones")
    with app.running(server.environment, "--layer", LAYER) as entrain:
        first = on(server, entrain)
        os.kill(first, signal.SIGKILL)
        soundlab.wait_until(
            lambda: [pid for pid in guardians(entrain) if pid != first], 1, "another guardian"
        )
        assert len(guardians(entrain)) == 1
        entrain.wait_for(state="idle")
        assert default(server) == "entrain"

        second = guardians(entrain)[0]
        entrain.kill()
        soundlab.wait_until(lambda: is_clean(server), 5, "all is clean")
        soundlab.wait_until(lambda: not executable(second), 5, "the guardian has ended")


def test_an_app_and_guardian_that_are_both_killed_are_cleaned_up_by_the_next_start(pulse_server):
    server = pulse_server
    pactl(server, "set-default-sink", "headphones")
    with app.running(server.environment, "--layer", LAYER) as entrain:
        kill_both(entrain, on(server, entrain))
    assert null_sinks(server) == 1
    assert default(server) == "entrain"

    with app.running(server.environment) as entrain:
        on(server, entrain)
        assert null_sinks(server) == 1
        assert [name for name in soundlab.sink_states(server.environment) if "entrain" in name] == [
            "entrain"
        ]
        assert "an earlier Entrain" in " ".join(entrain.status()["errors"])
        entrain.wait_for_output("headphones")
        assert entrain("stop") is not None
    assert is_clean(server)


def test_what_was_left_behind_is_no_choice_of_the_users(pulse_server):
    """Entrain is off, killed with its guardian, and started again; it is still off."""
    server = pulse_server
    pactl(server, "set-default-sink", "headphones")
    with app.running(server.environment) as entrain:
        guardian = soundlab.wait_until(lambda: guardians(entrain), 10, "a guardian")[0]
        kill_both(entrain, guardian)
    assert null_sinks(server) == 1

    with app.running(server.environment) as entrain:
        entrain.wait_for(on=False)
        assert default(server) == "headphones"
        assert null_sinks(server) == 1
    assert is_clean(server)


def kill_both(entrain, guardian):
    os.kill(guardian, signal.SIGSTOP)  # the guardian might be quicker than the second signal
    entrain.process.kill()
    os.kill(guardian, signal.SIGKILL)
    entrain.process.wait()


def test_no_guardian_outlives_its_app(pulse_server):
    server = pulse_server
    with app.running(server.environment, "--layer", LAYER) as entrain:
        guardian = on(server, entrain)
        assert entrain.quit() == 0
    assert is_clean(server, "speakers")
    soundlab.wait_until(lambda: not executable(guardian), 5, "the guardian has ended")


# ---- the added delay ---------------------------------------------------------------------------


def test_the_delay_that_is_asked_for_is_aimed_at_and_survives_a_restart(pulse_server):
    server = pulse_server
    with app.running(server.environment) as entrain:
        assert entrain.status()["latency"]["added_ms"] == pytest.approx(10, abs=0.1)
    with app.running(server.environment, "--latency", "42") as entrain:
        assert entrain.status()["latency"]["added_ms"] == pytest.approx(42, abs=0.1)
    with app.running(server.environment) as entrain:
        assert entrain.status()["latency"]["added_ms"] == pytest.approx(42, abs=0.1)


# ---- servers that refuse -----------------------------------------------------------------------


def hears_tones(server):
    with (
        soundlab.recording(server.environment, "speakers") as recorder,
        soundlab.play(server.environment, soundlab.sine(1000, 30, 0.1)),
    ):
        soundlab.wait_until(
            lambda: abs(soundlab.tone_db(recorder.take(0.5), 405) + 20) < 0.5, 15, "the tones"
        )


def test_a_server_without_norewinds(start):
    server = start(OldPulse)
    with app.running(server.environment, "--layer", LAYER, *app.PATIENT["pulse"]) as entrain:
        on(server, entrain)
        hears_tones(server)
        entrain.wait_for(reason="")
        assert entrain.status()["errors"] == []
    assert is_clean(server, "speakers")


def test_a_server_that_has_no_room_for_a_module(start):
    """Entrain reports it, tries again, and runs as soon as there is room."""
    server = start(FullPulse)
    server.fill()
    with app.running_unready(
        server.environment, "--layer", LAYER, *app.PATIENT["pulse"]
    ) as entrain:
        status = refused(entrain, "cannot add a device")
        assert status["retry_in_s"] is not None
        assert is_clean(server, "speakers")

        server.empty()
        entrain.wait_for(state="idle", timeout_s=10, reason="")
        on(server, entrain)
        hears_tones(server)
    assert is_clean(server, "speakers")


def test_a_server_that_loads_no_modules(start):
    server = start(LockedPulse)
    with app.running_unready(server.environment, "--layer", LAYER) as entrain:
        refused(entrain, "cannot add a device")
        assert is_clean(server, "speakers")
        assert entrain.quit() == 0
    assert is_clean(server, "speakers")


def test_a_server_that_denies_access(pulse_server, home):
    """Entrain reports it, tries again, and runs as soon as the cookie is right."""
    server = pulse_server
    with (
        strangers_server(server, home) as (environment, cookie),
        app.running_unready({**server.environment, **environment}, "--layer", LAYER) as entrain,
    ):
        status = refused(entrain, "denies access")
        assert status["retry_in_s"] is not None
        assert is_clean(server, "speakers")

        cookie.write_bytes((server.folder / "pulse" / "cookie").read_bytes())
        entrain.wait_for(state="idle", timeout_s=10, reason="")
        on(server, entrain)
        entrain("stop")
        assert is_clean(server, "speakers")


def test_the_name_is_taken_by_a_foreign_device(pulse_server):
    server = pulse_server
    module = pactl(server, "load-module", "module-null-sink", "sink_name=entrain").strip()
    with app.running_unready(server.environment, "--layer", LAYER) as entrain:
        refused(entrain, 'another device on this sound server has the name "entrain"')
        pactl(server, "unload-module", module)
        entrain.wait_for(state="idle", timeout_s=10, reason="")
        on(server, entrain)
    assert is_clean(server, "speakers")


def refused(entrain, word):
    """Wait for the reason of the failure, and check that one line reports it, once."""

    def told():
        status = entrain.status()
        return status if word in status["reason"] and status["errors"] else None

    status = soundlab.wait_until(told, 10, f"{word!r} in the reason, and noted")
    assert status["state"] == "failed"
    assert "\n" not in status["reason"]
    assert len([line for line in status["errors"] if word in line]) == 1
    return status
