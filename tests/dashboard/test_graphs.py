"""The graphs in a browser show a simulated sound, and rest while they are hidden."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_server import PAGE
from playwright.sync_api import Page, Route, expect
from seen_graphs import HIGHEST, PICTURES, data, wait_for, wait_until

from entrain.tray.dashboard.door import POLICY

HERE = Path(__file__).parent / "graph_page"
ADDRESS = "http://graphs.test/"
TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}
GRAPHS = (
    "timeline",
    "envelope",
    "rhythm",
    "spectrum",
    "ears",
    "tones",
    "spectrogram",
    "loudness",
)
BINAURAL = {
    "id": "calm",
    "name": "Calm",
    "elapsed_s": 300.0,
    "left_s": 900.0,
    "rate_hz": 10.0,
    "layers": [
        {
            "kind": "binaural",
            "id": "tone",
            "params": {"carrier_hz": 200.0, "beat_hz": 10.0},
            "automation": {
                "level_db": {
                    "points": [{"at_s": 0, "value": -20}, {"at_s": 600, "value": -14}],
                }
            },
        }
    ],
}
AM = {
    "id": "focus-16",
    "name": "Focus 16",
    "elapsed_s": 60.0,
    "left_s": None,
    "rate_hz": 16.0,
    "layers": [{"kind": "am", "id": "music", "params": {"rate_hz": 16.0, "depth": 0.5}}],
}


def serve(route: Route) -> None:
    """Answer with a file of the simulation or of the page, under the page's own policy."""
    path = route.request.url.removeprefix(ADDRESS).partition("?")[0] or "index.html"
    for folder in (HERE, PAGE):
        file = folder / path
        if file.is_file():
            headers = {
                "Content-Type": TYPES[file.suffix],
                "Content-Security-Policy": POLICY,
            }
            route.fulfill(status=200, headers=headers, body=file.read_bytes())
            return
    route.fulfill(status=204 if path == "favicon.ico" else 404)


@pytest.fixture
def opened(graph_window: Any) -> Iterator[Callable[..., Page]]:
    """Open some graphs, on a page that is high enough for them unless told otherwise."""

    def open_page(*graphs: str, height: int = 0, **media: Any) -> Page:
        graphs = graphs or GRAPHS
        height = height or 200 + 360 * len(graphs)
        page: Page = graph_window.tidy()
        page.set_viewport_size({"width": 800, "height": height})
        page.emulate_media(**media)
        if page.url != ADDRESS:
            page.route("**/*", serve)
            page.goto(ADDRESS)
        wait_until(page, "globalThis.begin")
        page.evaluate("(graphs) => begin(graphs)", graphs)
        return page

    yield open_page
    graph_window.page.evaluate("globalThis.mounted?.dispose()")  # it would go on drawing
    graph_window.check()


