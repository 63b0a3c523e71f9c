"""A desk in front of OSC, for tests that are coroutines inside."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from osc_desk import OscDesk, osc_desk


@pytest.fixture
def run(tmp_path: Path) -> Callable[[Callable[[OscDesk], Awaitable[object]]], None]:
    """Do something at a desk while its event loop runs."""

    def run(work: Callable[[OscDesk], Awaitable[object]]) -> None:
        async def main() -> None:
            async with osc_desk(tmp_path) as desk:
                await work(desk)

        asyncio.run(main())

    return run
