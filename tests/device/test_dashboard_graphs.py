"""The dashboard's graphs show the sound that leaves Entrain: real sound, a real page."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import app
import pytest
import soundlab
from open_dashboard import chromium, dashboard
from playwright.sync_api import Browser, Page
from seen_graphs import HIGHEST, PICTURES, data, wait_for, wait_until


@pytest.fixture
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@contextmanager
def graphs(environment: Mapping[str, str], browser: Browser) -> Iterator[Page]:
    """Open the dashboard in a window in which all graphs can be seen."""
    with dashboard(environment, browser, 1400, 2600) as page:
        wait_until(page, "globalThis.entrainGraphs")
        yield page


def peaks_at(page: Page, hz: float) -> None:
    """Wait until the spectrum peaks within 2 pixels of a frequency, in data and in pixels."""
    wait_for(page, f"Math.abs(d.spectrum.output?.hz - {hz}) < 6")
    shown = data(page, "spectrum")
    decade = shown["px_of_1_khz"] - shown["px_of_100_hz"]
    place = shown["px_of_1_khz"] + decade * math.log10(hz / 1000)
    assert shown["output"]["px"] == pytest.approx(place, abs=2)
    wait_until(page, f"Math.abs(({HIGHEST})() - {place}) <= 2")


def test_the_graphs_show_what_is_heard(pipewire_server, browser):
    environment = pipewire_server.environment
    with (
        app.running(environment, "--headless", "--layer", "am:rate_hz=16,depth=0.6") as entrain,
        graphs(environment, browser) as page,
    ):
        with soundlab.play(environment, soundlab.sine(1000, 60, 0.3)):
            peaks_at(page, 1000)
            wait_for(page, "d.rhythm.promised_hz === 16 && d.rhythm.swelling?.near?.clear")
            wait_for(page, "Math.abs(d.rhythm.swelling.near.hz - 16) < 0.05")
            wait_for(page, "Math.abs(d.rhythm.swelling_px - d.rhythm.promised_px) <= 2")
            wait_for(page, "!d.rhythm.input.near?.clear")
        with soundlab.play(environment, soundlab.sine(3000, 120, 0.3)):
            peaks_at(page, 3000)
            entrain("use", "binaural:carrier_hz=300,beat_hz=10,floor_db=-20,ceiling_db=-20")
            wait_for(page, "d.rhythm.promised_hz === 10 && d.rhythm.turning?.near?.clear")
            wait_for(page, "Math.abs(d.rhythm.turning.near.hz - 10) < 0.05")
            wait_for(page, "Math.abs(d.rhythm.turning_px - d.rhythm.promised_px) <= 2")
            wait_for(page, "d.ears.direction === 1")
            wait_for(page, "Math.abs(d.tones.tones?.beat_hz - 10) < 0.01")
        wait_for(page, "d.spectrum.output === null")
        page.wait_for_timeout(1500)
        still, shown = (
            page.evaluate(PICTURES),
            page.evaluate("JSON.stringify(entrainGraphs.data())"),
        )
        page.wait_for_timeout(1500)
        assert page.evaluate(PICTURES) == still
        assert page.evaluate("JSON.stringify(entrainGraphs.data())") == shown
