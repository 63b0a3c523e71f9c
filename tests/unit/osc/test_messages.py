"""OSC messages set values, steer Entrain as a whole, and are answered as FAUST's are."""

import json
import math

import osc_packets
import pytest

from entrain.vdevice.api import messages
from entrain.vdevice.bridge.osc import interpreter, osc_part
from entrain.vdevice.bridge.osc.tree import values

# ---- values ------------------------------------------------------------------------------------


@pytest.mark.parametrize("argument", [7.5, 7, "7.5"])
def test_a_number_sets_a_value_and_a_text_does_not(run, argument):
    async def work(desk):
        desk.send("/entrain/tone/beat_hz", argument)
        await desk.settled()
        assert desk.value("tone", "beat_hz") == (10 if argument == "7.5" else argument)
        assert desk.refused == (argument == "7.5")

    run(work)


def test_numbers_outside_of_the_range_are_clipped_as_with_faust(run):
    async def work(desk):
        desk.send("/entrain/tone/beat_hz", 1e30)
        desk.send("/entrain/music/depth", -3)
        await desk.settled()
        assert desk.value("tone", "beat_hz") == 200
        assert desk.value("music", "depth") == 0
        assert desk.refused == 0

    run(work)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("address", ["/entrain/tone/beat_hz", "/entrain/sleep", "/entrain/on"])
def test_numbers_that_are_not_finite_change_nothing(run, number, address):
    async def work(desk):
        before = desk.app.status().model_dump()["protocol"]["layers"]
        desk.send(address, number)
        await desk.settled()
        status = desk.app.status().model_dump()
        assert status["protocol"]["layers"] == before
        assert (status["on"], status["sleep_left_s"]) == (False, None)
        assert desk.refusal == f"{address}: the number is not finite"

    run(work)


@pytest.mark.parametrize(
    ("address", "arguments"),
    [
        ("/entrain/tone/nope", (1.0,)),
        ("/entrain/nope/beat_hz", (1.0,)),
        ("/entrain/tone", (1.0,)),
        ("/entrain/tone/beat_hz/more", (1.0,)),
        ("/entrain/nope", ()),
        ("/noise/tone/beat_hz", (1.0,)),
        ("/", (1.0,)),
        ("/entrain/tone/beat_hz", (1.0, 2.0)),
        ("/entrain/tone/beat_hz", ()),
        ("/entrain/" + "x" * 4000, (1.0,)),
        ("/entrain/measured/beat_hz", (1.0,)),
        ("/entrain", ("nope",)),
        ("/entrain", ("xmit", 3)),
        ("/entrain/use", ()),
        ("/entrain/use", (3.0,)),
        ("/entrain/use", ("no such protocol",)),
        ("/entrain/rate", ()),
        ("/entrain/level", ("loud",)),
        ("/entrain/nope", ("get",)),
        ("/entrain/tone/[be", (1.0,)),
        ("/entrain/{tone/beat_hz", (1.0,)),
        ("/entrain/*", (1.0,)),
    ],
)
def test_messages_that_are_not_understood_are_counted_and_change_nothing(run, address, arguments):
    async def work(desk):
        before = desk.app.status().model_dump()["protocol"]["layers"]
        desk.send(address, *arguments)
        await desk.settled()
        assert desk.refused == 1
        assert desk.refusal
        assert desk.app.status().model_dump()["protocol"]["layers"] == before

    run(work)


@pytest.mark.parametrize(
    ("address", "near"),
    [
        ("/entrain/tone/beat", "/entrain/tone/beat_hz"),
        ("/entrain/tone/beat_hz2", "/entrain/tone/beat_hz"),
        ("/entrain/tone.beat_hz", "/entrain/tone/beat_hz"),
        ("/entrain/tones/beat_hz", "/entrain/tone/beat_hz"),
        ("/tone/beat_hz", "/entrain/tone/beat_hz"),
        ("/entrian/tone/beat_hz", "/entrain/tone/beat_hz"),
        ("/entrain/Bypass", "/entrain/bypass"),
        ("/entrain/nxt", "/entrain/next"),
    ],
)
def test_a_mistyped_address_is_refused_with_the_nearest_one(run, address, near):
    async def work(desk):
        desk.send(address, 1)
        assert desk.refusal == f"{address}: there is no such address; did you mean {near}?"
        desk.send(address, "get")
        assert desk.refusal == f"{address}: there is no such address; did you mean {near}?"

    run(work)


