"""Devices are known by their names, whatever numbers the system gives their ports."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrain.vdevice.bridge.midi.device_names import by_device, device_name
from entrain.vdevice.limits import MAX_MIDI_NAME_CHARS


@pytest.mark.parametrize(
    ("source", "sink", "name"),
    [
        (
            "X-TOUCH MINI:X-TOUCH MINI MIDI 1 20:0",
            "X-TOUCH MINI:X-TOUCH MINI MIDI 1 28:0",
            "X-TOUCH MINI MIDI 1",
        ),
        ("system:midi_capture_1", "system:midi_playback_1", "system: 1"),
        ("knobs:out", "knobs:in", "knobs"),
        (
            "Midi-Bridge:nano 2:(capture_0) nano CTR",
            "Midi-Bridge:nano 2:(playback_0) nano CTR",
            "nano 2: nano CTR",
        ),
    ],
)
def test_both_directions_of_a_device_have_one_name(source, sink, name):
    assert device_name(source) == device_name(sink) == name


@pytest.mark.parametrize(
    "port",
    ["Midi Through:Midi Through Port-0 14:0", "Entrain:Entrain 130:0", "RtMidi Client:x", ""],
)
def test_our_own_ports_and_loops_are_not_devices(port):
    assert device_name(port) == ""


def test_two_devices_of_one_name_are_told_apart():
    ports = ["Pad:Pad 20:0", "Midi Through:Midi Through Port-0 14:0", "Pad:Pad 24:0"]
    assert by_device(ports) == {"Pad": 0, "Pad 2": 2}


@given(st.text(string.printable + "é\0\x1b"))
def test_any_name_is_one_short_line(port):
    name = device_name(port)
    assert len(name) <= MAX_MIDI_NAME_CHARS
    assert name.isprintable()
