"""Recognise icons and menu lines on the screen."""

import functools
from collections.abc import Sequence

import numpy as np
from desk import PANEL_HEIGHT, PANEL_WIDTH, Desk
from PIL import Image
from session_bus import wait_until
from tray_client import Item, Line

from entrain.tray.icon import drawing

Box = tuple[int, int, int, int]
"""x, y, width and height."""

NOWHERE = (20, 480)
"""A place without an icon or a menu."""

_MARK_PX = 28
"""Width of the space for a mark, left of a label."""


# ---- the icon ------------------------------------------------------------------------------


def differences(desk: Desk) -> dict[drawing.IconState, float]:
    """Return the difference between each icon and the panel's end: 0 … 255, mean over pixels.

    Each icon is tried in the sizes and at the places that a panel may choose.
    """
    button = desk.screenshot().crop((PANEL_WIDTH - PANEL_HEIGHT, 0, PANEL_WIDTH, PANEL_HEIGHT))
    seen = np.asarray(button, dtype=float)
    return {state: _difference(seen, state) for state in drawing.STATES}


def icon_state(desk: Desk) -> str:
    """Return the state of the icon on the screen; "" if no icon matches, or two match nearly."""
    found = sorted(differences(desk).items(), key=lambda pair: pair[1])
    (state, least), (_, next_one) = found[:2]
    return state if least < 4 and next_one > 3 * least else ""


def wait_for_icon(desk: Desk, state: drawing.IconState) -> None:
    """Wait until this icon is on the screen."""
    desk.move(*NOWHERE)  # the pointer changes the background of an icon below it
    try:
        wait_until(lambda: icon_state(desk) == state, f"the icon {state}")
    except AssertionError as error:
        raise AssertionError(f"{error}; differences: {differences(desk)}") from None


def click_icon(desk: Desk, button: int = 1) -> None:
    """Click on the last icon of the panel."""
    desk.click(PANEL_WIDTH - PANEL_HEIGHT // 2, PANEL_HEIGHT // 2, button)


_image = functools.cache(drawing.image)


def _difference(seen: np.ndarray, state: drawing.IconState) -> float:
    ground = Image.new("RGBA", (PANEL_HEIGHT, PANEL_HEIGHT), tuple(map(int, seen[1, 1])))
    least = float("inf")
    for size_px in range(16, 29):
        image = _image(state, size_px)
        middle = (PANEL_HEIGHT - size_px) // 2
        for x in range(middle - 1, middle + 3):
            for y in range(middle - 1, middle + 3):
                expected = ground.copy()
                expected.alpha_composite(image, (x, y))
                away = np.asarray(expected, dtype=float)[..., :3] - seen
                least = min(least, float(np.abs(away).mean()))
    return least


# ---- menus ---------------------------------------------------------------------------------


def open_menus(desk: Desk, item: Item, labels: Sequence[str] = ()) -> tuple[Box, dict[str, int]]:
    """Open the menu with the mouse, then the submenu of one of its lines, and so on.

    Returns
    -------
    box, lines
        The last menu's box, and for each of its lines the y of the middle.

    """
    click_icon(desk, button=3)
    box = wait_until(desk.menus, "the menu")[0]
    menu = item.menu()
    lines = _lines(desk, box, menu)
    for label in labels:
        here = desk.menus()
        desk.click(box[0] + box[2] // 2, lines[label])
        menu = menu.find(label)
        box = wait_until(
            lambda here=here: [each for each in desk.menus() if each not in here],
            f"the submenu of {label}",
        )[0]
        lines = _lines(desk, box, menu)
    return box, lines


def close_menus(desk: Desk) -> None:
    """Close the menus by a click beside them."""
    desk.click(*NOWHERE)
    wait_until(lambda: not desk.menus(), "no menu")


def is_marked(desk: Desk, box: Box, y: int) -> bool:
    """Tell whether the line at `y` has a mark, and not only the frame for one.

    The pointer changes the colours of a line below it: move the pointer away first.
    """
    x = box[0] + _MARK_PX // 2
    inside = desk.screenshot().crop((x - 3, y - 3, x + 3, y + 3)).convert("L")
    darkest, _ = inside.getextrema()
    return darkest < 100


def _lines(desk: Desk, box: Box, menu: Line) -> dict[str, int]:
    """Wait until all lines of the menu are visible; return the y of each."""
    labels = [line.label for line in menu.children if not line.is_separator]
    found = wait_until(
        lambda: len(ys := _text_lines(desk, box)) == len(labels) and ys, f"lines for {labels}"
    )
    return dict(zip(labels, found, strict=True))


def _text_lines(desk: Desk, box: Box) -> list[int]:
    x, y, width, height = box
    picture = desk.screenshot().crop((x + _MARK_PX, y, x + width - 4, y + height)).convert("L")
    rows = np.ptp(np.asarray(picture, dtype=int), axis=1) > 40  # a separator has one colour
    edges = np.flatnonzero(np.diff(np.concatenate(([0], rows.astype(int), [0]))))
    runs = edges.reshape(-1, 2)
    return [y + int(begin + end) // 2 for begin, end in runs if end - begin >= 5]
