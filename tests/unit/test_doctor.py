"""The findings of `entrain doctor`, which leave out personal names."""

import os
import platform
from dataclasses import replace
from pathlib import Path

import pytest

from entrain.errors import EntrainError
from entrain.platform import factory
from entrain.platform.null import NullAdapter, NullServer, null_device
from entrain.vdevice.api import messages
from entrain.vdevice.offline import doctor, leftovers, redaction
from entrain.vdevice.offline.reports import Finding


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    tmp_path.chmod(0o700)
    monkeypatch.setenv("HOME", str(tmp_path / "anna"))
    for name in ("STATE_HOME", "DATA_HOME", "CONFIG_HOME"):
        monkeypatch.setenv(f"XDG_{name}", str(tmp_path / "anna" / name))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr("getpass.getuser", lambda: "anna")
    return tmp_path


def use(monkeypatch: pytest.MonkeyPatch, server: NullServer) -> None:
    """Make this the system's sound server."""

    class Adapter(NullAdapter):
        def connect(self) -> NullServer:
            return server

    monkeypatch.setattr(factory, "load", Adapter)


def examined(monkeypatch: pytest.MonkeyPatch, *devices: str) -> dict[str, Finding]:
    use(monkeypatch, NullServer(tuple(null_device(name) for name in devices)))
    return {finding.name: finding for finding in doctor.examine()}


def test_a_healthy_machine_is_described(monkeypatch):
    found = examined(monkeypatch, "speakers")

    assert not [f for f in found.values() if f.ok is False and f.name != "back ends"]
    assert "FAUST 2." in found["native library"].text
    assert "pydantic 2." in found["libraries"].text
    assert found["output devices"].text == "Speakers (2 channels, 48000 Hz)"
    assert found["running app"].text == "does not run"
    assert found["installed"].text == "in its source folder"
    assert found["installed"].advice == "to update: git pull && make setup"


@pytest.mark.parametrize(("manager", "ok"), [("WirePlumber", True), ("", False), (None, None)])
def test_a_missing_session_manager_is_reported(monkeypatch, manager, ok):
    server = NullServer()
    server.manager = manager
    use(monkeypatch, server)

    found = {finding.name: finding for finding in doctor.examine()}

    if manager is None:
        assert "session manager" not in found
    else:
        assert found["session manager"].ok is ok
        assert bool(found["session manager"].advice) is not ok


def test_beside_an_entrain_in_its_sandbox_the_sandbox_is_examined(monkeypatch):
    status = {
        **{"state": "processing", "reason": "", "mode": "default", "xruns": 0, "errors": []},
        "callback": {"longest_lately_us": 0.0, "longest_lately_share": 0.0},
        **{"realtime": True, "muffled": "", "sandbox": {"PULSE_SERVER": "unix:/tmp/its-own"}},
    }
    monkeypatch.setenv("PULSE_SERVER", "the user's")
    monkeypatch.setattr(doctor, "running_status", lambda: status)
    asked = []

    class Server(NullServer):
        def info(self):
            asked.append(os.environ["PULSE_SERVER"])
            return super().info()

    use(monkeypatch, Server())

    found = {finding.name: finding for finding in doctor.examine()}

    assert asked[0] == "unix:/tmp/its-own"
    assert "private sound server" in found["sandbox"].text


@pytest.mark.parametrize("sandbox", [{}, {"PULSE_SERVER": "unix:/tmp/its-own"}])
def test_in_the_sandbox_there_is_no_advice_about_priority(monkeypatch, sandbox):
    status = {
        **{"state": "processing", "reason": "", "mode": "default", "xruns": 1, "errors": []},
        "callback": {"longest_lately_us": 0.0, "longest_lately_share": 0.0},
        **{"realtime": False, "muffled": "", "sandbox": sandbox},
    }
    monkeypatch.setattr(doctor, "running_status", lambda: status)

    found = examined(monkeypatch)

    assert bool(found["priority"].advice) is not bool(sandbox)
    assert found["running app"].text.endswith(" 1 xrun")


