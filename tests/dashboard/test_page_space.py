"""The page's views of the space, the tracked head and placed layers."""

import re

from asked import sent
from playwright.sync_api import expect


def test_sources_around_the_head_move_by_keyboard_and_by_mouse(page, fake):
    page.get_by_role("radio", name="Scene").check()
    music = page.get_by_role("slider", name="Music")
    expect(music).to_have_attribute("aria-valuetext", "straight ahead, 2 m")

    music.press("ArrowLeft")
    expect(music).to_have_attribute("aria-valuetext", "5° to the left, 2 m")
    assert sent(fake, page, "set") == {"values": {"space.azimuth_deg": 5}}
    music.press("ArrowUp")
    expect(music).to_have_attribute("aria-valuetext", "5° to the left, 2.2 m")

    picture = page.get_by_role("group", name="Head from above")
    picture.scroll_into_view_if_needed()
    box, at = picture.bounding_box(), music.bounding_box()
    page.mouse.move(at["x"] + at["width"] / 2, at["y"] + at["height"] / 2)
    page.mouse.down()
    page.mouse.move(
        box["x"] + box["width"] * 0.85,
        box["y"] + box["height"] * 172 / 340,
        steps=8,
    )
    page.mouse.up()
    expect(music).to_have_attribute("aria-valuetext", re.compile(r"^90° to the right, 5\.\d m"))


def test_every_head_can_be_chosen(page, fake):
    chooser = page.get_by_label("Head (HRTF)")
    chooser.select_option("my-ears: My ears")
    assert sent(fake, page, "settings") == {"hrtf": "my-ears"}

    fake.change(space={**fake.status["space"], "hrtf": "new-ears"})
    expect(chooser).to_have_value("new-ears")


def test_the_tracked_head_turns_in_the_picture(page, fake):
    fake.call("settings", space={"mode": "speakers"})
    fake.change(space={**fake.status["space"], "yaw_deg": 30.0})

    expect(page.locator(".head")).to_have_attribute("transform", "rotate(-30)")


def test_a_source_that_moves_by_itself_shows_its_way(page, fake):
    place = {"azimuth_deg": 90.0, "elevation_deg": 0.0, "distance_m": 1.5}
    place |= {"path": "orbit", "path_hz": 0.03125, "path_deg": 90.0}
    protocol = fake.status["protocol"]
    layers = [{**protocol["layers"][0], "place": place}]
    fake.change(
        space={**fake.status["space"], "mode": "scene"}, protocol={**protocol, "layers": layers}
    )

    space = page.get_by_role("region", name="Space")
    expect(space).to_contain_text(
        "circles around your head, once in 32 s; begins 90° to the left, 1.5 m"
    )
    expect(space.locator(".path")).to_have_count(1)
    course = page.locator(".graph-timeline .graph-text")
    expect(course).to_contain_text("music circles around your head, once in 32 s.")
    expect(course).not_to_contain_text("in this protocol moves")


def test_a_placed_layer_offers_its_path(page, fake):
    place = {"azimuth_deg": 90.0, "elevation_deg": 0.0, "distance_m": 1.5}
    place |= {"path": "orbit", "path_hz": 0.03125, "path_deg": 90.0}
    noise = {"kind": "noise", "id": "rain", "params": {}, "automation": {}, "place": place}
    fake.change(protocol={**fake.status["protocol"], "layers": [noise]})
    layer = page.get_by_role("region", name="rain")
    expect(layer.get_by_role("slider", name="Level")).to_be_visible()
    expect(layer.get_by_role("slider", name="AM rate")).to_be_hidden()

    layer.get_by_text("Place and path").click()
    path = layer.get_by_label("Path", exact=True)
    expect(path.locator("option:checked")).to_have_text("orbit")
    path.select_option("swing")
    assert sent(fake, page, "set") == {"values": {"rain.path": 4}}


def test_only_a_head_that_is_tracked_can_be_recentred(page, fake):
    fake.change(head={**fake.status["head"], "on": True})
    recentre = page.get_by_role("button", name="I look straight ahead now")
    expect(recentre).to_be_disabled()

    fake.change(head={**fake.status["head"], "source": "10.0.0.2"})
    expect(recentre).to_be_enabled()


def test_the_chosen_button_of_the_space_is_the_space_that_is_heard(page, fake):
    fake.change(space={**fake.status["space"], "mode": "speakers", "setting": "off"})

    space = page.get_by_role("region", name="Space")
    expect(space.get_by_role("radio", name="Speakers")).to_be_checked()
    expect(space).to_contain_text("The protocol decides this; your own setting")
