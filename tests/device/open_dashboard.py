"""The dashboard of a real Entrain, in a real browser."""

import os
import shutil
import signal
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import app
from needs import skip_without
from playwright.sync_api import Browser, Page, expect, sync_playwright
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

expect.set_options(timeout=15_000)  # a busy machine draws late


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the system's Chromium without a window; without one, skip the test."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    skip_without([] if program else ["chromium"])
    with sync_playwright() as playwright:
        options = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=program, args=options)
        yield browser
        browser.close()


@contextmanager
def dashboard(
    environment: Mapping[str, str], browser: Browser, width: int = 1400, height: int = 1000
) -> Iterator[Page]:
    """Open the page until the end of the block."""
    with _served(environment) as address:
        page = browser.new_page(viewport={"width": width, "height": height})
        page.goto(address)
        page.locator(".state-words").wait_for()
        yield page
        page.close()


@contextmanager
def page_link(environment: Mapping[str, str]) -> Iterator[ClientConnection]:
    """Open the WebSocket that a page has, without a browser."""
    with _served(environment) as address:
        with urllib.request.urlopen(address) as answer:
            cookie = answer.headers["Set-Cookie"].partition(";")[0]
        origin = address.partition("/enter")[0]
        link = connect(
            f"{origin.replace('http', 'ws', 1)}/ws",
            origin=Origin(origin),
            additional_headers={"Cookie": cookie},
            compression=None,
            proxy=None,
        )
        with link:
            yield link


@contextmanager
def _served(environment: Mapping[str, str]) -> Iterator[str]:
    process = subprocess.Popen(
        [*app.ENTRAIN, "dashboard", "--no-browser"],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
