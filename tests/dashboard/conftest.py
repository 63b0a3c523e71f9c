"""A browser without a window, and a page in it: in front of a made-up Entrain, or of a real one."""

import os
import shutil
from collections.abc import Iterator

import pytest
from fake_server import FakeEntrain, fake_entrain
from needs import skip_without
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
TIMEOUT_MS = 15_000


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium."""
    skip_without([] if CHROMIUM else ["chromium"])
    with sync_playwright() as playwright:
        options = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser of its own for one test; a mistake of the page fails the test."""
    context = browser.new_context(viewport={"width": 1024, "height": 768})
    context.set_default_timeout(TIMEOUT_MS)
    mistakes: list[str] = []
    context.on("weberror", lambda error: mistakes.append(str(error.error)))
    context.on(
        "console",
        lambda line: (
            mistakes.append(line.text)
            if line.type in ("error", "warning") and "WebSocket connection to" not in line.text
            else None
        ),
    )
    yield context
    context.close()
    assert not mistakes


@pytest.fixture
def fake() -> Iterator[FakeEntrain]:
    """A made-up Entrain with a server of the page."""
    with fake_entrain() as fake:
        yield fake


@pytest.fixture
def page(context: BrowserContext, fake: FakeEntrain) -> Page:
    """The page in front of the made-up Entrain."""
    page = context.new_page()
    page.emulate_media(reduced_motion="reduce")  # less to draw
    page.goto(fake.url)
    page.get_by_role("heading", level=1).wait_for()
    return page
