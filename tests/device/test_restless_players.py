"""Both ears stay audible with players that seek, pause and change titles without a rest."""

import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import app
import numpy as np
import pytest
import soundfile
import soundlab
from needs import skip_without_programs

QUIET = "tone=binaural:floor_db=-90,ceiling_db=-90"
BLOCK_FRAMES = soundlab.RATE_HZ // 20
SILENT, SOUNDING = 10 ** (-60 / 20), 10 ** (-40 / 20)
SOAK = os.environ.get("ENTRAIN_SOAK") == "1"
ACTIONS = 1000 if SOAK else 25
PACE_S = 0.08
TITLE_S = 20


def one_ear_alone(heard):
    """Return the longest run of 50 ms blocks with sound in one ear only.

    Also return the number of blocks with sound in both ears.
    """
    blocks = heard[: len(heard) // BLOCK_FRAMES * BLOCK_FRAMES].reshape(-1, BLOCK_FRAMES, 2)
    level = np.sqrt(np.mean(np.square(blocks, dtype=np.float64), axis=1))
    alone = (level.min(axis=1) < SILENT) & (level.max(axis=1) > SOUNDING)
    longest = run = 0
    for each in alone:
        run = run + 1 if each else 0
        longest = max(longest, run)
    return longest, int(np.sum(level.min(axis=1) > SOUNDING))


def listen_while(process, recorder):
    """Record until the player has ended."""
    heard = []
    while process.poll() is None:
        heard.append(recorder.take(0.2))
    assert process.returncode == 0
    return np.concatenate(heard)


@contextmanager
def listened_to(server):
    """Run Entrain without tones of its own, and record the device."""
    with (
        app.running(server.environment, "--layer", QUIET, *app.PATIENT[server.kind]) as entrain,
        soundlab.recording(server.environment, "speakers") as recorder,
    ):
        yield entrain, recorder


def test_an_ear_that_is_lost_is_found():
    """The measure finds a tenth of a second of sound in one ear only, at several places."""
    sound = soundlab.sine(1000, 2, 0.1)
    assert one_ear_alone(sound) == (0, 40)
    lost = sound.copy()
    lost[24000:28800, 1] = 0
    assert one_ear_alone(lost) == (2, 38)
    lost[24000:28800, 0] = 0
    assert one_ear_alone(lost) == (0, 38)


def test_both_ears_are_there_with_a_player_like_a_browser(server):
    """The player flushes, overwrites, corks, drains and reopens streams."""
    with listened_to(server) as (entrain, recorder):
        player = Path(__file__).with_name("restless_player.py")
        with subprocess.Popen(
            [sys.executable, player, "entrain", str(ACTIONS), "1"],
            env={**os.environ, **server.environment},
        ) as process:
            alone, together = one_ear_alone(listen_while(process, recorder))
        assert alone <= 1
        assert together > ACTIONS / 4
        assert entrain.status()["on"] is True


@pytest.mark.parametrize("player", ["mpv"])
def test_both_ears_are_there_with_a_real_player(server, home, player):
    """The player seeks, pauses, and plays on from the end of a title into the next one."""
    skip_without_programs(player)
    title = home / "title.wav"
    sound = soundlab.sine(1000, TITLE_S, 0.1)
    sound[:, 1] = soundlab.sine(1500, TITLE_S, 0.1)[:, 0]
    soundfile.write(title, sound, soundlab.RATE_HZ)
    with listened_to(server) as (entrain, recorder), Mpv(server, title, home / "mpv") as mpv:
        soundlab.wait_until(lambda: np.any(recorder.take(0.05)), 20, "sound arrives")
        storm = threading.Thread(target=mpv.storm, args=(ACTIONS, random.Random(1)))
        storm.start()
        heard = []
        while storm.is_alive():
            heard.append(recorder.take(0.2))
        storm.join()
        assert mpv.actions == ACTIONS
        alone, together = one_ear_alone(np.concatenate(heard))
        assert alone <= 1
        assert together > ACTIONS / 4
        assert entrain.status()["on"] is True


class Mpv:
    """The player mpv, controlled through its socket."""

    def __init__(self, server, title, path):
        self.actions = 0
        self._title = title
        driver = {"pipewire": "pipewire", "pulse": "pulse"}[server.kind]
        self._process = subprocess.Popen(
            [
                *("mpv", "--no-config", "--no-video", "--no-terminal", f"--ao={driver}"),
                *("--loop-playlist=inf", "--gapless-audio=no", "--hr-seek=yes"),
                *(f"--input-ipc-server={path}", str(title), str(title)),
            ],
            env={**os.environ, **server.environment},
        )
        self._path = path

    def __enter__(self):
        soundlab.wait_until(self._path.exists, 20, "mpv listens")
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(self._path))
        self._socket.settimeout(20)
        self._answers = self._socket.makefile("rb")
        return self

    def __exit__(self, *_):
        self._answers.close()
        self._socket.close()
        self._process.kill()
        self._process.wait()

    def storm(self, count, chance):
        """Carry out `count` random commands, one after the other."""
        for _ in range(count):
            self._anything(chance)
            time.sleep(chance.uniform(0.5, 1.5) * PACE_S)
            self.actions += 1

    def _anything(self, chance):
        choice = chance.random()
        if choice < 0.7:
            self._ask("seek", chance.uniform(0, TITLE_S - 2), "absolute")
        elif choice < 0.85:
            self._ask("set_property", "pause", True)
            time.sleep(0.05)
            self._ask("set_property", "pause", False)
        else:
            self._ask("seek", TITLE_S - 0.1, "absolute")
            time.sleep(0.2)

    def _ask(self, *command):
        """Send a command and wait for the answer; mpv may refuse a command between two titles."""
        self._socket.sendall(json.dumps({"command": command}).encode() + b"\n")
        while "error" not in json.loads(self._answers.readline()):
            pass  # the line was an event, not the answer
