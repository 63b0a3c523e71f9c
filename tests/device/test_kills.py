"""A kill at any time leaves the sound server as it was, and loses a second at most."""

import itertools
import os
import random
import statistics
import threading
import time
from contextlib import suppress
from pathlib import Path

import app
from test_disks import state_file, stored_protocol
from test_volume import pactl, volume

from entrain.vdevice.api.client import Client, ClientError

SOAK = os.environ.get("ENTRAIN_SOAK") == "1"
KILLS = 50 if SOAK else 3
LONGEST_S = 1.5
DRAG_S = 60.0 if SOAK else 5.0
MOST_LOST_S = 1.0
LOOK_S = 0.005
SLIDER_S = 0.001
"""Time between two values of a slider, in seconds."""


def test_killed_at_any_time_after_on_everything_outside_is_as_before(server, desktop):
    """The chosen default, volumes and players' devices are as before; the next `off` knows them."""
    chance = random.Random(server.kind)
    pactl(server, "set-sink-volume", "headphones", "30%")
    pactl(server, "set-sink-volume", "speakers", "60%")
    desktop.choose_default("headphones")
    with desktop.program("player"):
        desktop.wait_for(player="headphones")
        for number in range(KILLS):
            with (
                app.running(server.environment, *app.PATIENT[server.kind]) as entrain,
                Client() as client,
            ):
                if client.ask("status")["on"]:
                    client.ask("off")
                desktop.wait_for_default("headphones")
                desktop.wait_for(player="headphones")
                client._send({"command": "on"})
                time.sleep(chance.uniform(0, LONGEST_S) if number else 0)
                entrain.kill()
            desktop.wait_for_default("headphones")
            desktop.wait_for(player="headphones")
            assert volume(server, "headphones") == (30, 30, False)
            assert volume(server, "speakers") == (60, 60, False)


class Slider:
    """Drags a beat up, and records the time of each value."""

    def __init__(self) -> None:
        self.sent: list[tuple[float, float]] = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._end.set()
        self._thread.join(60)

    def lost_s(self, stored_hz: float, end_s: float) -> float:
        """Return for how long before the end values were set but not stored."""
        later_s = end_s
        for at_s, beat_hz in reversed(self.sent):
            if at_s < end_s and beat_hz == stored_hz:
                return end_s - later_s
            later_s = min(at_s, later_s)
        raise AssertionError(f"{stored_hz} Hz was never set")

    def _run(self) -> None:
        with suppress(ClientError), Client() as client:
            for number in range(1_000_000):
                if self._end.wait(SLIDER_S):
                    return
                beat_hz = round(number % 100_000 / 1000, 3)
                self.sent.append((time.monotonic(), beat_hz))
                client.set_values({"tone.beat_hz": beat_hz})


class Writes:
    """Records the times at which a file is replaced."""

    def __init__(self, path: Path) -> None:
        self.times_s: list[float] = []
        self._path = path
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._end.set()
        self._thread.join(60)

    def gaps_s(self, begin_s: float, end_s: float) -> list[float]:
        """Return the times between writes, with those before the first and after the last one."""
        inside = [at_s for at_s in self.times_s if begin_s < at_s < end_s]
        return [later - at for at, later in itertools.pairwise([begin_s, *inside, end_s])]

    def _run(self) -> None:
        before = None
        while not self._end.wait(LOOK_S):
            with suppress(FileNotFoundError):
                found = self._path.stat()
                if before != (before := (found.st_ino, found.st_mtime_ns)):
                    self.times_s.append(time.monotonic())


def test_killed_while_a_slider_is_dragged_at_most_a_second_is_lost(server):
    """A kill loses the values since the last write.

    On a busy machine a write now and then comes late, but never later than 3 s.
    """
    with app.running(server.environment, "--layer", "tone=binaural") as entrain:
        slider, writes = Slider(), Writes(state_file())
        time.sleep(DRAG_S)
        end_s = time.monotonic()
        entrain.kill()
        slider.stop()
        writes.stop()
    gaps_s = writes.gaps_s(slider.sent[0][0], end_s)
    assert statistics.median(gaps_s[1:-1]) <= MOST_LOST_S  # without the cut gaps at both ends
    assert max(gaps_s) < 3 * MOST_LOST_S
    (layer,) = stored_protocol(state_file().parent).layers
    assert slider.lost_s(layer.params["beat_hz"], end_s) < 3 * MOST_LOST_S
    assert len(slider.sent) > 20 * DRAG_S
