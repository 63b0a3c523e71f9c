"""A disk that does not answer delays neither requests nor the end of Entrain."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from entrain.engine import blocks
from entrain.platform.local_socket import claim
from entrain.platform.null import NullAdapter
from entrain.vdevice import time_keeper
from entrain.vdevice.api import messages
from entrain.vdevice.api.client import Client
from entrain.vdevice.api.control_server import MAX_CLIENTS
from entrain.vdevice.app import App
from entrain.vdevice.options import RunOptions
from entrain.vdevice.protocol.library import Library
from entrain.vdevice.session.session_log import SessionLog, Stretch
from entrain.vdevice.storage import saver
from entrain.vdevice.storage.state import State
from entrain.vdevice.storage.store import Store
from entrain.vdevice.worker_thread import WorkerThread

TIMEOUT_S = 0.2


class HangingStore(Store):
    """A store that hangs until `released`."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.released = threading.Event()

    def save(self, state: State) -> None:
        self.released.wait(60)
        super().save(state)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HangingStore]:
    monkeypatch.setattr(saver, "DISK_TIMEOUT_S", TIMEOUT_S)
    monkeypatch.setattr(saver, "SAVE_AFTER_S", 0.01)
    monkeypatch.setattr(time_keeper, "LIBRARY_TIMEOUT_S", TIMEOUT_S)
    made = HangingStore(tmp_path / "state.json")
    yield made
    made.released.set()


def app_with(store: Store, log: SessionLog) -> App:
    library = Library(store.path.parent / "protocols", blocks)
    return App(RunOptions(backend="null"), NullAdapter(), store, log, library, sandbox={})


def test_requests_are_answered_and_it_is_told_once_and_saved_when_the_disk_comes_back(store):
    app = app_with(store, SessionLog(None))

    async def play() -> None:
        async with asyncio.timeout(5):
            for on in (True, False, True):
                await app.hub.ask(messages.Bypass(on=on))
                await asyncio.sleep(2 * TIMEOUT_S)
            status = await app.hub.ask(messages.Off())
        assert status.errors == [
            f"{store.path} could not be saved within {TIMEOUT_S} s; Entrain tries again"
        ]
        store.released.set()
        async with asyncio.timeout(5):
            while not Store(store.path).load().bypass:
                await asyncio.sleep(0.02)

    asyncio.run(play())
    app.engine.close()


def test_after_the_first_wait_there_is_none(store):
    app = app_with(store, SessionLog(None))

    async def play() -> None:
        await app.saver.flush()
        before_s = time.monotonic()
        for _ in range(50):
            await app.hub.ask(messages.Bypass())
            await app.saver.flush()
        assert time.monotonic() - before_s < 50 * TIMEOUT_S / 2
        store.released.set()

    asyncio.run(play())
    app.engine.close()


def test_it_ends_when_it_is_asked_to(store, tmp_path):
    app = app_with(store, SessionLog(None))
    path = tmp_path / "r" / "control.sock"
    started = threading.Event()

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler = lambda *_: None  # type: ignore[method-assign]
        await app.serve(claim(path, MAX_CLIENTS), started.set)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert started.wait(20)
    with Client(path) as client:
        client.ask("stop")
    thread.join(10)

    ended = not thread.is_alive()
    store.released.set()
    thread.join(20)
    app.engine.close()
    assert ended


def test_a_program_ends_although_a_thread_of_it_never_will():
    code = """
import asyncio, time
from entrain.vdevice.worker_thread import WorkerThread

async def main():
    thread = WorkerThread()
    stuck = thread.do(lambda: time.sleep(60))
    waiting = thread.do(lambda: print("never"))
    await asyncio.sleep(0.1)
    thread.close()
    await asyncio.wait({waiting}, timeout=5)
    print(waiting.cancelled(), stuck.done())

asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=True
    )
    assert done.stdout.split() == ["True", "False"]


def test_the_session_log_is_written_on_the_thread_that_saves_in_order(tmp_path):
    """Writing waits for the disk, which the loop must not do."""
    written: list[str] = []
    threads: set[int] = set()

    class NotedLog(SessionLog):
        def add(self, stretch: Stretch) -> None:
            time.sleep(0.1)
            written.append(stretch.protocol)
            threads.add(threading.get_ident())

    class NotedStore(Store):
        def save(self, state: State) -> None:
            written.append("state")
            threads.add(threading.get_ident())

    app = app_with(NotedStore(tmp_path / "state.json"), NotedLog(tmp_path / "sessions.jsonl"))

    async def play() -> None:
        for name in ("first", "second"):
            heard = Stretch(started=datetime.now().astimezone(), protocol=name, minutes=1)
            app.note_heard(heard)
        await app.saver.flush()

    asyncio.run(play())
    app.engine.close()
    assert written == ["first", "second", "state"]
    assert len(threads) == 1
    assert threading.get_ident() not in threads


def test_a_library_that_does_not_answer_does_not_keep_the_sleep_timer(store, monkeypatch):
    app = app_with(store, SessionLog(None))
    looks: list[float] = []
    monkeypatch.setattr(time_keeper, "LIBRARY_LOOK_S", 0.05)
    monkeypatch.setattr(app.player, "tick", lambda now_s: bool(looks.append(now_s)))

    async def play() -> None:
        app.protocols._reading.do(lambda: store.released.wait(60))
        keeping = asyncio.create_task(app.time_keeper.run())
        async with asyncio.timeout(5):
            while len(looks) < 3:
                await asyncio.sleep(0.02)
        keeping.cancel()
        store.released.set()

    asyncio.run(play())
    app.engine.close()


def test_a_thread_that_could_not_be_started_is_started_for_the_next_work(monkeypatch):
    """The memory may have been full for a moment."""

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    async def play() -> None:
        worker = WorkerThread()
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", refuse)
            with pytest.raises(RuntimeError):
                worker.do(lambda: 1)
        async with asyncio.timeout(5):
            assert await worker.do(lambda: 2) == 2
        worker.close()

    asyncio.run(play())
