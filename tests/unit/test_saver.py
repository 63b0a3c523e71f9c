"""Times of saving: the undo for a change before the change, everything else within a second."""

import asyncio
import itertools
import selectors
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from entrain.platform import whole_file
from entrain.vdevice.device.unplugged import Softened
from entrain.vdevice.problems import Problems
from entrain.vdevice.storage import saver as saver_module
from entrain.vdevice.storage.saver import Saver, Urgent
from entrain.vdevice.storage.state import State
from entrain.vdevice.storage.store import Store

SOON_S = saver_module.SAVE_AFTER_S / 3


class NotedStore(Store):
    """A store that records each saved state with its time, and the threads."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.saved: list[tuple[float, State]] = []
        self.threads: set[int] = set()
        self.takes_s = 0.0

    def save(self, state: State) -> None:
        time.sleep(self.takes_s)
        super().save(state)
        self.saved.append((time.monotonic(), state))
        self.threads.add(threading.get_ident())


class App:
    """A holder of some of the app's state."""

    def __init__(self, path: Path) -> None:
        self.store = NotedStore(path)
        self.problems = Problems()
        self.saver = Saver(self.store, State(), self.problems)
        self.urgent = Urgent(False, "default", None, None, ())
        self.bypass = False
        self.saver.follow(self._collect, lambda: self.urgent)

    def _collect(self) -> dict[str, object]:
        return {**self.urgent._asdict(), "bypass": self.bypass}

    def is_softened(self) -> None:
        """Add a turned-down loudspeaker, whose former volume must be stored."""
        self.urgent = self.urgent._replace(
            softened=(Softened(device="speakers", before=(1.0,), after=(0.5,)),)
        )

    @property
    def on_disk(self) -> State:
        return Store(self.store.path).load()


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(tmp_path / "state.json")


