"""PulseAudio's properties of a stream, in the terms of the platform's interface."""

from types import SimpleNamespace

import pytest

from entrain.platform.pulse_terms import stream_of


@pytest.mark.parametrize(
    ("role", "purpose"),
    [
        ("phone", "call"),
        ("communication", "call"),
        ("event", "notification"),
        ("Notification", "notification"),
        ("a11y", "notification"),
        ("accessibility", "notification"),
        ("music", "other"),
        ("", "other"),
    ],
)
def test_a_role_is_a_purpose_and_the_kind_by_which_the_server_remembers(role, purpose):
    item = SimpleNamespace(index=7, sink=1)

    stream = stream_of(item, {"media.role": role, "application.name": "Game"}, {1: "speakers"})

    assert (stream.purpose, stream.kind) == (purpose, role.lower())
    assert (stream.index, stream.device, stream.name) == (7, "speakers", "Game")


def test_a_stream_without_a_role_is_for_anything():
    stream = stream_of(SimpleNamespace(index=1, sink=2), {}, {})

    assert (stream.purpose, stream.kind, stream.device) == ("other", "", "")
