"""A desktop for one test: a virtual screen, a session bus, and Xfce's panel."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar, Self

from PIL import Image, ImageChops, ImageGrab
from session_bus import BusClient, PrivateBus, wait_until
from tray_client import WATCHER, Item

PANEL_WIDTH, PANEL_HEIGHT = 900, 32

_PANEL_SETTINGS = """<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array">
    <value type="int" value="1"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=6;x=0;y=0"/>
      <property name="length" type="uint" value="100"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="size" type="uint" value="32"/>
      <property name="plugin-ids" type="array">
        <value type="int" value="1"/>
        <value type="int" value="2"/>
      </property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="separator">
      <property name="expand" type="bool" value="true"/>
      <property name="style" type="uint" value="0"/>
    </property>
    <property name="plugin-2" type="string" value="systray">
      <property name="square-icons" type="bool" value="true"/>
    </property>
  </property>
</channel>
"""


class Desk:
    """A context manager; use it from one thread.

    Parameters
    ----------
    has_panel : bool
        Whether the desktop starts with a panel.

    """

    _packages: ClassVar[dict[str, str]] = {
        "Xvfb": "xvfb",
        "xdotool": "xdotool",
        "xfce4-panel": "xfce4-panel",
        "dbus-daemon": "dbus",
    }

    def __init__(self, has_panel: bool = True) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="desk-", dir="/tmp"))
        self.environment = make_user(self.folder)
        settings = self.folder / "config/xfce4/xfconf/xfce-perchannel-xml/xfce4-panel.xml"
        settings.parent.mkdir(parents=True)
        settings.write_text(_PANEL_SETTINGS, encoding="utf-8")
        self._log = (self.folder / "log").open("ab")
        self._processes: list[subprocess.Popen[bytes]] = []
        self._stack = contextlib.ExitStack()
        try:
            self.environment["DISPLAY"] = self._start_screen()
            self.bus = self._start_bus()
            self.client = self._stack.enter_context(BusClient(self.bus.address))
            if has_panel:
                self.start_panel()
        except BaseException:
            self.close()
            raise

    @classmethod
    def missing_packages(cls) -> list[str]:
        """Return Debian's names of the missing packages."""
        return sorted(name for program, name in cls._packages.items() if not shutil.which(program))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the desktop and all of its programs."""
        self._stack.close()
        for process in reversed(self._processes):
            _end(process)
        self._log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    # ---- programs --------------------------------------------------------------------------

    def spawn(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        """Start a program, which ends with the desktop."""
        process = subprocess.Popen(
            command,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            process_group=0,
        )
        self._processes.append(process)
        return process

    def start_panel(self) -> None:
        """Start the panel and wait until it shows icons."""
        self.panel = self.spawn(["xfce4-panel", "--disable-wm-check", "--sm-client-disable"])
        wait_until(self._has_tray, "the panel")

    def kill_panel(self) -> None:
        """Kill all processes of the panel, as in a crash."""
        os.killpg(self.panel.pid, signal.SIGKILL)
        self.panel.wait()
        wait_until(lambda: WATCHER[0] not in self.client.names(), "no panel")

    def tray_process(self) -> int:
        """Return the process id of the panel's tray plugin."""
        bus = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")
        pid: int = self.client.call(bus, "GetConnectionUnixProcessID", "s", WATCHER[0])
        return pid

    def _start_screen(self) -> str:
        """Start an X server on a free display; return the display's name."""
        reader, writer = os.pipe()
        process = subprocess.Popen(
            ["Xvfb", "-displayfd", str(writer), "-screen", "0", f"{PANEL_WIDTH}x500x24"]
            + ["-nolisten", "tcp", "-noreset"],
            stdout=self._log,
            stderr=self._log,
            pass_fds=[writer],
            process_group=0,
        )
        os.close(writer)
        self._processes.append(process)
        with open(reader, encoding="ascii") as numbers:
            number = numbers.readline().strip()
        assert number, "Xvfb does not start"
        return f":{number}"

    def _start_bus(self) -> PrivateBus:
        """Start a bus; the programs that it starts need this desktop's environment."""
        with _environment_is(self.environment):
            bus = PrivateBus(self.folder / "run")
        self._stack.callback(bus.stop)
        self.environment["DBUS_SESSION_BUS_ADDRESS"] = bus.address
        return bus

    # ---- the tray --------------------------------------------------------------------------

    def _has_tray(self) -> bool:
        if WATCHER[0] not in self.client.names():
            return False
        return bool(self.client.get(WATCHER, "IsStatusNotifierHostRegistered"))

    def items(self) -> list[str]:
        """Return the icons that have registered with the panel."""
        found: list[str] = self.client.get(WATCHER, "RegisteredStatusNotifierItems")
        return found

    def item(self) -> Item:
        """Wait until an icon has registered, and return it."""
        return Item(self.client, wait_until(self.items, "an icon")[0].partition("/")[0])

    # ---- the screen ------------------------------------------------------------------------

    def screenshot(self) -> Image.Image:
        """Return a picture of the screen, in RGB."""
        return ImageGrab.grab(xdisplay=self.environment["DISPLAY"]).convert("RGB")

    def find(self, colour: tuple[int, int, int]) -> tuple[int, int, int, int] | None:
        """Return the box around all pixels of this colour: left, top, right, bottom."""
        picture = self.screenshot()
        bands = ImageChops.difference(picture, Image.new("RGB", picture.size, colour)).split()
        differs = ImageChops.lighter(ImageChops.lighter(bands[0], bands[1]), bands[2])
        return differs.point(lambda value: 0 if value else 255).getbbox()

    def wait_for(self, colour: tuple[int, int, int]) -> tuple[int, int, int, int]:
        """Wait until this colour is on the screen; return the box around it."""
        box = wait_until(lambda: self.find(colour), f"{colour} on the screen")
        assert box is not None
        return box

    def move(self, x: int, y: int) -> None:
        """Move the mouse."""
        self._run("xdotool", "mousemove", str(x), str(y))
        time.sleep(0.1)  # GTK ignores a click of a pointer that has just arrived

    def click(self, x: int, y: int, button: int = 1) -> None:
        """Click there with the mouse."""
        self.move(x, y)
        self._run("xdotool", "click", str(button))

    def windows(self) -> dict[str, tuple[int, int, int, int]]:
        """Return the visible windows: x, y, width and height by id."""
        output = self._run("xdotool", "search", "--onlyvisible", "--name", "", check=False)
        found = {}
        for window in output.decode().split():
            text = self._run("xdotool", "getwindowgeometry", "--shell", window, check=False)
            values = dict(line.split("=") for line in text.decode().split() if "=" in line)
            if {"X", "Y", "WIDTH", "HEIGHT"} <= set(values):
                x, y, width, height = (int(values[n]) for n in ("X", "Y", "WIDTH", "HEIGHT"))
                found[window] = x, y, width, height
        return found

    def menus(self) -> list[tuple[int, int, int, int]]:
        """Return the open menus in the order of opening; menus begin below the panel."""
        boxes = self.windows().values()
        return [box for box in boxes if PANEL_HEIGHT < box[3] < 450 and 20 < box[2] < PANEL_WIDTH]

    def _run(self, *command: str, check: bool = True) -> bytes:
        return subprocess.run(
            command,
            env=self.environment,
            check=check,
            stdout=subprocess.PIPE,
            stderr=self._log,
            timeout=30,
        ).stdout


def make_user(folder: Path) -> dict[str, str]:
    """Make the folders of a new user; return the variables that name them."""
    environment = dict(os.environ)
    for variable in ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "XAUTHORITY"):
        environment.pop(variable, None)
    for variable, name in {
        "HOME": "home",
        "XDG_RUNTIME_DIR": "run",
        "XDG_CONFIG_HOME": "config",
        "XDG_CACHE_HOME": "cache",
        "XDG_DATA_HOME": "data",
        "XDG_STATE_HOME": "state",
    }.items():
        (folder / name).mkdir(mode=0o700)
        environment[variable] = str(folder / name)
    return environment | {"NO_AT_BRIDGE": "1", "GTK_THEME": "Adwaita", "GIO_USE_VFS": "local"}


@contextlib.contextmanager
def _environment_is(environment: dict[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program and all programs that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(5)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
