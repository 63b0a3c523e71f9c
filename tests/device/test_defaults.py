"""Tests which output is the default before, during and after a run of Entrain."""

import json
import os
import shutil
import signal
import subprocess
import time

import app
import pytest
import soundlab
from conftest import HEADPHONES, replace_session_manager

from entrain.platform.sandbox import VirtualDevice

BLUETOOTH = VirtualDevice("bluetooth", "Bluetooth", 1999)


def effective(server):
    return soundlab.default_sink(server.environment)


def configured(server):
    """Return the configured default, or "" if there is none.

    PulseAudio does not report it, so return the effective default, which equals the configured one
    while its device is connected.
    """
    if server.kind == "pulse":
        return effective(server)
    text = soundlab.run(server.environment, "pw-metadata", "-n", "default", "0")
    for line in text.splitlines():
        if "key:'default.configured.audio.sink'" in line:
            return json.loads(line.split("value:'")[1].split("'")[0])["name"]
    return ""


def becomes(server, name, *, chosen=None, timeout_s=5):
    soundlab.wait_until(
        lambda: effective(server) == name and chosen in (None, configured(server)),
        timeout_s,
        f"default is {name}, configured {chosen}",
    )


def choose(server, name):
    """Choose the default as a desktop's sound settings do."""
    soundlab.run(server.environment, "pactl", "set-default-sink", name)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_quitting_gives_the_default_back(server, how):
    choose(server, "headphones")
    with app.running(server.environment, "--protocol", "default") as entrain:
        becomes(server, "entrain")
        assert entrain.quit(how) == 0
        becomes(server, "headphones", chosen="headphones")
        assert "entrain" not in soundlab.sink_states(server.environment)


def test_on_and_off(server):
    choose(server, "headphones")
    with app.running(server.environment) as entrain:
        entrain.wait_for(state="off")
        assert effective(server) == "headphones"
        entrain("on")
        becomes(server, "entrain", chosen="entrain")
        entrain.wait_for(state="idle")
        entrain.wait_for_output("headphones")
        entrain("off")
        becomes(server, "headphones", chosen="headphones")
        entrain.wait_for(state="off")
        assert "entrain" in soundlab.sink_states(server.environment)
        assert app.command(server.environment, "stop").returncode == 0
        becomes(server, "headphones", chosen="headphones")


def test_where_nothing_was_configured_the_former_one_is_written_down(pipewire_server):
    assert configured(pipewire_server) == ""
    with app.running(pipewire_server.environment) as entrain:
        entrain("on")
        becomes(pipewire_server, "entrain")
        entrain("off")
        becomes(pipewire_server, "speakers", chosen="speakers")


def test_its_own_output_does_not_jump_when_it_becomes_the_default(server):
    """A session manager alone would choose the device of the highest priority."""
    choose(server, "headphones")
    with app.running(server.environment, "--protocol", "default") as entrain:
        becomes(server, "entrain")
        for _ in range(5):
            entrain.wait_for_output("headphones")


def test_on_quit_on_again(server):
    choose(server, "headphones")
    with app.running(server.environment) as entrain:
        entrain("on")
        becomes(server, "entrain")
        entrain.quit()
    becomes(server, "headphones", chosen="headphones")
    with app.running(server.environment) as entrain:
        becomes(server, "entrain")
        entrain.wait_for_output("headphones")
        entrain("off")
        becomes(server, "headphones", chosen="headphones")
    with app.running(server.environment) as entrain:
        entrain.wait_for(on=False)
        assert effective(server) == "headphones"


def test_a_kill_while_a_program_plays(server):
    """Within 1 s, the sink is gone and the player is heard on the former default."""
    choose(server, "headphones")
    with (
        app.running(server.environment, "--protocol", "default") as entrain,
        soundlab.recording(server.environment, "headphones") as recorder,
    ):
        becomes(server, "entrain")
        with soundlab.play(server.environment, soundlab.sine(1000, 60, 0.1), sink=""):
            # Wait for the tone itself: if any sink vanishes while a player is being linked to it,
            # WirePlumber 0.4 may never link this player again.
            soundlab.wait_until(
                lambda: soundlab.tone_db(recorder.take(0.1), 1000) > -40, 10, "the tone arrives"
            )
            entrain.kill()
            recorder.take(1)  # a second of the device's own time
            assert soundlab.tone_db(recorder.take(0.2), 1000) > -40
            assert "entrain" not in soundlab.sink_states(server.environment)
            assert effective(server) == "headphones"


def test_a_kill_and_a_plain_start(server):
    """The session manager still has Entrain configured, but Entrain knows the former device."""
    choose(server, "headphones")
    with app.running(server.environment) as entrain:
        entrain("on")
        becomes(server, "entrain")
        entrain.kill()
    becomes(server, "headphones")
    with app.running(server.environment) as entrain:
        becomes(server, "entrain", chosen="entrain")
        entrain.wait_for_output("headphones")
        entrain("off")
        becomes(server, "headphones", chosen="headphones")


