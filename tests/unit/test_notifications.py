"""Notifications: their occasions, their number, and that Entrain never waits for a desktop."""

import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from dbus_fast import Message, MessageType
from needs import skip_without_programs
from session_bus import BusClient, PrivateBus

from entrain.platform.app_id import APP_ID
from entrain.tray.commands.cli import cli
from entrain.tray.notifications import notifier
from entrain.tray.notifications.notification_policy import (
    Limiter,
    Notice,
    Notices,
    already_running,
    notice_for,
)
from entrain.vdevice.api.messages import ActiveProtocol, Output, Status

NOTICE = Notice("ended", "Focus & 16 has ended", "Your music <plays> on.")


@pytest.fixture
def heard(idle: Status) -> dict[str, Any]:
    """Return the status while a protocol plays on a headset."""
    status = idle.model_copy(
        update={
            "state": "processing",
            "on": True,
            "output": Output(name="usb", description="Headset", rate_hz=48000, quantum_frames=256),
            "protocol": ActiveProtocol(id="focus-16", name="Focus 16", elapsed_s=5.0, layers=[]),
        }
    )
    return status.model_dump()


def changed(status: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return status | {
        key: status[key] | value if isinstance(value, dict) else value
        for key, value in fields.items()
    }


SPEAKERS = {"name": "speakers", "description": "Speakers"}


# ---- occasions ---------------------------------------------------------------------------------


def test_a_protocol_that_has_ended_is_told_once(heard):
    ended = changed(heard, protocol={"ended": True})

    assert notice_for(heard, ended) == Notice(
        "ended",
        "Focus 16 has ended",
        "Your music plays on unchanged. Switch Entrain on to begin again.",
    )
    assert notice_for(ended, ended) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"protocol": {"id": "sleep", "ended": True}},  # another protocol
        {"protocol": {"ended": True}, "on": False, "state": "off"},  # the sleep timer
        {"bypass": True, "state": "bypassed"},
        {"on": False, "state": "off"},
        {"state": "idle"},
        {"protocol": None},
        {"levels": {"in_db": -3.0}},
    ],
)
def test_what_people_do_or_know_is_not_told(heard, fields):
    assert notice_for(heard, changed(heard, **fields), 100.0, ["usb"]) is None


@pytest.mark.parametrize(
    ("how", "text"), [("softer", "Playing softly on Speakers;"), ("silent", "Silent on Speakers;")]
)
def test_headphones_that_were_unplugged_are_told_once_with_what_to_do(heard, how, text):
    now = changed(heard, output=SPEAKERS, softened=how)

    told = notice_for(heard, now, 0.0, ["speakers"])

    assert told is not None
    assert told.title == "Headphones disconnected"
    assert told.text.startswith(text)
    assert "`entrain output`" in told.text
    assert notice_for(now, now, 100.0, ["speakers"]) is None


def test_a_lost_device_is_told_with_the_one_that_takes_over(heard):
    now = changed(heard, output=SPEAKERS)

    notice = notice_for(heard, now, 0.0, ["speakers"])

    assert notice == Notice("device", "Headset is gone", "Entrain now plays on Speakers.")


@pytest.mark.parametrize("present", [["speakers", "usb"], None])
def test_another_device_that_was_chosen_is_not_told(heard, present):
    assert notice_for(heard, changed(heard, output=SPEAKERS), 0.0, present) is None


def test_a_lost_device_without_another_is_told_when_it_stays_away(heard):
    waits = changed(heard, state="waiting-for-device", output=None)

    assert notice_for(heard, waits, 0.5) is None
    notice = notice_for(heard, waits, 3.0)

    assert notice
    assert (notice.kind, notice.title) == ("device", "Headset is gone")


def test_a_sound_server_that_stays_away_is_trouble(heard):
    failed = changed(heard, state="failed", output=None, reason="the sound server is gone")

    assert notice_for(heard, failed, 5.0) is None
    assert notice_for(heard, failed, 10.0) == Notice(
        "trouble",
        "Entrain cannot reach a sound server",
        "The sound server is gone. Entrain tries again by itself.",
        urgent=True,
    )


