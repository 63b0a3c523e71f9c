"""`entrain osc monitor` gets a line for each message and its outcome, and a flood is counted."""

import asyncio
import errno
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import osc_packets
import pytest
from osc_desk import HERE, ODD_REFUSED, OscDesk

from entrain.platform import local_socket
from entrain.vdevice.bridge import monitor
from entrain.vdevice.bridge.monitor import LINES_PER_S, MAX_WATCHERS, Monitor
from entrain.vdevice.limits import OSC_MONITOR_SOCKET


class Watcher:
    """Reads lines as the command does."""

    def __init__(self, path: Path) -> None:
        found = local_socket.connect(path, 5.0)
        assert found is not None
        self._socket = found
        self._socket.setblocking(False)
        self._text = b""
        self.is_ended = False

    def lines(self) -> list[dict[str, Any]]:
        """Return all lines so far."""
        try:
            while not self.is_ended:
                data = self._socket.recv(1 << 16)
                self._text += data
                self.is_ended = not data
        except BlockingIOError:
            pass
        return [json.loads(line) for line in self._text.splitlines()]

    def close(self) -> None:
        self._socket.close()


@contextmanager
def watching(desk: OscDesk, folder: Path) -> Iterator[Watcher]:
    watcher = Watcher(folder / "run" / OSC_MONITOR_SOCKET)
    try:
        yield watcher
    finally:
        watcher.close()


def until_watched(desk: OscDesk) -> Callable[[], object]:
    return lambda: desk.part._monitor._watchers


def line(address: str, *arguments: Any, effect: str = "", refused: str = "") -> dict[str, Any]:
    return {
        "sender": HERE,
        "address": address,
        "arguments": list(arguments),
        "effect": effect,
        "refused": refused,
    }


def test_each_message_is_shown_with_its_sender_and_its_effect(run, tmp_path):
    async def work(desk):
        desk.send("/entrain/tone/beat_hz", 3)  # no monitor watches yet
        with watching(desk, tmp_path) as watcher:
            await desk.until(until_watched(desk))
            desk.send("/entrain/tone/beat_hz", 7.5)
            desk.send("/entrain/tone/beat_hz", 1e9)
            desk.send("/entrain/{tone,music}/*_hz", 4)
            desk.send("/entrain/tone/beat_hz", "get")
            desk.send("/entrain/level", -1)
            desk.send("/entrain", "xmit", 2)
            desk.send("/entrain/undo", 0)
            port = desk.part._machines.feedback_port
            await desk.until(lambda: len(watcher.lines()) == 7)
            values = "tone.carrier_hz 4, tone.beat_hz 4, music.rate_hz 4 and 1 more"
            assert watcher.lines() == [
                line("/entrain/tone/beat_hz", 7.5, effect="set tone.beat_hz 7.5"),
                line("/entrain/tone/beat_hz", 1e9, effect="set tone.beat_hz 200"),
                line("/entrain/{tone,music}/*_hz", 4, effect=f"set {values}"),
                line("/entrain/tone/beat_hz", "get", effect=f"answers at UDP port {port}"),
                line("/entrain/level", -1, effect="level: 1 step weaker"),
                line("/entrain", "xmit", 2, effect=f"sends changes to UDP port {port}"),
                line("/entrain/undo", 0, effect="nothing to do"),
            ]

    run(work)


def test_each_refusal_is_shown_with_its_reason(run, tmp_path):
    async def work(desk):
        with watching(desk, tmp_path) as watcher:
            await desk.until(until_watched(desk))
            desk.send("/entrain/tone/beat", 7.5)
            desk.send("/entrain/tone/beat_hz", float("nan"))
            desk.packet(b"garbage")
            desk.send("/entrain/undo")
            desk.send("/entrain/use", "focus-17")
            await desk.settled()
            await desk.until(lambda: len(watcher.lines()) == 6)
            near = "there is no such address; did you mean /entrain/tone/beat_hz?"
            told = watcher.lines()
            assert told[:3] == [
                line("/entrain/tone/beat", 7.5, refused=near),
                line("/entrain/tone/beat_hz", "nan", refused="the number is not finite"),
                line("", refused="malformed packet: text without an end"),
            ]
            assert {"undoes the last change", "uses focus-17"} <= {each["effect"] for each in told}
            late = [each for each in told if each["address"] == "/entrain/use" and each["refused"]]
            assert "there is no protocol 'focus-17'" in late[0]["refused"]

    run(work)


def test_a_flood_is_counted_in_one_line_a_second(run, tmp_path):
    async def work(desk):
        with watching(desk, tmp_path) as watcher:
            await desk.until(until_watched(desk))
            for number in range(5000):
                desk.send("/entrain/nope", number)
            await desk.until(lambda: "skipped" in watcher.lines()[-1])
            told = watcher.lines()
            assert len(told) <= LINES_PER_S + 1 + LINES_PER_S  # the flood may last for a second
            assert sum(each.get("skipped", 1) for each in told) == 5000

    run(work)


