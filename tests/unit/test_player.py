"""The running protocol: its end, its fades, and its alternative on another output."""

import sys
import threading
import time

import numpy as np
import pytest
from played_protocol import MONAURAL, TONE, protocol

from entrain.block import LAYER_GROUPS
from entrain.engine import Engine, blocks
from entrain.errors import EngineError
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.library import Library
from entrain.vdevice.session import adjust
from entrain.vdevice.session.chain import Chain, prepare
from entrain.vdevice.session.player import Player
from entrain.vdevice.session.sleep_timer import SLEEP_FADE_S


def test_a_session_ends_with_a_fade_and_says_so(heard):
    heard.player.use(protocol(duration_s=4, ramp_out_s=2))
    loud = heard.rms(1.9)

    assert heard.rms(1.1) == pytest.approx(loud / 2, rel=0.15)
    assert not heard.player.tick(0)
    assert heard.rms(1.2) < loud / 1000
    heard.player.tick(0)

    assert heard.player.ended
    assert heard.player.note == "X has ended"
    assert heard.player.left_s == 0
    assert heard.player.pause_s(0) > 60


def test_what_has_ended_can_be_begun_again(heard):
    heard.player.use(protocol(duration_s=1))
    loud = heard.rms(0.5)
    heard.rms(0.8)
    heard.player.tick(0)
    assert heard.rms(0.5) == 0

    heard.player.begin_again()

    assert not heard.player.ended
    assert heard.rms(0.5) == pytest.approx(loud, rel=0.01)


def test_a_loop_goes_on_until_max_minutes_and_fades_then(heard):
    heard.player.use(protocol(duration_s=5, loop=True, max_minutes=1, ramp_out_s=4))
    loud = heard.rms(7)
    heard.player.tick(0)
    assert not heard.player.ended

    heard.engine.seek_session(57)
    heard.rms(0.1)
    heard.player.tick(0)

    assert heard.rms(1.5) == pytest.approx(loud / 2, rel=0.2)
    heard.rms(2)
    heard.player.tick(0)
    assert heard.player.ended


def test_the_sleep_timer_fades_then_switches_off(heard):
    heard.player.use(protocol())
    loud = heard.rms(0.5)
    heard.player.sleep(10, 100.0)

    assert heard.player.sleep_left_s(100.0) == 600
    assert not heard.player.tick(100 + 600 - SLEEP_FADE_S - 1)
    assert heard.rms(0.5) == pytest.approx(loud, rel=0.01)
    assert heard.player.pause_s(100.0) <= 600 - SLEEP_FADE_S
    assert not heard.player.tick(100 + 600 - 2)
    assert heard.rms(1) == pytest.approx(loud / 2, rel=0.2)
    assert heard.player.tick(100 + 600)
    assert heard.player.sleep_left_s(700.0) is None


def test_while_a_sleep_timer_runs_the_clock_is_looked_at_often(heard):
    """A timer for the next look would stand still while the machine is suspended."""
    heard.player.use(protocol())
    assert heard.player.pause_s(0.0) > 60

    heard.player.sleep(600, 0.0)

    assert heard.player.pause_s(0.0) <= 5


def test_a_sleep_timer_that_is_taken_back_lets_the_sound_come_back(heard):
    heard.player.use(protocol())
    loud = heard.rms(0.5)
    heard.player.sleep(0.05, 0.0)
    heard.player.tick(0.5)
    assert heard.rms(1.5) < 0.7 * loud

    heard.player.sleep(None, 2.0)

    assert heard.rms(0.5) == pytest.approx(loud, rel=0.01)
    assert not heard.player.tick(10.0)


@pytest.mark.parametrize("ramp_in_s", [0, 1])
def test_a_protocol_chosen_during_the_sleep_timers_fade_begins_as_soft_as_the_former_one(
    heard, ramp_in_s
):
    heard.player.use(protocol())
    loud = heard.rms(0.5)
    heard.player.sleep(0.05, 0.0)
    heard.player.tick(0.5)
    heard.rms(1.5)
    heard.player.tick(2.0)

    heard.player.use(protocol({**TONE, "id": "other"}, ramp_in_s=ramp_in_s))

    levels = [heard.rms(0.1) for _ in range(8)]
    assert max(levels) < 0.45 * loud  # a third of the fade is left
    assert levels[1] > 0.25 * loud
    assert levels[7] < 0.15 * loud
    heard.player.tick(2.9)
    heard.player.begin_again()
    assert heard.rms(0.1) < 0.1 * loud


