"""A running Entrain notices that another version has been installed over it."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from entrain.vdevice.upgrade import UpgradeWatch

TIMEOUT_S = 20.0


def install(package: Path, version: str) -> None:
    package.mkdir(parents=True, exist_ok=True)
    new = package / "__init__.py.dpkg-new"
    new.write_text(f'"""Entrain."""\n\n__version__ = "{version}"\n')
    new.replace(package / "__init__.py")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    install(tmp_path / "site-packages/entrain", "0.1.0")
    return tmp_path / "site-packages/entrain"


class Watching:
    """A watch with the versions that it has reported."""

    def __init__(self, package: Path) -> None:
        self.reported: list[str] = []
        self.news = asyncio.Event()
        self.watch = UpgradeWatch(self._changed, package, "0.1.0")

    def _changed(self) -> None:
        self.reported.append(self.watch.version)
        self.news.set()

    async def next(self) -> None:
        async with asyncio.timeout(TIMEOUT_S):
            await self.news.wait()
        self.news.clear()


@contextlib.asynccontextmanager
async def watching(package: Path) -> AsyncIterator[Watching]:
    found = Watching(package)
    task = asyncio.create_task(found.watch.run(settle_s=0.05))
    await asyncio.sleep(0)  # the task has begun to watch
    try:
        yield found
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def renamed_over(package: Path) -> None:
    """As dpkg does."""
    install(package, "0.2.0")


def moved_away_first(package: Path) -> None:
    """As pip does."""
    package.rename(package.with_name("~ntrain"))
    install(package, "0.2.0")
    shutil.rmtree(package.with_name("~ntrain"))


@pytest.mark.parametrize("upgrade", [renamed_over, moved_away_first])
def test_a_newer_version_is_reported_once(package, upgrade: Callable[[Path], None]):
    async def scenario() -> None:
        async with watching(package) as found:
            assert found.watch.version == ""
            upgrade(package)
            await found.next()
            assert found.reported == ["0.2.0"]

    asyncio.run(scenario())


def test_the_former_version_takes_the_report_back(package):
    async def scenario() -> None:
        async with watching(package) as found:
            moved_away_first(package)
            await found.next()
            install(package, "0.1.0")
            await found.next()
            assert found.reported == ["0.2.0", ""]

    asyncio.run(scenario())


@pytest.mark.parametrize("content", ["", "\0", '__version__ = "two\nlines"', "__version__ = 2"])
def test_a_file_without_a_version_changes_nothing(package, content):
    async def scenario() -> None:
        async with watching(package) as found:
            (package / "__init__.py").write_text(content)
            shutil.rmtree(package)
            install(package, "0.3.0")
            await found.next()
            assert found.reported == ["0.3.0"]

    asyncio.run(scenario())
