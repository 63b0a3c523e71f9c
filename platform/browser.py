"""Opens a page in the user's browser."""

import contextlib
import os
import shutil
import subprocess
import webbrowser
from pathlib import Path
from typing import Self

from entrain.platform.adapter import PlatformError
from entrain.platform.folders import shared_data_folder

PATIENCE_S = 3.0
"""Longest wait for an answer of the desktop, in seconds."""
_NONE = "no browser can be opened"
_CONFINED = ("X-SnapInstanceName=", "X-Flatpak=", "/snap/bin/", "flatpak run")
"""Marks of a desktop file whose app sees only some of the user's files."""


class Choice:
    """Finds the user's browser while the caller does other work; a context manager."""

    def __enter__(self) -> Self:
        self._process = None
        if "BROWSER" not in os.environ:
            with contextlib.suppress(OSError):
                self._process = subprocess.Popen(
                    ["xdg-settings", "get", "default-web-browser"],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    text=True,
                )
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()

    def reads_no_files(self) -> bool:
        """Return whether the browser is a Snap or Flatpak, which cannot read the runtime folder."""
        if self._process is None:
            return any(mark in os.environ.get("BROWSER", "") for mark in _CONFINED)
        try:
            name = self._process.communicate(timeout=PATIENCE_S)[0].strip()
        except (subprocess.TimeoutExpired, ValueError):
            return False
        return bool(name) and _is_confined(name)


def open_page(place: str) -> None:
    """Open a file or an address in the user's browser.

    Raises
    ------
    PlatformError
        No browser can be opened.

    """
    program = shutil.which("xdg-open")
    if program is None:
        if not webbrowser.open(Path(place).as_uri() if place.startswith("/") else place):
            raise PlatformError(_NONE)
        return
    try:
        opening = subprocess.Popen(
            [program, place],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C must not end a browser
        )
        refused = opening.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:  # without a desktop, it runs the browser itself
        return
    except OSError as error:
        raise PlatformError(f"{_NONE}: {error.strerror}") from error
    if refused:
        raise PlatformError(_NONE)


def _is_confined(name: str) -> bool:
    data = os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
    folders = [shared_data_folder(), *map(Path, data.split(":")), Path("/var/lib/snapd/desktop")]
    for folder in folders:
        with contextlib.suppress(OSError, ValueError):
            text = (folder / "applications" / name).read_text(encoding="utf-8", errors="replace")
            return any(mark in text for mark in _CONFINED)
    snap, _, app = name.removesuffix(".desktop").partition("_")
    return bool(app) and snap.isascii()