def test_the_fade_of_a_loop_does_not_concern_the_next_protocol(heard):
    heard.player.use(protocol(duration_s=5, loop=True, max_minutes=1, ramp_out_s=4))
    loud = heard.rms(1)
    heard.engine.seek_session(57)
    heard.rms(0.1)
    heard.player.tick(0)
    assert heard.rms(1.5) < 0.7 * loud

    heard.player.use(protocol({**TONE, "id": "other"}))

    assert heard.rms(0.5) == pytest.approx(loud, rel=0.01)


def test_the_sleep_timers_fade_goes_on_with_an_edited_protocol(heard):
    heard.player.use(protocol())
    loud = heard.rms(0.5)
    heard.player.sleep(0.05, 0.0)
    heard.player.tick(0.5)
    heard.rms(1.0)
    heard.player.tick(1.5)
    before = heard.rms(0.3)

    heard.player.refresh(heard.player.protocol.model_copy(update={"name": "Edited"}))

    assert heard.rms(0.2) < 1.05 * before < loud
    assert not heard.player.tick(2.0)
    assert heard.rms(0.5) < before


@pytest.mark.parametrize("change", ["set", "weaker"])
def test_the_sleep_timers_fade_wins_over_what_is_set_meanwhile(heard, change):
    heard.player.use(protocol())
    loud = heard.rms(0.5)
    heard.player.sleep(0.05, 0.0)
    heard.player.tick(0.5)
    heard.rms(1.5)

    if change == "set":
        layer = heard.player.layers[0]
        heard.player.set(f"{layer.id}.{blocks()[layer.kind].strength}", 1.0, 0.0)
    else:
        heard.player.set_all(heard.player.stepped(0, -1), adjust.GLIDE_S)

    assert heard.rms(0.5) < 0.6 * loud
    assert heard.rms(0.5) < 0.2 * loud


@pytest.mark.parametrize("rate_hz", [44_100, 96_000, 192_000])
def test_at_another_sample_rate_what_was_set_by_hand_stays(heard, rate_hz):
    """The engine has the values that the player reports, and no sound gets louder."""
    whole = Library(None).by_id("deep-3").model_copy(update={"standalone": True})
    heard.player.use(whole)
    heard.player.set("tone.amount", 0.5, 0)
    heard.player.set("tone.beat_hz", 7, 0)
    loud = heard.rms(1)
    heard.player.set("tone.level_db", -24, 2)
    heard.rms(1)

    heard.engine.rate_hz = rate_hz

    assert heard.rms(0.5) == pytest.approx(loud, rel=0.01)
    ((_, number),) = heard.player.running()
    assert heard.engine.parameter(number, "beat_hz", target=False) == 7
    assert heard.engine.parameter(number, "amount", target=False) == 0.5
    assert heard.engine.parameter(number, "level_db", target=False) == pytest.approx(-23, abs=0.01)
    assert heard.player.rate_hz == 7
    assert heard.engine.session()[0] == pytest.approx(2.5, abs=0.001)


def test_at_another_sample_rate_the_sleep_timer_goes_on(heard):
    heard.player.use(protocol())
    loud = heard.rms(0.5)
    heard.player.sleep(0.1, 0.0)
    heard.player.tick(0.0)
    heard.rms(2)

    heard.engine.rate_hz = 96_000

    assert not heard.player.tick(2.0)
    assert heard.rms(2) == pytest.approx(loud * 2 / 6, rel=0.05)
    assert heard.rms(2) < loud / 100
    assert heard.player.tick(6.0)


def test_time_heard_is_time_at_any_sample_rate(heard):
    heard.player.use(protocol())
    heard.rms(3)
    heard.engine.rate_hz = 96_000
    heard.rms(3)
    heard.player.note_heard()

    assert [round(s.minutes, 3) for s in heard.log] == [0.1]


def test_on_loudspeakers_the_alternative_is_heard_and_the_session_goes_on(heard):
    heard.player.use(protocol(requires_headphones=True, without_headphones=(MONAURAL,)))
    heard.rms(2)

    heard.player.listen_on("speakers")
    heard.rms(0.5)

    assert [layer.kind for layer in heard.player.layers] == ["monaural"]
    assert heard.player.note == "X needs headphones; on loudspeakers its alternative plays"
    assert heard.engine.session()[0] == pytest.approx(2.5, abs=0.01)
    block = heard.engine.process(np.zeros((2, 4800), np.float32))
    assert np.array_equal(block[0], block[1])

    heard.player.listen_on("headphones")
    assert [layer.kind for layer in heard.player.layers] == ["binaural"]
    assert heard.player.note == ""