@pytest.mark.parametrize(
    "address", ["/entrain/nope", "/noise/pink", "/entrain/x*/beat_hz", "/entrain/" + "tone" * 60]
)
def test_where_nothing_is_like_an_address_nothing_is_suggested(run, address):
    async def work(desk):
        desk.send(address, 1)
        assert desk.refusal == f"{address[:80]}: there is no such address"

    run(work)


def test_a_value_that_can_only_be_read_is_not_called_missing(run):
    async def work(desk):
        desk.mirror.take({"measured": {"tones": {"beat_hz": 10.0}}})
        desk.send("/entrain/measured/beat_hz", 1)
        assert desk.refusal == "/entrain/measured/beat_hz: it can only be read"
        desk.send("/entrain/rate_now", 5)
        assert desk.refusal == (
            "/entrain/rate_now: it can only be read; "
            "set the layer's own rate, or step with /entrain/rate"
        )

    run(work)


@pytest.mark.parametrize("address", ["/entrain/next", "/entrain/rate", "/entrain/xmit"])
def test_a_get_where_there_is_no_value_does_not_recommend_the_same_address(run, address):
    async def work(desk):
        desk.send(address, "get")
        assert desk.refusal == f"{address}: it has no value to get"

    run(work)


@pytest.mark.parametrize(
    ("address", "hint"),
    [
        ("/entrain/bass/amount2", "the layers now: tone, music"),
        ("/entrain/tone/waveform", "tone has carrier_hz, beat_hz, "),
        ("/entrain/tone", "tone has carrier_hz, beat_hz, "),
        ("/entrain/space/azimuth_deg", "the space is off"),
        ("/entrain/off", "did you mean /entrain/on 0?"),
        ("/entrain/slower", "did you mean /entrain/rate -1?"),
        ("/entrain/measured/beat_hz", "there are no measurements now"),
        ("/entrain/next/", "did you mean /entrain/next?"),
        ("/entrain/tone/", "did you mean /entrain/tone?"),
        ("/entrain/tone/beat_hz/", "did you mean /entrain/tone/beat_hz?"),
        ("/entrain/", "did you mean /entrain?"),
    ],
)
def test_a_refusal_says_what_there_is_instead(run, address, hint):
    async def work(desk):
        desk.send(address, 1)
        why = f"{address}: there is no such address; {hint}"
        assert desk.refusal.startswith(why), desk.refusal

    run(work)


def test_a_refusal_names_the_layers_of_another_protocol(run):
    async def work(desk):
        desk.send("/entrain/use", "binaural:beat_hz=4")
        await desk.until(lambda: "binaural" in desk.mirror.layers)
        desk.send("/entrain/tone/beat_hz", 5)
        assert desk.refusal.endswith("there is no such address; the layers now: binaural")

    run(work)


def test_a_measurement_is_asked_for_before_it_is_called_missing(run, monkeypatch):
    async def work(desk):
        desk.send("/entrain/measured/beat_hz", "get")
        await desk.settled()
        assert desk.refusal == "/entrain/measured/beat_hz: there are no measurements now"
        taken = desk.mirror.take
        measured = {"tones": {"beat_hz": 10.0}}
        monkeypatch.setattr(desk.mirror, "take", lambda told: taken({**told, "measured": measured}))
        assert await desk.answer("/entrain/measured/beat_hz", "get") == [
            ("/entrain/measured/beat_hz", 10.0)
        ]
        desk.send("/entrain/measured/beat", "get")
        await desk.settled()
        assert desk.refusal.endswith("did you mean /entrain/measured/beat_hz?")

    run(work)


def test_a_pattern_sets_all_that_match(run):
    async def work(desk):
        desk.send("/entrain/{tone,music}/*_hz", 3)
        await desk.settled()
        assert desk.value("tone", "beat_hz") == 3
        assert desk.value("tone", "carrier_hz") == 3
        assert desk.value("music", "rate_hz") == 3
        desk.send("/*/t?ne/beat_h[!a-y]", 4)
        await desk.settled()
        assert desk.value("tone", "beat_hz") == 4
        assert desk.refused == 0

    run(work)


@pytest.mark.parametrize("address", ["/*/undo", "/e*/next", "/?ntrain/bypass", "/*/xmit"])
def test_a_pattern_never_presses_a_button(run, address):
    async def work(desk):
        before = desk.app.player.revision
        desk.send(address, 1)
        await desk.settled()
        assert desk.app.player.revision == before
        assert desk.refusal == f"{address}: a pattern sets parameters, or asks with get"

    run(work)