def sound(page: Page, protocol: Any = None, **changes: Any) -> None:
    page.evaluate(
        "([sound, protocol]) => { Object.assign(simulation.sound, sound);"
        "simulation.status.protocol = protocol; simulation.skip(4); }",
        [changes, protocol],
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_tone_peaks_in_its_place_and_follows_when_it_moves(opened, scheme):
    page = opened("spectrum", color_scheme=scheme)
    wait_for(page, "Math.abs(d.spectrum.output?.hz - 1000) < 3")

    shown = data(page, "spectrum")
    assert shown["output"]["px"] == pytest.approx(shown["px_of_1_khz"], abs=2)
    assert page.evaluate(HIGHEST) == pytest.approx(shown["px_of_1_khz"], abs=2)

    sound(page, left_hz=4000, right_hz=4000)
    wait_for(page, "Math.abs(d.spectrum.output?.hz - 4000) < 3")
    decade = shown["px_of_1_khz"] - page.evaluate("entrainGraphs.data().spectrum.px_of_100_hz")
    moved = shown["px_of_1_khz"] + decade * 0.60206
    wait_until(page, f"Math.abs(({HIGHEST})() - {moved}) <= 2")


def test_the_envelopes_line_lies_on_the_promised_rate(opened):
    page = opened("rhythm")
    sound(page, AM, left_hz=500, right_hz=500, am_hz=16, am_depth=0.5, noise=0.1)
    wait_for(
        page, "Math.abs(d.rhythm.swelling?.near?.hz - 16) < 0.05 && d.rhythm.swelling.near.clear"
    )

    wait_for(page, "Math.abs(d.rhythm.swelling_px - d.rhythm.promised_px) <= 2")
    wait_for(page, "Math.abs(d.rhythm.swelling.near.share - 0.5) < 0.05")
    wait_for(page, "!d.rhythm.input.near?.clear")  # what goes in does not swell


def test_what_the_music_brings_is_named_as_the_musics(opened):
    page = opened("rhythm", "envelope", "ears")
    sound(page, AM, left_hz=500, right_hz=500, am_hz=2, am_depth=0.5, noise=0.1, input_swells=True)

    words = page.locator(".graph-rhythm .graph-text")
    expect(words).to_contain_text("16.000 Hz. Nothing stands out at this rate.")
    later = 15_000  # a verdict changes slowly
    expect(words).to_contain_text("Your music itself swells at 2.00 Hz.", timeout=later)
    envelope = page.locator(".graph-envelope .graph-text")
    expect(envelope).to_contain_text("Your music itself swells and fades 2.00", timeout=later)
    sound(page, BINAURAL, left_hz=205, right_hz=195, am_depth=0, input_turns=True)
    ears = page.locator(".graph-ears .graph-text")
    expect(ears).to_contain_text("your music's own channels turns 10.00 times", timeout=later)


def test_sound_without_a_promise_has_no_beat_between_the_ears(opened):
    page = opened("envelope", "rhythm")
    sound(page, None, left_hz=500, right_hz=510)
    wait_for(page, "d.rhythm.turning?.highest?.clear")

    page.wait_for_timeout(1500)  # time for the votes of some pictures
    assert not data(page, "envelope")["between"]


def test_a_graph_waits_for_the_samples_that_it_has_just_asked_for(opened):
    page = opened("spectrum")
    page.evaluate("simulation.playing = false")
    wait_for(page, "true")
    page.evaluate("mounted.show([])")
    page.wait_for_timeout(1500)  # longer than a sound may pause

    page.evaluate("mounted.show(['spectrum'])")
    words = page.locator(".graph-spectrum .graph-text")
    expect(words).to_have_text("Waiting for sound.")
    expect(page.locator(".graph-spectrum .graph-note")).to_have_text("Waiting for sound.")
    expect(words).to_have_text("No sound is playing.")
    expect(page.locator(".graph-spectrum .graph-note")).to_be_visible()


def test_a_beat_at_the_promised_rate_stands_still_in_the_envelope(opened):
    page = opened("envelope", "rhythm")
    sound(page, AM, left_hz=500, right_hz=500, am_hz=16, am_depth=0.5)
    wait_for(page, "d.rhythm.swelling?.near?.share > 0.45")

    tops = page.evaluate(
        """async () => {
          const tops = [];
          for (let n = 0; n < 20; n++) {
            await new Promise((done) => setTimeout(done, 90));
            const { times_s: times, left } = entrainGraphs.data().envelope;
            const first = left.slice(0, times.findIndex((second) => second > 1 / 16));
            tops.push(16 * times[first.indexOf(Math.max(...first))]);
          }
          return tops;
        }"""
    )

    # The first top lies at the same part of the period in every picture, which may be at its edge.
    off = [abs((top - tops[0] + 0.5) % 1 - 0.5) for top in tops]
    assert max(off) < 0.1


def test_a_binaural_beat_is_shown_between_the_ears(opened):
    page = opened("rhythm", "ears", "envelope", "tones")
    sound(page, BINAURAL, left_hz=205, right_hz=195, amplitude=0.1, noise=0.02)
    page.evaluate(
        "simulation.status.measured = { text: '', tones: { left_hz: 205.0004, right_hz: 195,"
        " beat_hz: 10.0004, beat_error_hz: 0.0008 } }"
    )

    wait_for(
        page, "Math.abs(d.rhythm.turning?.near?.hz - 10) < 0.05 && d.rhythm.turning.near.clear"
    )
    wait_for(page, "Math.abs(d.rhythm.turning_px - d.rhythm.promised_px) <= 2")
    wait_for(page, "Math.abs(d.ears.turning?.hz - 10) < 0.05 && d.ears.direction === 1")
    wait_for(page, "d.envelope.between && Math.max(...d.envelope.both) > 140")
    wait_for(page, "Math.max(...d.envelope.left) < 130")
    wait_for(page, "d.tones.points > 0 && d.tones.promised.left === 205")
    expect(page.locator(".graph-tones .graph-digits")).to_contain_text("205.000 Hz")
    expect(page.locator(".graph-tones .graph-text")).to_contain_text("0.4 mHz off")


def test_all_stands_still_without_sound(opened):
    page = opened(reduced_motion="reduce")
    sound(page, AM, left_hz=500, right_hz=500, am_hz=16, am_depth=0.5, noise=0.1)
    wait_for(page, "d.spectrogram.columns > 5 && d.rhythm.swelling?.near")
    moving = page.evaluate(PICTURES)
    wait_for(page, "d.spectrogram.columns > 20")
    assert page.evaluate(PICTURES) != moving

    page.evaluate("simulation.playing = false")
    wait_for(page, "d.spectrum.output === null && d.envelope.times_s.length === 0")
    expect(page.locator(".graph-spectrum .graph-text")).to_have_text("No sound is playing.")
    page.wait_for_timeout(300)
    still, shown = page.evaluate(PICTURES), page.evaluate("JSON.stringify(entrainGraphs.data())")
    page.wait_for_timeout(1500)

    assert page.evaluate(PICTURES) == still
    assert page.evaluate("JSON.stringify(entrainGraphs.data())") == shown

    page.evaluate("simulation.playing = true")
    wait_for(page, "d.spectrum.output !== null")
    expect(page.locator(".graph-spectrum .graph-note")).to_be_hidden()


def test_a_frozen_graph_stays_as_it_is(opened):
    page = opened("spectrum", "spectrogram")
    wait_for(page, "Math.abs(d.spectrum.output?.hz - 1000) < 3")
    spectrum = page.locator(".graph-spectrum")
    freeze = spectrum.get_by_role("button", name="Freeze")
    freeze.click()
    expect(freeze).to_have_attribute("aria-pressed", "true")

    sound(page, left_hz=4000, right_hz=4000)
    wait_for(page, "Math.abs(d.spectrogram.peak?.hz - 4000) < 5")  # another graph goes on
    assert data(page, "spectrum")["output"]["hz"] == pytest.approx(1000, abs=3)
    expect(spectrum.locator(".graph-text")).to_contain_text("frozen")

    freeze.click()
    wait_for(page, "Math.abs(d.spectrum.output?.hz - 4000) < 5")


def test_the_highest_levels_are_held(opened):
    page = opened("spectrum")
    page.get_by_role("button", name="Peak hold").click()
    wait_for(page, "d.spectrum.held_db && Math.max(...d.spectrum.held_db) > -10")

    sound(page, amplitude=0.005)
    wait_for(page, "d.spectrum.output?.db < -40")

    assert max(data(page, "spectrum")["held_db"]) > -10


def test_hidden_graphs_cost_nothing_and_want_no_samples(opened):
    page = opened(height=500)
    wanted = "simulation.wants.at(-1) === true"
    wait_until(page, wanted)
    page.evaluate("mounted.show(['spectrum'])")
    wait_for(page, "d.spectrum.output")
    page.evaluate("mounted.show([])")
    wait_until(page, "simulation.wants.at(-1) === false")
    page.wait_for_timeout(100)
    before = page.evaluate("entrainGraphs.cost()")
    page.wait_for_timeout(700)

    assert page.evaluate("entrainGraphs.cost()") == before

    page.evaluate("mounted.show(['loudness'])")  # it needs the status alone
    expect(page.locator(".graph-loudness")).to_be_visible()
    expect(page.locator(".graph-spectrum")).to_be_hidden()
    page.wait_for_timeout(300)
    assert page.evaluate("simulation.wants.at(-1)") is False

    page.evaluate("mounted.show(['spectrogram'])")
    wait_until(page, wanted)


def test_a_graph_off_the_screen_is_not_drawn(opened):
    page = opened(height=500)
    wait_for(page, "d.envelope.times_s.length > 0")
    drawn = "entrainGraphs.cost().graphs.spectrogram.pictures"
    assert page.evaluate(drawn) == 0

    page.locator(".graph-spectrogram").scroll_into_view_if_needed()
    wait_until(page, f"{drawn} > 3")


def test_whoever_wants_less_motion_gets_two_pictures_a_second(opened):
    page = opened("spectrum", "envelope", reduced_motion="reduce")
    wait_for(page, "d.spectrum.output")

    pictures, seconds = page.evaluate(
        """async () => {
          const [count, begin] = [entrainGraphs.cost().pictures, performance.now()];
          await new Promise((done) => setTimeout(done, 3000));
          return [entrainGraphs.cost().pictures - count, (performance.now() - begin) / 1000];
        }"""
    )

    assert 0 < pictures <= 2 * seconds + 1


def test_the_figure_of_both_ears_cannot_flash(opened):
    """A figure with at most 5 pictures a second cannot flash 3 times a second."""
    page = opened("ears")
    sound(page, BINAURAL, left_hz=205, right_hz=195, amplitude=0.1)
    wait_for(page, "d.ears.times_s.length > 0")

    changes, seconds = page.evaluate(
        """async () => {
          const canvas = document.querySelector(".graph-figure");
          let [changes, before] = [0, canvas.toDataURL()];
          const begin = performance.now();
          while (performance.now() - begin < 2000) {
            await new Promise(requestAnimationFrame);
            const now = canvas.toDataURL();
            if (now !== before) changes += 1;
            before = now;
          }
          return [changes, (performance.now() - begin) / 1000];
        }"""
    )

    assert 0 < changes <= 5 * seconds + 1


def test_each_graph_is_an_image_with_words_that_do_not_chatter(opened):
    page = opened(reduced_motion="reduce")
    sound(page, AM, noise=0.2)
    assert page.locator("[aria-live], [role=status], [role=alert], [role=log]").count() == 0
    for name in GRAPHS:
        picture = page.locator(f".graph-{name} .graph-picture")
        expect(picture).to_have_attribute("role", "slider" if name == "timeline" else "img")
        for attribute in ("aria-labelledby", "aria-describedby"):
            words = page.locator(f"#{picture.get_attribute(attribute)}")
            assert len(words.inner_text()) > 5

    changes, seconds = page.evaluate(
        """async () => {
          const changes = {};
          for (const text of document.querySelectorAll(".graph-text")) {
            changes[text.id] = 0;
            new MutationObserver((all) => { changes[text.id] += all.length; })
              .observe(text, { childList: true, characterData: true, subtree: true });
          }
          const begin = performance.now();
          const since = () => performance.now() - begin;
          const changed = () =>
            Object.entries(changes).some(([name, count]) => name.includes("spectrum") && count);
          while (since() < 4500 || (!changed() && since() < 15000)) {
            await new Promise((done) => setTimeout(done, 500));
          }
          return [changes, since() / 1000];
        }"""
    )

    assert any(count for name, count in changes.items() if "spectrum" in name)
    assert all(count <= seconds / 2 + 1 for count in changes.values())


def test_each_graph_has_a_table(opened):
    page = opened(reduced_motion="reduce")
    sound(page, BINAURAL, left_hz=205, right_hz=195)
    page.evaluate(
        "simulation.status.levels = { in_lufs: -20, out_lufs: -18 };"
        "simulation.status.measured = { text: '', tones: { left_hz: 205, right_hz: 195,"
        " beat_hz: 10, beat_error_hz: 0.001 } }"
    )
    wait_for(page, "d.loudness.points > 0 && d.tones.points > 0 && d.rhythm.turning?.near")
    for name in GRAPHS:
        graph = page.locator(f".graph-{name}")
        button = graph.get_by_role("button", name="Table")
        expect(button).to_have_attribute("aria-expanded", "false")
        button.click()
        expect(button).to_have_attribute("aria-expanded", "true")
        expect(graph.locator("tbody tr").first).to_be_visible()
        head = graph.locator("thead th").count()
        assert head == graph.locator("tbody tr").first.locator("th, td").count()
    expect(page.locator(".graph-spectrum tbody")).to_contain_text("dBFS")
    button.click()
    expect(graph.locator("table")).to_be_hidden()


def test_a_table_is_kept_current_although_its_picture_is_out_of_sight(opened):
    page = opened("spectrum", height=300)
    wait_for(page, "Math.abs(d.spectrum.output?.hz - 1000) < 3")
    page.locator(".graph-spectrum").get_by_role("button", name="Table").click()
    page.locator(".graph-spectrum .graph-table").evaluate("table => table.scrollIntoView()")
    expect(page.locator(".graph-spectrum .graph-picture")).not_to_be_in_viewport()
    rows = page.locator(".graph-spectrum tbody")
    before = rows.inner_text()

    sound(page, left_hz=4000, right_hz=4000)
    expect(rows).not_to_have_text(before)
    wait_for(page, "Math.abs(d.spectrum.output?.hz - 4000) < 3")


def test_the_timeline_shows_the_course_and_moves_the_session(opened):
    page = opened("timeline")
    page.evaluate("simulation.document = { duration_s: 1200, ramp_in_s: 30, ramp_out_s: 60 }")
    sound(page, BINAURAL)
    wait_for(page, "d.timeline.lanes.length === 2 && d.timeline.length_s === 1200")
    timeline = page.locator(".graph-timeline .graph-picture")
    expect(timeline).to_have_attribute("aria-valuetext", "5:00 of 20:00")
    expect(page.locator(".graph-timeline .graph-text")).to_contain_text("−17.00 now")

    def moved() -> Any:
        return page.evaluate(
            "simulation.asked.filter(({ command }) => command === 'session')"
            ".map(({ position_s }) => position_s)"
        )

    timeline.focus()
    for key in ("ArrowRight", "PageUp", "ArrowLeft", "Home", "PageDown", "End"):
        page.keyboard.press(key)
    assert moved() == [310, 370, 360, 0, 0, 1200]

    over = page.locator(".graph-timeline .u-over").first
    box = over.bounding_box()
    over.click(position={"x": box["width"] / 4, "y": 5})
    assert moved()[-1] == pytest.approx(300, abs=3)
    wait_for(page, "Math.abs(d.timeline.position_s - 300) < 3")


def test_a_protocol_outside_the_library_shows_what_its_layers_say(opened):
    page = opened("timeline")
    page.evaluate("simulation.refuses = true")
    sound(page, BINAURAL)

    wait_for(page, "d.timeline.lanes.join() === 'tone.level_db'")


def test_silence_takes_no_room_in_the_history_of_loudness(opened):
    page = opened("loudness")
    page.evaluate("simulation.status.levels = { in_lufs: -20, out_lufs: -18 }")
    wait_for(page, "d.loudness.points >= 2 && d.loudness.output === -18")
    page.evaluate("simulation.status.levels = { in_lufs: null, out_lufs: null }")
    page.wait_for_timeout(100)
    points = data(page, "loudness")["points"]
    page.wait_for_timeout(1200)

    assert data(page, "loudness")["points"] == points


def test_a_hidden_page_writes_no_old_loudness_into_its_history(opened):
    """It gets no news, so its status is old."""
    page = opened("loudness")
    page.evaluate("simulation.status.levels = { in_lufs: -20, out_lufs: -18 }")
    wait_for(page, "d.loudness.points >= 2")
    hide = "Object.defineProperty(document, 'hidden', { value: true, configurable: true })"
    page.evaluate(hide)
    points = data(page, "loudness")["points"]
    page.wait_for_timeout(1200)
    later = data(page, "loudness")["points"]
    page.evaluate("delete document.hidden")  # other tests share the page

    assert later == points


def test_nothing_is_left_after_the_graphs_are_gone(opened):
    page = opened("spectrum")
    wait_for(page, "d.spectrum.output")
    page.evaluate("mounted.dispose()")

    assert page.locator(".graph").count() == 0
    assert page.evaluate("simulation.wants.at(-1)") is False


LASTING = (HERE / "lasting.js").read_text(encoding="utf-8")
"""Counts timers, and listeners of objects that outlive the graphs."""


def test_graphs_that_come_and_go_leave_no_timer_and_no_listener(opened):
    page = opened("spectrum")
    page.evaluate("mounted.dispose()")
    page.evaluate(LASTING)
    page.evaluate(
        """async () => {
          const { mountGraphs } = await import("/graphs/graphs.js");
          const source = { samples: simulation.samples, status: () => null, ask: async () => ({}) };
          const again = mountGraphs(document.getElementById("graphs"), source);
          window.during = { ...lasting };
          again.dispose();
        }"""
    )

    during, after = page.evaluate("[during, lasting]")
    assert during["timers"] > 0
    assert during["listeners"] > 0
    assert after == {"timers": 0, "listeners": 0}
    page.goto("about:blank")  # no other test gets the counters
