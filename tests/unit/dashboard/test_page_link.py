"""A page can send some commands, and gets the news that it has asked for."""

import errno
import itertools
import json
import struct
import time
from types import SimpleNamespace

import pytest
from dashboard_lab import RATE_HZ, until
from websockets.exceptions import ConnectionClosed

from entrain.errors import EntrainError
from entrain.platform import local_socket
from entrain.tray.dashboard.page_link import COMMANDS


def test_a_page_is_greeted_with_its_name_and_whether_entrain_is_there(served):
    with served.page() as first, served.page() as second:
        assert first.event("hello")["client"] == "dashboard-1"
        assert second.event("hello")["client"] == "dashboard-2"
        assert first.event("app") == {"event": "app", "there": True, "reason": ""}


def test_a_command_reaches_entrain_under_the_pages_name(app, served):
    app.answer = lambda request: {"values": request["values"]}
    with served.page() as page:
        answer = page.ask("set", values={"tone.beat_hz": 6.5}, client="tray")

    assert answer == {"id": 1, "ok": True, "result": {"values": {"tone.beat_hz": 6.5}}}
    sent = {"command": "set", "values": {"tone.beat_hz": 6.5}, "client": "dashboard-1"}
    assert app.requests == [sent]


def test_a_command_can_have_an_id_of_its_own(app, served):
    with served.page() as page:
        answer = page.ask("protocol", fields={"id": "focus-16"})

    assert answer["id"] == 1
    sent = {"command": "protocol", "id": "focus-16", "client": "dashboard-1"}
    assert app.requests == [sent]


def test_fields_replace_neither_the_command_nor_the_name(app, served):
    with served.page() as page:
        page.ask("on", fields={"command": "stop", "client": "tray"})

    assert app.requests == [{"command": "on", "client": "dashboard-1"}]


def test_entrains_refusal_reaches_the_page(app, served):
    app.answer = lambda request: EntrainError("beat_hz = 400 is outside -200 … 200 Hz")
    with served.page() as page:
        answer = page.ask("set", values={"tone.beat_hz": 400})

    assert answer["ok"] is False
    assert answer["error"] == "beat_hz = 400 is outside -200 … 200 Hz"


@pytest.mark.parametrize("command", ["stop", "watch", "tap", "head", "nonsense", "", None, 3, []])
def test_a_command_outside_the_list_does_not_reach_entrain(app, served, command):
    with served.page() as page:
        answer = page.ask(command)

    assert answer["ok"] is False
    assert answer["error"].startswith("command must be one of adjust, blocks, bypass")
    assert app.requests == []


def test_the_list_of_commands_has_none_that_ends_entrain_or_floods_it():
    assert not COMMANDS & {"stop", "watch", "tap", "head"}


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("", "a message must be JSON"),
        ("{", "a message must be JSON"),
        ("[" * 60_000, "a message must be JSON"),
        ("[1]", "a message must be a JSON object"),
        ("7", "a message must be a JSON object"),
        (b"{}", "a message must be text"),
        ('{"id": 1e99, "command": "on"}', "id must be a whole number or a short text"),
        ('{"id": {}, "command": "on"}', "id must be a whole number or a short text"),
        ('{"command": "on", "fields": [1]}', "fields must be an object"),
        ('{"command": "subscribe", "status": "levels"}', "status must be a list of names, or null"),
        ('{"command": "subscribe", "status": [1]}', "status must be a list of names, or null"),
        ('{"command": "subscribe", "status": ["x"]}', "the status has no part 'x'"),
        ('{"command": "subscribe", "samples": 1}', "samples must be true or false"),
    ],
)
def test_a_bad_message_gets_one_line_and_the_page_stays_open(app, served, message, error):
    with served.page() as page:
        page.link.send(message)
        answer = page.take(lambda each: "ok" in each)
        assert answer == {"id": None, "ok": False, "error": error}

        assert page.ask("status")["ok"] is True
    assert app.count("status") == 1


def test_a_text_cannot_smuggle_a_second_request_in(app, served):
    with served.page() as page:
        page.ask("save", name='evening\n{"command": "stop"}')

    assert [each["command"] for each in app.requests] == ["save"]


def test_a_message_of_65_kb_closes_its_page_alone(app, served):
    with served.page() as other, served.page() as page:
        page.link.send(json.dumps({"command": "save", "name": "x" * 65_536}))
        with pytest.raises(ConnectionClosed) as closed:
            page.take(lambda each: False)

        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009
        assert other.ask("status")["ok"] is True
    assert app.count("save") == 0


def test_a_page_that_sends_too_fast_is_slowed_down(app, served):
    with served.page() as page:
        began_s = time.monotonic()
        for _ in range(100):
            page.send("status")
        page.take(lambda each: each.get("id") == 100)

    assert time.monotonic() - began_s > 0.4  # 50 at once, and then 100 a second


def test_without_a_subscription_entrain_is_asked_for_nothing(app, served):
    with served.page() as page:
        page.event("app")
        page.ask("subscribe", status=None, samples=False)
        time.sleep(0.3)

    assert app.requests == []


def test_after_the_last_subscription_entrain_is_asked_for_nothing_more(app, served):
    with served.page() as page:
        page.ask("subscribe", status=["bypass"], samples=True)
        page.read_packets(3)
        page.ask("subscribe", status=None, samples=False)
        page.ask("on")  # a request that has been on its way is over
        before = len(app.requests)
        time.sleep(0.3)
        assert len(app.requests) == before
        app.change(bypass=True)
        page.ask("on")
        assert not any(each.get("status", {}).get("bypass") for each in page.events)


