"""The page for everyone: rules of WCAG 2.0 to 2.2, keyboards, narrow windows, large text."""

import re
from pathlib import Path
from typing import Any

import pytest
from fake_server import FakeEntrain
from needs import skip_without
from playwright.sync_api import Page, expect

AXE = Path(__file__).parents[2] / "build/npm/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
PLACED = "noise-around"


def violations(page: Page) -> list[Any]:
    """Return the rules that the page breaks, each with the elements."""
    skip_without([] if AXE.exists() else ["axe-core (build/tools/bin/python vendor/fetch.py test)"])
    # The page's own policy allows no code in the page but the page's.
    page.evaluate(AXE.read_text(encoding="utf-8") + ";0")
    return list(
        page.evaluate(
            """rules => axe.run({ runOnly: rules }).then(found => found.violations.map(
                each => [each.id, each.nodes.map(node => node.html.slice(0, 160))]))""",
            RULES,
        )
    )


def show_everything_that_can_be_shown(page: Page, fake: FakeEntrain) -> None:
    """Let Entrain have placed sounds, a tracked head, problems and a refused value."""
    fake.call("use", protocol=PLACED)
    fake.call("settings", space={"mode": "scene"}, hrtf="kemar")
    fake.change(
        head={**fake.status["head"], "on": True, "yaw_deg": 10.0, "source": "127.0.0.1"},
        errors=["the sound server has restarted"],
        reason="another app holds the device",
        softened="softer",
        sleep_left_s=600.0,
        applications={**fake.status["applications"], "exclude": ["firefox"]},
    )
    expect(page.get_by_role("slider", name="Music")).to_be_visible()
    for summary in page.locator("summary").all():
        summary.click()
    field = page.get_by_role("textbox", name=re.compile("^Level")).first
    field.fill("99")
    field.press("Enter")
    expect(page.locator(".value .error").first).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_view_breaks_a_rule_of_wcag(page, fake, scheme):
    page.emulate_media(color_scheme=scheme)
    show_everything_that_can_be_shown(page, fake)
    found = {"live": violations(page)}

    page.get_by_role("button", name="Choose a protocol").click()
    expect(page.get_by_role("dialog").locator(".sources li").first).to_be_visible()
    found["library"] = violations(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Save as").click()
    found["save"] = violations(page)
    page.keyboard.press("Escape")
    fake.leave("Entrain has ended.")
    page.get_by_role("link", name="Compact view").click()
    expect(page.get_by_text("Entrain has ended.")).to_be_visible()
    found["compact"] = violations(page)

    assert found == {view: [] for view in found}


def test_a_whole_session_with_the_keyboard_alone(page, fake):
    """Choose a protocol, change it, compare, undo, set the timer, move a source: no mouse."""
    press = page.keyboard.press

    def tab_to(role: str, name: str | re.Pattern[str]) -> None:
        wanted = page.get_by_role(role, name=name).first  # type: ignore[arg-type]
        element = wanted.element_handle()  # to search for the role anew takes long
        for _ in range(200):
            if element.evaluate("element => element === document.activeElement"):
                return
            press("Tab")
        raise AssertionError(f"the Tab key does not lead to {role} {name}")

    tab_to("button", re.compile("Choose a protocol"))
    press("Enter")
    tab_to("searchbox", "Search")
    page.keyboard.type("noise around")
    press("Tab")
    expect(page.get_by_role("radio", name=re.compile("Pink noise around"))).to_be_focused()
    press("Space")
    tab_to("button", "Use this protocol")
    press("Enter")
    expect(page.locator(".protocol-name")).to_contain_text("Pink noise around you")
    expect(page.get_by_role("button", name="Choose a protocol")).to_be_focused()

    tab_to("slider", "Level")
    press("ArrowUp")
    expect(page.get_by_role("button", name="Undo")).to_have_attribute("aria-disabled", "false")
    before = fake.status["revision"]
    press("Control+z")
    expect(page.get_by_role("button", name="Redo")).to_have_attribute("aria-disabled", "false")
    assert fake.status["revision"] == before + 1

    tab_to("radio", "Off")
    press("ArrowRight")
    press("ArrowRight")
    expect(page.get_by_role("slider", name="Music")).to_be_visible()
    tab_to("slider", "Music")
    press("ArrowLeft")
    expect(page.get_by_role("slider", name="Music")).to_have_attribute(
        "aria-valuetext", re.compile("^5° to the left")
    )

    tab_to("radio", "Entrain")
    press("ArrowRight")
    expect(page.get_by_role("status")).to_contain_text("Bypassed")
    tab_to("button", "30 min")
    press("Enter")
    expect(page.get_by_text("Off in 30:00.")).to_be_visible()


def test_nothing_needs_sideways_scrolling(page, fake):
    """A zoom of 200 % halves the window of 1280 pixels in CSS pixels."""
    page.evaluate("location.hash = 'everything'")
    show_everything_that_can_be_shown(page, fake)
    wider = "document.documentElement.scrollWidth - innerWidth"
    inside = "document.querySelector('.dialog-inside')"
    for width in (320, 640):
        page.set_viewport_size({"width": width, "height": 640})
        assert page.evaluate(wider) <= 0
        page.get_by_role("button", name="Choose a protocol").click()
        page.get_by_role("dialog").wait_for()
        assert page.evaluate(wider) <= 0
        assert page.evaluate(f"{inside}.scrollWidth - {inside}.clientWidth") <= 0
        page.keyboard.press("Escape")

        page.evaluate("location.hash = 'compact'")
        page.locator("main.compact").wait_for()
        assert page.evaluate(wider) <= 0
        page.evaluate("location.hash = 'everything'")
        page.locator("main.live").wait_for()


def test_nothing_moves_by_itself_but_meters_and_graphs(page, fake):
    """No animation runs without an end, and no transition lasts longer than a fifth of a second."""
    page.emulate_media(reduced_motion="no-preference")
    slow = page.evaluate(
        """() => [...document.querySelectorAll("*")].filter(element => {
            const style = getComputedStyle(element);
            return style.animationName !== "none" || parseFloat(style.transitionDuration) > 0.2;
        }).map(element => element.className)"""
    )
    assert slow == []