def test_what_was_left_behind_is_found_with_its_remedy(monkeypatch):
    found = examined(monkeypatch, "entrain")

    assert found["leftovers"].advice == "entrain doctor --fix"
    assert found["default output"].ok is False
    assert found["output devices"].ok is False


def test_another_programs_device_of_our_name_is_not_called_a_leftover(monkeypatch):
    foreign = replace(null_device("entrain"), own=False)
    use(monkeypatch, NullServer((null_device("speakers"), foreign)))

    found = {finding.name: finding for finding in doctor.examine()}

    assert found["device name"].advice.startswith("rename or remove it")
    assert "leftovers" not in found
    assert found["output devices"].text == "Speakers (2 channels, 48000 Hz)"


def test_a_bluetooth_device_is_not_named_after_its_owner(monkeypatch):
    found = examined(monkeypatch, "bluez_output.AA_BB_CC_DD_EE_FF.1")

    assert found["output devices"].text == "a Bluetooth device (2 channels, 48000 Hz)"


def test_no_name_of_a_person_or_machine_is_told(monkeypatch, folders):
    monkeypatch.setattr(platform, "node", lambda: "annas-laptop")
    home = str(folders / "anna")

    text = redaction.without_names(
        f"{home}/x: Anna at annas-laptop has AA:BB:CC:dd:EE:FF, and bananas"
    )

    assert text == "~/x: USER at MACHINE has XX:XX:XX:XX:XX:XX, and bananas"


def test_the_last_warnings_of_the_log_are_shown(monkeypatch, folders):
    state = folders / "anna" / "STATE_HOME" / "entrain"
    state.mkdir(parents=True)
    (state / "entrain.log").write_text("2026-01-02 03:04:05 WARNING entrain.x: trouble\n")

    assert examined(monkeypatch, "speakers")["logged"].text.endswith("trouble")


def test_where_nothing_is_left_there_is_nothing_to_fix(monkeypatch):
    use(monkeypatch, NullServer())

    assert leftovers.clean_up() == []


def test_a_running_entrain_is_not_fixed(monkeypatch):
    monkeypatch.setattr(leftovers, "running_status", dict)

    with pytest.raises(EntrainError, match="Entrain is running"):
        leftovers.clean_up()


def test_what_the_sound_thread_has_counted_is_told(monkeypatch):
    status = {
        **{"state": "processing", "reason": "", "mode": "default", "xruns": 0, "errors": []},
        "callback": {"longest_lately_us": 0.0, "longest_lately_share": 0.0},
        **{"realtime": True, "muffled": "", "detour": "", "missing_buffers": 3, "nonfinite": 512},
    }
    monkeypatch.setattr(doctor, "running_status", lambda: status)

    finding = examined(monkeypatch, "speakers")["sound since the start"]
    assert finding.text == "3 cycles without a buffer, 512 samples that were not numbers"
    assert finding.advice.startswith("an app plays broken sound")


def test_how_long_the_sound_thread_took_is_told(monkeypatch):
    status = {
        **{"state": "processing", "reason": "", "mode": "default", "xruns": 0, "errors": []},
        "callback": {"longest_lately_us": 1600.0, "longest_lately_share": 0.3},
        **{"realtime": True, "muffled": "", "detour": ""},
    }
    monkeypatch.setattr(doctor, "running_status", lambda: status)

    finding = examined(monkeypatch, "speakers")["sound thread"]
    assert finding.text == "1.60 ms at most in the last minute, 30% of the time there is"
    assert finding.ok

    status["callback"] = {"longest_lately_us": 6000.0, "longest_lately_share": 1.1}
    finding = examined(monkeypatch, "speakers")["sound thread"]
    assert not finding.ok
    assert finding.advice