def test_names_cannot_break_the_line(heard):
    notice = notice_for(
        changed(heard, output={"description": "Ear\n\x1b[2J"}),
        changed(heard, output=SPEAKERS),
        0.0,
        [],
    )

    assert notice
    assert notice.title.isprintable()


# ---- times and repetitions ---------------------------------------------------------------------


def test_at_login_a_sound_server_and_a_device_may_come_later(heard):
    notices = Notices()
    failed = changed(heard, state="failed", output=None, reason="no sound server answers")
    waits = changed(heard, state="waiting-for-device", output=None)

    said = [notices.observe(failed, float(s)) for s in range(9)]
    said += [notices.observe(waits, 9.0 + s) for s in range(19)]
    said += [notices.observe(heard, 28.0), notices.observe(heard, 29.0)]

    assert said == [None] * len(said)


def test_trouble_is_told_once_however_long_it_lasts(heard):
    notices = Notices()
    failed = changed(heard, state="failed", output=None, reason="no sound server answers")
    notices.observe(heard, 0.0)

    said = [notices.observe(failed, 1.0 + s) for s in range(7200)]

    assert [n.kind for n in said if n] == ["trouble"]


def test_a_lost_device_is_told_again_when_another_takes_over_later(heard):
    notices = Notices()
    notices.observe(heard, 0.0)
    waits = changed(heard, state="waiting-for-device", output=None)
    said = [notices.observe(waits, 1.0 + s) for s in range(90)]

    after = notices.observe(changed(heard, output=SPEAKERS), 91.0, ["speakers"])

    assert [n.text for n in said if n] == ["Entrain continues as soon as an output is connected."]
    assert after
    assert after.text == "Entrain now plays on Speakers."


def test_one_kind_is_heard_once_a_minute_and_all_five_times_an_hour():
    limiter = Limiter()

    assert [s for s in range(0, 300, 20) if limiter.allows("device", s)] == [0, 60, 120, 180, 240]
    assert not limiter.allows("trouble", 3599)
    assert limiter.allows("trouble", 3600)
    assert not limiter.allows("device", 3601)


def test_kinds_do_not_wait_for_each_other():
    limiter = Limiter()

    assert limiter.allows("device", 0.0)
    assert limiter.allows("ended", 0.0)
    assert not limiter.allows("ended", 59.9)


# ---- on the bus --------------------------------------------------------------------------------


