"""The life of the bridge: it is started while it is wanted, started again, told, and ended."""

import asyncio
import json
import os
import signal
import struct
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from entrain.vdevice.remote import bridge_process
from entrain.vdevice.remote.bridge_process import BridgeProcess

ON = {"port": 9000}
POSE = struct.Struct("<4d")


class Child:
    """Lets a script run in place of the bridge; it notes its starts and the orders."""

    def __init__(self, folder: Path, script: str) -> None:
        self.started = folder / "started"
        self.orders = folder / "orders"
        begin = f"""
import json, os, sys, time
open({str(self.started)!r}, "a").write("x")
def report(**told):
    number = order["tracking"][0] if "tracking" in order else 0
    print(json.dumps({{"part": "tracking", "number": number, "report": told}}), flush=True)
def next_order():
    global order
    line = b""
    while not line.endswith(b"\\n"):
        more = os.read(0, 1)
        if not more:
            sys.exit(0)
        line += more
    open({str(self.orders)!r}, "ab").write(line)
    order = json.loads(line)
def stay():
    while True:
        next_order()
order = {{}}
next_order()
"""
        self.command = [sys.executable, "-c", f"{begin}\n{script}"]

    def starts(self) -> int:
        return len(self.started.read_text()) if self.started.exists() else 0

    def told(self) -> list[Any]:
        text = self.orders.read_text() if self.orders.exists() else ""
        return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Child]:
    def use(script: str) -> Child:
        made = Child(tmp_path, script)
        monkeypatch.setattr(bridge_process, "_command", lambda path: made.command)
        return made

    return use


class Heard:
    """The app's parts that the bridge reports to."""

    def __init__(self) -> None:
        self.reports: list[dict[str, Any]] = []
        self.poses: list[tuple[float, ...]] = []

    @property
    def problems(self) -> list[str]:
        return [each["problem"] for each in self.reports if each.get("problem")]


def run(work: Callable[[BridgeProcess, Heard], Awaitable[object]]) -> None:
    """Do something with a process while an event loop runs, then end it."""

    async def main() -> None:
        heard = Heard()
        process = BridgeProcess(Path("control.sock"), "head tracking")
        process.hear("tracking", lambda report: heard.reports.append(dict(report)))
        process.hear_poses(lambda *pose: heard.poses.append(pose))
        process.begin()
        process.want("tracking", ON)
        heard.reports.clear()
        try:
            await work(process, heard)
        finally:
            await process.close()

    asyncio.run(main())