def test_wishes_that_change_fast_leave_neither_too_much_nor_too_little(app, served):
    for _ in range(5):
        with served.page() as page:
            page.send("subscribe", status=["bypass"], samples=True)
            page.send("subscribe", status=None, samples=False)
            page.send("subscribe", status=["volume"], samples=True)
            page.ask("subscribe", status=None, samples=False)
            page.event("app")
            time.sleep(0.1)
            before = len(app.requests)
            time.sleep(0.2)
            assert len(app.requests) == before
            page.send("subscribe", status=None, samples=False)
            page.ask("subscribe", status=["bypass"], samples=True)
            page.event("status", lambda each: "bypass" in each["status"])
            page.packets.clear()
            page.read_packets(2)


def test_a_page_gets_the_parts_that_it_wants_and_then_changes(app, served):
    with served.page() as page:
        page.ask("subscribe", status=["bypass", "volume"])
        assert page.event("status")["status"] == {"bypass": False, "volume": 1.0}

        app.change(bypass=True, state="bypassed", caused_by="tray")

        event = {"event": "status", "status": {"bypass": True}, "caused_by": ["tray"]}
        assert page.event("status") == event


@pytest.mark.parametrize("line", [b"nonsense", b"[]", b"{}", b'{"ok": true}', b"\xff"])
def test_an_answer_that_makes_no_sense_does_not_end_the_news(app, served, line):
    with served.page() as page:
        page.ask("subscribe", status=["bypass"])
        page.event("status")
        app.babble(line)
        until(lambda: app.count("watch") >= 2, "another watch")
        app.change(bypass=True)
        page.event("status", lambda each: each["status"]["bypass"])


def test_all_pages_share_one_watch(app, served):
    with served.page() as first, served.page() as second:
        first.ask("subscribe", status=["bypass"])
        assert first.event("status")["status"] == {"bypass": False}
        second.ask("subscribe", status=["bypass", "volume"])
        assert second.event("status", lambda each: "volume" in each["status"])
        app.change(bypass=True)
        assert first.event("status")["status"] == {"bypass": True}
        assert second.event("status", lambda each: each["status"].get("bypass"))
        third = served.page()
        with third as page:
            page.ask("subscribe", status=["volume"])
            assert page.event("status")["status"] == {"volume": 1.0}

    until(lambda: app.count("watch") >= 2)
    connections = app.connections
    assert connections == 2  # one to see the end of Entrain, one to watch


def test_samples_arrive_whole_and_in_order(app, served):
    with served.page() as page:
        page.ask("subscribe", samples=True)
        packets = page.read_packets(10)

    expected = None
    for packet in packets:
        first, frames, rate_hz = struct.unpack_from("<QII", packet)
        assert rate_hz == RATE_HZ
        assert expected is None or first == expected
        expected = first + frames
        samples = struct.unpack_from(f"<{4 * frames}f", packet, 16)
        assert len(packet) == 16 + 16 * frames
        assert samples[0] == samples[1] == samples[2 * frames] == first
        assert samples[-1] == first + frames - 1


def test_all_pages_share_the_requests_for_samples(app, served):
    with served.page() as first, served.page() as second:
        first.ask("subscribe", samples=True)
        second.ask("subscribe", samples=True)
        first.read_packets(20)
        second.read_packets(20)
        assert app.count("tap") == 1


def test_a_slow_page_loses_packets_and_delays_no_other(app, served):
    with served.page() as quick, served.page(max_queue=1, close_timeout=0.1) as slow:
        slow.ask("subscribe", samples=True)
        quick.ask("subscribe", samples=True)
        numbers = []
        for _ in range(60):
            app.do(_play(app, 10_000))
            packet = quick.link.recv(timeout=10)
            if isinstance(packet, bytes):
                numbers.append(struct.unpack_from("<QI", packet))
        for (first, frames), (following, _) in itertools.pairwise(numbers):
            assert following == first + frames
        page = next(each for each in served.life.server.pages if each.name == "dashboard-2")
        assert page.is_slow
        assert page.socket.transport.get_write_buffer_size() < 1_000_000


async def _play(app, frames):
    app.frame += frames


def test_a_page_that_never_reads_is_closed(serve):
    served = serve(ping_s=0.2)
    with served.page(max_queue=1, close_timeout=0.1) as page:
        page.ask("subscribe", samples=True)
        until(lambda: not served.life.server.pages, "the page's end")


def test_more_pages_than_entrain_can_bear_are_refused(served, monkeypatch):
    monkeypatch.setattr("entrain.tray.dashboard.server.MAX_PAGES", 1)
    with served.page() as page, served.page() as another:
        with pytest.raises(ConnectionClosed) as closed:
            another.take(lambda each: False)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.reason == "1 pages are open already; close one of them"
        assert page.ask("status")["ok"]


def test_a_process_without_open_files_left_refuses_in_one_line_and_the_page_stays(
    app, served, monkeypatch
):
    with served.page() as page:
        page.event("hello")

        def full(*arguments: object) -> None:
            raise OSError(errno.EMFILE, "Too many open files")

        with monkeypatch.context() as patched:
            patched.setattr(local_socket, "socket", SimpleNamespace(socket=full, AF_UNIX=0))
            answer = page.ask("status")
        assert answer["error"].endswith("Too many open files")
        assert page.ask("status")["ok"] is True
