"""The page's views in a browser, in front of a made-up Entrain."""

import re

import pytest
from asked import sent
from fake_server import FakeEntrain
from playwright.sync_api import Locator, Page, expect


def spinner(page: Page, name: str) -> Locator:
    """Return the field with the number of a value."""
    return page.get_by_role("textbox", name=re.compile(f"^{name}(,|$)"))


def slider(page: Page, name: str) -> Locator:
    return page.get_by_role("slider", name=name, exact=True)


def wait_for_value(fake: FakeEntrain, page: Page, symbol: str, value: float) -> None:
    """Wait until Entrain's first layer has this value."""
    for _ in range(100):
        if fake.status["protocol"]["layers"][0]["params"].get(symbol) == pytest.approx(value):
            return
        page.wait_for_timeout(50)
    raise AssertionError(fake.status["protocol"]["layers"][0])


# ---- state ---------------------------------------------------------------------------------


def test_the_state_and_its_reason_stand_there_in_words(page, fake):
    for state, reason, words in (
        ("processing", "", "On: your music passes through Entrain"),
        ("idle", "", "On: no app is playing"),
        ("bypassed", "", "Bypassed: you hear your music untouched"),
        ("off", "switched off by the sleep timer", "switched off by the sleep timer"),
        ("waiting-for-device", "", "Waiting for headphones or speakers"),
        ("failed", "PipeWire does not answer", "PipeWire does not answer"),
    ):
        fake.change(state=state, reason=reason)

        expect(page.get_by_role("status")).to_contain_text(words)


def test_bypass_is_as_loud_as_the_sound(page, fake):
    page.get_by_role("radio", name="Untouched").check()

    assert sent(fake, page, "bypass") == {"on": True, "matched": True}
    expect(page.get_by_role("status")).to_contain_text("Bypassed")
    expect(page.get_by_role("radio", name="Untouched")).to_be_checked()


def test_the_page_shows_changes_of_other_clients(page, fake):
    fake.call("set", values={"music.depth": 0.25})

    expect(spinner(page, "Depth")).to_have_value("0.25")


def test_entrain_ends_and_comes_back(page, fake):
    fake.leave("Entrain has ended.")
    expect(page.get_by_text("Entrain has ended.")).to_be_visible()

    fake.leave("")
    expect(page.get_by_text("Entrain has ended.")).to_be_hidden()


def test_the_page_connects_again_by_itself(page, fake):
    page.evaluate("document.body.dataset.same = 'yes'")
    fake.hang_up()
    fake.change(reason="here again")

    expect(page.get_by_text("here again")).to_be_visible()
    expect(page.get_by_text("The connection to Entrain is lost")).to_be_hidden()
    assert page.evaluate("document.body.dataset.same") == "yes", "the page was loaded again"


def test_the_page_says_why_the_server_has_hung_up(page, fake):
    fake.hang_up("Entrain has ended; `entrain dashboard` opens this page again")

    page.wait_for_timeout(1000)  # attempts to connect again
    expect(page.get_by_text("opens this page again")).to_be_visible()
    fake.hang_up("")
    expect(page.get_by_text("opens this page again")).to_be_hidden()


def test_a_page_too_many_says_so(fresh, fake):
    fake.refusal = "12 pages are open already; close one of them"
    page = fresh
    page.goto(fake.url)

    expect(page.get_by_role("alert")).to_have_text(fake.refusal)
    fake.refusal = ""
    expect(page.get_by_role("status")).to_contain_text("your music passes through Entrain")
    expect(page.get_by_text("12 pages are open")).to_be_hidden()


def test_a_hidden_page_costs_nothing(fresh, fake):
    page = fresh
    page.goto(fake.url)
    page.locator(".state-words").wait_for()
    page.evaluate("""() => {
        Object.defineProperty(document, "hidden", { value: true });
        document.dispatchEvent(new Event("visibilitychange"));
    }""")
    for _ in range(100):
        if fake.subscriptions[-1] == {"command": "subscribe", "status": None, "samples": False}:
            return
        page.wait_for_timeout(50)
    raise AssertionError(fake.subscriptions)


# ---- values --------------------------------------------------------------------------------


def test_a_slider_lies_on_the_parameters_own_scale(page, fake):
    """The rate of `am` has a logarithmic scale from 0.05 to 100 Hz, so its middle is √5 Hz."""
    rate = slider(page, "Rate")
    expect(rate).to_have_attribute("aria-valuetext", "16 Hz")
    rate.scroll_into_view_if_needed()
    box = rate.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    assert sent(fake, page, "set")["values"]["music.rate_hz"] == pytest.approx(5**0.5, rel=0.05)