@pytest.mark.parametrize(
    ("head", "ok", "text"),
    [
        (messages.Head(), None, "off"),
        (
            messages.Head(on=True, listening=(4242, 9000)),
            None,
            "no poses at UDP port 4242 and 9000",
        ),
        (
            messages.Head(on=True, listening=(4242, 9000), lan=True, packets_per_s=99.7),
            True,
            "100 packets a second, open to your network, 0 malformed so far",
        ),
        (
            messages.Head(on=True, problem="another app uses UDP port 9000"),
            False,
            "another app uses UDP port 9000",
        ),
    ],
)
def test_the_head_tracker_has_a_row(monkeypatch, idle, head, ok, text):
    status = idle.model_copy(update={"head": head}).model_dump(mode="json")
    monkeypatch.setattr(doctor, "running_status", lambda: status)

    found = examined(monkeypatch, "speakers")["head tracking"]

    assert (found.ok, found.text) == (ok, text)
    assert bool(found.advice) == (head.on and not head.packets_per_s)


@pytest.mark.parametrize(
    ("osc", "ok", "text"),
    [
        (messages.OscStatus(), None, "off"),
        (
            messages.OscStatus(on=True, port=5510, listen="127.0.0.1", listening=True, packets=3),
            True,
            "UDP port 5510, 3 packets, 0 refused",
        ),
        (
            messages.OscStatus(on=True, port=5510, listen="0.0.0.0", listening=True),
            True,
            "UDP port 5510, open to your network, 0 packets, 0 refused",
        ),
        (messages.OscStatus(on=True), False, "it does not listen yet"),
        (
            messages.OscStatus(on=True, problem="another app uses UDP port 5510"),
            False,
            "another app uses UDP port 5510",
        ),
    ],
)
def test_osc_has_a_row(monkeypatch, idle, osc, ok, text):
    status = idle.model_copy(update={"osc": osc}).model_dump(mode="json")
    monkeypatch.setattr(doctor, "running_status", lambda: status)

    found = examined(monkeypatch, "speakers")["OSC"]

    assert (found.ok, found.text) == (ok, text)
    assert bool(found.advice) == (ok is False)


@pytest.mark.parametrize(
    ("midi", "ok", "text"),
    [
        (messages.MidiStatus(), None, "off"),
        (messages.MidiStatus(on=True), False, "it does not listen yet"),
        (messages.MidiStatus(on=True, problem="no ALSA"), False, "no ALSA"),
        (
            messages.MidiStatus(on=True, running="jack", devices=("Knobs",), messages=3),
            True,
            "jack, Knobs, 3 messages, 0 refused",
        ),
    ],
)
def test_midi_has_a_row(monkeypatch, idle, midi, ok, text):
    status = idle.model_copy(update={"midi": midi}).model_dump(mode="json")
    monkeypatch.setattr(doctor, "running_status", lambda: status)

    found = examined(monkeypatch, "speakers")["MIDI"]

    assert (found.ok, found.text) == (ok, text)
    assert bool(found.advice) == (ok is False)


@pytest.mark.parametrize(
    ("space", "ok", "text", "advised"),
    [
        (messages.Space(), None, "off", False),
        (
            messages.Space(setting="speakers", note="the space needs headphones"),
            None,
            "off; the space needs headphones",
            False,
        ),
        (
            messages.Space(mode="speakers", hrtf="mine", hrtf_in_use="mine", head_cm=58.5),
            True,
            "speakers, HRTF mine, head of 58.5 cm",
            False,
        ),
        (
            messages.Space(mode="scene", note="the HRTF kemar is being prepared"),
            None,
            "scene, HRTF kemar, head of 57 cm; the HRTF kemar is being prepared",
            False,
        ),
        (
            messages.Space(mode="scene", hrtf="x", hrtf_in_use="kemar", note="kemar stands in"),
            False,
            "scene, HRTF x, head of 57 cm; kemar stands in",
            True,
        ),
    ],
)
def test_the_space_has_a_row(monkeypatch, idle, space, ok, text, advised):
    status = idle.model_copy(update={"space": space}).model_dump(mode="json")
    monkeypatch.setattr(doctor, "running_status", lambda: status)

    found = examined(monkeypatch, "speakers")["space"]

    assert (found.ok, found.text) == (ok, text)
    assert bool(found.advice) == advised
