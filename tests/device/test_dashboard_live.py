"""The page steers a real Entrain with real sound."""

import re
from contextlib import ExitStack
from pathlib import Path

import app
import pytest
import soundlab
from measure import frequency_hz
from open_dashboard import chromium, dashboard
from playwright.sync_api import expect

TRANSFERRED_BYTES = 250_000
BACK_MS = 4000
"""The page tries again four times a second; a busy machine needs longer."""

BEAT_HZ = 0.010
"""Largest difference between the beat on the slider and the beat at the device."""

TONES = "binaural:carrier_hz=300,beat_hz=10,floor_db=-20,ceiling_db=-20"


def number(page, name):
    return page.get_by_role("textbox", name=re.compile(f"^{name}(,|$)")).first


def test_page_device_and_command_line_agree(pipewire_server):
    environment = pipewire_server.environment
    music = soundlab.sine(1000, 120, 0.02)
    with (
        chromium() as browser,
        app.running(environment, "--layer", TONES, *app.PATIENT["pipewire"]) as entrain,
        soundlab.play(environment, music),
    ):
        entrain.wait_for(state="processing")
        with dashboard(environment, browser) as page:
            # Loading the page.
            sizes = "performance.getEntriesByType('resource').map(each => each.transferSize)"
            assert 20_000 < sum(page.evaluate(sizes)) <= TRANSFERRED_BYTES

            # A slider changes the beat, measured at the device.
            slider = page.get_by_role("slider", name="Beat", exact=True)
            slider.scroll_into_view_if_needed()
            box = slider.bounding_box()
            page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
            page.mouse.down()
            page.mouse.move(box["x"] + box["width"] * 0.55, box["y"] + 5, steps=10)
            page.mouse.up()
            page.wait_for_timeout(1000)
            wanted = float(number(page, "Beat").input_value())
            assert wanted != 10
            heard = soundlab.record(environment, "speakers", 8)[soundlab.RATE_HZ :]
            left, right = (
                frequency_hz(heard[:, ear], 300 + half)
                for ear, half in ((0, wanted / 2), (1, -wanted / 2))
            )
            assert left - right == pytest.approx(wanted, abs=BEAT_HZ)

            # A bad value shows Entrain's line at its field.
            number(page, "Beat").fill("400")
            page.keyboard.press("Enter")
            line = page.locator(".value .error")
            expect(line).to_have_text(re.compile("beat_hz = 400 is outside -200 … 200 Hz"))

            # One history for all.
            page.keyboard.press("Escape")
            page.get_by_role("button", name="Undo").click()
            soundlab.wait_until(lambda: _beat(entrain) == 10, 5, "the page's undo is in the status")
            entrain("redo")
            expect(number(page, "Beat")).to_have_value(f"{wanted:g}")
            entrain("undo")
            expect(number(page, "Beat")).to_have_value("10")

            # Protocols have ids of their own, beside the numbers of requests.
            page.get_by_role("button", name="Choose a protocol").click()
            page.get_by_role("searchbox").fill("Focus 16")
            page.get_by_role("radio", name=re.compile("Focus 16")).first.check()
            expect(page.get_by_role("region", name="Focus 16").first).to_contain_text("677 people")
            page.get_by_role("button", name="Use this protocol").click()
            expect(page.locator(".protocol-name")).to_contain_text("Focus 16")


def _beat(entrain):
    return entrain.status()["protocol"]["layers"][0]["params"]["beat_hz"]


def test_chromium_started_on_the_redirect_file_ends_on_the_page(any_server, home):
    """A file page of its own leads to the page, whose strict cookie no redirect would send."""
    opened, program = home / "opened", home / "browser"
    program.write_text(f'#!/bin/sh\nprintf %s "$1" >"{opened}"\n')
    program.chmod(0o755)
    environment = {**any_server.environment, "BROWSER": str(program)}
    with chromium() as browser, app.running(environment, "--protocol", "default") as entrain:
        entrain("dashboard")
        soundlab.wait_until(
            lambda: opened.exists() and opened.read_text(), 10, "the browser is started"
        )
        file = Path(opened.read_text().removeprefix("file://"))
        page = browser.new_page()
        page.goto(file.as_uri())

        page.locator(".state-words").wait_for()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", page.url)


def test_the_page_is_back_soon_after_entrain(pipewire_server):
    environment = pipewire_server.environment
    with chromium() as browser, ExitStack() as opened:
        with app.running(environment, "--protocol", "default") as entrain:
            page = opened.enter_context(dashboard(environment, browser))
            entrain.kill()
            expect(page.locator(".trouble")).to_be_visible()
        with app.running(environment, "--protocol", "focus-16"):
            expect(page.locator(".trouble")).to_be_hidden(timeout=BACK_MS)
            expect(page.locator(".protocol-name")).to_contain_text("Focus 16", timeout=BACK_MS)