def test_keys_change_a_value(page, fake):
    depth = slider(page, "Depth")
    depth.focus()
    for key, value in (
        ("ArrowUp", 0.51),
        ("ArrowLeft", 0.5),
        ("PageUp", 0.6),
        ("Shift+ArrowDown", 0.599),
        ("Home", 0.0),
        ("End", 1.0),
        ("Delete", 0.5),
    ):
        page.keyboard.press(key)
        wait_for_value(fake, page, "depth", value)
        expect(spinner(page, "Depth")).to_have_value(f"{value:g}")


def test_a_double_click_gives_the_initial_value(page, fake):
    spinner(page, "Depth").fill("0.2")
    page.keyboard.press("Enter")
    wait_for_value(fake, page, "depth", 0.2)

    page.locator("label", has_text="Depth").dblclick()

    wait_for_value(fake, page, "depth", 0.5)


def test_the_wheel_changes_a_value_only_where_the_focus_is(page, fake):
    depth = slider(page, "Depth")
    depth.scroll_into_view_if_needed()
    depth.hover()
    page.mouse.wheel(0, -100)
    page.wait_for_timeout(300)
    assert not fake.commands("set")

    depth.focus()
    depth.hover()
    page.mouse.wheel(0, -100)
    wait_for_value(fake, page, "depth", 0.51)


def test_a_typed_number_may_have_a_comma(page, fake):
    spinner(page, "Rate").fill("12,5")
    page.keyboard.press("Enter")

    wait_for_value(fake, page, "rate_hz", 12.5)


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("3", "music: depth = 3 is outside 0 … 1 1"),
        ("much", "“much” is not a number."),
    ],
)
def test_a_bad_value_shows_its_line_at_its_field(page, fake, typed, line):
    field = spinner(page, "Depth")
    field.fill(typed)
    page.keyboard.press("Enter")

    expect(page.locator(".value", has=field).get_by_role("alert")).to_have_text(line)
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(line)

    field.fill("0.4")
    page.keyboard.press("Enter")
    wait_for_value(fake, page, "depth", 0.4)
    expect(page.locator(".value", has=field).get_by_role("alert")).to_be_hidden()


def test_a_dragged_slider_asks_for_one_value_at_a_time_and_ends_on_the_last(page, fake):
    depth = slider(page, "Depth")
    depth.scroll_into_view_if_needed()
    box = depth.bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] + 20, middle, steps=40)
    page.mouse.up()

    wait_for_value(fake, page, "depth", 1.0)
    assert len(fake.commands("set")) <= 45


def test_undo_and_redo(page, fake):
    undo, redo = (page.get_by_role("button", name=name) for name in ("Undo", "Redo"))
    expect(undo).to_have_attribute("aria-disabled", "true")
    slider(page, "Depth").press("ArrowUp")
    wait_for_value(fake, page, "depth", 0.51)

    undo.click()
    wait_for_value(fake, page, "depth", 0.5)
    redo.click()
    wait_for_value(fake, page, "depth", 0.51)
    page.keyboard.press("Control+z")
    wait_for_value(fake, page, "depth", 0.5)
    page.keyboard.press("Control+Shift+z")
    wait_for_value(fake, page, "depth", 0.51)


def test_the_buttons_say_what_they_would_undo(page, fake):
    undo, redo = (page.get_by_role("button", name=name) for name in ("Undo", "Redo"))
    slider(page, "Depth").press("ArrowUp")
    expect(undo).to_have_accessible_description("Depth 0.5")
    expect(undo).to_have_attribute("title", "Depth 0.5")

    undo.click()
    expect(redo).to_have_accessible_description("Depth 0.51")
    expect(undo).to_have_accessible_description("")


def test_a_value_that_moves_is_shown_where_it_is_now(page, fake):
    points = [{"at_s": 0, "value": 4.0}, {"at_s": 600, "value": 12.0}]
    protocol = fake.status["protocol"]
    layer = {**protocol["layers"][0], "automation": {"rate_hz": {"points": points, "loop_s": 0}}}
    fake.change(protocol={**protocol, "layers": [layer]}, moving={"music.rate_hz": 8.25})
    expect(spinner(page, "Rate")).to_have_value("8.25")

    fake.change(moving={"music.rate_hz": 8.5})
    expect(spinner(page, "Rate")).to_have_value("8.5")
    expect(slider(page, "Rate")).to_have_attribute("aria-valuetext", "8.5 Hz")


