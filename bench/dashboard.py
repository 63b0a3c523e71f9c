"""Measures what an open page costs: the app alone, then with a page at 30 packets a second.

Usage: PYTHONPATH=tests python bench/dashboard.py [--seconds N] [--rounds N] [--json FILE]

Runs on a private PipeWire while a player plays.  The page is a WebSocket client in this process,
which subscribes to the status and to the samples.  Rounds without it and with it take turns, since
other programs disturb a single one.
"""

import argparse
import asyncio
import json
import re
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import processes
from playwright.async_api import async_playwright
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin

from entrain.platform.processes import end
from entrain.platform.sandbox_pipewire import PipeWireSandbox
from entrain.tray.dashboard import page_files

ENTRAIN = [*processes.ENTRAIN, "run", "--headless", "--layer", f"tone={processes.LAYER}"]
DASHBOARD = [*processes.ENTRAIN, "dashboard", "--no-browser"]
PAGE = page_files.FOLDER / "api.js"
PARTS = re.findall(r'"(\w+)"', PAGE.read_text(encoding="utf-8").split("PARTS = [")[1])
"""Parts of the status that the page asks for."""
TARGET_MS_PER_S = 45.0
STARTS = 5
CHROMIUM = shutil.which("chromium")
FIRST_PAINT_MS = """
    performance.timeOrigin + performance.getEntriesByName("first-contentful-paint")[0].startTime
"""
"""When the page was first painted, in milliseconds of the system's clock."""


@dataclass(frozen=True)
class Figures:
    """All measured figures."""

    alone_ms_per_s: float
    """Processor time of the app without a page, in ms a second; median of the rounds."""
    idle_ms_per_s: float
    """The same with a dashboard that has no page, its process included."""
    app_ms_per_s: float
    """Additional time of the app while the page is open: median of the rounds."""
    server_ms_per_s: float
    """Time of the dashboard's process meanwhile."""
    packets_per_s: float
    status_per_s: float
    frames: int
    """Frames of sound that the page got in all rounds."""
    lost_frames: int
    app_pss_mb: tuple[float, float]
    """Memory of the app before the first page, and with the last one."""
    server_pss_mb: float
    """Memory of the dashboard's process with a page."""
    address_s: float
    """Time from typing the command until it prints the address; median."""
    painted_s: float
    """Time from typing the command until a running browser shows the page; median."""
    page_kb: float
    """Size of all files of the page, packed."""
    xruns: int

    @property
    def page_ms_per_s(self) -> float:
        """Additional time of both processes while the page is open."""
        return self.app_ms_per_s + self.server_ms_per_s


class Page:
    """Counts the messages to the page."""

    def __init__(self) -> None:
        self.packets = self.events = self.frames = self.lost = 0
        self._next: int | None = None

    async def read(self, link: ClientConnection, seconds: float) -> None:
        """Read messages for a time."""
        self._next = None
        try:
            async with asyncio.timeout(seconds):
                async for message in link:
                    if isinstance(message, bytes):
                        self._take(message)
                    else:
                        self.events += "event" in json.loads(message)
        except TimeoutError:
            return

    def _take(self, packet: bytes) -> None:
        first, frames, _ = struct.unpack_from("<QII", packet)
        assert len(packet) == 16 + 16 * frames
        self.packets += 1
        self.frames += frames
        self.lost += first - self._next if self._next is not None else 0
        self._next = first + frames


def main() -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20, help="length of a round")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, in which both take turns")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, PipeWireSandbox() as server:
        processes.move_to(server.environment, folder)
        with (
            processes.sinks() as has_sink,
            processes.started(ENTRAIN, {"sink": lambda: has_sink("entrain")}) as program,
            processes.playing("entrain"),
        ):
            time.sleep(2)
            figures = asyncio.run(_measured(program.process.pid, options))
    _print(figures)
    if options.json:
        options.json.write_text(json.dumps(asdict(figures), indent=2) + "\n")
    return 0


async def _measured(app: int, options: argparse.Namespace) -> Figures:
    app_pss_mb = processes.pss_mb(app)
    starts_s = []
    for _ in range(STARTS):
        with _dashboard() as (_, _, after_s):
            starts_s.append(after_s)
    painted_s = await _painted_s()
    alone, added, served = [], [], []
    with _dashboard() as (process, address, _):
        page = Page()
        idle = await _ms_per_s((app, process.pid), options.seconds)
        for _ in range(options.rounds):
            before = await _ms_per_s((app,), options.seconds)
            async with _opened(address) as link:
                reading = asyncio.create_task(page.read(link, options.seconds + 2))
                await asyncio.sleep(1)  # the first answer has all the status
                spent = await asyncio.gather(
                    *(_ms_per_s((pid,), options.seconds) for pid in (app, process.pid))
                )
                with_page_mb = processes.pss_mb(app), processes.pss_mb(process.pid)
                await reading
            alone.append(before)
            added.append(spent[0] - before)
            served.append(spent[1])
        status = json.loads(processes.command(*processes.ENTRAIN, "status", "--json"))
    lasted_s = options.rounds * (options.seconds + 2)
    packed = {each.packed or each.body for each in page_files.read_page().values()}
    return Figures(
        alone_ms_per_s=statistics.median(alone),
        idle_ms_per_s=idle,
        app_ms_per_s=statistics.median(added),
        server_ms_per_s=statistics.median(served),
        packets_per_s=page.packets / lasted_s,
        status_per_s=page.events / lasted_s,
        frames=page.frames,
        lost_frames=page.lost,
        app_pss_mb=(app_pss_mb, with_page_mb[0]),
        server_pss_mb=with_page_mb[1],
        address_s=statistics.median(starts_s),
        painted_s=painted_s,
        page_kb=sum(map(len, packed)) / 1000,
        xruns=status["xruns"],
    )