def test_without_an_alternative_there_is_silence_and_a_word_about_it(heard):
    heard.player.listen_on("mono")
    heard.player.use(protocol(requires_headphones=True))

    assert heard.rms(0.5) == 0
    assert heard.player.note == "X needs headphones; on a mono output it is silent"


def test_a_value_is_set_where_it_is_heard(heard):
    heard.player.use(
        protocol(requires_headphones=True, without_headphones=(MONAURAL,)), "library-id"
    )
    heard.player.listen_on("hands-free")

    heard.player.set("tone.beat_hz", 4, 0)

    assert heard.player.protocol.without_headphones[0].params["beat_hz"] == 4
    assert heard.player.protocol.layers[0].params["beat_hz"] == 4
    assert heard.player.library_id == ""


def test_a_protocol_by_the_time_of_day_is_where_the_day_is(heard):
    from datetime import datetime

    heard.player.use(protocol(time_of_day=True, duration_s=86400, loop=True))
    heard.rms(0.2)

    now = datetime.now()
    assert heard.engine.session()[0] == pytest.approx(
        now.hour * 3600 + now.minute * 60 + now.second, abs=5
    )


def test_what_cannot_be_used_leaves_what_is_heard(heard):
    heard.player.use(protocol())
    loud = heard.rms(0.5)

    with pytest.raises(ProtocolError):
        heard.player.use(protocol({"kind": "nonsense"}))

    assert heard.player.protocol.layers[0].kind == "binaural"
    assert heard.rms(0.2) == pytest.approx(loud, rel=0.01)


def test_a_changed_file_goes_on_where_the_session_is(heard):
    heard.player.use(protocol(), "x")
    heard.rms(1)

    heard.player.refresh(protocol({**TONE, "params": {**TONE["params"], "beat_hz": 4}}))
    heard.rms(0.5)

    assert heard.engine.session()[0] == pytest.approx(1.5, abs=0.01)
    assert heard.engine.parameter(heard.player.running()[0][1], "beat_hz") == 4


def test_a_changed_file_that_cannot_be_used_leaves_what_is_heard(heard):
    heard.player.use(protocol())
    before = heard.player.protocol

    with pytest.raises(ProtocolError):
        heard.player.refresh(protocol({"kind": "nonsense"}))

    assert heard.player.protocol is before


def test_what_was_heard_is_noted_when_another_begins(heard):
    heard.player.use(protocol())
    heard.rms(6)
    heard.player.use(protocol(id="y"))
    heard.player.note_heard()

    assert [(s.protocol, round(s.minutes, 2)) for s in heard.log] == [("x", 0.1)]


def test_protocols_that_the_engine_refuses_leave_nothing_behind(heard, monkeypatch):
    chain = Chain(heard.engine)
    chain.use(protocol())
    loud = heard.rms(0.5)

    def refuse(*_):
        raise EngineError("layers", 2, "out of memory")

    ramp = {"beat_hz": {"points": [{"at_s": 0, "value": 6}, {"at_s": 9, "value": 3}]}}
    other = protocol({**TONE, "id": "another", "automation": ramp})
    with monkeypatch.context() as patched:
        patched.setattr(heard.engine, "automate", refuse)
        for _ in range(300):
            with pytest.raises(EngineError):
                chain.use(other)
    assert heard.rms(0.5) == pytest.approx(loud, rel=0.01)

    chain.use(other)
    assert [layer.id for layer, _ in chain.layers()] == ["another"]


def test_what_runs_is_still_known_after_a_protocol_that_the_engine_refuses(heard, monkeypatch):
    """The running protocol can still be moved, adjusted and faded."""

    def refuse(*_):
        raise EngineError("layers", 2, "out of memory")

    headphones = protocol(requires_headphones=True, without_headphones=({**MONAURAL, "id": "o"},))
    heard.player.use(headphones, "mine")
    other = protocol({**TONE, "id": "another"}, id="y")
    with monkeypatch.context() as patched:
        patched.setattr(heard.engine, "add_layer", refuse)
        for ask in (
            lambda: heard.player.use(other, "other"),
            lambda: heard.player.refresh(other),
            lambda: heard.player.listen_on("speakers"),
        ):
            with pytest.raises(EngineError):
                ask()
            assert (heard.player.protocol.id, heard.player.library_id) == ("x", "mine")
            assert [layer.id for layer in heard.player.layers] == ["tone"]
    heard.player.set("tone.beat_hz", 7, 0)
    heard.player.listen_on("speakers")
    assert [layer.id for layer, _ in heard.player.running()] == ["o"]


