"""Devices come and go at a made-up ALSA sequencer; tests/device/ has a real JACK server."""

import signal
import sys
from pathlib import Path

import pytest
from unit.midi.made_up_rtmidi import Sequencer

from entrain.platform import installation_kind
from entrain.platform.installation_kind import DEBIAN, installation
from entrain.vdevice.bridge.bridge import Bridge
from entrain.vdevice.bridge.midi.library import NoMidi, load
from entrain.vdevice.bridge.midi.ports import MOST_DEVICES, MOST_MESSAGES, MidiPorts

KNOBS = "Knobs:Knobs MIDI 1 20:0"


@pytest.fixture
def sequencer(monkeypatch):
    made = Sequencer()
    monkeypatch.setitem(sys.modules, "rtmidi", made.library)
    return made


def test_a_device_is_opened_when_it_comes_and_closed_when_it_goes(sequencer):
    ports = MidiPorts("auto")
    assert ports.system == "alsa"
    assert ports.scan() == []
    assert ports.devices == []
    sequencer.plug_in(KNOBS, KNOBS)
    assert ports.scan() == []
    assert ports.devices == ["Knobs MIDI 1"]
    assert ports.outputs == {"Entrain", "Knobs MIDI 1"}
    sequencer.unplug(KNOBS)
    assert set(ports.scan()) == {"Knobs MIDI 1"}
    assert (ports.devices, ports.outputs) == ([], {"Entrain"})


def test_a_device_that_comes_back_at_another_number_is_opened_anew(sequencer):
    ports = MidiPorts("alsa")
    sequencer.plug_in(KNOBS)
    ports.scan()
    sequencer.unplug(KNOBS)
    sequencer.plug_in(KNOBS.replace("20:0", "24:0"))
    assert ports.scan() == ["Knobs MIDI 1"]
    sequencer.send(KNOBS.replace("20:0", "24:0"), 0xB0, 7, 1)
    assert [*ports.received()] == [("Knobs MIDI 1", [0xB0, 7, 1], 0.0)]


def test_messages_of_devices_and_of_the_virtual_port_are_received(sequencer):
    ports = MidiPorts("alsa")
    sequencer.plug_in(KNOBS)
    ports.scan()
    sequencer.send(KNOBS, 0xB0, 7, 1)
    sequencer.send("virtual Entrain", 0xB0, 7, 2)
    assert [*ports.received()] == [
        ("Knobs MIDI 1", [0xB0, 7, 1], 0.0),
        ("Entrain", [0xB0, 7, 2], 0.0),
    ]
    assert [*ports.received()] == []


def test_a_flood_of_one_device_leaves_the_others_their_turn(sequencer):
    ports = MidiPorts("alsa")
    sequencer.plug_in(KNOBS)
    ports.scan()
    for _ in range(10 * MOST_MESSAGES):
        sequencer.send(KNOBS, 0xB0, 7, 1)
    sequencer.send("virtual Entrain", 0xB0, 7, 2)
    found = [*ports.received()]
    assert len(found) == MOST_MESSAGES + 1
    assert found[-1][0] == "Entrain"


def test_a_device_gets_messages_at_its_own_port(sequencer):
    ports = MidiPorts("alsa")
    sequencer.plug_in(KNOBS, KNOBS)
    ports.scan()
    assert ports.send("Knobs MIDI 1", [0xB0, 7, 1])
    assert ports.send("Entrain", [0xB0, 7, 2])
    assert sequencer.sent == [(KNOBS, [0xB0, 7, 1]), ("virtual Entrain", [0xB0, 7, 2])]


def test_no_call_waits_for_a_driver_for_ever(sequencer):
    ports = MidiPorts("auto")
    sequencer.plug_in(KNOBS, KNOBS)
    ports.scan()
    assert ports.send("Knobs MIDI 1", [0xB0, 7, 1])
    sequencer.unplug(KNOBS)
    ports.scan()
    ports.close()
    assert sequencer.unbounded == []
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0


def test_a_device_that_goes_while_it_is_opened_is_tried_again(sequencer):
    ports = MidiPorts("alsa")
    sequencer.plug_in(KNOBS)
    sequencer.refuses_to_open = KNOBS
    ports.scan()
    assert ports.devices == []
    sequencer.refuses_to_open = ""
    ports.scan()
    assert ports.devices == ["Knobs MIDI 1"]


def test_only_so_many_devices_are_opened(sequencer):
    ports = MidiPorts("alsa")
    for number in range(3 * MOST_DEVICES):
        sequencer.plug_in(f"Box {number}:Box {number} 20:{number}")
    ports.scan()
    assert len(ports.devices) == MOST_DEVICES


def test_all_ports_are_closed_in_the_end(sequencer):
    ports = MidiPorts("alsa")
    sequencer.plug_in(KNOBS, KNOBS)
    ports.scan()
    assert len(sequencer.clients) == 4
    ports.close()
    ports.close()
    assert sequencer.clients == []


@pytest.mark.parametrize(
    ("system", "said"), [("auto", "no ALSA sequencer or JACK server"), ("jack", "no JACK server")]
)
def test_a_machine_without_a_sequencer_says_so(monkeypatch, system, said):
    made = Sequencer("none")
    monkeypatch.setitem(sys.modules, "rtmidi", made.library)
    with pytest.raises(NoMidi, match=f"{said} answers"):
        MidiPorts(system)
    assert made.clients == []


def test_a_library_without_jack_does_not_take_alsa_instead(sequencer):
    sequencer.compiled = {"alsa"}
    with pytest.raises(NoMidi, match="no JACK server answers"):
        MidiPorts("jack")


@pytest.mark.parametrize("missing", ["mido", "rtmidi"])
def test_without_a_library_the_bridge_says_in_one_line_how_to_get_it(
    monkeypatch, sequencer, missing
):
    monkeypatch.setitem(sys.modules, missing, None)
    told = []
    bridge = Bridge(None, Path("nowhere"))  # type: ignore[arg-type]
    monkeypatch.setattr(bridge, "_reporter", lambda name, number: told.append)
    bridge._start("midi", 1, {})
    (report,) = told
    assert report["problem"].startswith("MIDI needs two more libraries; install them with `")
    assert "pip install mido python-rtmidi" in report["problem"]
    assert "then type `entrain midi on` again" in report["problem"]
    assert "\n" not in report["problem"]


def test_where_no_package_can_be_added_the_hint_does_not_name_pip(monkeypatch):
    monkeypatch.setitem(sys.modules, "mido", None)
    debian = installation(Path("/opt/entrain"), DEBIAN)
    monkeypatch.setattr(installation_kind, "installation", lambda: debian)
    with pytest.raises(NoMidi) as refused:
        load()
    assert "Entrain's Debian package leaves them out" in str(refused.value)
    assert "pip " not in str(refused.value)
