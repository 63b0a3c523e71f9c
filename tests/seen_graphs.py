"""Tests read the graphs in a page: their data, and their pixels."""

import time
from typing import Any

from playwright.sync_api import Page

PATIENCE_S = 30.0
_SHOWN = """() => globalThis.entrainGraphs && JSON.stringify(entrainGraphs.data(), (_, value) =>
  Array.isArray(value) ? value.slice(0, 8) : value)"""

HIGHEST = """() => {
  const canvas = document.querySelector(".graph-spectrum canvas");
  const { width, height } = canvas;
  const copy = document.createElement("canvas");
  [copy.width, copy.height] = [width, height];
  const probe = copy.getContext("2d", { willReadFrequently: true });
  probe.drawImage(canvas, 0, 0);
  const pixels = probe.getImageData(0, 0, width, height).data;
  probe.fillStyle = getComputedStyle(document.querySelector(".graphs"))
    .getPropertyValue("--graph-output").trim();
  probe.fillRect(0, 0, 1, 1);
  const [r, g, b] = probe.getImageData(0, 0, 1, 1).data;
  for (let y = 0; y < height; y++) {
    const found = [];
    for (let x = 0; x < width; x++) {
      const at = 4 * (y * width + x);
      const near = Math.abs(pixels[at] - r) + Math.abs(pixels[at + 1] - g) +
        Math.abs(pixels[at + 2] - b);
      if (pixels[at + 3] > 100 && near < 60) found.push(x);
    }
    if (found.length) return found.reduce((a, b) => a + b) / found.length;
  }
  return null;
}"""
"""The middle of the spectrum's highest pixels that have the colour of the output."""

PICTURES = """() => Object.fromEntries([...document.querySelectorAll(".graph canvas")].map(
  (canvas, n) => [n, canvas.toDataURL()]))"""
"""The pixels of all graphs."""


def data(page: Page, graph: str) -> Any:
    """Return the data of one graph."""
    return page.evaluate("(name) => entrainGraphs.data()[name]", graph)


def wait_until(page: Page, condition: str) -> None:
    """Wait until a condition holds.  Playwright's own waiting needs `eval` in the page."""
    end_s = time.monotonic() + PATIENCE_S
    while not page.evaluate(f"() => Boolean({condition})"):
        assert time.monotonic() < end_s, f"{condition}; {page.evaluate(_SHOWN)}"
        time.sleep(0.05)


def wait_for(page: Page, condition: str) -> None:
    """Wait until a condition holds for the data of all graphs, `d`."""
    wait_until(page, f"((d) => {condition})(entrainGraphs.data())")
