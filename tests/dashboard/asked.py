"""The requests of a page in front of the made-up Entrain."""

from fake_server import FakeEntrain
from playwright.sync_api import Page


def sent(fake: FakeEntrain, page: Page, command: str) -> dict[str, object]:
    """Return the fields of the newest request of this command."""
    for _ in range(100):
        if found := fake.commands(command):
            return {name: value for name, value in found[-1].items() if name != "command"}
        page.wait_for_timeout(50)
    raise AssertionError(f"the page has not asked for {command}; it has asked {fake.asked}")
