"""The dashboard of a real Entrain, in a real browser."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import app
from needs import skip_without
from playwright.sync_api import Browser, Page, sync_playwright


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
    process = subprocess.Popen(
        [*app.ENTRAIN, "dashboard", "--no-browser"],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        page = browser.new_page(viewport={"width": width, "height": height})
        page.goto(address)
        page.locator(".state-words").wait_for()
        yield page
        page.close()
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