class Daemon:
    """A notification daemon on a bus."""

    def __init__(self, address: str, capabilities: list[str]) -> None:
        self._capabilities = capabilities
        self.shown: list[list[Any]] = []
        self._client = BusClient(address)
        self._client.bus.add_message_handler(self._answer)
        self._client.run(self._client.bus.request_name("org.freedesktop.Notifications"))

    def __enter__(self) -> "Daemon":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def _answer(self, message: Message) -> Message | bool:
        if message.message_type is not MessageType.METHOD_CALL:
            return False
        if message.member == "GetCapabilities":
            return Message.new_method_return(message, "as", [self._capabilities])
        if message.member == "Notify":
            self.shown.append(message.body)
            number = message.body[1] or 40 + len(self.shown)
            return Message.new_method_return(message, "u", [number])
        return False


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Start a private session bus."""
    skip_without_programs("dbus-daemon")
    # A socket's name must be short, and the bus must not start this machine's services.
    for variable in ("XDG_DATA_HOME", "XDG_DATA_DIRS", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(variable, str(tmp_path))
    with tempfile.TemporaryDirectory(prefix="bus-", dir="/tmp") as folder:
        bus = PrivateBus(Path(folder))
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.address)
        yield bus.address
        bus.stop()


def test_a_notification_is_shown_and_takes_the_place_of_the_last_of_its_kind(bus):
    show = notifier.Notifier().show
    with Daemon(bus, ["body", "body-markup"]) as daemon:
        assert show(NOTICE)
        assert show(Notice("trouble", "No server", "It is gone.", urgent=True))
        assert show(NOTICE)

    first, trouble, again = daemon.shown
    name, replaces, icon, title, text, actions, hints, timeout_ms = first
    assert (name, replaces, icon, actions, timeout_ms) == ("Entrain", 0, APP_ID, [], -1)
    assert (title, text) == ("Focus & 16 has ended", "Your music &lt;plays&gt; on.")
    assert {key: hint.value for key, hint in hints.items()} == {"urgency": 1}
    assert (trouble[1], trouble[6]["urgency"].value) == (0, 2)
    assert again[1] == 41


def test_where_there_is_no_markup_the_text_stays_as_it_is(bus):
    with Daemon(bus, ["body"]) as daemon:
        assert notifier.Notifier().show(NOTICE)

    assert daemon.shown[0][4] == NOTICE.text


def test_a_daemon_that_is_started_anew_is_found_and_nothing_of_its_own_replaced(bus):
    show = notifier.Notifier().show
    seen = [show(NOTICE)]
    for _ in range(2):
        with Daemon(bus, []) as daemon:
            seen.append(show(NOTICE))
        assert daemon.shown[0][1] == 0
        seen.append(show(NOTICE))

    assert seen == [False, True, False, True, False]


@pytest.fixture(params=["no address", "missing", "nonsense", "dead", "hangs", "no daemon"])
def no_desktop(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "bus"))
        match request.param:
            case "missing":
                address = f"unix:path={tmp_path}/missing"
                monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
            case "nonsense":
                monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "nonsense")
            case "dead":
                monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
            case "hangs":
                listener.listen()
                monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
            case "no daemon":
                request.getfixturevalue("bus")
        yield


def test_without_a_desktop_it_is_left_out_at_once(no_desktop, capfd):
    # The time-out is half a second; other load on the machine may add to it.
    start_s = time.monotonic()
    assert notifier.say(NOTICE) is False
    assert time.monotonic() - start_s < 10 * notifier.TIMEOUT_S
    assert capfd.readouterr() == ("", "")


# ---- a second start ----------------------------------------------------------------------------


def test_a_second_start_points_to_the_running_one(heard):
    assert already_running(heard).text.startswith("It is on: Focus 16, playing on Headset. Its")
    off = changed(heard, on=False, state="off")
    assert already_running(off).text.startswith("It is off; sound goes to Headset. Its icon")
    bare = changed(heard, on=False, state="failed", output=None, protocol=None)
    assert already_running(bare).text.startswith("It is off. Its icon")
    assert already_running(None).text.startswith("Its icon")


def test_a_second_start_speaks_of_no_icon_where_there_is_none(heard):
    no_tray = "The desktop has no tray."
    assert already_running(heard, no_tray).text.endswith(
        f"on Headset. {no_tray} In a terminal, entrain --help lists its commands."
    )
    assert already_running(None, no_tray).text.startswith(no_tray)
    without = already_running(changed(heard, icon=False)).text
    assert "It was started without an icon." in without
    assert "panel" not in without


@pytest.mark.parametrize(("arguments", "code"), [([], 0), (["run"], 1), (["run", "--headless"], 1)])
def test_only_plain_entrain_is_content_with_one_that_runs(
    arguments, code, serve, heard, tmp_path, monkeypatch
):
    tmp_path.chmod(0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("ENTRAIN_PLATFORM", "null")
    monkeypatch.setattr("logging.basicConfig", lambda **_: None)
    said: list[Notice] = []
    monkeypatch.setattr(notifier, "say", said.append)
    serve(tmp_path / "entrain" / "control.sock", lambda _: Status.model_validate(heard))

    result = CliRunner().invoke(cli, arguments, prog_name="entrain")

    assert result.exit_code == code
    assert result.output.count("\n") == 1
    assert "Entrain is already running" in result.output
    assert [notice.title for notice in said] == ["Entrain is already running"] * (code == 0)
