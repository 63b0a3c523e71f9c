"""The page in a browser, in front of a made-up Entrain."""

from playwright.sync_api import expect


def test_the_page_shows_the_state_and_follows_it(page, fake):
    expect(page.get_by_role("heading", level=1)).to_have_text("Entrain")
    fake.change(state="idle")
    expect(page.get_by_text("idle")).to_be_visible()