async def _painted_s() -> float:
    """Return the time from typing the command until Chromium, which runs, shows the page."""
    found_s = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM)
        for _ in range(STARTS):
            page = await browser.new_page()
            began_s = time.time()
            with _dashboard() as (_, address, _):
                await page.goto(address)
                await page.wait_for_selector("main h2")
                painted_ms: float = await page.evaluate(FIRST_PAINT_MS)
            found_s.append(painted_ms / 1000 - began_s)
            await page.close()
        await browser.close()
    return float(statistics.median(found_s))


@contextmanager
def _dashboard() -> Iterator[tuple["subprocess.Popen[str]", str, float]]:
    """Start the dashboard; yield its process, its address and the time until it printed that."""
    began_s = time.monotonic()
    process = subprocess.Popen(DASHBOARD, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        after_s = time.monotonic() - began_s
        if not address:
            raise SystemExit("bench: the dashboard does not start")
        yield process, address, after_s
    finally:
        end(process)
        assert process.stdout is not None
        process.stdout.close()


def _opened(address: str) -> connect:
    """Enter as a browser does, and open the page's WebSocket."""
    with urllib.request.urlopen(address) as answer:
        cookie = answer.headers["Set-Cookie"].partition(";")[0]
    origin = re.sub("/enter.*", "", address)
    return _Subscribed(
        f"{origin.replace('http', 'ws', 1)}/ws",
        origin=Origin(origin),
        additional_headers={"Cookie": cookie},
        compression=None,
        proxy=None,
    )


class _Subscribed(connect):
    """A WebSocket whose page wants the status and the samples."""

    async def __aenter__(self) -> ClientConnection:
        link = await super().__aenter__()
        wanted = {"id": 1, "command": "subscribe", "status": PARTS, "samples": True}
        await link.send(json.dumps(wanted))
        return link


async def _ms_per_s(pids: tuple[int, ...], seconds: float) -> float:
    """Wait, and return how much processor time these processes use per second meanwhile."""
    before, began_s = sum(map(processes.cpu_ns, pids)), time.monotonic()
    await asyncio.sleep(seconds)
    spent = sum(map(processes.cpu_ns, pids)) - before
    return spent / 1e6 / (time.monotonic() - began_s)


def _print(found: Figures) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="the dashboard while music plays")
    for title in ("", "Entrain", "target"):
        table.add_column(title, justify="right" if title else "left")
    app_mb, with_page_mb = found.app_pss_mb
    limit = f"≤ {TARGET_MS_PER_S:g}"
    table.add_row("processor time of the app alone, ms/s", f"{found.alone_ms_per_s:.1f}")
    table.add_row("  with a dashboard without a page", f"{found.idle_ms_per_s:.1f}", "the same")
    table.add_row("more with one page: app", f"{found.app_ms_per_s:.1f}")
    table.add_row("  dashboard", f"{found.server_ms_per_s:.1f}")
    table.add_row("  both", f"{found.page_ms_per_s:.1f}", limit)
    table.add_row("packets a second", f"{found.packets_per_s:.1f}", "30")
    table.add_row("changes of the status a second", f"{found.status_per_s:.1f}")
    table.add_row(f"lost of {found.frames} frames", str(found.lost_frames), "0")
    table.add_row("xruns", str(found.xruns), "0")
    table.add_row("memory (PSS) of the app, MB", f"{app_mb:.1f}")
    table.add_row("  with a page", f"{with_page_mb:.1f}")
    table.add_row("memory (PSS) of the dashboard, MB", f"{found.server_pss_mb:.1f}", "≤ 20")
    table.add_row("address printed after, s", f"{found.address_s:.2f}")
    table.add_row("first painted after, s", f"{found.painted_s:.2f}", "≤ 1.2")
    table.add_row("all files of the page, packed, kB", f"{found.page_kb:.0f}", "≤ 250")
    Console().print(table)


if __name__ == "__main__":
    if not shutil.which("pipewire"):
        sys.exit("bench: pipewire is missing (Debian: pipewire)")
    sys.exit(main())
