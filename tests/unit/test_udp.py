"""A port that another app uses is opened again later."""

import asyncio

from entrain.vdevice.bridge import udp
from entrain.vdevice.bridge.udp import RetryingPort


def test_attempts_go_on_until_one_succeeds(monkeypatch):
    monkeypatch.setattr(udp, "FIRST_PAUSE_S", 0.01)
    outcomes = [False, False, True]

    async def main() -> None:
        port = RetryingPort(lambda: outcomes.pop(0))
        port.open()
        assert port.is_waiting
        async with asyncio.timeout(10):
            while port.is_waiting:
                await asyncio.sleep(0.01)
        assert outcomes == []

    asyncio.run(main())


def test_pauses_double_and_a_closed_port_makes_no_more_attempts(monkeypatch):
    monkeypatch.setattr(udp, "LONGEST_PAUSE_S", 1.5)
    attempts: list[None] = []

    async def main() -> None:
        port = RetryingPort(lambda: bool(attempts.append(None)))
        pauses_s = []
        for _ in range(4):
            pauses_s.append(port._pause_s)
            port.open()
        assert pauses_s == [0.5, 1.0, 1.5, 1.5]
        port.close()
        port.close()
        assert not port.is_waiting
        assert len(attempts) == 4

    asyncio.run(main())
