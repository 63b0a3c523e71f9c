"""Variables that a session sets for players' streams do not affect Entrain's streams."""

import json

import app
import pulse_delay
import pulse_player
import soundlab

LAYER = "binaural:carrier_hz=400,beat_hz=10,floor_db=-90,ceiling_db=-90"
FOR_PLAYERS = {
    "PULSE_LATENCY_MSEC": "300",
    "PULSE_SINK": "headphones",
    "PULSE_SOURCE": "headphones.monitor",
    "PULSE_PROP": "media.artist=stranger",
    "PULSE_PROP_media.title": "something",
    "PIPEWIRE_LATENCY": "64/48000",
    "PIPEWIRE_QUANTUM": "512/44100",
    "PIPEWIRE_RATE": "1/44100",
    "PIPEWIRE_NODE": "headphones",
    "PIPEWIRE_AUTOCONNECT": "true",
    "PIPEWIRE_PROPS": "{ media.artist = stranger node.always-process = true }",
}
NODES = ("entrain", "entrain-engine", "entrain-holder")
TAKEN_AS = {
    "node.latency",
    "node.rate",
    "node.force-quantum",
    "node.force-rate",
    "node.lock-quantum",
    "node.lock-rate",
    "node.target",
    "target.object",
    "node.autoconnect",
    "node.always-process",
    "media.artist",
}
"""Node properties that PipeWire's library derives from the variables."""


def test_the_added_delay_is_what_status_says(pulse_server):
    """Measured at the device; PULSE_LATENCY_MSEC in libpulse's documentation would change it."""
    environment = {**pulse_server.environment, **FOR_PLAYERS}
    with (
        app.running(environment, "--layer", LAYER, "--latency=100", "--output=speakers") as entrain,
        pulse_player.playing("entrain", pulse_server.environment),
    ):
        entrain.wait_for(state="processing")
        said = []

        def agree():
            added_ms = entrain.status()["latency"]["added_ms"]
            heard_ms = pulse_delay.delay_ms("entrain", "speakers", 1.5)
            said.append((added_ms, heard_ms))
            return abs(heard_ms - added_ms) < 3 and entrain.status()["latency"]["added_ms"] < 130

        try:
            soundlab.wait_until(agree, 30, "the delay is what status says")
        except AssertionError as error:
            raise AssertionError(f"{error}: {said}") from None
        ours = soundlab.run(pulse_server.environment, "pactl", "list")
        assert "stranger" not in ours
        assert "something" not in ours


def test_no_node_of_entrains_has_what_was_meant_for_players(pipewire_server):
    server = pipewire_server
    with app.running({**server.environment, **FOR_PLAYERS}, "--layer", LAYER):
        found = {}
        for item in json.loads(soundlab.run(server.environment, "pw-dump")):
            if item["type"] == "PipeWire:Interface:Node":
                properties = item["info"]["props"]
                found[properties.get("node.name")] = TAKEN_AS & set(properties)
    assert [found[name] for name in NODES] == [set()] * len(NODES)