def test_an_error_after_a_request_does_not_make_osc_deaf(run, monkeypatch):
    async def work(desk):
        def fail(status):
            raise AttributeError

        with monkeypatch.context() as patched:
            patched.setattr(desk.mirror, "take", fail)
            desk.send("/entrain/bypass", 1)
            desk.send("/entrain/undo")
            desk.send("/entrain/tone/beat_hz", 6)
            await desk.until(lambda: desk.value("tone", "beat_hz") == 6)
        await desk.settled()
        assert desk.app.engine.bypass
        assert "internal error: AttributeError" in desk.refusal

    run(work)


def test_a_packet_has_a_bounded_number_of_patterns(run):
    async def work(desk):
        pattern = osc_packets.message("/entrain/*/beat_hz", 4)
        desk.packet(osc_packets.bundle(*[pattern] * (osc_part.MAX_PATTERNS + 1)))
        await desk.settled()
        assert desk.value("tone", "beat_hz") == 10
        assert desk.refused == 1

    run(work)


def test_a_flood_of_values_is_few_requests_and_the_last_one_counts(run):
    async def work(desk):
        before = desk.app.player.revision
        for number in range(1000):
            desk.send("/entrain/tone/beat_hz", number / 100)
            desk.send("/entrain/music/depth", number / 1000)
        await desk.settled()
        assert desk.value("tone", "beat_hz") == pytest.approx(9.99)
        assert desk.value("music", "depth") == pytest.approx(0.999)
        assert desk.app.player.revision - before < 10

    run(work)


def test_the_engines_own_layers_and_a_place_have_addresses_too(run):
    async def work(desk):
        await desk.app.hub.ask(
            messages.Use(protocol="bed=noise:azimuth_deg=90", layers=(), standalone=False)
        )
        await desk.until(lambda: "bed" in desk.mirror.layers)
        desk.send("/entrain/bed/azimuth_deg", -45)
        desk.send("/entrain/bed/path", 1.4)  # a choice: the nearest one
        desk.send("/entrain/pre/gate", 1)
        await desk.settled()
        (bed,) = desk.app.player.layers
        assert (bed.place.azimuth_deg, bed.place.path) == (-45, "orbit")
        assert desk.app.status().settings == {"pre.gate": 1}
        assert (await desk.answer("/entrain/bed/path", "get"))[0] == ("/entrain/bed/path", 1, 0, 5)

    run(work)


# ---- Entrain as a whole ------------------------------------------------------------------------


def test_bypass_is_set_or_toggled(run):
    async def work(desk):
        for arguments, on in [((), True), ((), False), ((1,), True), ((1.0,), True), ((0,), False)]:
            desk.send("/entrain/bypass", *arguments)
            await desk.settled()
            assert desk.app.engine.bypass == on

    run(work)


def test_a_protocol_is_used_and_values_behind_it_in_a_bundle_are_for_its_layers(run):
    async def work(desk):
        desk.packet(
            osc_packets.bundle(
                osc_packets.message("/entrain/use", "new=binaural:beat_hz=3"),
                osc_packets.message("/entrain/new/beat_hz", 5),
                osc_packets.message("/entrain/undo"),
                osc_packets.message("/entrain/tone/beat_hz", 6),
            )
        )
        await desk.until(lambda: not desk.part._interpreter._is_changing_layers)
        await desk.settled()
        # The undo took back the value, so the new layer is there; the last message is refused.
        assert desk.value("new", "beat_hz") == 3
        assert desk.refusal.startswith("/entrain/tone/beat_hz: there is no such address")
        desk.send("/entrain/undo")
        await desk.settled()
        assert desk.value("tone", "beat_hz") == 10
        desk.send("/entrain/redo", 1)
        desk.send("/entrain/redo", 0)  # a button is released
        await desk.settled()
        assert desk.value("new", "beat_hz") == 3
        assert desk.refused == 1

    run(work)


def test_messages_that_wait_for_a_request_are_bounded(run):
    async def work(desk):
        desk.send("/entrain/next")
        for _ in range(interpreter.MAX_HELD + 3):
            desk.send("/entrain/nope")
        assert desk.refused == 3
        await desk.until(lambda: desk.refused >= interpreter.MAX_HELD + 3)

    run(work)


def test_feedback_that_comes_back_changes_nothing(run):
    """Some programs send back what they get, so no feedback may be a step."""

    async def work(desk):
        desk.send("/entrain/use", "focus-16")
        await desk.settled()
        before, revision = desk.app.status().protocol.rate_hz, desk.app.status().revision
        for path, (value, *_) in values(desk.part._mirror).items():
            if not path.startswith(("levels/", "measured/")):
                desk.send(f"/entrain/{path}", value)
        await desk.settled()
        status = desk.app.status()
        assert status.protocol.id == "focus-16"
        assert (status.protocol.rate_hz, status.bypass) == (before, False)
        assert status.revision - revision <= 1  # the protocol is used again

    run(work)