def test_the_position_moves_without_the_protocol(page, fake):
    fake.change(position={"elapsed_s": 3661.0, "left_s": 60.0})

    expect(page.locator("#session .course-words")).to_contain_text("1:01:01")


def test_typing_keeps_its_own_undo(page, fake):
    slider(page, "Depth").press("ArrowUp")
    wait_for_value(fake, page, "depth", 0.51)
    spinner(page, "Depth").press("Control+z")

    page.wait_for_timeout(200)
    assert not fake.commands("undo")


# ---- protocols -----------------------------------------------------------------------------


def test_protocols_show_both_grades_sources_contrary_findings_and_warnings(page, fake):
    page.get_by_role("button", name="Choose a protocol").click()
    dialog = page.get_by_role("dialog")
    for category in ("Focus", "Calm", "Sleep"):
        expect(dialog.get_by_role("group", name=category)).to_be_visible()
    fake_document = fake.documents["gamma-binaural"]

    dialog.get_by_role("searchbox").fill("gamma binaural")
    dialog.get_by_text("Gamma binaural", exact=False).first.click()

    one = dialog.get_by_role("region")
    expect(one).to_contain_text(fake_document["description"])
    expect(one).to_contain_text(fake_document["evidence"]["claim"])
    for line in fake_document["warnings"]:
        expect(one).to_contain_text(line)
    for source in fake_document["evidence"]["sources"]:
        expect(one).to_contain_text(source["finding"])
    contrary = [each for each in fake_document["evidence"]["sources"] if each.get("contrary")]
    assert contrary
    expect(one.get_by_text("Contrary finding")).to_have_count(len(contrary))
    for grade in ("following", "outcome"):
        word = fake_document["evidence"][grade]
        expect(one.locator(".grade").filter(has_text=word).first).to_be_visible()

    one.get_by_role("button", name="Use this protocol").click()
    assert sent(fake, page, "use") == {"protocol": "gamma-binaural"}
    expect(dialog).to_be_hidden()
    expect(page.locator(".protocol-name")).to_contain_text("Gamma binaural")


def test_own_protocols_are_saved_renamed_and_deleted(page, fake):
    page.get_by_role("button", name="Save as").click()
    page.get_by_label("Name", exact=True).fill("My evening")
    page.get_by_role("button", name="Save", exact=True).click()
    assert sent(fake, page, "save") == {"name": "My evening", "replace": False}

    page.get_by_role("button", name="Choose a protocol").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("My evening").click()
    dialog.get_by_role("button", name="Rename…").click()
    dialog.get_by_label("New name").fill("Late")
    dialog.get_by_role("button", name="Rename", exact=True).click()
    assert sent(fake, page, "rename") == {"id": "my-evening", "name": "Late"}

    expect(dialog.get_by_role("radio", name=re.compile("Late"))).to_be_visible()
    dialog.get_by_role("button", name="Delete…").click()
    dialog.get_by_role("button", name="Delete", exact=True).click()
    assert sent(fake, page, "delete") == {"id": "my-evening"}
    expect(dialog.get_by_text("Late", exact=True)).to_have_count(0)


def test_each_question_about_an_own_protocol_begins_afresh(page, fake):
    fake.call("save", name="My evening")
    page.get_by_role("button", name="Choose a protocol").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("My evening").click()
    dialog.get_by_role("button", name="Rename…").click()
    expect(dialog.get_by_label("New name")).to_be_focused()
    fake.refusals["rename"] = "a protocol has this name already"
    dialog.get_by_role("button", name="Rename", exact=True).click()
    expect(dialog.get_by_role("alert")).to_have_text("A protocol has this name already")

    dialog.get_by_role("button", name="Delete…").click()
    expect(dialog.get_by_text("Delete “My evening”?")).to_be_visible()
    expect(dialog.get_by_role("alert")).to_have_count(0)


def test_the_evidence_of_what_runs_has_the_focus(page, fake):
    page.get_by_role("button", name="Evidence…").click()

    expect(page.get_by_role("dialog").get_by_role("region", name="Focus 16")).to_be_focused()


