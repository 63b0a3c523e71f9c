"""Attacks on the page's server: each is refused, and the page still works."""

import asyncio
import concurrent.futures
import contextlib
import re
import socket
import time

import pytest
from dashboard_lab import FILES, until
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from entrain.tray.dashboard import server as server_module
from entrain.tray.dashboard.door import POLICY
from entrain.tray.dashboard.keys import MAX_KEYS, Keys

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def query(address):
    return address.partition("?")[2]


# ---- the key -----------------------------------------------------------------------------------


def test_with_a_key_a_page_is_entered_and_the_cookie_then_opens_all(served):
    entered = served.get("/enter?" + query(served.ask("address")))

    assert entered.status == 200  # along a redirect, a browser would not send the strict cookie
    assert '<meta http-equiv="refresh" content="0; url=/">' in entered.content.decode()
    assert "<script" not in entered.content.decode()
    cookie, *attributes = entered.headers["Set-Cookie"].split("; ")
    assert cookie.startswith(f"entrain{served.port}=")
    assert set(attributes) == {"Path=/", "HttpOnly", "SameSite=Strict"}
    page = served.get("/", Cookie=f"other=1; {cookie}")
    assert (page.status, page.content) == (200, FILES["/"].body)


@pytest.mark.parametrize("path", ["/", "/main.js", "/ws", "/nothing", "/enter", "/enter?"])
def test_without_a_key_nothing_is_shown(served, path):
    answer = served.get(path)

    assert answer.status == 403
    assert "`entrain dashboard`" in answer.content.decode()
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("value", ["", "x", "é" * 43, "A" * 43, "A" * 5000])
def test_with_another_key_nothing_is_shown(served, value):
    name = f"entrain{served.port}"
    assert served.get("/", Cookie=f"{name}={value}").status == 403
    assert served.get("/enter?" + value.encode("ascii", "replace").decode()).status == 403


def test_with_the_key_of_an_earlier_run_nothing_is_shown(serve):
    earlier = serve()
    cookie = earlier.enter()
    key = query(earlier.ask("address"))
    earlier.life.stop()
    until(lambda: not earlier.is_running)
    later = serve()

    value = cookie.partition("=")[2]
    assert later.get("/", Cookie=f"entrain{later.port}={value}").status == 403
    assert later.get("/enter?" + key).status == 403


def test_a_key_opens_only_once(served):
    key = query(served.ask("address"))

    assert served.get("/enter?" + key).status == 200
    assert served.get("/enter?" + key).status == 403


def test_who_has_entered_may_open_the_entry_again(served):
    key = query(served.ask("address"))
    cookie = served.get("/enter?" + key).headers["Set-Cookie"].partition(";")[0]

    assert served.get("/enter?" + key, Cookie=cookie).status == 200


def test_a_key_is_valid_for_its_time():
    now_s, ended = [0.0], []
    keys = Keys(lambda: now_s[0])
    key = keys.make(10, is_single=False, ended=lambda: ended.append(1))

    now_s[0] = 9.9
    assert keys.enter(key)
    assert not ended
    now_s[0] = 10
    assert not keys.enter(key)
    assert ended == [1]


def test_keys_without_end_do_not_pile_up():
    ended = []
    keys = Keys()
    for number in range(2 * MAX_KEYS):
        last = keys.make(60, ended=lambda number=number: ended.append(number))

    assert ended == list(range(MAX_KEYS))
    assert keys.enter(last)


# ---- the request -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost:{port}", "127.0.0.1", "127.0.0.1:1", "[::1]:{port}", ""]
)
def test_under_a_foreign_name_the_server_shows_nothing(served, host):
    """A foreign name may lead to this computer's own address (DNS rebinding)."""
    answer = served.get("/", Host=host.format(port=served.port), Cookie=served.enter())

    assert answer.status == 421


def test_two_names_in_one_request_are_refused(served):
    cookie = served.enter()
    text = (
        f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nHost: evil\r\nCookie: {cookie}\r\n\r\n"
    )
    assert b" 421 " in exchanged(served, text.encode()).splitlines()[0]


@pytest.mark.parametrize(
    "path",
    [
        *("/../door.py", "/..", "/.", "/%2e%2e/door.py", "/%2E%2E%2Fdoor.py", "/..%2fdoor.py"),
        *("/%252e%252e/door.py", "/..\\door.py", "/..%5cdoor.py", "/%c0%ae%c0%ae/door.py"),
        *("/%uff0e%uff0e/door.py", "/....//door.py", "//etc/passwd", "/etc/passwd", "/main.js/"),
        *("/main.js%00", "/./main.js", "file:///etc/passwd", "/index.html/../../door.py", "*"),
    ],
)
def test_no_path_leads_out_of_the_page(served, path):
    assert served.get(path, Cookie=served.enter()).status == 404


def test_no_path_of_a_request_reaches_the_file_system(served, monkeypatch):
    cookie = served.enter()
    monkeypatch.setattr("builtins.open", lambda *_: pytest.fail("a file is opened"))
    assert served.get("/main.js", Cookie=cookie).status == 200


@pytest.mark.parametrize("method", ["POST", "HEAD", "PUT", "DELETE", "OPTIONS", "CONNECT", "get"])
def test_only_get_is_possible(served, method):
    answer = served.get("/", method=method, Cookie=served.enter())

    assert answer.status == 405
    assert answer.headers["Allow"] == "GET"