def test_steps_sleep_and_position(run):
    async def work(desk):
        desk.send("/entrain/use", "focus-16")
        desk.send("/entrain/position", 60)
        desk.send("/entrain/position", 90)
        desk.send("/entrain/sleep", 30)
        desk.send("/entrain/sleep", 45)
        desk.send("/entrain/rate", -1)
        desk.send("/entrain/level", 0)
        await desk.until(lambda: not desk.part._interpreter._is_changing_layers)
        await desk.settled()
        status = desk.app.status()
        assert status.protocol.id == "focus-16"
        assert status.protocol.elapsed_s == pytest.approx(90)
        assert status.sleep_left_s == pytest.approx(45 * 60, abs=5)
        assert status.protocol.rate_hz < 16
        desk.send("/entrain/sleep", 0)
        await desk.settled()
        assert desk.app.status().sleep_left_s is None
        assert desk.refused == 0

    run(work)


# ---- answers -----------------------------------------------------------------------------------


def test_get_returns_value_and_range_after_the_values_before_it(run):
    async def work(desk):
        desk.send("/entrain/tone/beat_hz", 7.5)
        found = await desk.answer("/entrain/tone/beat_hz", "get")
        assert found == [("/entrain/tone/beat_hz", 7.5, -200, 200)]
        assert await desk.answer("/entrain/bypass", "get") == [("/entrain/bypass", 0, 0, 1)]
        assert await desk.answer("/entrain/use", "get") == [("/entrain/use", "custom")]

    run(work)


def test_get_at_a_layer_a_pattern_and_the_root(run):
    async def work(desk):
        layer = [each[0] for each in await desk.answer("/entrain/music", "get")]
        assert "/entrain/music/depth" in layer
        assert all(each.startswith("/entrain/music/") for each in layer)
        some = [each[0] for each in await desk.answer("/entrain/*/{beat,rate}_hz", "get")]
        assert some == ["/entrain/tone/beat_hz", "/entrain/music/rate_hz"]
        everything = await desk.answer("/*", "get")
        out = desk.part._machines.feedback_port
        assert everything[:4] == [
            ("/entrain", "xmit", 0),
            ("/entrain", "desthost", "127.0.0.1"),
            ("/entrain", "outport", out),
            ("/entrain", "errport", out + 1),
        ]
        assert {*layer, *some} < {each[0] for each in everything}

    run(work)


def test_hello_says_where_entrain_is(run):
    async def work(desk):
        port, out = desk.part._settings["port"], desk.part._machines.feedback_port
        found = await desk.answer("/*", "hello")
        assert found == [("/entrain", "127.0.0.1", port, out, out + 1)]

    run(work)


def test_json_describes_all_parameters(run):
    async def work(desk):
        for address, arguments in (("/entrain", ("json",)), ("/entrain/json", ())):
            ((root, name, text),) = await desk.answer(address, *arguments)
            assert (root, name) == ("/entrain", "json")
            found = json.loads(text)
            groups = {each["label"]: each["items"] for each in found["ui"][0]["items"]}
            (beat,) = [e for e in groups["tone"] if e["address"] == "/entrain/tone/beat_hz"]
            assert (beat["type"], beat["min"], beat["max"]) == ("hslider", -200, 200)

    run(work)


# ---- reports -----------------------------------------------------------------------------------


def test_reports_count_and_are_rare_and_in_one_line(run, monkeypatch):
    monkeypatch.setattr(osc_part, "REPORT_S", 0.3)

    async def work(desk):
        begin = len(desk.reports)
        for _ in range(500):
            desk.send("/entrain/\nnope\x1b", 1.0)
            desk.packet(b"garbage")
        await desk.until(lambda: desk.reports[-1]["refused"] == 1000)
        assert len(desk.reports) - begin <= 2
        report = desk.reports[-1]
        assert (report["listening"], report["packets"]) == (True, 1000)
        assert report["refusal"] == "malformed packet: text without an end"
        desk.send("/entrain/\nnope\x1b", 1.0)
        await desk.until(lambda: desk.reports[-1]["refused"] == 1001)
        assert desk.reports[-1]["refusal"] == "/entrain/?nope?: there is no such address"

    run(work)
