"""The space as text."""

from typing import TYPE_CHECKING

from entrain.tray.text.status_text import table
from entrain.tray.text.text_layout import clean

if TYPE_CHECKING:
    from entrain.vdevice.api.answers import Space

MODES = {
    "off": "in the head, as headphones play it",
    "speakers": "as from two loudspeakers",
    "scene": "as in a sound field around the head",
}
"""How the music sounds, by the mode's name."""


def summary(space: "Space") -> str:
    """Return how the music sounds in one line, and a note in another."""
    lines = [f"{space['mode']}: {MODES[space['mode']]}"]
    if space["setting"] != space["mode"]:
        lines.append(f"your setting is {space['setting']}")
    if space["note"]:
        lines.append(space["note"])
    return "\n".join(map(clean, lines))


def details(space: "Space") -> None:
    """Print the head and the values, one subject per line."""
    rows = [("HRTF", space["hrtf"]), ("head", f"{space['head_cm']:g} cm")]
    if space["sources"]:
        rows.append(("placed sounds", str(space["sources"])))
    rows += [("setting", f"space.{symbol} {value:g}") for symbol, value in space["params"].items()]
    table(("", ""), rows)
