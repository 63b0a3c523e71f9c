"""From a click on the icon in Xfce's panel to the sound at the device."""

from collections.abc import Iterator

import eye
import pytest
from desk import Desk
from listener import SPEAKERS, Listener, listening
from needs import skip_without
from session_bus import wait_until

from entrain.platform.sandbox_pipewire import PipeWireSandbox

pytestmark = [pytest.mark.device, pytest.mark.xdist_group("end_to_end")]

OWN = ("Protocols", "Your own (running)")
"""Path to the menu of the listener's own protocols."""


@pytest.fixture(scope="module")
def listening_at_a_panel() -> Iterator[tuple[Desk, Listener]]:
    skip_without(Desk.missing_packages() + PipeWireSandbox.missing_packages())
    with (
        PipeWireSandbox((SPEAKERS,)) as server,
        Desk() as desk,
        listening(server, desk.environment) as listener,
    ):
        yield desk, listener


@pytest.fixture
def panel(listening_at_a_panel: tuple[Desk, Listener]) -> Desk:
    """Return the desktop, with the low tone on, without bypass, and with its menus closed."""
    desk, listener = listening_at_a_panel
    if desk.menus():
        eye.close_menus(desk)
    listener.begin_afresh()
    eye.wait_for_icon(desk, "on")
    return desk


@pytest.fixture
def listener(listening_at_a_panel: tuple[Desk, Listener]) -> Listener:
    return listening_at_a_panel[1]


def test_the_icon_on_the_screen_is_that_of_the_state(panel, listener):
    listener.ask("bypass", on=True)
    eye.wait_for_icon(panel, "bypassed")
    listener.ask("off")
    eye.wait_for_icon(panel, "off")
    listener.ask("on")
    listener.ask("bypass", on=False)
    eye.wait_for_icon(panel, "on")


def test_a_click_on_a_protocol_is_heard_and_the_mark_follows(panel, listener):
    item = panel.item()
    box, lines = eye.open_menus(panel, item, OWN)
    wait_for_marks(panel, box, lines, {"Low tone": True, "High tone": False})

    panel.click(box[0] + box[2] // 2, lines["High tone"])

    listener.wait_for_tone("High tone")
    wait_until(lambda: item.menu().find(OWN[-1]).find("High tone").is_checked, "the mark")
    assert not item.menu().find(OWN[-1]).find("Low tone").is_checked
    wait_for_marks(panel, *eye.open_menus(panel, item, OWN), {"Low tone": False, "High tone": True})


def test_open_menus_stay_open_while_their_words_change(panel, listener):
    item = panel.item()
    (x, _, width, _), lines = eye.open_menus(panel, item)
    y = lines["Rate: 10 Hz"]
    panel.click(x + width // 2, y)
    wait_until(lambda: len(panel.menus()) == 2, "the submenu")
    windows = panel.windows()

    for command, rate in (("faster", 11), ("faster", 12), ("slower", 11), ("slower", 10)):
        before = panel.screenshot().crop((x, y - 8, x + width, y + 8))
        listener.entrain(command)
        wait_until(lambda rate=rate: f"Rate: {rate} Hz" in item.labels(), f"{rate} Hz")
        wait_until(
            lambda before=before: panel.screenshot().crop((x, y - 8, x + width, y + 8)) != before,
            "other words on the screen",
        )
        assert panel.windows() == windows


def test_a_left_click_bypasses_what_is_heard_and_another_brings_it_back(panel, listener):
    eye.click_icon(panel)
    eye.wait_for_icon(panel, "bypassed")
    listener.wait_for_tone("")
    item = panel.item()
    wait_until(lambda: item.menu().find("Bypass: hear the sound untouched").is_checked, "the mark")
    assert item.menu().find("On: all sound goes through Entrain").is_checked

    eye.click_icon(panel)

    eye.wait_for_icon(panel, "on")
    listener.wait_for_tone("Low tone")


def wait_for_marks(
    panel: Desk, box: eye.Box, lines: dict[str, int], wanted: dict[str, bool]
) -> None:
    """Wait until marks appear or disappear."""
    panel.move(*eye.NOWHERE)
    wait_until(
        lambda: {name: eye.is_marked(panel, box, lines[name]) for name in wanted} == wanted,
        f"marks: {wanted}",
    )
