"""Takes the pictures in docs/images: the icon and menu in Xfce's panel, and the dashboard.

Usage: PYTHONPATH=tests:tests/desktop:tests/device python docs/screenshots.py [FOLDER]

The screen, the session bus and the sound server are private; the music is real.
"""

import contextlib
import io
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import app
import eye
import numpy as np
import soundlab
from desk import PANEL_HEIGHT, PANEL_WIDTH, Desk
from lab_servers import LabPipeWire
from open_dashboard import chromium, dashboard
from PIL import Image, ImageDraw, ImageFont
from session_bus import wait_until

from entrain.platform.sandbox import VirtualDevice
from entrain.tray.commands.demo import RATE_HZ, piece
from entrain.tray.icon import drawing

ENTRAIN = [sys.executable, "-m", "entrain.tray"]
DEVICES = (VirtualDevice("headphones", "Headphones", 1000), VirtualDevice("tv", "TV", 900))
RECENT = ("default", "breath-5", "focus-16")
"""Protocols that the listener has used; the last one still runs."""
CATEGORY = "Focus (running)"
MEASURED = "Measured: swelling 16.0 Hz, depth 4"
"""Beginning of the menu's line once the rhythm has its full strength, 40 % or more."""

BACKGROUND = "#5c7488"
MARGIN_PX = 8
PANEL_PART_PX = 190
"""Smallest part of the panel's end in the picture, in pixels."""

STATES = {
    "on": "processing",
    "bypassed": "bypassed",
    "off": "off",
    "waiting": "waiting-for-device",
    "trouble": "failed",
}
"""State of Entrain for each icon."""
THEMES = {"light": "Adwaita", "dark": "Adwaita:dark"}
DASHBOARD_PX = (1440, 1000)
LISTENED_S = 25
"""Time in which the graphs of the dashboard get their history, in seconds."""
SCALE = 2
CELL_PX = (120, 100)


def main() -> int:
    """Take all pictures."""
    missing = Desk.missing_packages() + LabPipeWire.missing_packages()
    if not shutil.which("pacat"):
        missing.append("pulseaudio-utils")
    if missing:
        print(f"screenshots: not installed: {' '.join(missing)}", file=sys.stderr)
        return 1
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "images"
    folder.mkdir(exist_ok=True)
    with _listener() as (_, desk):
        _save(_open_menu(desk), folder / "tray-menu.png")
        eye.close_menus(desk)
        _save(_open_menu(desk, "Protocols", CATEGORY), folder / "tray-protocols.png")
    _save(_all_icons(), folder / "tray-icons.png")
    _save(_dashboard(), folder / "dashboard.png")
    return 0


# ---- motifs --------------------------------------------------------------------------------


@contextlib.contextmanager
def _listener(scale: int = 1) -> Iterator[tuple[LabPipeWire, Desk]]:
    """Simulate a desktop whose user listens to music through Entrain."""
    with LabPipeWire(DEVICES) as server, Desk(has_panel=False) as desk:
        desk.environment.update(server.environment)
        desk.environment["GDK_SCALE"] = str(scale)
        desk.environment["GDK_DPI_SCALE"] = "0.94"  # otherwise three menus do not fit
        desk.start_panel()
        desk.move(*eye.NOWHERE)
        music = desk.folder / "music"
        music.write_bytes(piece().tobytes() * 10)
        desk.spawn([*ENTRAIN, "run", "--protocol", RECENT[0]])
        wait_until(lambda: _state(desk) not in ("", "waiting-for-device"), "Entrain")
        desk.item()
        for protocol in RECENT:
            _entrain(desk, "use", protocol)
        _entrain(desk, "session", "seek", "5:00")  # past the soft beginning
        _entrain(desk, "on")
        desk.spawn(
            ["pacat", "--playback", "--raw", "--format=float32le", "--channels=2"]
            + [f"--rate={RATE_HZ}", "--latency-msec=200", str(music)]
        )
        _wait_for(desk, "on")
        yield server, desk


