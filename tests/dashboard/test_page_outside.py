"""The card for control from outside: MIDI with its mappings, and OSC."""

from asked import sent
from fake_server import FakeEntrain
from playwright.sync_api import Page, expect

CONTROL = {"device": "Knobs", "kind": "cc", "channel": 1, "number": 20}


def test_a_control_is_learnt_and_forgotten(page: Page, fake: FakeEntrain) -> None:
    card = page.locator("#outside")
    page.get_by_role("switch", name="MIDI devices steer Entrain").click()
    assert sent(fake, page, "midi") == {"on": True}
    expect(card).to_contain_text("Connected: Knobs.")

    card.get_by_role("combobox").select_option("music.depth")
    card.get_by_role("button", name="Learn").click()
    assert sent(fake, page, "midi_learn") == {"target": "music.depth"}
    expect(card.get_by_role("status")).to_contain_text("Move the control for music.depth now.")

    fake.move_control(CONTROL)
    expect(card.get_by_role("status")).to_contain_text(
        "Controller 20, channel 1 changes music.depth now."
    )
    forget = card.get_by_role("button", name="Forget Knobs, Controller 20, channel 1 → music.depth")
    forget.click()
    assert sent(fake, page, "midi_forget") == {"target": "music.depth", "control": CONTROL}
    expect(forget).to_be_hidden()


def test_one_of_two_equal_knobs_is_forgotten(page: Page, fake: FakeEntrain) -> None:
    fake.call("midi", on=True)
    first, second = ({**CONTROL, "device": each, "target": "music.depth"} for each in "AB")
    fake.map_controls([first, second])
    card = page.locator("#outside")
    card.get_by_role("button", name="Forget A, Controller 20").click()

    expect(card.get_by_role("button", name="Forget A, Controller 20")).to_be_hidden()
    expect(card.get_by_role("button", name="Forget B, Controller 20")).to_be_visible()
    assert fake.mappings == [second]


def test_replaced_mappings_are_shown(page: Page, fake: FakeEntrain) -> None:
    fake.call("midi", on=True)
    fake.map_controls([{**CONTROL, "target": "music.depth"}])
    card = page.locator("#outside")
    expect(card.get_by_role("listitem")).to_contain_text("music.depth")
    fake.map_controls([{**CONTROL, "target": "next"}])

    expect(card.get_by_role("listitem")).to_contain_text("next protocol")


def test_learning_can_be_given_up(page: Page, fake: FakeEntrain) -> None:
    fake.call("midi", on=True)
    card = page.locator("#outside")
    card.get_by_role("combobox").select_option("next protocol")
    card.get_by_role("button", name="Learn").click()
    card.get_by_role("button", name="Cancel").click()

    assert fake.commands("midi_learn")[-1]["target"] is None
    expect(card.get_by_role("button", name="Learn")).to_be_visible()


def test_problems_of_midi_and_the_state_of_osc_stand_there(page: Page, fake: FakeEntrain) -> None:
    card = page.locator("#outside")
    expect(card).to_contain_text("OSC is off")
    fake.change(
        midi={**fake.status["midi"], "on": True, "problem": "python-rtmidi is missing"},
        osc={**fake.status["osc"], "on": True, "clients": 2},
    )

    expect(card.get_by_role("alert")).to_have_text("python-rtmidi is missing")
    expect(card).to_contain_text("OSC is on: 127.0.0.1, port 5510; 2 programs hear changes.")
