"""`entrain dashboard` opens the page of one process, which nothing has to wait for."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from dashboard_lab import MadeUpEntrain, until

from entrain.errors import EntrainError
from entrain.platform import browser
from entrain.tray.icon import dashboard_command

ENTRAIN = [sys.executable, "-m", "entrain.tray"]
_OPENER = """#!/bin/sh
echo "$1" >> "{log}"
cat /proc/$$/cmdline | tr '\\0' ' ' >> "{log}.processes"
[ -e "$1" ] && cp "$1" "{log}.page"
exit {code}
"""


@pytest.fixture
def desk(home: Path, app: MadeUpEntrain, monkeypatch: pytest.MonkeyPatch) -> Iterator["Desk"]:
    """A desktop whose browser notes what it is to open, with a running Entrain."""
    monkeypatch.delenv("BROWSER", raising=False)
    desk = Desk(home)
    monkeypatch.setenv("PATH", f"{desk.programs}:{os.environ['PATH']}")
    desk.set_opener()
    desk.set_browser("some.desktop")
    yield desk
    for pid in desk.servers():
        os.kill(pid, signal.SIGTERM)
    until(lambda: not desk.servers(), "the end of the dashboard")


class Desk:
    def __init__(self, home: Path) -> None:
        self.home = home
        self.programs = home / "programs"
        self.programs.mkdir()
        self.log = home / "opened"
        self.socket = home / "entrain" / "dashboard" / "dashboard.sock"

    def set_opener(self, code: int = 0) -> None:
        self._program("xdg-open", _OPENER.format(log=self.log, code=code))

    def set_browser(self, name: str) -> None:
        self._program("xdg-settings", f"#!/bin/sh\necho {name}\n")

    def _program(self, name: str, text: str) -> None:
        (self.programs / name).write_text(text)
        (self.programs / name).chmod(0o755)

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*ENTRAIN, "dashboard", *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def opened(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    def servers(self) -> list[int]:
        """Return the processes of this desk's dashboard."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                words = (folder / "cmdline").read_bytes().split(b"\0")
                environment = (folder / "environ").read_bytes().split(b"\0")
                mine = f"XDG_RUNTIME_DIR={self.home}".encode() in environment
                if b"entrain.tray.dashboard" in words and mine:
                    found.append(int(folder.name))
        return found


def fetched(address: str) -> str:
    with urllib.request.urlopen(address, timeout=10) as answer:
        return str(answer.headers["Set-Cookie"])


def address_in(text: str) -> str:
    found = re.search(r"http://127\.0\.0\.1:\d+/enter\?[\w-]{43}", text)
    assert found
    return found[0]


def test_the_browser_opens_a_file_that_leads_to_the_page(desk):
    done = desk.run()

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (place,) = desk.opened()
    assert Path(place).parent == desk.socket.parent
    page = Path(f"{desk.log}.page").read_text()
    key = address_in(page).partition("?")[2]
    assert key not in Path(f"{desk.log}.processes").read_text()
    assert "HttpOnly" in fetched(address_in(page))
    assert not Path(place).exists()


def test_a_second_command_opens_another_page_of_the_same_process(desk):
    assert desk.run().returncode == 0
    first = desk.servers()
    assert desk.run().returncode == 0

    assert len(first) == 1
    assert desk.servers() == first
    assert len(set(desk.opened())) == 2


def test_commands_at_the_same_time_start_one_process(desk):
    running = [subprocess.Popen([*ENTRAIN, "dashboard"]) for _ in range(3)]

    assert [each.wait(60) for each in running] == [0, 0, 0]
    until(lambda: len(desk.servers()) == 1, "one process")
    assert len(desk.opened()) == 3


def test_the_process_outlives_its_command_and_its_terminal(desk):
    desk.run()
    (pid,) = desk.servers()
    status = Path(f"/proc/{pid}/status").read_text()

    assert os.getsid(pid) == pid
    assert f"PPid:\t{os.getpid()}\n" not in status
    assert {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in (0, 1, 2)} == {"/dev/null"}