def _open_menu(desk: Desk, *labels: str) -> Image.Image:
    """Open the menu and submenus; return their picture together with the icon."""
    wait_until(lambda: MEASURED in "\n".join(desk.item().labels()), MEASURED)
    box, lines = eye.open_menus(desk, desk.item(), labels)
    if labels:  # the pointer stays on the open submenu, not on the marked line
        desk.move(box[0] + box[2] // 2, list(lines.values())[-1])
    time.sleep(0.5)
    return _cut(desk.screenshot(), desk.menus())


def _all_icons() -> Image.Image:
    """Show Entrain in each state, in a light and in a dark panel."""
    seen: dict[str, dict[str, Image.Image]] = {theme: {} for theme in THEMES}
    with _listener(SCALE) as (server, desk):
        for state in drawing.STATES:
            match state:
                case "bypassed":
                    _entrain(desk, "bypass", "on")
                case "off":
                    _entrain(desk, "bypass", "off")
                    _entrain(desk, "off")
                case "waiting":
                    _entrain(desk, "on")
                    for device in DEVICES:
                        server.remove_device(device.name)
                case "trouble":
                    server.stop_server()
            _wait_for(desk, state)
            for theme, name in THEMES.items():
                desk.environment["GTK_THEME"] = name
                desk.kill_panel()
                desk.start_panel()
                desk.item()
                time.sleep(2)
                side = PANEL_HEIGHT * SCALE
                place = (PANEL_WIDTH - side, 0, PANEL_WIDTH, side)
                seen[theme][state] = desk.screenshot().crop(place)
    return _table(seen.values())


def _dashboard() -> Image.Image:
    """Show the dashboard while music plays."""
    music = np.tile(piece(), (10, 1))
    with (
        LabPipeWire(DEVICES) as server,
        chromium() as browser,
        tempfile.TemporaryDirectory(prefix="home-", dir="/tmp") as home,
    ):
        folders = ("RUNTIME_DIR", "STATE_HOME", "CONFIG_HOME", "CACHE_HOME", "DATA_HOME")
        environment = {f"XDG_{name}": home for name in folders} | server.environment
        with (
            app.running(environment, "--protocol", "focus-16") as entrain,
            soundlab.play(environment, music, rate_hz=RATE_HZ),
            dashboard(environment, browser, *DASHBOARD_PX) as page,
        ):
            entrain("session", "seek", "5:00")
            time.sleep(LISTENED_S)
            return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def _entrain(desk: Desk, *arguments: str) -> str:
    return subprocess.run(
        [*ENTRAIN, *arguments], env=desk.environment, capture_output=True, text=True, timeout=20
    ).stdout


def _state(desk: Desk) -> str:
    answer = _entrain(desk, "status", "--json")
    return str(json.loads(answer)["state"]) if answer else ""


def _wait_for(desk: Desk, state: drawing.IconState) -> None:
    wait_until(lambda: _state(desk) == STATES[state], state)


# ---- pictures ------------------------------------------------------------------------------


def _cut(screen: Image.Image, menus: Iterable[eye.Box]) -> Image.Image:
    """Keep only the menus and the panel's end."""
    boxes = [(x, y, x + width, y + height) for x, y, width, height in menus]
    left = min(PANEL_WIDTH - PANEL_PART_PX, *(box[0] for box in boxes)) - MARGIN_PX
    bottom = max(box[3] for box in boxes) + MARGIN_PX
    picture = Image.new("RGB", (PANEL_WIDTH - left, bottom), BACKGROUND)
    for box in ((max(left, 0), 0, PANEL_WIDTH, PANEL_HEIGHT), *boxes):
        picture.paste(screen.crop(box), (box[0] - left, box[1]))
    return picture


def _table(rows: Iterable[dict[str, Image.Image]]) -> Image.Image:
    """Put the icons side by side, with their names below, one row for each panel."""
    rows = list(rows)
    width, height = CELL_PX
    picture = Image.new("RGB", (width * len(drawing.STATES), height * len(rows)))
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(17)
    for row, icon_by_state in enumerate(rows):
        for column, (state, icon) in enumerate(icon_by_state.items()):
            ground = icon.getpixel((1, icon.height // 2))
            assert isinstance(ground, tuple)
            x, y = column * width, row * height
            draw.rectangle((x, y, x + width, y + height), fill=ground)
            picture.paste(icon, (x + (width - icon.width) // 2, y + 6))
            ink = "black" if sum(ground) > 3 * 128 else "white"
            draw.text((x + width // 2, y + height - 20), state, ink, font, anchor="mm")
    return picture


def _save(picture: Image.Image, file: Path) -> None:
    picture.quantize(64, dither=Image.Dither.NONE).save(file, optimize=True)
    print(f"{file}: {picture.width} × {picture.height}, {file.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    sys.exit(main())
