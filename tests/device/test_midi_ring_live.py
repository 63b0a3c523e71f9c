"""The LED ring of a knob follows what other front ends change."""

import json
import time

import app
import soon
import soundlab
from midi_desk import CC

from entrain.vdevice.api.client import Client

RING = {
    **{"device": "knobs", "kind": "cc", "channel": 1, "number": 70},
    **{"target": "tone.beat_hz", "pickup": False},
}
BEATS_HZ = (1, 2, 4, 8, 16, 32, 16, 8, 4, 2)


def test_the_ring_soon_shows_the_changes_of_another_program(pipewire_server, knobs, home):
    """Each change follows the sight of the former one, so waiting for an interval never helps."""
    delays_s = []
    environment = pipewire_server.environment
    with app.running(environment, "--layer", "tone=binaural:beat_hz=10") as entrain:
        entrain("midi", "on", "--system", "jack")
        soundlab.wait_until(lambda: entrain.status()["midi"]["devices"], 10, "the device is heard")
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
    assert soon.delay_s(delays_s, soon.SHARE_OF_FEW) <= soon.SHOWN_S, delays_s