def run(app: App, play: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        try:
            async with asyncio.timeout(20):
                await play()
        finally:
            app.saver.close()

    asyncio.run(main())


def test_what_changes_is_on_the_disk_within_a_second_of_the_first_change(app):
    async def play() -> None:
        began_s = time.monotonic()
        while time.monotonic() - began_s < 2.2:  # the user drags a slider
            app.bypass = not app.bypass
            app.saver.changed()
            await asyncio.sleep(0.005)
        times_s = [at_s - began_s for at_s, _ in app.store.saved]
        assert len(times_s) == 2
        assert times_s[0] < 1.0
        assert times_s[1] - times_s[0] < 1.0

    run(app, play)


def test_without_a_change_nothing_is_written(app):
    async def play() -> None:
        app.bypass = True
        app.saver.changed()
        await asyncio.sleep(1.0)
        assert len(app.store.saved) == 1
        await asyncio.sleep(1.0)
        assert len(app.store.saved) == 1

    run(app, play)


def test_what_undoes_a_change_is_on_the_disk_before_it_is_made(app):
    async def play() -> None:
        app.urgent = app.urgent._replace(on=True, former_default="headset")
        await app.saver.changed()
        assert (app.on_disk.on, app.on_disk.former_default) == (True, "headset")
        app.is_softened()
        await app.saver.changed()
        assert app.on_disk.softened == app.urgent.softened
        # The undo is stored already; the other change can wait.
        app.bypass = True
        began_s = time.monotonic()
        await app.saver.changed()
        assert time.monotonic() - began_s < SOON_S
        assert not app.on_disk.bypass
        assert len(app.store.saved) == 2

    run(app, play)


def test_what_undoes_a_change_does_not_wait_for_somebody_who_waits(app):
    async def play() -> None:
        app.urgent = app.urgent._replace(stand_in="speakers")
        app.saver.changed()
        await asyncio.sleep(SOON_S)
        assert app.on_disk.stand_in == "speakers"

    run(app, play)


def test_who_waits_is_not_told_too_early_where_it_goes_back_and_forth(app):
    """Until the write in progress is over, the file does not yet have the former state again."""

    async def play() -> None:
        app.store.takes_s = 0.2
        before = app.urgent
        app.urgent = app.urgent._replace(on=True)
        app.saver.changed()
        await asyncio.sleep(0.05)
        app.urgent = before
        await app.saver.changed()
        assert [state.on for _, state in app.store.saved] == [True, False]

    run(app, play)


def test_what_could_not_be_saved_is_tried_again_by_who_needs_it_and_told(app, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    async def play() -> None:
        with monkeypatch.context() as patched:
            patched.setattr("entrain.vdevice.storage.store.replace_file", full)
            app.urgent = app.urgent._replace(former_default="headset")
            await app.saver.changed()
        assert "No space left on device" in app.problems.lines[0]
        await app.saver.changed()
        assert app.on_disk.former_default == "headset"

    run(app, play)


class QuickLoop(asyncio.SelectorEventLoop):
    """A loop whose clock jumps to the next timer, unless a write is in progress."""

    def __init__(self, is_busy: Callable[[], bool]) -> None:
        self._now_s = 0.0
        super().__init__(QuickSelector(self, is_busy))

    def time(self) -> float:
        return self._now_s

    def jump(self, by_s: float) -> None:
        self._now_s += by_s


class QuickSelector(selectors.DefaultSelector):  # type: ignore[misc, valid-type]
    def __init__(self, loop: QuickLoop, is_busy: Callable[[], bool]) -> None:
        super().__init__()
        self._loop, self._is_busy = loop, is_busy

    def select(self, timeout: float | None = None) -> Any:
        if self._is_busy():
            return super().select(timeout if timeout == 0 else 10)
        if timeout:
            self._loop.jump(timeout)
        return super().select(0)


def run_quickly(app: App, play: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        try:
            await play()
        finally:
            app.saver.close()

    with asyncio.Runner(loop_factory=lambda: QuickLoop(lambda: bool(app.saver._writing))) as runner:
        runner.run(main())


def test_what_could_not_be_saved_is_tried_again_with_growing_pauses_and_told_once(app, monkeypatch):
    tried_s: list[float] = []

    async def play() -> None:
        loop = asyncio.get_running_loop()

        def full(*_: object) -> None:
            tried_s.append(loop.time())
            raise OSError(28, "No space left on device")

        app.bypass = True
        with monkeypatch.context() as patched:
            patched.setattr("entrain.vdevice.storage.store.replace_file", full)
            app.saver.changed()
            await asyncio.sleep(2)
            for number in range(5):
                app.problems.tell(f"other line {number}")
            await asyncio.sleep(200)
        pauses_s = [later - at for at, later in itertools.pairwise(tried_s)]
        assert pauses_s == pytest.approx([1, 2, 4, 8, 16, 32, 60, 60], abs=0.1)
        assert not any("No space" in line for line in app.problems.lines)  # not reported again

        await asyncio.sleep(60)
        assert app.on_disk.bypass
        attempts = len(app.store.saved)
        await asyncio.sleep(600)
        assert len(app.store.saved) == attempts

    run_quickly(app, play)


def refuse_to_start(thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_where_no_thread_can_be_started_it_is_tried_again(app, monkeypatch):
    async def play() -> None:
        app.is_softened()
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", refuse_to_start)
            with pytest.raises(RuntimeError):
                app.saver.changed()
        app.saver.changed()
        await asyncio.sleep(0.1)  # the change is still urgent
        assert app.on_disk.softened == app.urgent.softened

    run_quickly(app, play)


def test_where_no_thread_can_be_started_it_is_tried_again_by_itself(app, monkeypatch):
    async def play() -> None:
        app.is_softened()
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", refuse_to_start)
            with pytest.raises(RuntimeError):
                app.saver.changed()
            await asyncio.sleep(10)
        await asyncio.sleep(20)
        assert app.on_disk.softened == app.urgent.softened

    run_quickly(app, play)


def test_a_file_that_could_not_be_read_is_not_tried_again(tmp_path, monkeypatch):
    """The store never replaces the file in this run."""
    path = tmp_path / "state.json"
    path.touch()
    with monkeypatch.context() as patched:

        def unreadable(*_: object) -> bytes:
            raise OSError(5, "Input/output error")

        patched.setattr("entrain.vdevice.storage.store.read_file", unreadable)
        app = App(path)
        app.store.load()

    async def play() -> None:
        app.bypass = True
        app.saver.changed()
        await asyncio.sleep(600)
        assert len(app.store.saved) == 1

    run_quickly(app, play)


def test_nothing_is_written_or_synced_on_the_loop(app, monkeypatch):
    synced: set[int] = set()
    fsync = whole_file.os.fsync

    def noted(fd: int) -> None:
        synced.add(threading.get_ident())
        fsync(fd)

    monkeypatch.setattr(whole_file.os, "fsync", noted)

    async def play() -> None:
        app.is_softened()
        await app.saver.changed()
        app.bypass = True
        app.saver.changed()
        await app.saver.flush()
        assert app.on_disk.bypass

    run(app, play)
    assert synced
    assert threading.get_ident() not in synced | app.store.threads
    assert len(synced | app.store.threads) == 1


def test_behind_a_slow_disk_nothing_piles_up_and_the_last_state_is_saved(app, monkeypatch):
    monkeypatch.setattr(saver_module, "SAVE_AFTER_S", 0.02)

    async def play() -> None:
        app.store.takes_s = 0.3
        for number in range(60):
            app.bypass = number % 2 == 0
            app.saver.changed()
            await asyncio.sleep(0.01)
        app.bypass = True
        app.saver.changed()
        while not app.on_disk.bypass:
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.5)
        assert len(app.store.saved) <= 5

    run(app, play)


def test_other_files_are_written_on_the_same_thread_in_order(app):
    order: list[str] = []

    class Log:
        warning = ""

        def add(self, line: str) -> None:
            order.append(line)
            app.store.threads.add(threading.get_ident())
            self.warning = "no room"

    async def play() -> None:
        log: Any = Log()
        app.saver.write(lambda: log.add("first"), log)
        app.is_softened()
        app.saver.changed()
        app.saver.write(lambda: order.append(f"saved {len(app.store.saved)}"), log)
        await app.saver.flush()

    run(app, play)
    assert order == ["first", "saved 1"]
    assert list(app.problems.lines) == ["no room"]
    assert len(app.store.threads) == 1
