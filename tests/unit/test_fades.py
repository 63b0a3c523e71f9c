"""Fades to silence, of a loop and of the sleep timer, while something else happens."""

import pytest
from played_protocol import MONAURAL, TONE, Heard, protocol

from entrain.errors import EngineError
from entrain.vdevice.protocol.model import Protocol


def loop(ramp_out_s: float = 4, **fields: object) -> Protocol:
    length_s = max(5, ramp_out_s)
    return protocol(duration_s=length_s, loop=True, max_minutes=1, ramp_out_s=ramp_out_s, **fields)


def in_its_last_seconds(heard: Heard, whole: Protocol, at_s: float = 58.0) -> float:
    """Play a loop until it fades; return its full level."""
    heard.player.use(whole)
    loud = heard.rms(0.5)
    heard.engine.seek_session(at_s)
    heard.rms(0.1)
    heard.player.tick(0)
    return loud


def test_another_output_does_not_undo_the_fade_of_a_loop(heard):
    whole = loop(requires_headphones=True, without_headphones=(MONAURAL,))
    heard.player.listen_on("headphones")
    loud = in_its_last_seconds(heard, whole, 56.1)
    heard.rms(2.9)

    heard.player.listen_on("speakers")

    assert heard.rms(0.1) < 0.35 * loud
    assert heard.rms(0.8) < 0.1 * loud


def test_a_seek_ends_the_fade_of_a_loop(heard):
    loud = in_its_last_seconds(heard, loop())
    heard.rms(0.5)

    heard.engine.seek_session(0.0)
    heard.player.session_moved()

    assert heard.rms(3) == pytest.approx(loud, rel=0.01)


def test_the_fade_of_a_loop_stands_still_in_a_pause_and_then_goes_on(heard):
    loud = in_its_last_seconds(heard, loop(), 57.9)
    heard.engine.run_session(False)
    heard.player.session_moved()
    assert heard.rms(3) == pytest.approx(loud / 2, rel=0.1)
    heard.player.tick(0)
    assert heard.rms(1) == pytest.approx(loud / 2, rel=0.1)

    heard.engine.run_session(True)
    heard.player.session_moved()

    assert heard.rms(1.0) == pytest.approx(loud / 4, rel=0.15)


def test_of_two_fades_the_one_that_ends_first_is_heard(heard):
    loud = in_its_last_seconds(heard, loop(ramp_out_s=40), 30.0)
    heard.player.sleep(0.05, 0.0)
    heard.player.tick(0.0)

    assert heard.rms(1.5) < 0.55 * loud
    assert heard.rms(1.4) < 0.1 * loud


def test_a_looped_strength_is_taken_from_its_present_round(heard):
    """In the middle of each round of 10 s, the strength is a half."""
    points = [{"at_s": 0, "value": 0.0}, {"at_s": 10, "value": 1.0}]
    moves = {"automation": {"amount": {"points": points}}}
    whole = protocol(
        {**TONE, **moves},
        duration_s=10,
        loop=True,
        requires_headphones=True,
        without_headphones=({**MONAURAL, **moves},),
    )
    heard.player.use(protocol())
    loud = heard.rms(0.5)
    heard.player.use(whole, form="headphones")
    heard.engine.seek_session(25.0)
    heard.player.sleep(0.5, 0.0)
    heard.player.tick(0.0)

    heard.player.listen_on("speakers")

    assert heard.rms(0.2) == pytest.approx(loud / 2, rel=0.05)


def test_after_a_protocols_end_the_next_one_takes_its_level_from_the_timer(heard):
    heard.player.use(protocol(duration_s=1))
    loud = heard.rms(0.5)
    heard.player.sleep(0.5, 0.0)
    heard.rms(1.0)
    heard.player.tick(20.0)
    assert heard.player.ended
    heard.player.tick(21.0)

    heard.player.use(protocol())

    assert heard.rms(0.2) == pytest.approx(0.3 * loud, rel=0.05)


def test_a_refused_change_leaves_the_fade_and_the_timer_as_they_are(heard, monkeypatch):
    heard.player.use(protocol())
    heard.player.sleep(0.05, 0.0)
    heard.player.tick(1.0)

    def refuse(*_: object, **__: object) -> None:
        raise EngineError("route", 1, "refused")

    with monkeypatch.context() as patch:
        patch.setattr(heard.engine, "route", refuse)
        with pytest.raises(EngineError):
            heard.player.sleep(None, 1.5)

    assert heard.player.sleep_left_s(1.0) == pytest.approx(2.0)
    heard.player.sleep(None, 1.5)
    assert heard.player.sleep_left_s(1.5) is None
    assert heard.rms(0.5) > 0.09


def test_taking_back_the_timer_does_not_revive_a_session_that_has_ended(heard):
    heard.player.use(protocol(duration_s=1))
    heard.player.sleep(0.5, 0.0)
    heard.rms(1.2)
    heard.player.tick(5.0)
    assert heard.player.ended

    heard.player.sleep(None, 6.0)

    assert heard.player.ended
    assert heard.rms(0.3) == 0
