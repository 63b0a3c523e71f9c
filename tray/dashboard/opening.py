"""Starts the dashboard's process, or reaches the running one, and opens its page."""

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Literal

from entrain.errors import EntrainError
from entrain.platform import browser
from entrain.platform.folders import user_paths
from entrain.platform.local_socket import connect
from entrain.tray.dashboard.names import RUNS_ALREADY, socket_path

START_TIMEOUT_S = 15.0
"""Longest wait for the process to serve the page, in seconds."""
_ANSWER_TIMEOUT_S = 5.0
_RETRY_S = 0.05
_PROCESS = (sys.executable, "-P", "-m", "entrain.tray.dashboard")

Way = Literal["file", "address", "held"]
"""How a browser gets the key to the page.

``file``: in a file that only this user can read; ``address``: in an address, valid for some
seconds; ``held``: in an address, valid for as long as the connection stays open.
"""


class CannotOpen(EntrainError):
    """The page cannot be opened."""


def open_page() -> None:
    """Open the page in the user's browser.

    Raises
    ------
    EntrainError
        Entrain is not running, this installation has no page, or no browser can be opened.

    """
    with browser.Choice() as choice:  # the system finds it while the process starts
        place = _ask("file")
        if place is None:
            _start()
            place = _reached("file")
        if choice.reads_no_files():
            place = _reached("address")
    browser.open_page(place)


def serve(print_line: Callable[[str], object]) -> None:
    """Print the page's address, and serve it until the dashboard's end, or an interruption.

    If no dashboard runs yet, this process becomes one, and the function does not return.
    """
    link = _connected()
    if link is None:
        os.execv(sys.executable, [*_PROCESS, "--foreground"])
    with link:
        print_line(_asked(link, "held"))
        link.settimeout(None)
        with contextlib.suppress(OSError):
            while link.recv(1024):
                pass


def _start() -> None:
    """Start the process in the background, and wait until it serves."""
    with subprocess.Popen(_PROCESS, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as started:
        assert started.stdout is not None
        ready, _, _ = select.select([started.stdout], [], [], START_TIMEOUT_S)
        if not ready:
            raise CannotOpen(f"the dashboard does not start within {START_TIMEOUT_S:g} s")
        line = started.stdout.readline().decode("utf-8", "replace")
    if not line:
        raise CannotOpen("the dashboard's process has ended while it started")
    if line.strip() not in ("", RUNS_ALREADY):
        raise CannotOpen(line.strip())


def _reached(way: Way) -> str:
    """Ask the process, which another command may have started just now."""
    end_s = time.monotonic() + _ANSWER_TIMEOUT_S
    while (place := _ask(way)) is None:
        if time.monotonic() > end_s:
            raise CannotOpen("the dashboard does not answer")
        time.sleep(_RETRY_S)
    return place


def _ask(way: Way) -> str | None:
    """Return the file or the address for a browser, or None if no dashboard runs."""
    link = _connected()
    if link is None:
        return None
    with link:
        return _asked(link, way)


def _connected() -> socket.socket | None:
    return connect(socket_path(user_paths().runtime), _ANSWER_TIMEOUT_S)


def _asked(link: socket.socket, way: Way) -> str:
    try:
        link.sendall(json.dumps({"way": way}).encode() + b"\n")
        with link.makefile("rb") as lines:
            return str(json.loads(lines.readline())["place"])
    except (OSError, ValueError, KeyError):
        raise CannotOpen("the dashboard does not answer") from None