def test_the_former_device_is_unplugged_while_entrain_is_off(server):
    """The session manager would fall back on Entrain, so a real device is configured."""
    server.add_device(BLUETOOTH)
    choose(server, "bluetooth")
    with app.running(server.environment) as entrain:
        entrain("on")
        becomes(server, "entrain")
        entrain("off")
        becomes(server, "bluetooth", chosen="bluetooth")
        server.remove_device("bluetooth")
        soundlab.wait_until(
            lambda: effective(server) in ("speakers", "headphones"), 5, "a real default"
        )
        assert configured(server) != "entrain"
        entrain.wait_for(on=False)
        if server.kind == "pipewire":  # PulseAudio does not report a choice that changes nothing
            stands_in = configured(server)
            choose(server, stands_in)
            time.sleep(1)  # nothing shows when Entrain has heard of a choice that changes nothing
            server.add_device(BLUETOOTH)
            soundlab.wait_until(
                lambda: "bluetooth" in {each["name"] for each in entrain.status()["outputs"]},
                5,
                "the former device is listed",
            )
            time.sleep(0.5)
            assert configured(server) == effective(server) == stands_in


def test_choosing_entrain_in_the_desktop_switches_it_on(server):
    with app.running(server.environment) as entrain:
        choose(server, "entrain")
        entrain.wait_for(on=True)
        entrain.wait_for_output("speakers")
        choose(server, "headphones")
        status = entrain.wait_for(on=False)
        assert "headphones" in status["reason"]
        assert effective(server) == "headphones"


def test_the_target_is_unplugged_and_comes_back(server):
    server.add_device(BLUETOOTH)
    with app.running(server.environment, "--protocol", "default") as entrain:
        entrain("output", "bluetooth")
        entrain.wait_for(output=entrain.status()["output"] | {"name": "bluetooth"})
        server.remove_device("bluetooth")
        soundlab.wait_until(
            lambda: entrain.status()["output"]["name"] == "speakers", 5, "back on the speakers"
        )
        server.add_device(BLUETOOTH)
        soundlab.wait_until(
            lambda: entrain.status()["output"]["name"] == "bluetooth", 5, "on the chosen one again"
        )
        with (
            soundlab.recording(server.environment, "bluetooth") as recorder,
            soundlab.play(server.environment, soundlab.sine(1000, 30, 0.1)),
        ):
            soundlab.wait_until(lambda: recorder.take(0.1).any(), 10, "sound on the chosen one")


def test_a_choice_of_output_can_be_left_to_the_desktop_again(server):
    with app.running(server.environment, "--protocol", "default") as entrain:
        before = entrain.status()["output"]["name"]
        entrain.wait_for(chosen_output="")
        other = next(name for name in ("speakers", "headphones") if name != before)

        def plays_on(name):
            return entrain.status()["output"]["name"] == name

        entrain("output", other)
        soundlab.wait_until(lambda: plays_on(other), 5, "on the chosen one")
        entrain.wait_for(chosen_output=other)
        entrain("output", "auto")
        soundlab.wait_until(lambda: plays_on(before), 5, "as without Entrain")
        entrain.wait_for(chosen_output="")


def test_a_session_manager_may_have_been_away_unseen(pipewire_server):
    """Losing the default with the session manager does not count as the user's choice."""
    server = pipewire_server
    with app.running(server.environment, "--protocol", "default") as entrain:
        becomes(server, "entrain", chosen="entrain")
        os.kill(entrain.pid, signal.SIGSTOP)
        try:
            server.kill_session_manager()
            shutil.rmtree(server.folder / "state" / "wireplumber", ignore_errors=True)
            server.remove_device("speakers")  # real devices vanish and return with it
            server.start_session_manager(wait=False)
            server.add_device(VirtualDevice("speakers", "Speakers", 1000))
            soundlab.wait_until(
                lambda: effective(server) in ("speakers", "headphones"), 15, "its own default"
            )
        finally:
            os.kill(entrain.pid, signal.SIGCONT)
        becomes(server, "entrain", chosen="entrain", timeout_s=15)
        assert entrain.status()["on"]


def test_a_choice_that_the_server_has_kept_to_itself_is_found(pipewire_server):
    """PipeWire 0.3 does not report a choice after a client has left while reading metadata."""
    server = pipewire_server
    with app.running(server.environment) as entrain:
        manager = server.pid("wireplumber")
        os.kill(manager, signal.SIGSTOP)
        try:
            watcher = subprocess.Popen(
                ["pw-metadata", "-m"],
                env={**os.environ, **server.environment},
                stdout=subprocess.DEVNULL,
            )
            time.sleep(0.3)  # it has asked, and the session manager does not answer
            watcher.kill()
            watcher.wait()
        finally:
            os.kill(manager, signal.SIGCONT)
        choose(server, "entrain")
        with soundlab.play(server.environment, soundlab.sine(1000, 60, 0.1), sink=""):
            entrain.wait_for(on=True)


def test_a_session_manager_killed_before_it_has_answered(pipewire_server):
    """PipeWire then never reads from the client that asked the session manager."""
    server = pipewire_server
    with app.running(server.environment, "--protocol", "default") as entrain:
        becomes(server, "entrain", chosen="entrain")
        entrain.wait_for_output("speakers")
        time.sleep(1)  # until all requests are answered
        server.remove_device("headphones")
        os.kill(server.pid("wireplumber"), signal.SIGSTOP)
        time.sleep(1.5)  # half a second after the device has gone, Entrain asks for the defaults
        server.kill_session_manager()
        server.add_device(HEADPHONES)  # replace_session_manager() removes it
        entrain.wait_for(session_manager="")
        replace_session_manager(server)
        becomes(server, "entrain", chosen="entrain", timeout_s=30)
        entrain.wait_for_output("speakers")
        entrain.wait_for(sink="entrain", timeout_s=30)
        with soundlab.play(server.environment, soundlab.sine(1000, 60, 0.1)):
            soundlab.wait_until(
                lambda: entrain.status()["state"] == "processing", 30, "sound passes Entrain"
            )
