"""The colours of the graphs are legible in light and in dark."""

import re

from fake_server import PAGE


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_lines_and_words_are_legible_in_light_and_dark():
    """WCAG asks for 3:1 for lines, and 4.5:1 for text."""
    css = (PAGE / "graphs/graphs.css").read_text(encoding="utf-8")
    light, dark = css.split("prefers-color-scheme: dark", 2)[:2]
    for part in (light, dark):
        colours = dict(re.findall(r"--graph-(\w+): (#[0-9a-f]{6});", part))
        for name in ("input", "output", "left", "right", "promise", "border"):
            assert contrast(colours[name], colours["background"]) >= 3, name
        for name in ("text", "axis", "promise", "output", "left"):  # some lines have words beside
            assert contrast(colours[name], colours["background"]) >= 4.5, name