def test_a_form_of_another_page_steers_nothing(app, served):
    for path in ("/", "/ws", "/enter"):
        head = {
            "Origin": "http://127.0.0.1:1",
            "Cookie": served.enter(),
            "Content-Type": "text/plain",
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        body = '{"command": "off"}'
        text = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n{lines}"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        )
        answer = exchanged(served, text.encode())
        assert not answer.startswith(b"HTTP/1.1 2")
    assert app.requests == []


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1:{port}", None],
)
def test_another_page_cannot_open_the_websocket(app, served, origin):
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(
            f"ws://127.0.0.1:{served.port}/ws",
            origin=origin and origin.format(port=served.port),
            additional_headers={"Cookie": served.enter()},
            proxy=None,
        ),
    ):
        pass
    assert refused.value.response.status_code == 403
    assert app.requests == []


def test_without_the_cookie_the_websocket_stays_closed(served):
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(f"ws://127.0.0.1:{served.port}/ws", origin=served.door.address, proxy=None),
    ):
        pass
    assert refused.value.response.status_code == 403


def test_every_answer_has_the_headers_that_protect_the_page(served):
    cookie = served.enter()
    key = query(served.ask("address"))
    for path, head in (
        *(("/", {}), ("/", {"Cookie": cookie}), ("/main.js", {"Cookie": cookie})),
        *(("/nothing", {"Cookie": cookie}), (f"/enter?{key}", {}), ("/", {"Host": "evil"})),
    ):
        answer = served.get(path, **head)
        assert HEADERS.items() <= dict(answer.headers.items()).items()
        assert "Server" not in answer.headers
    assert "'unsafe" not in POLICY
    for each in ("default-src 'none'", "frame-ancestors 'none'", "form-action 'none'"):
        assert each in POLICY


def test_a_file_goes_packed_to_a_browser_that_can_unpack_it(served):
    cookie = served.enter()

    packed = served.get("/main.js", Cookie=cookie, Accept_Encoding="gzip, deflate, br")
    plain = served.get("/main.js", Cookie=cookie)

    assert (packed.headers["Content-Encoding"], packed.content) == ("gzip", b"packed")
    assert ("Content-Encoding" in plain.headers, plain.content) == (False, FILES["/main.js"].body)
    assert packed.headers["Content-Type"] == "text/javascript; charset=utf-8"


# ---- floods ------------------------------------------------------------------------------------


def exchanged(served, sent, *, hangs_up=False):
    """Send bytes; return all bytes of the answer."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as link:
        link.sendall(sent)
        if hangs_up:
            link.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: link.recv(65536), b""))


def test_only_this_computer_reaches_the_server(served):
    listening = served.life.server._server.sockets
    assert [each.getsockname()[0] for each in listening] == ["127.0.0.1"]


def test_while_a_thousand_connections_are_open_the_page_works(served):
    with contextlib.ExitStack() as stack, served.page() as page:
        for _ in range(1000):
            link = stack.enter_context(socket.socket())
            link.settimeout(10)
            link.connect(("127.0.0.1", served.port))
        assert page.ask("status")["ok"]
        assert served.get("/", Cookie=served.enter()).status == 200


def test_a_request_that_never_ends_is_ended(serve, monkeypatch):
    monkeypatch.setattr(server_module, "REQUEST_TIMEOUT_S", 0.3)
    served = serve()
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as link:
        link.sendall(b"GET / HTTP/1.1\r\n")
        began_s = time.monotonic()
        with contextlib.suppress(OSError):
            while link.recv(1) == b"":  # ended without an answer
                break
            for _ in range(200):
                link.sendall(b"X: y\r\n")
                time.sleep(0.05)
        assert time.monotonic() - began_s < 5


def test_slow_requests_do_not_keep_a_browser_out(served):
    lines = b"GET / HTTP/1.1\r\nHost: x\r\n"
    with contextlib.ExitStack() as stack:
        links = [
            stack.enter_context(socket.create_connection(("127.0.0.1", served.port)))
            for _ in range(200)
        ]
        for link in links:
            with contextlib.suppress(OSError):
                link.sendall(lines)
        with concurrent.futures.ThreadPoolExecutor(6) as browser:
            cookie = served.enter()
            answers = list(browser.map(lambda _: served.get("/", Cookie=cookie), range(24)))
        assert {each.status for each in answers} == {200}


def test_a_reader_that_never_reads_an_answer_is_ended(serve, monkeypatch):
    monkeypatch.setattr(server_module, "REQUEST_TIMEOUT_S", 0.3)
    monkeypatch.setitem(
        FILES, "/long.js", FILES["/"].__class__("text/javascript", bytes(8 << 20), None)
    )
    served = serve()
    cookie = served.enter()
    text = f"GET /long.js HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nCookie: {cookie}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as link:
        link.sendall(text.encode())
        until(lambda: not served.do(_transports()), "the end of the connection")


async def _transports():
    names = (str(task.get_coro()) for task in asyncio.all_tasks())
    return [name for name in names if "protocol_handler" in name or "conn_handler" in name]


@pytest.mark.parametrize(
    "sent",
    [
        *(
            b"",
            b"\r\n\r\n",
            b"\0" * 100,
            b"GET\r\n\r\n",
            b"GET / HTTP/2\r\n\r\n",
            b"\x16\x03\x01\x02",
        ),
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 1000 + b"\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ],
)
def test_noise_neither_ends_the_server_nor_is_written_down(served, capfd, sent):
    answer = exchanged(served, sent, hangs_up=True)

    assert not re.match(rb"HTTP/1.1 (2|101)", answer)
    assert served.get("/", Cookie=served.enter()).status == 200
    assert capfd.readouterr().err == ""
