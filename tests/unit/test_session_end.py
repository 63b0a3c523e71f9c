"""When a session ends, by itself or by the sleep timer: not sooner, and not louder."""

import pytest
from played_protocol import protocol

from entrain.engine import blocks


def test_the_sleep_timer_fades_within_the_last_five_minutes(heard):
    heard.player.use(protocol())
    loud = heard.rms(0.5)
    heard.player.sleep(10, 0.0)
    assert not heard.player.tick(5 * 60 - 1.0)
    assert heard.rms(15) == pytest.approx(loud, rel=0.001)

    assert not heard.player.tick(5 * 60)

    assert heard.rms(15) == pytest.approx(loud * (1 - 15 / 300), rel=0.01)


def test_a_sleep_timer_of_no_time_is_over_at_once(heard):
    heard.player.use(protocol())
    heard.player.sleep(0, 100.0)

    assert heard.player.sleep_left_s(100.0) == 0
    assert heard.player.tick(100.0)


def test_the_sleep_timers_fade_wins_over_what_is_set_also_in_an_edited_protocol(heard):
    heard.player.use(protocol())
    loud = heard.rms(0.5)
    heard.player.sleep(0.05, 0.0)
    heard.player.tick(0.5)
    heard.rms(1.5)

    heard.player.refresh(heard.player.protocol.model_copy(update={"name": "Edited"}))
    layer = heard.player.layers[0]
    heard.player.set(f"{layer.id}.{blocks()[layer.kind].strength}", 1.0, 0.0)

    assert heard.rms(0.5) < 0.6 * loud


def test_the_session_goes_on_where_a_sleep_timer_is_taken_back(heard):
    heard.player.use(protocol())
    heard.player.sleep(0.05, 0.0)
    heard.player.tick(0.5)
    heard.rms(1.5)

    heard.player.sleep(None, 2.0)
    heard.rms(0.5)

    assert heard.engine.session()[0] == pytest.approx(2.0, abs=0.01)


def test_a_session_lasts_until_its_very_end(heard):
    heard.player.use(protocol(max_minutes=1))
    heard.rms(59.5)
    assert not heard.player.tick(0.0)
    assert not heard.player.ended

    heard.rms(0.5)
    heard.player.tick(0.0)

    assert heard.player.ended


def test_a_protocol_with_a_ramp_out_also_follows_the_sleep_timers_fade(heard):
    heard.player.use(protocol())
    loud = heard.rms(0.5)
    heard.player.sleep(0.1, 0.0)
    heard.player.tick(0.0)
    heard.rms(2.0)
    heard.player.tick(2.0)

    heard.player.use(protocol(duration_s=3, ramp_out_s=2))

    assert heard.rms(1.0) == pytest.approx(loud / 2, rel=0.05)
    assert heard.rms(1.0) == pytest.approx(loud / 3, rel=0.05)