@pytest.mark.parametrize("kind", [k for k, b in blocks().items() if b.group in LAYER_GROUPS])
def test_the_ends_of_a_range_belong_to_it(heard, kind):
    """Ends that a float cannot represent, such as 0.05, are valid as values and in a ramp."""
    for symbol, parameter in blocks()[kind].parameters.items():
        ends = (parameter.minimum, parameter.maximum)
        points = [{"at_s": at, "value": end} for at, end in enumerate(ends)]
        ramp = {symbol: {"points": points}}
        heard.player.use(protocol({"kind": kind, "id": "one", "automation": ramp}))
        for end in ends:
            heard.player.use(protocol({"kind": kind, "id": "one", "params": {symbol: end}}))
            heard.player.set(f"one.{symbol}", end, 0)


def test_protocols_are_prepared_on_another_thread_while_others_begin(heard):
    """The library's thread prepares one protocol while the main thread uses another."""
    way = {"points": [{"at_s": 0, "value": 4}, {"at_s": 9, "value": 5}]}
    layers = [TONE | {"id": f"l{n}", "automation": {"beat_hz": way}} for n in range(8)]
    ended = threading.Event()
    errors: list[Exception] = []

    def prepare_again_and_again() -> None:
        try:
            while not ended.is_set():
                prepare(protocol(*layers))
        except Exception as error:
            errors.append(error)

    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    thread = threading.Thread(target=prepare_again_and_again)
    thread.start()
    try:
        deadline_s = time.monotonic() + 0.5
        while time.monotonic() < deadline_s:
            used = protocol(*layers)
            heard.player.use(used, ways=prepare(used))
            heard.rms(0.1)
    finally:
        ended.set()
        thread.join()
        sys.setswitchinterval(interval_s)
    assert errors == []


@pytest.mark.parametrize("form", ["headphones", "speakers"])
@pytest.mark.parametrize(
    ("kinds", "symbols", "value", "others"),
    [
        (("binaural", "monaural"), ("beat_hz", "beat_hz"), 7.0, 7.0),
        (("binaural", "monaural"), ("level_db", "level_db"), -20.0, -20.0),
        (("selfbinaural", "am"), ("beat_hz", "rate_hz"), 7.0, 7.0),
        (("binaural", "isochronic"), ("beat_hz", "rate_hz"), 7.0, 7.0),
        (("phasemod", "am"), ("amount", "amount"), 0.5, None),
    ],
)
def test_a_value_that_is_set_is_set_for_both_kinds_of_outputs(
    heard, form, kinds, symbols, value, others
):
    """The saved values are the audible ones, on loudspeakers as well."""
    whole = protocol(
        {"kind": kinds[0], "id": "it"},
        requires_headphones=True,
        without_headphones=({"kind": kinds[1], "id": "it"},),
    )
    heard.player.use(whole, form=form)
    here, there = (0, 1) if form == "headphones" else (1, 0)

    heard.player.set(f"it.{symbols[here]}", value, 0)

    now = heard.player.protocol
    both = (now.layers[0].params, now.without_headphones[0].params)
    assert both[here] == {symbols[here]: value}
    assert both[there] == ({} if others is None else {symbols[there]: others})


def test_only_a_standalone_protocol_with_something_to_hear_plays_alone():
    alone: list[bool] = []
    engine = Engine()
    player = Player(engine, lambda _: None, alone.append)

    player.use(protocol())
    player.use(protocol(standalone=False))
    player.use(protocol({"kind": "am"}))
    player.use(protocol(requires_headphones=True), form="speakers")  # silent on loudspeakers
    player.listen_on("headphones")
    player.bypass(True, matched=False)  # an unmatched bypass silences the protocol
    player.bypass(False, matched=False)
    player.sleep(0, 0.0)
    assert player.tick(1.0)

    assert alone == [True, False, False, False, True, False, True, False]
    engine.close()


def test_what_moves_is_known_at_its_present_value(heard):
    points = [{"at_s": 0, "value": 10.0}, {"at_s": 10, "value": 20.0}]
    heard.player.use(protocol({**TONE, "automation": {"beat_hz": {"points": points}}}))
    heard.rms(5)
    heard.player.set("tone.carrier_hz", 300.0, 10.0)
    heard.rms(2.5)

    now = heard.player.moving()

    assert now["tone.beat_hz"] == pytest.approx(17.5, abs=0.3)
    assert 210 < now["tone.carrier_hz"] < 290
    heard.rms(9)
    assert "tone.carrier_hz" not in heard.player.moving()  # it has arrived


def test_without_automation_nothing_moves(heard):
    heard.player.use(protocol())
    heard.rms(0.5)
    heard.player.set("tone.carrier_hz", 300.0, 0.0)

    assert heard.player.moving() == {}
