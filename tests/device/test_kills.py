"""Killed at any time: what was changed outside is as before, and at most a second is lost."""

import os
import random
import threading
import time
from contextlib import suppress

import app
import soundlab
from test_disks import state_file, stored_protocol
from test_volume import pactl, volume

from entrain.vdevice.api.client import Client, ClientError

SOAK = os.environ.get("ENTRAIN_SOAK") == "1"
KILLS = 50 if SOAK else 3
LONGEST_S = 1.5
DRAG_S = 60.0 if SOAK else 5.0
MOST_LOST_S = 1.0
PATIENCE_S = 60
SLIDER_S = 0.001
"""Time between two values of a slider."""


def test_killed_at_any_time_after_on_everything_outside_is_as_before(server, desktop):
    """The default that was chosen, volumes, where programs play; and the next `off` knows it."""
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
    """Drags a beat up, and remembers when it was where."""

    def __init__(self) -> None:
        self.sent: list[tuple[float, float]] = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._end.set()
        self._thread.join(60)

    def lost_s(self, stored_hz: float, end_s: float) -> float:
        """Tell for how long what was set before the end is not what is stored."""
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


def test_killed_while_a_slider_is_dragged_at_most_a_second_is_lost(server):
    """Also of a busy machine no more than three."""

    def at_most_a_second_is_lost():
        with app.running(server.environment, "--layer", "tone=binaural") as entrain:
            slider = Slider()
            time.sleep(DRAG_S)
            end_s = time.monotonic()
            entrain.kill()
            slider.stop()
        (layer,) = stored_protocol(state_file().parent).layers
        lost_s = slider.lost_s(layer.params["beat_hz"], end_s)
        assert lost_s < 3 * MOST_LOST_S
        assert len(slider.sent) > 20 * DRAG_S
        return lost_s <= MOST_LOST_S

    soundlab.wait_until(at_most_a_second_is_lost, PATIENCE_S + DRAG_S, "at most 1 s is lost")
