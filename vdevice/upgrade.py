"""Notices that another version of Entrain has been installed over the running one.

Runs on the main thread's asyncio loop; a thread of its own reads the disk.
"""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import entrain
from entrain.platform.folder_watch import ContentWatch
from entrain.vdevice.worker_thread import WorkerThread

SETTLE_S = 2.0
"""Pause after a change, so that the installer can finish, in seconds."""
_VERSION = re.compile(r'^__version__ = "([0-9A-Za-z.+!-]{1,40})"$', re.MULTILINE)
_MAX_CHARS = 1 << 16


class UpgradeWatch:
    """Knows the version that a restart would start.

    Parameters
    ----------
    changed : callable
        Called after `version` has changed.
    package : Path, optional
        Folder of the installed Python package; by default the running one's.
    running : str, optional
        Version that runs.

    """

    def __init__(
        self,
        changed: Callable[[], None],
        package: Path | None = None,
        running: str = entrain.__version__,
    ) -> None:
        self.version = ""
        """Version of the installed Entrain; empty: the running version."""
        self._changed = changed
        self._package = package or Path(entrain.__file__).parent
        self._running = running
        self._worker = WorkerThread()

    async def run(self, settle_s: float = SETTLE_S) -> None:
        """Look at the installed version after each change of it, until cancelled."""
        news = asyncio.Event()
        with ContentWatch() as watch:
            if watch.fileno() < 0:
                return

            def take() -> None:
                watch.drain()
                news.set()

            loop = asyncio.get_running_loop()
            loop.add_reader(watch.fileno(), take)
            try:
                self._watch(watch)  # the package has just been imported, so this disk answers
                while True:
                    await news.wait()
                    await asyncio.sleep(settle_s)
                    news.clear()
                    found = await self._worker.do(lambda: self._look(watch))
                    if found is not None and found != self.version:
                        self.version = found
                        self._changed()
            finally:
                loop.remove_reader(watch.fileno())
                self._worker.close()

    def _watch(self, watch: ContentWatch) -> None:
        """Watch the package, and its folder for a new package of that name."""
        watch.add(self._package.parent)
        watch.add(self._package)

    def _look(self, watch: ContentWatch) -> str | None:
        """Return the new value of `version`; None while the package is incomplete."""
        self._watch(watch)
        try:
            with (self._package / "__init__.py").open(encoding="utf-8") as file:
                found = _VERSION.search(file.read(_MAX_CHARS))
        except (OSError, ValueError):
            return None
        return None if found is None else found[1] if found[1] != self._running else ""