async def until(holds: Callable[[], object], timeout_s: float = 10.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not holds():
            await asyncio.sleep(0.01)


def test_poses_and_reports_arrive(child):
    child("""
import struct
os.write(0, struct.pack("<4d", 1, 0, 0, 0) + struct.pack("<4d", 0, 0, 0, 1))
report(listening=[9000])
stay()
""")

    async def work(process, heard):
        await until(lambda: heard.poses and heard.reports)
        assert heard.poses[-1] == (0, 0, 0, 1)
        assert heard.reports == [{"listening": [9000]}]

    run(work)


def test_a_change_of_one_part_is_told_to_the_running_process(child):
    made = child("stay()")

    async def work(process, heard):
        await until(lambda: made.told() == [{"tracking": [1, ON]}])
        process.want("osc", {"port": 5510})
        await until(lambda: len(made.told()) == 2)
        assert made.told()[1] == {"tracking": [1, ON], "osc": [1, {"port": 5510}]}
        process.want("tracking", None)
        process.want("osc", {"port": 5510})  # as it is
        await until(lambda: len(made.told()) == 3)
        assert made.told()[2] == {"osc": [1, {"port": 5510}]}
        assert made.starts() == 1

    run(work)


def test_a_report_about_former_settings_does_not_count(child):
    made = child("""
first = order
next_order()
second, order = order, first
report(source="former")
order = second
report(source="present")
stay()
""")

    async def work(process, heard):
        await until(lambda: len(made.told()) == 1)
        process.want("tracking", {"port": 9001})
        await until(lambda: {"source": "present"} in heard.reports)
        assert {"source": "former"} not in heard.reports

    run(work)


def test_a_process_that_crashes_again_and_again_is_started_with_growing_pauses(child, monkeypatch):
    monkeypatch.setattr(bridge_process, "FIRST_PAUSE_S", 0.1)
    monkeypatch.setattr(bridge_process, "LONGEST_PAUSE_S", 0.4)
    monkeypatch.setattr(bridge_process, "STEADY_S", 0.5)
    made = child("os._exit(7)")

    async def work(process, heard):
        began_s = time.monotonic()
        await until(lambda: made.starts() == 5)
        assert time.monotonic() - began_s > 0.1 + 0.2 + 0.4 + 0.4
        assert "the process for head tracking has ended (exit code 7)" in heard.problems

    run(work)


def test_after_five_starts_in_a_minute_it_waits_and_says_so(child, monkeypatch):
    monkeypatch.setattr(bridge_process, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(bridge_process, "LONGEST_PAUSE_S", 0.01)
    made = child("os._exit(7)")

    async def work(process, heard):
        line = "the process for head tracking has ended (exit code 7), 5 times within 60 s"
        await until(lambda: line in heard.problems)
        assert made.starts() == 5
        process.want("tracking", None)  # switched off and on again, it starts at once
        process.want("tracking", ON)
        await until(lambda: made.starts() == 6)

    run(work)


def test_what_is_wanted_again_starts_at_once_and_the_reason_is_known_until_then(child, monkeypatch):
    monkeypatch.setattr(bridge_process, "FIRST_PAUSE_S", 60.0)
    made = child("os._exit(7)")

    async def work(process, heard):
        line = "the process for head tracking has ended (exit code 7)"
        for starts in (1, 2):
            await until(lambda starts=starts: heard.problems == [line] * starts)
            assert made.starts() == starts
            process.want("tracking", {"port": 9000 + starts})  # not again: it waits
            assert heard.reports[-1] == {"problem": line}
            process.want("tracking", {"port": 9000 + starts}, again=True)
            assert heard.reports[-1] == {"problem": line}
            await until(lambda: heard.reports[-1] == {})  # the next one is about this attempt
            await until(lambda starts=starts: made.starts() == starts + 1)

    run(work)


def test_another_part_ends_the_pause_too(child, monkeypatch):
    monkeypatch.setattr(bridge_process, "FIRST_PAUSE_S", 60.0)
    made = child("os._exit(7)")

    async def work(process, heard):
        await until(lambda: heard.problems)
        process.want("osc", {"port": 5510})
        await until(lambda: made.starts() == 2)

    run(work)


def test_a_process_without_poses_has_no_thread_for_them(child):
    made = child("stay()")

    def hears() -> bool:
        return any("_take_poses" in each.name for each in threading.enumerate())

    async def work(process, heard):
        await until(lambda: process._link)
        assert hears()
        other = BridgeProcess(Path("control.sock"), "MIDI")
        await process.close()
        other.begin()
        other.want("midi", {})
        await until(lambda: made.starts() == 2 and other._link)
        assert not hears()
        await other.close()

    run(work)


@pytest.mark.parametrize(
    "nonsense",
    [
        "print('x' * 100_000, flush=True)",
        "print('[]\\n{\"part\": 3}\\n\\xff', flush=True)",
        'print(\'{"part": "unknown", "number": 1, "report": {}}\', flush=True)',
        "os.write(0, b'abc')",
        "os.write(0, struct.pack('<4d', float('nan'), 0, 0, 0))",
    ],
)
def test_nonsense_from_the_process_does_no_harm(child, nonsense):
    child(f"import struct\n{nonsense}\nreport(source='after it')\nstay()")

    async def work(process, heard):
        await until(lambda: {"source": "after it"} in heard.reports)
        assert heard.problems == []

    run(work)


@pytest.mark.parametrize("script", ["stay()", "time.sleep(60)\n"])
def test_it_ends_when_it_is_not_wanted_and_is_killed_where_it_does_not(child, monkeypatch, script):
    monkeypatch.setattr(bridge_process, "END_TIMEOUT_S", 0.2)
    made = child(script)

    async def work(process, heard):
        await until(lambda: made.starts() == 1)
        process.want("tracking", None)
        await until(lambda: not process._lives)
        process.want("tracking", ON)
        await until(lambda: made.starts() == 2)
        for _ in range(3):  # each one waits for the end of the one before
            process.want("tracking", None)
            process.want("tracking", ON)
        await until(lambda: made.starts() >= 3)
        await until(lambda: len(process._lives) == 1)

    run(work)


def test_a_process_that_reads_no_orders_does_not_hold_up_the_app(child):
    made = child("time.sleep(60)")

    async def work(process, heard):
        await until(lambda: made.starts() == 1 and process._link is not None)
        begin_s = time.monotonic()
        for number in range(2000):
            process.want("osc", {"port": number, "listen": "0" * 1000})
        assert time.monotonic() - begin_s < 5
        await until(lambda: made.starts() == 2)

    run(work)


def test_a_driver_that_does_not_answer_is_told(child, monkeypatch):
    monkeypatch.setattr(bridge_process, "FIRST_PAUSE_S", 0.01)
    made = child("os.kill(os.getpid(), 14)")  # ALRM

    async def main() -> None:
        problems: list[Any] = []
        process = BridgeProcess(Path("control.sock"), "MIDI")
        process.hear("midi", lambda report: problems.append(report.get("problem")))
        process.begin()
        process.want("midi", {})
        await until(lambda: made.starts() > 1)
        assert "the MIDI system does not answer" in problems
        await process.close()

    asyncio.run(main())


def test_a_process_that_is_stopped_is_killed_and_another_one_is_started(child, monkeypatch):
    monkeypatch.setattr(bridge_process, "STOPPED_S", 0.3)
    monkeypatch.setattr(bridge_process, "FIRST_PAUSE_S", 0.01)
    made = child("import signal\nos.kill(os.getpid(), signal.SIGSTOP)")

    async def work(process, heard):
        await until(lambda: made.starts() == 2)
        assert heard.problems[0] == "the process for head tracking was stopped for 0.3 s"

    run(work)


def test_a_process_that_goes_on_soon_is_kept(child):
    child("import signal\nos.kill(os.getpid(), signal.SIGSTOP)\nreport(source='on')\nstay()")

    async def work(process, heard):
        for _ in range(2):
            await until(lambda: process._link and process._link[1]._patience)
            number = process._link[1]._transport.get_pid()
            os.kill(number, signal.SIGCONT)
            await until(lambda: process._link[1]._patience is None)
            await until(lambda: {"source": "on"} in heard.reports)
            os.kill(number, signal.SIGSTOP)
        assert not process._link[1].was_stopped
        assert heard.problems == []

    run(work)


def test_an_app_that_stood_still_itself_waits_once_more(child):
    """Its clock has gone on meanwhile, and the process may go on in a moment."""
    child("stay()")

    async def work(process, heard):
        await until(lambda: process._link)
        _, running = process._link
        now_s = asyncio.get_running_loop().time()
        running._lose_patience(now_s - 100)
        assert not running.was_stopped
        assert running._patience is not None
        running._take_stop(False)
        running._lose_patience(now_s)
        assert running.was_stopped

    run(work)


def test_a_program_that_cannot_be_started_is_told_and_tried_again(monkeypatch):
    monkeypatch.setattr(bridge_process, "FIRST_PAUSE_S", 0.05)
    monkeypatch.setattr(bridge_process, "_command", lambda path: ["/nowhere/python"])

    async def work(process, heard):
        await until(lambda: len(heard.problems) >= 2)
        line = "the process for head tracking cannot be started: No such file or directory"
        assert set(heard.problems) == {line}

    run(work)