def monitored(tmp_path: Path, work: Callable[[Monitor, Path], Any]) -> None:
    tmp_path.chmod(0o700)

    async def main() -> None:
        path = tmp_path / OSC_MONITOR_SOCKET
        made = Monitor(path)
        try:
            async with asyncio.timeout(20):
                await work(made, path)
        finally:
            made.close()
            made.close()
        assert not path.exists()

    asyncio.run(main())


async def until(holds: Callable[[], object]) -> None:
    while not holds():
        await asyncio.sleep(0.005)


def test_a_watcher_that_does_not_read_is_dropped_and_holds_nobody_up(tmp_path, monkeypatch):
    monkeypatch.setattr(monitor, "LINES_PER_S", 10_000)

    async def work(made, path):
        Watcher(path).close()  # this watcher leaves at once
        idle, busy = Watcher(path), Watcher(path)
        await until(lambda: len(made._watchers) == 2)
        number = 0
        while len(made._watchers) == 2:
            number += 1
            made.show(lambda: {"number": number, "text": "x" * 500})  # noqa: B023
            busy.lines()
            assert number < 10_000
        assert busy.lines()[-1]["number"] == number
        made.show(lambda: {"number": -1})
        await until(lambda: busy.lines()[-1]["number"] == -1)
        for each in (idle, busy):
            each.close()

    monitored(tmp_path, work)


def test_watchers_are_bounded_and_one_more_learns_why(tmp_path):
    async def work(made, path):
        watchers = [Watcher(path) for _ in range(MAX_WATCHERS)]
        await until(lambda: len(made._watchers) == MAX_WATCHERS)
        one_more = Watcher(path)
        await until(lambda: one_more.lines() and one_more.is_ended)
        assert one_more.lines() == [{"problem": f"{MAX_WATCHERS} monitors run already"}]
        watchers[0]._socket.send(b"x" * 100)  # it has nothing to say, and may say it
        watchers.pop().close()
        await until(lambda: len(made._watchers) == MAX_WATCHERS - 1)
        for each in (one_more, *watchers):
            each.close()

    monitored(tmp_path, work)


def test_a_watcher_that_cannot_be_accepted_is_not_tried_again_at_once(tmp_path):
    class Full:
        """A listener of a process without free descriptors."""

        tried = 0

        def __init__(self, listener: Any) -> None:
            self.fileno, self.close = listener.fileno, listener.close

        def accept(self) -> None:
            self.tried += 1
            raise OSError(errno.EMFILE, "Too many open files")

    async def play() -> None:
        path = tmp_path / "osc.sock"
        served = Monitor(path)
        served._listener = full = Full(served._listener)
        watcher = Watcher(path)
        await asyncio.sleep(0.2)
        assert full.tried == 1
        watcher.close()
        served.close()

    asyncio.run(play())


def test_without_a_watcher_no_line_is_made(tmp_path):
    async def work(made, path):
        made.show(lambda: pytest.fail("a line was made"))

    monitored(tmp_path, work)


def test_the_socket_of_another_entrain_stays(tmp_path):
    tmp_path.chmod(0o700)

    async def main() -> None:
        path = tmp_path / OSC_MONITOR_SOCKET
        first, second = Monitor(path), Monitor(path)
        first.close()
        assert path.exists()
        second.close()
        assert not path.exists()

    asyncio.run(main())


def test_without_a_folder_for_the_socket_osc_goes_on():
    async def main() -> None:
        made = Monitor(Path("/nowhere") / OSC_MONITOR_SOCKET)
        made.show(dict)
        made.close()

    asyncio.run(main())


def test_a_refusal_does_not_repeat_an_odd_address(run, tmp_path):
    async def work(desk):
        with watching(desk, tmp_path) as watcher:
            await desk.until(until_watched(desk))
            desk.send(ODD_REFUSED["address"], "a\nb", float("nan"))
            await desk.until(watcher.lines)
            assert watcher.lines() == [ODD_REFUSED]
            assert desk.refusal == "/entrain/?[2J: a pattern sets parameters, or asks with get"

    run(work)


def test_lines_with_a_packet_are_bounded(run, tmp_path):
    async def work(desk):
        with watching(desk, tmp_path) as watcher:
            await desk.until(until_watched(desk))
            desk.packet(osc_packets.message("/x" * 7000, "y" * 300))
            desk.packet(osc_packets.message("/entrain/x", *[1.0] * 1000))
            await desk.until(lambda: len(watcher.lines()) == 2)
            assert all(len(json.dumps(each)) < 1000 for each in watcher.lines())

    run(work)