def test_it_ends_with_entrain(desk, app):
    desk.run()
    (pid,) = desk.servers()
    app.stop()
    until(lambda: pid not in desk.servers(), "its end")


@pytest.mark.parametrize("name", ["firefox_firefox.desktop", "org.mozilla.firefox.desktop"])
def test_a_confined_browser_gets_an_address_that_is_valid_once(desk, monkeypatch, name):
    data = desk.home / "share"
    (data / "applications").mkdir(parents=True)
    (data / "applications/org.mozilla.firefox.desktop").write_text("[Desktop Entry]\nX-Flatpak=a\n")
    monkeypatch.setenv("XDG_DATA_DIRS", str(data))
    desk.set_browser(name)

    assert desk.run().returncode == 0

    (address,) = desk.opened()
    assert address == address_in(address)
    fetched(address)
    with pytest.raises(urllib.error.HTTPError, match="403"):
        fetched(address)


def test_without_a_browser_it_says_what_to_do(desk):
    desk.set_opener(code=3)

    done = desk.run()

    assert done.returncode == 1
    assert done.stderr == (
        "entrain: no browser can be opened; `entrain dashboard --no-browser` prints the address\n"
    )


def test_without_entrain_it_says_so(desk, app):
    app.stop()
    for arguments in ((), ("--no-browser",)):
        done = desk.run(*arguments)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == "entrain: Entrain is not running; start it with `entrain run`\n"
    assert desk.servers() == []


@pytest.mark.parametrize("runs_already", [False, True])
def test_without_a_browser_on_request_it_serves_until_ctrl_c(desk, runs_already):
    if runs_already:
        desk.run()
    before = desk.servers()
    process = subprocess.Popen(
        [*ENTRAIN, "dashboard", "--no-browser"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    for _ in range(2):  # the address is valid until the end
        assert "HttpOnly" in fetched(address)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)

    assert desk.servers() == before
    if runs_already:
        with pytest.raises(urllib.error.HTTPError, match="403"):
            fetched(address)
    else:
        with pytest.raises(urllib.error.URLError):
            fetched(address)
    assert len(desk.opened()) == runs_already


def test_commands_without_a_browser_may_start_at_the_same_time(desk):
    started = [
        subprocess.Popen(
            [*ENTRAIN, "dashboard", "--no-browser"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    addresses = [(each.stdout.readline().strip(), each)[0] for each in started if each.stdout]
    ports = {re.search(r":(\d+)/enter", address)[1] for address in addresses}  # type: ignore[index]
    assert len(ports) == 1
    for address in addresses:
        assert "HttpOnly" in fetched(address)
    for process in started:
        process.send_signal(signal.SIGINT)
    for process in started:
        # A command that was late has found the others' dashboard; it ends its line at Ctrl-C.
        assert process.communicate(timeout=20) in (("", ""), ("", "\n"))


def test_the_tray_reports_what_the_command_says(desk):
    dashboard_command.open_dashboard()
    assert len(desk.opened()) == 1

    desk.set_opener(code=3)
    with pytest.raises(EntrainError, match=r"^no browser can be opened; `entrain dashboard"):
        dashboard_command.open_dashboard()


@pytest.mark.parametrize(
    ("command", "confined"),
    [("firefox", False), ("/snap/bin/firefox", True), ("flatpak run org.mozilla.firefox", True)],
)
def test_a_browser_in_the_environment_counts(monkeypatch, command, confined):
    monkeypatch.setenv("BROWSER", command)
    with browser.Choice() as choice:
        assert choice.reads_no_files() is confined


def test_a_desktop_that_does_not_answer_delays_nothing_for_long(desk, monkeypatch):
    desk._program("xdg-settings", "#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setattr(browser, "PATIENCE_S", 0.2)
    began_s = time.monotonic()
    with browser.Choice() as choice:
        assert choice.reads_no_files() is False
    assert time.monotonic() - began_s < 30
