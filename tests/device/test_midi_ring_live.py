"""The LED ring of a knob follows what other front ends change."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import app
import pytest
import soundlab
from midi_desk import CC, JackServer, Knobs
from needs import skip_without_programs

from entrain.vdevice.api.client import Client

RING = {
    **{"device": "knobs", "kind": "cc", "channel": 1, "number": 70},
    **{"target": "tone.beat_hz", "pickup": False},
}
BEATS_HZ = (1, 2, 4, 8, 16, 32, 16, 8, 4, 2)
SHOWN_S = 0.3
"""Three times the 0.1 s within which a change is to be seen: other programs disturb it."""
SHARE = 0.8
"""Share of the changes for which this must hold; a busy machine may stop a program for longer."""


@pytest.fixture
def knobs(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Knobs]:
    """A device at a private JACK server, which Entrain uses, too."""
    skip_without_programs("jackd")
    server = JackServer(home)
    monkeypatch.setenv("JACK_DEFAULT_SERVER", server.name)
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")
    with server:
        found = Knobs()
        yield found
        found.unplug()


def test_the_ring_shows_a_change_of_another_program_within_a_tenth_of_a_second(
    pipewire_server, knobs, home
):
    """Each change follows the sight of the former one, so waiting for an interval never helps."""
    delays_s = []
    environment = pipewire_server.environment
    with app.running(environment, "--layer", "tone=binaural:beat_hz=10") as entrain:
        entrain("midi", "on", "--system", "jack")
        soundlab.wait_until(lambda: entrain.status()["midi"]["devices"], 40, "the device is heard")
        file = home / "ring.json"
        file.write_text(json.dumps([RING]), encoding="utf-8")
        entrain("midi", "map", str(file))
        with Client(app.control_socket(environment), name="test") as client:
            for beat_hz in BEATS_HZ:
                knobs.got()
                client.set_values({"tone.beat_hz": beat_hz})
                changed_s = time.monotonic()
                soundlab.wait_until(
                    lambda: any(told[:2] == [CC, 70] for told in knobs.got()), 10, "the ring"
                )
                delays_s.append(time.monotonic() - changed_s)
    assert sorted(delays_s)[round(SHARE * len(BEATS_HZ)) - 1] <= SHOWN_S, delays_s
