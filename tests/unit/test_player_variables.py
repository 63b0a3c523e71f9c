"""The session's variables that reach the sound libraries of Entrain's process."""

import os

from entrain.platform import sound_environment

KEPT = {
    "PULSE_SERVER": "unix:/run/pulse/native",
    "PULSE_RUNTIME_PATH": "/run/pulse",
    "PULSE_COOKIE": "/home/anna/cookie",
    "PULSE_CLIENTCONFIG": "/home/anna/client.conf",
    "PIPEWIRE_REMOTE": "pipewire-1",
    "PIPEWIRE_RUNTIME_DIR": "/run/pipewire",
    "PIPEWIRE_DEBUG": "3",
}
DROPPED = (
    "PULSE_LATENCY_MSEC",
    "PULSE_SINK",
    "PULSE_SOURCE",
    "PULSE_PROP",
    "PULSE_PROP_media.role",
    "PULSE_PROP_OVERRIDE",
    "PIPEWIRE_LATENCY",
    "PIPEWIRE_NODE",
    "PIPEWIRE_PROPS",
    "PIPEWIRE_QUANTUM",
    "PIPEWIRE_RATE",
    "PIPEWIRE_AUTOCONNECT",
)


def test_what_is_said_of_streams_goes_and_the_way_to_the_server_stays(monkeypatch):
    for name in DROPPED:
        monkeypatch.setenv(name, "60")
    for name, value in KEPT.items():
        monkeypatch.setenv(name, value)

    sound_environment.forget_streams()

    assert not [name for name in DROPPED if name in os.environ]
    assert {name: os.environ[name] for name in KEPT} == KEPT
