"""From the session bus to the sound: with a tray that draws nothing, and without a tray."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from listener import Listener, listening
from plain_user import running_bus, user
from session_bus import wait_until
from tray_client import Item, Line, StubTray

from entrain.tray.icon import drawing

pytestmark = [pytest.mark.device, pytest.mark.xdist_group("without_a_panel")]


# ---- a tray that draws nothing ---------------------------------------------------------------


@pytest.fixture(scope="module")
def listening_at_a_tray() -> Iterator[tuple[Item, Listener]]:
    with (
        user() as (server, folder, environment),
        running_bus(folder) as bus,
        StubTray(bus.address) as tray,
        listening(server, environment) as listener,
    ):
        yield tray.item(), listener


@pytest.fixture
def listener(listening_at_a_tray: tuple[Item, Listener]) -> Listener:
    return listening_at_a_tray[1]


@pytest.fixture
def item(listening_at_a_tray: tuple[Item, Listener], listener: Listener) -> Item:
    """Return the icon, with the low tone on and without bypass."""
    item, _ = listening_at_a_tray
    listener.begin_afresh()
    wait_until(lambda: item["Title"] == "Entrain: on", "the icon knows it")
    wait_until(lambda: has_used_the_low_tone(item), "the menu knows it")
    return item


def has_used_the_low_tone(item: Item) -> bool:
    """Tell whether the low tone is at the top of the menu, as the last one used, and marked."""
    last = item.menu().find("Protocols").children[0]
    return last.label == "Low tone" and bool(last.is_checked)


def own(item: Item) -> Line:
    """Read the menu of the listener's own protocols."""
    return item.menu().find("Your own (running)")


def is_marked(item: Item, label: str) -> bool:
    return bool(item.menu().find(label).is_checked)


def images(item: Item) -> dict[int, bytes]:
    """Read the icon's images by width: alpha, red, green, blue of each pixel."""
    return {width: bytes(pixels) for width, _, pixels in item["IconPixmap"]}


def drawn(state: drawing.IconState) -> dict[int, bytes]:
    """Return the expected images in a state."""
    found = {}
    for side in drawing.SIZES_PX:
        red, green, blue, alpha = (band.tobytes() for band in drawing.image(state, side).split())
        pixels = zip(alpha, red, green, blue, strict=True)
        found[side] = bytes(value for pixel in pixels for value in pixel)
    return found


def test_a_click_on_a_protocol_is_heard_and_the_mark_follows(item, listener):
    item.event(own(item).find("High tone").id)

    listener.wait_for_tone("High tone")
    wait_until(lambda: own(item).find("High tone").is_checked, "the mark")
    assert not own(item).find("Low tone").is_checked


def test_a_click_on_the_icon_bypasses_what_is_heard_and_another_brings_it_back(item, listener):
    wait_until(lambda: images(item) == drawn("on"), "the icon")
    item.activate()

    listener.wait_for_tone("")
    wait_until(lambda: images(item) == drawn("bypassed"), "the icon")
    wait_until(lambda: item["Title"] == "Entrain: bypassed", "the title")
    wait_until(lambda: is_marked(item, "Bypass: hear the sound untouched"), "the mark")

    item.activate()

    listener.wait_for_tone("Low tone")
    wait_until(lambda: images(item) == drawn("on"), "the icon")
    wait_until(lambda: not is_marked(item, "Bypass: hear the sound untouched"), "no mark")


def test_new_words_come_in_place(item, listener):
    numbers = [line.id for line in item.menu().walk()]
    item.client.forget()

    listener.entrain("faster")
    wait_until(lambda: "Rate: 11 Hz" in item.labels(), "11 Hz")
    listener.entrain("slower")
    wait_until(lambda: "Rate: 10 Hz" in item.labels(), "10 Hz")

    assert item.client.heard("ItemsPropertiesUpdated")
    assert not item.client.heard("LayoutUpdated")
    assert [line.id for line in item.menu().walk()] == numbers


def test_every_line_has_words_and_so_has_the_icon(item):
    lines = [line for line in item.menu().walk() if line.id and not line.is_separator]
    assert len(lines) > 40
    assert all(line.label.strip() for line in lines)
    assert item["IconAccessibleDesc"].startswith("Entrain: on, Low tone")
    assert "Low tone" in item["ToolTip"][3]


# ---- the bus ends and comes back -------------------------------------------------------------


def test_the_sound_goes_on_without_the_bus_and_the_icon_tells_of_the_sound_server():
    with (
        user() as (server, folder, environment),
        running_bus(folder) as bus,
        StubTray(bus.address) as tray,
        listening(server, environment) as listener,
    ):
        tray.item()
        bus.stop()
        listener.wait_for_tone("Low tone")
        bus.start()
        with StubTray(bus.address) as new_tray:
            item = new_tray.item()
            server.stop_server(kill=True)
            wait_until(lambda: item["Title"] == "Entrain: trouble", "the trouble")
            wait_until(lambda: images(item) == drawn("trouble"), "the icon")
            server.start_server()
            wait_until(lambda: item["Title"] == "Entrain: on, no app is playing", "the usual title")
            wait_until(lambda: images(item) == drawn("on"), "the icon")


# ---- no tray ---------------------------------------------------------------------------------


@contextmanager
def no_tray(folder: Path) -> Iterator[Callable[[], str]]:
    with running_bus(folder) as bus:
        yield lambda: bus.address


@contextmanager
def dead_bus(folder: Path) -> Iterator[Callable[[], str]]:
    """Yield a function that starts the bus, which does not run yet, and returns its address."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(running_bus(folder)).address


@contextmanager
def frozen_bus(folder: Path) -> Iterator[Callable[[], str]]:
    """Freeze a bus, and yield a function that thaws it and returns its address."""
    with running_bus(folder) as bus, ExitStack() as frost:
        frost.enter_context(bus.paused())

        def thaw() -> str:
            frost.close()
            return bus.address

        yield thaw


@pytest.mark.parametrize(
    ("situation", "reason"),
    [
        (no_tray, "The desktop has no tray (GNOME needs the AppIndicator extension)."),
        (dead_bus, "The session bus cannot be reached, so no tray."),
        (frozen_bus, "The session bus does not answer, so no tray."),
    ],
    ids=["no tray", "dead bus", "frozen bus"],
)
def test_without_a_tray_there_is_sound_and_one_line_and_with_one_the_icon(situation, reason):
    """`listening` itself waits for the sound."""
    with (
        user() as (server, folder, environment),
        situation(folder) as get_better,
        listening(server, environment) as listener,
    ):
        wait_until(lambda: about_trays(listener), "a word about it")
        with StubTray(get_better()) as tray:
            item = tray.item()
            wait_until(lambda: item["Title"] == "Entrain: on", "the icon")
        assert about_trays(listener) == [
            f"{reason} Use `entrain on`, `entrain use` and `entrain --help`; "
            "the icon appears as soon as a tray does."
        ]


def about_trays(listener: Listener) -> list[str]:
    return [line for line in listener.said() if "tray" in line]
