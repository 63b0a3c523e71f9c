"""All sound passes Entrain while the real device stays the default (WirePlumber 0.5 or newer)."""

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import soundlab
from conftest import SPEAKERS

from entrain.backend import Backend
from entrain.engine import Engine

BLOCK_S = 0.05
HEARD_DB = -40.0
"""Tones above this level count as heard.

The player's 1000 Hz have about -23 dBFS, the engine's 400 Hz about -20 dBFS.
"""


def skip_without_smart_filters(server):
    version = soundlab.linked_version(server.environment, "wireplumber")
    if version < (0, 5, 0):
        pytest.skip(f"WirePlumber {'.'.join(map(str, version))}: smart filters came with 0.5")


class Program:
    """A running smart_backend.py."""

    def __init__(self, process):
        self.process = process

    def say(self, word):
        """Send a command; return whether the sink is a smart filter, and the error."""
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()
        smart, error = self.process.stdout.readline().rstrip("\n").split("\t")
        return smart == "1", error

    def wait_until_in_the_way(self):
        soundlab.wait_until(lambda: self.say("look")[0], 10, "the sink is a smart filter")

    def end(self, word):
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()
        assert self.process.wait(10) == 0


@contextmanager
def in_the_way(target="speakers"):
    program = Path(__file__).with_name("smart_backend.py")
    with subprocess.Popen(
        [sys.executable, str(program), target],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Program(process)
        finally:
            process.kill()


def player_goes_to(server):
    """Return the names of the nodes that the player is linked to."""
    lines = soundlab.run(server.environment, "pw-link", "--links").splitlines()
    start = lines.index("player:output_FL")
    found = set()
    for line in lines[start + 1 :]:
        if not line.startswith("  |-> "):
            break
        found.add(line.removeprefix("  |-> ").split(":")[0])
    return found


def wait_until_heard(recorder, processed, within_s=1.0):
    """Wait for the player's tone, with or without the engine's tone; fail after longer silence.

    Return the longest silence until then, in seconds of the recording.
    """
    silence_s = longest_s = heard_s = 0.0
    for _ in range(round(10 / BLOCK_S)):
        block = recorder.take(BLOCK_S)
        input_db = soundlab.tone_db(block, 1000)
        own_db = soundlab.tone_db(block, 400)
        silence_s = 0.0 if input_db > HEARD_DB else silence_s + BLOCK_S
        longest_s = max(longest_s, silence_s)
        assert longest_s <= within_s, "silence"
        as_wanted = input_db > HEARD_DB and (own_db > HEARD_DB) == processed
        heard_s = heard_s + BLOCK_S if as_wanted else 0.0
        if heard_s >= 0.5:
            return longest_s
    raise AssertionError(f"not heard {'processed' if processed else 'unprocessed'}: {own_db:.0f}")


@contextmanager
def heard_processed(server, program):
    """Play to the default device; the block begins when Entrain's tone is heard as well."""
    with (
        soundlab.recording(server.environment, "speakers") as recorder,
        soundlab.play(server.environment, soundlab.sine(1000, 120, 0.1), sink="") as player,
    ):
        program.wait_until_in_the_way()
        soundlab.wait_until(
            lambda: soundlab.tone_db(recorder.take(BLOCK_S), 1000) > HEARD_DB, 10, "the input"
        )
        wait_until_heard(recorder, processed=True)
        recorder.skip_to_now()
        yield recorder
        assert player.poll() is None


def test_the_default_device_stays_and_what_plays_to_it_is_processed(pipewire_server):
    skip_without_smart_filters(pipewire_server)
    environment = pipewire_server.environment
    with in_the_way() as program, heard_processed(pipewire_server, program):
        assert soundlab.default_sink(environment) == "speakers"
        assert player_goes_to(pipewire_server) == {"entrain"}


@pytest.mark.parametrize("device", ["speakers", "headphones"])
def test_who_names_a_device_plays_there(pipewire_server, device):
    """Since WirePlumber 0.5.13, an app that names the default output follows the default."""
    skip_without_smart_filters(pipewire_server)
    version = soundlab.linked_version(pipewire_server.environment, "wireplumber")
    follows = device == "speakers" and version >= (0, 5, 13)
    with in_the_way() as program:
        program.wait_until_in_the_way()
        sound = soundlab.sine(1000, 60, 0.1)
        with soundlab.play(pipewire_server.environment, sound, sink=device):
            soundlab.wait_until(
                lambda: (
                    "player:output_FL"
                    in soundlab.run(pipewire_server.environment, "pw-link", "--links")
                ),
                10,
                "the player is linked",
            )
            expected = {"entrain" if follows else device}
            if follows:  # WirePlumber links the app to the device first, and then moves it
                soundlab.wait_until(
                    lambda: player_goes_to(pipewire_server) == expected, 10, "the app is moved"
                )
            assert player_goes_to(pipewire_server) == expected


def test_off_and_on_leave_no_gap(pipewire_server):
    """The silence lasts at most 0.2 s."""
    skip_without_smart_filters(pipewire_server)
    with in_the_way() as program, heard_processed(pipewire_server, program) as recorder:
        for word, processed in (("off", False), ("on", True), ("off", False)):
            program.say(word)
            wait_until_heard(recorder, processed, within_s=0.2)


def test_quitting_leaves_no_gap(pipewire_server):
    """The silence lasts at most 0.2 s, and the session manager forgets Entrain."""
    skip_without_smart_filters(pipewire_server)
    with in_the_way() as program, heard_processed(pipewire_server, program) as recorder:
        program.end("quit")
        wait_until_heard(recorder, processed=False, within_s=0.2)
    environment = pipewire_server.environment
    assert "filter.smart" not in soundlab.run(environment, "pw-metadata", "-n", "filters")


def test_killed_the_sound_goes_on_without_it(pipewire_server):
    """The sound is on the real device within 1 s, and the session manager forgets Entrain."""
    skip_without_smart_filters(pipewire_server)
    with in_the_way() as program, heard_processed(pipewire_server, program) as recorder:
        program.process.kill()
        wait_until_heard(recorder, processed=False, within_s=1.0)
    environment = pipewire_server.environment
    assert "filter.smart" not in soundlab.run(environment, "pw-metadata", "-n", "filters")


def test_without_its_device_it_steps_aside(pipewire_server):
    """Music that played through Entrain goes on at the next device, and comes back.

    Without its device, the back end waits 4 s for another one to be chosen.
    """
    skip_without_smart_filters(pipewire_server)
    with in_the_way() as program, heard_processed(pipewire_server, program):
        pipewire_server.remove_device("speakers")
        soundlab.wait_until(
            lambda: player_goes_to(pipewire_server) == {"headphones"}, 10, "the next device"
        )
        pipewire_server.add_device(SPEAKERS)
        soundlab.wait_until(
            lambda: player_goes_to(pipewire_server) == {"entrain"}, 5, "back through Entrain"
        )


def test_a_new_session_manager_is_told_again(pipewire_server):
    skip_without_smart_filters(pipewire_server)
    with in_the_way() as program, heard_processed(pipewire_server, program) as recorder:
        pipewire_server.kill_session_manager()
        pipewire_server.start_session_manager()
        program.wait_until_in_the_way()
        soundlab.wait_until(
            lambda: player_goes_to(pipewire_server) == {"entrain"}, 10, "through Entrain"
        )
        recorder.skip_to_now()
        wait_until_heard(recorder, processed=True, within_s=2.0)


def test_the_state_tells_whether_the_session_manager_can_do_it(pipewire_server):
    """If it cannot, the request fails with one line that names the needed version."""
    can = soundlab.linked_version(pipewire_server.environment, "wireplumber") >= (0, 5, 0)
    with Engine() as engine:
        backend = Backend("pipewire", engine, "speakers")
        try:
            state = soundlab.wait_until(
                lambda: (
                    (s := backend.state()).smart_supported is not None and s.session_manager and s
                ),
                10,
                "an answer",
            )
            assert state.smart_supported == can
            assert not state.error
            assert state.session_manager.startswith("WirePlumber")
            backend.set_smart(True)
            if can:
                soundlab.wait_until(lambda: backend.state().smart, 10, "a smart filter")
                assert not backend.state().error
            else:
                error = backend.state().error
                assert error.startswith("smart needs WirePlumber 0.5 or newer;")
                assert not backend.state().smart
            backend.set_smart(False)
            soundlab.wait_until(lambda: not backend.state().smart, 5, "an ordinary sink")
            assert not backend.state().error
        finally:
            backend.close()


def test_it_knows_its_priority(pipewire_server):
    """The back end's report on its audio thread agrees with the system's view of its threads."""
    with Engine() as engine:
        backend = Backend("pipewire", engine, "speakers")
        try:
            state = soundlab.wait_until(
                lambda: (s := backend.state()).realtime is not None and s, 10, "an answer"
            )
            tasks = Path("/proc/self/task").glob("*/stat")
            policies = {int(task.read_text().rpartition(")")[2].split()[38]) for task in tasks}
            assert state.realtime == bool(policies & {1, 2})  # SCHED_FIFO, SCHED_RR
        finally:
            backend.close()
