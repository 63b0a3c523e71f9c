"""A browser without a window, and a page in it: in front of a made-up Entrain, or of a real one."""

import os
import shutil
from collections.abc import Iterator

import pytest
from fake_server import FakeEntrain, fake_entrain
from needs import skip_without
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
TIMEOUT_MS = 15_000
expect.set_options(timeout=TIMEOUT_MS)  # a busy machine draws late
WINDOW = {"width": 1024, "height": 768}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium.

    It ends with each file: until then Playwright keeps this thread's loop, and a test of another
    folder that follows in the same process could not run one.
    """
    skip_without([] if CHROMIUM else ["chromium"])
    with sync_playwright() as playwright:
        options = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield browser
        browser.close()


class Desk:
    """One window with a page in it, which all tests of a process share: loading takes long."""

    def __init__(self, browser: Browser) -> None:
        self.context: BrowserContext = browser.new_context()
        self.context.set_default_timeout(TIMEOUT_MS)
        self.page = self.context.new_page()
        self.mistakes: list[str] = []
        self.context.on("weberror", lambda error: self.mistakes.append(str(error.error)))
        self.context.on(
            "console",
            lambda line: (
                self.mistakes.append(line.text)
                if line.type in ("error", "warning") and "WebSocket connection to" not in line.text
                else None
            ),
        )

    def tidy(self) -> Page:
        """Return the page in a window of the usual kind."""
        self.mistakes.clear()
        self.page.emulate_media(reduced_motion="no-preference", color_scheme="light")
        self.page.set_viewport_size(WINDOW)
        return self.page

    def check(self) -> None:
        """Fail if the page has made a mistake."""
        assert not self.mistakes


@pytest.fixture(scope="module")
def window(browser: Browser) -> Desk:
    """Open the window for the page."""
    return Desk(browser)


@pytest.fixture(scope="module")
def graph_window(browser: Browser) -> Desk:
    """Open the window for graphs alone."""
    return Desk(browser)


@pytest.fixture
def fresh(browser: Browser) -> Iterator[Page]:
    """Open a window for one test, which may do what cannot be undone."""
    desk = Desk(browser)
    yield desk.tidy()
    desk.context.close()
    desk.check()


@pytest.fixture(scope="module")
def server() -> Iterator[FakeEntrain]:
    """Serve the page with a made-up Entrain."""
    with fake_entrain() as fake:
        yield fake


@pytest.fixture
def fake(server: FakeEntrain) -> FakeEntrain:
    """The made-up Entrain, as new."""
    server.begin_again()
    return server


@pytest.fixture
def page(window: Desk, fake: FakeEntrain) -> Iterator[Page]:
    """The page in front of the made-up Entrain, with all its views as new."""
    page = window.tidy()
    page.emulate_media(reduced_motion="reduce")  # less to draw
    if page.url.startswith(fake.url) and not page.locator(".message, dialog").count():
        page.evaluate("location.hash = 'compact'")  # unmounts all other views
        page.locator("main.compact").wait_for()
        page.evaluate("location.hash = ''")
    else:
        page.goto("about:blank")
        page.goto(fake.url)
    page.locator("main.live").wait_for()
    page.locator("#layers").wait_for()
    fake.asked.clear()
    yield page
    window.check()
