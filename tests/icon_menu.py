"""The menu of an icon under test."""

import threading
from collections.abc import Callable

from PIL import Image

from entrain.tray.statusnotifier.pystray_api import KeyedItem, Menu

RED, GREEN = (Image.new("RGBA", (22, 22), colour) for colour in ("red", "green"))


class MenuState:
    """State of the test's menu."""

    def __init__(self) -> None:
        self.text = "Bypass"
        self.checked = False
        self.protocols = ["alpha", "beta"]
        self.done: list[object] = []

    def menu(self) -> Menu:
        def protocols():
            return [KeyedItem(name, name, self.do(name)) for name in self.protocols]

        return Menu(
            KeyedItem(
                "bypass",
                lambda _: self.text,
                self.toggle,
                checked=lambda _: self.checked,
                default=True,
            ),
            Menu.SEPARATOR,
            KeyedItem("protocols", "Protocols", Menu(protocols)),
            KeyedItem("thread", "Thread", lambda: self.done.append(threading.get_ident())),
            KeyedItem("fail", "Fail", lambda: 1 / 0),
            KeyedItem("quit", "Quit", lambda icon: icon.stop()),
        )

    def do(self, what: object) -> Callable[[], None]:
        return lambda: self.done.append(what)

    def toggle(self) -> None:
        self.checked = not self.checked