def test_without_a_rate_nothing_is_measured_and_nothing_gets_faster(page, fake):
    measured = page.get_by_role("region", name="Protocol").locator("dl.words")
    expect(measured).to_contain_text("The measurement needs some seconds of sound.")
    fake.change(state="idle")
    expect(measured).to_contain_text("No measurement while no sound plays.")

    fake.change(state="processing", protocol={**fake.status["protocol"], "rate_hz": None})
    expect(measured).to_contain_text("This protocol promises no rate.")
    expect(page.get_by_role("button", name="Faster")).to_be_disabled()
    expect(page.get_by_role("button", name="Slower")).to_be_disabled()
    expect(page.get_by_role("button", name="Stronger")).to_be_enabled()


def test_the_sleep_timer(page, fake):
    page.get_by_role("button", name="30 min").click()
    assert sent(fake, page, "sleep") == {"minutes": 30}
    expect(page.get_by_text("Off in 30:00.")).to_be_visible()

    page.get_by_role("button", name="Cancel the timer").click()
    expect(page.get_by_text("Not set.")).to_be_visible()


# ---- output, apps --------------------------------------------------------------------------


def test_the_output_and_its_kind(page, fake):
    output = page.get_by_role("region", name="Output")
    expect(output).to_contain_text("Headphones")
    output.get_by_label("Device").select_option("Built-in speakers")
    assert sent(fake, page, "output") == {"name": "speakers"}

    speakers = {**fake.status["output"], "form": "speakers", "description": "Built-in speakers"}
    fake.change(output=speakers, softened="softer")
    expect(output).to_contain_text("Loudspeakers")
    output.get_by_role("button", name="Play at its own volume").click()
    assert sent(fake, page, "output") == {"name": "speakers"}


def test_apps_stay_out_by_name(page, fake):
    apps = page.get_by_role("region", name="Apps")
    apps.get_by_label("Apps that stay out: Name of an app").fill("firefox")
    apps.get_by_role("button", name="Add").first.click()
    assert sent(fake, page, "settings")["applications"]["exclude"] == ["firefox"]
    apps.get_by_role("button", name="Forget firefox").click()
    expect(apps.get_by_text("firefox")).to_be_hidden()

    apps.get_by_role("switch", name="Calls stay out of Entrain").click()
    expect(apps.get_by_role("switch", name="Calls stay out")).to_have_attribute(
        "aria-checked", "false"
    )


def test_problems_are_listed(page, fake):
    condition = page.get_by_role("region", name="Condition")
    expect(condition).to_contain_text("No problem.")
    fake.change(errors=["the head cannot be read"], xruns=3)

    expect(condition).to_contain_text("the head cannot be read")
    expect(condition.locator("div", has_text="Gaps in the sound").last).to_contain_text("3")


# ---- the compact view ----------------------------------------------------------------------


def test_a_narrow_window_shows_level_bypass_protocol_and_timer_only(page, fake):
    page.set_viewport_size({"width": 360, "height": 780})

    for name in ("Level", "Protocol", "Sleep timer"):
        expect(page.get_by_role("region", name=name)).to_be_visible()
    expect(page.get_by_role("radio", name="Untouched")).to_have_count(1)
    expect(page.get_by_role("region", name="Layers")).to_have_count(0)
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    expect(page.get_by_text("Strength", exact=True)).to_be_visible()
    page.get_by_role("switch", name="On").click()
    sent(fake, page, "off")
    page.get_by_role("combobox").select_option("Alpha 10")
    assert sent(fake, page, "use") == {"protocol": "default"}

    page.get_by_role("link", name="Show everything").click()
    expect(page.get_by_role("region", name="Layers")).to_be_visible()
    page.get_by_role("link", name="Compact view").click()
    expect(page.get_by_role("region", name="Layers")).to_have_count(0)


# ---- loading -------------------------------------------------------------------------------


def test_the_first_picture_is_the_pages_outline(fresh, fake):
    """Without any script, the page has its colours, its name and places for its cards."""
    page = fresh
    page.route("**/main.js", lambda route: route.fulfill(content_type="text/javascript", body=""))
    page.goto(fake.url)

    expect(page.get_by_role("heading", level=1)).to_have_text("Entrain")
    assert page.locator(".card").count() >= 4
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(243, 245, 246)"


def test_the_outline_names_no_file_that_is_missing(page, fake):
    loaded = page.evaluate(
        "performance.getEntriesByType('resource').map(e => [e.name, e.responseStatus])"
    )
    assert len(loaded) > 20
    assert {status for _, status in loaded} == {200}
