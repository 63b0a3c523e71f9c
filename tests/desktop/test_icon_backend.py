"""The icon in Xfce's panel: its look on the screen, and its answers to the mouse."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from desk import PANEL_HEIGHT, PANEL_WIDTH, Desk
from PIL import Image, ImageDraw
from session_bus import wait_until

from entrain.tray.icon.icon_class import icon_class
from entrain.tray.statusnotifier.host import find_host
from entrain.tray.statusnotifier.icon import Icon
from entrain.tray.statusnotifier.pystray_api import KeyedItem, Menu

RED, GREEN = (230, 20, 30), (20, 200, 40)


def ring(colour: tuple[int, int, int]) -> list[Image.Image]:
    """Draw a ring in several sizes."""
    images = []
    for side in (16, 22, 24, 32, 48):
        image = Image.new("RGBA", (side, side))
        width = max(2, side // 5)
        ImageDraw.Draw(image).ellipse((1, 1, side - 2, side - 2), outline=colour, width=width)
        images.append(image)
    return images


class Tray:
    """An icon with a menu, on its own thread."""

    def __init__(self) -> None:
        self.bypass = False
        self.protocol = "alpha"
        self.text = "Idle"
        self.icon = icon_class(find_host(10))("entrain", ring(RED), "Entrain", self._menu())
        self._thread = threading.Thread(target=self.icon.run)
        self._thread.start()

    def close(self) -> None:
        self.icon.stop()
        self._thread.join(10)

    def _menu(self) -> Menu:
        protocols = [
            KeyedItem(
                name,
                name,
                self._choose(name),
                checked=lambda item, name=name: self.protocol == name,
                radio=True,
            )
            for name in ("alpha", "beta", "gamma")
        ]
        return Menu(
            KeyedItem("status", lambda _: self.text, None, enabled=False),
            KeyedItem(
                "bypass", "Bypass", self._toggle, checked=lambda _: self.bypass, default=True
            ),
            Menu.SEPARATOR,
            KeyedItem("protocols", "Protocols", Menu(*protocols)),
        )

    def _toggle(self, icon: Icon) -> None:
        self.bypass = not self.bypass
        icon.icon = ring(GREEN if self.bypass else RED)

    def _choose(self, name: str):
        def choose() -> None:
            self.protocol = name

        return choose


@pytest.fixture
def tray(desk: Desk) -> Iterator[Tray]:
    tray = Tray()
    yield tray
    tray.close()


def middle(box: tuple[int, int, int, int]) -> tuple[int, int]:
    return (box[0] + box[2]) // 2, (box[1] + box[3]) // 2


def open_menu(desk: Desk) -> tuple[int, int, int, int]:
    desk.click(*middle(desk.wait_for(RED)), button=3)
    return wait_until(desk.menus, "a menu")[0]


def test_the_icon_is_in_the_panel_with_its_colour_and_shape(desk, tray):
    left, top, right, bottom = desk.wait_for(RED)

    assert bottom <= PANEL_HEIGHT
    assert right > PANEL_WIDTH - 2 * PANEL_HEIGHT
    assert 12 <= right - left <= PANEL_HEIGHT
    assert abs((right - left) - (bottom - top)) <= 1
    picture = desk.screenshot()
    assert picture.getpixel(middle((left, top, right, bottom))) != RED  # a ring is hollow
    assert picture.getpixel((left, top)) != RED  # and has no corners


def test_a_left_click_is_the_default_and_the_icon_follows(desk, tray):
    desk.click(*middle(desk.wait_for(RED)))
    box = desk.wait_for(GREEN)
    assert tray.bypass
    assert desk.find(RED) is None
    desk.click(*middle(box))
    desk.wait_for(RED)
    assert not tray.bypass


def test_a_right_click_opens_the_menu_which_stays_open_while_words_change(desk, tray):
    x, y, width, height = open_menu(desk)
    label = (x, y, x + width, y + height // 4)  # the first of four lines
    before = desk.screenshot().crop(label)

    tray.text = "Processing, 12 min"
    tray.icon.update_menu()

    wait_until(lambda: desk.screenshot().crop(label) != before, "new words")
    for n in range(4):
        tray.text = f"Processing, {n} min"
        tray.icon.update_menu()
        time.sleep(0.3)
    assert desk.menus()


def test_a_click_in_a_submenu_chooses_and_the_mark_follows(desk, tray):
    x, y, width, height = open_menu(desk)
    desk.click(x + width // 2, y + height - 14)  # the last line opens the submenu
    first = (x, y, width, height)
    boxes = wait_until(lambda: len(found := desk.menus()) == 2 and found, "the submenu")
    x, y, width, height = next(box for box in boxes if box != first)
    desk.click(x + width // 2, y + height // 2)  # the second of three

    wait_until(lambda: tray.protocol == "beta", "the choice")
    item = desk.item()
    wait_until(lambda: item.menu().find("beta").is_checked, "the mark")
    assert not item.menu().find("alpha").is_checked


def test_a_panel_that_crashed_has_the_icon_again(desk, tray):
    desk.wait_for(RED)
    desk.kill_panel()
    desk.start_panel()

    desk.click(*middle(desk.wait_for(RED)))
    desk.wait_for(GREEN)
    assert len(desk.items()) == 1


def memory_kb() -> int:
    """Return the memory that this process has allocated."""
    text = Path("/proc/self/smaps_rollup").read_text(encoding="ascii")
    line = next(line for line in text.splitlines() if line.startswith("Anonymous:"))
    return int(line.split()[1])


@pytest.mark.slow
def test_a_thousand_changes_in_a_minute_leave_the_panel_alive_and_memory_flat(desk, tray):
    desk.wait_for(RED)
    panel = desk.tray_process()
    images = ring(RED), ring(GREEN)
    sizes_kb = []
    for n in range(1000):
        tray.text, tray.bypass = f"Processing, {n}", bool(n % 2)
        tray.protocol = ("alpha", "beta", "gamma")[n % 3]
        tray.icon.icon, tray.icon.title = images[n % 2], f"Entrain: {n}"
        tray.icon.update_menu()
        time.sleep(0.06)
        if n % 250 == 249:
            sizes_kb.append(memory_kb())

    assert max(sizes_kb[1:]) - sizes_kb[0] < 1000
    desk.wait_for(GREEN)
    assert desk.tray_process() == panel
    item = desk.item()
    wait_until(lambda: item["Title"] == "Entrain: 999", "the last change")
    tray.icon.icon = ring(RED)
    desk.wait_for(RED)
