"""Values gather on their way to the app: the last one of each address, in few requests."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from entrain.vdevice.bridge.control_link import INTERVAL_S, MOST_WAITING, OVER_S, ControlLink


class App:
    """Answers requests as a test wants, and notes them."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.refused: list[str] = []
        """Reasons that the bridge gets for refusals."""
        self.at_s: list[float] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.refuses: Callable[[dict[str, Any]], bool] = lambda request: False
        self.hangs_up: Callable[[dict[str, Any]], bool] = lambda request: False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            request = json.loads(line)
            self.requests.append(request)
            self.at_s.append(asyncio.get_running_loop().time())
            await self.may_answer.wait()
            if self.hangs_up(request):
                break
            answer = {"ok": True, "result": request.get("values")}
            if self.refuses(request):
                answer = {"ok": False, "error": "it is refused"}
            writer.write(json.dumps(answer).encode() + b"\n")
        writer.close()


def run(folder: Path, work: Callable[[App, ControlLink], Awaitable[object]]) -> None:
    async def main() -> None:
        app = App()
        path = folder / "control.sock"
        server = await asyncio.start_unix_server(app.serve, path)
        path.parent.chmod(0o700)
        link = ControlLink(path, "test", app.refused.append)
        try:
            await work(app, link)
        finally:
            link.close()
            server.close()
            await asyncio.sleep(0.05)

    asyncio.run(main())


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.002)


def nothing(result: Any, error: str) -> None:
    assert not error, error


def test_values_of_one_moment_are_one_request(tmp_path):
    async def work(app, link):
        for number in range(100):
            assert link.set_value("tone.beat_hz", number)
            assert link.set_value("tone.level_db", -number)
        await until(lambda: app.requests)
        assert app.requests == [
            {
                "client": "test",
                "command": "set",
                "over_s": OVER_S,
                "values": {"tone.beat_hz": 99, "tone.level_db": -99},
            }
        ]

    run(tmp_path, work)


def test_requests_keep_their_distance_and_their_order(tmp_path):
    async def work(app, link):
        for number in range(300):
            link.set_value("tone.beat_hz", number)
            await asyncio.sleep(0.001)
        link.ask({"command": "next"}, nothing)
        link.set_value("tone.beat_hz", 1)
        await until(lambda: app.requests[-1].get("values") == {"tone.beat_hz": 1})
        told = [each["values"]["tone.beat_hz"] for each in app.requests[:-2]]
        assert told == sorted(told)
        assert told[-1] == 299
        assert app.requests[-2]["command"] == "next"
        gaps_s = [b - a for a, b in zip(app.at_s, app.at_s[1:], strict=False)]
        assert sum(gaps_s) / len(gaps_s) > 0.9 * INTERVAL_S

    run(tmp_path, work)


def test_while_a_request_is_unanswered_values_gather(tmp_path):
    async def work(app, link):
        app.may_answer.clear()
        link.set_value("a.b", 1)
        await until(lambda: app.requests)
        for number in range(50):
            link.set_value("a.b", number)
            await asyncio.sleep(0.002)
        assert len(app.requests) == 1
        app.may_answer.set()
        await until(lambda: len(app.requests) == 2)
        assert app.requests[1]["values"] == {"a.b": 49}

    run(tmp_path, work)


def test_one_refused_value_does_not_keep_the_others_back(tmp_path):
    async def work(app, link):
        app.refuses = lambda request: "bad.one" in request["values"]
        for address in ("good.one", "bad.one", "good.two"):
            link.set_value(address, 1)
        await until(lambda: len(app.requests) == 4)
        told = [list(each["values"]) for each in app.requests]
        assert told == [
            ["good.one", "bad.one", "good.two"],
            ["good.one"],
            ["bad.one"],
            ["good.two"],
        ]
        await link._work
        assert app.refused == ["it is refused"]

    run(tmp_path, work)


def test_the_repeats_after_a_refusal_keep_their_distance(tmp_path):
    async def work(app, link):
        app.refuses = lambda request: len(request["values"]) > 1
        for number in range(30):
            link.set_value(f"a.{number}", 1)
        await until(lambda: len(app.requests) == 31)
        assert app.at_s[-1] - app.at_s[0] > 0.9 * 30 * INTERVAL_S

    run(tmp_path, work)


@pytest.mark.parametrize(("all_at_once", "requests"), [(True, 1), (False, 4)])
def test_without_an_answer_nothing_more_is_sent(tmp_path, all_at_once, requests):
    """Neither again value by value, nor the rest of such repeats."""

    async def work(app, link):
        app.refuses = lambda request: len(request["values"]) > 1
        app.hangs_up = lambda request: all_at_once or list(request["values"]) == ["a.2"]
        for number in range(30):
            link.set_value(f"a.{number}", 1)
        await until(lambda: app.refused)
        await link._work
        assert app.refused == ["Entrain has ended without an answer"]
        assert len(app.requests) == requests

    run(tmp_path, work)


def test_an_error_after_an_answer_does_not_keep_requests_back(tmp_path):
    def fail(result: Any, error: str) -> None:
        raise AttributeError("no status")

    async def work(app, link):
        link.ask({"command": "next"}, fail)
        link.set_value("a.b", 1)
        await until(lambda: len(app.requests) == 2)
        assert app.refused == ["internal error: AttributeError: no status"]

    run(tmp_path, work)


def test_what_waits_is_bounded_and_the_newest_counts_where_it_may(tmp_path):
    async def work(app, link):
        app.may_answer.clear()
        assert link.ask({"command": "next"}, nothing)
        await until(lambda: app.requests)
        for number in range(1000):
            request = {"command": "session", "position_s": number}
            assert link.ask(request, nothing, newest=True)
        answered: list[int] = []
        for number in range(MOST_WAITING):
            assert link.ask(
                {"command": "status"}, lambda *_, n=number: answered.append(n), shared=True
            )
        taken = [link.ask({"command": "next"}, nothing) for _ in range(2 * MOST_WAITING)]
        assert sum(taken) == MOST_WAITING - 2
        assert not link.set_value("a.b", 1)
        app.may_answer.set()
        await until(lambda: len(app.requests) == MOST_WAITING + 1)
        assert [each["command"] for each in app.requests[1:4]] == ["session", "status", "next"]
        assert app.requests[1]["position_s"] == 999
        assert answered == list(range(MOST_WAITING))

    run(tmp_path, work)


def test_without_an_app_requests_are_refused(tmp_path):
    async def main() -> list[str]:
        refused: list[str] = []
        link = ControlLink(tmp_path / "control.sock", "test", refused.append)
        link.set_value("a.b", 1)
        await until(lambda: refused)
        link.close()
        return refused

    assert asyncio.run(main()) == ["Entrain is not running; start it with `entrain run`"]


@pytest.mark.parametrize("answer", [b"[]\n", b"nonsense\n", b'{"ok": true}\n'])
def test_an_answer_that_is_not_understood_is_a_refusal(tmp_path, answer):
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(answer)
        await reader.read()
        writer.close()

    async def main() -> list[str]:
        refused: list[str] = []
        server = await asyncio.start_unix_server(serve, tmp_path / "control.sock")
        link = ControlLink(tmp_path / "control.sock", "test", refused.append)
        link.ask({"command": "next"}, lambda result, error: refused.append(error))
        await until(lambda: refused)
        link.close()
        server.close()
        await asyncio.sleep(0.05)
        return refused

    assert asyncio.run(main()) == ["Entrain's answer is not understood"]
