"""The policy for the loudspeaker's volume when headphones are unplugged, without a server."""

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unplugged_desk import Card, Desk, headset_and_speakers, volume

from entrain.platform.adapter import Volume
from entrain.vdevice.device.softened import SOFTER, Softened
from entrain.vdevice.device.unplugged import (
    AWAY_S,
    KEPT_S,
    MOST_ENTRIES,
    SETTLE_S,
    UNPLUGGED_S,
    UnpluggedPolicy,
)


@pytest.fixture
def desk() -> Desk:
    return headset_and_speakers()


@pytest.fixture
def softened(desk: Desk) -> Desk:
    """Unplug the headset, so that the speakers are softer."""
    desk.unplug("headset")
    desk.play_on("speakers")
    desk.look(SETTLE_S)
    assert desk.softened
    return desk


def test_softer_is_20_db():
    assert 60 * math.log10(SOFTER) == pytest.approx(-20)


def test_speakers_that_take_over_are_softer_before_the_first_sample(desk):
    desk.unplug("headset")

    assert desk.play_on("speakers") == volume(0.8 * SOFTER)
    assert desk.softened


def test_or_silent(desk):
    desk.policy.setting = "silent"
    desk.unplug("headset")

    assert desk.play_on("speakers") == volume(0.8, muted=True)
    desk.confirm()
    assert desk.volume("speakers") == volume(0.8)


def test_or_as_they_were(desk):
    desk.policy.setting = "same"
    desk.unplug("headset")

    assert desk.play_on("speakers") == volume(0.8)
    assert desk.softened is None


def test_nothing_is_done_where_another_output_was_chosen_while_the_headset_is_there(desk):
    assert desk.play_on("speakers") == volume(0.8)


def test_nothing_is_done_where_the_user_chooses_the_speakers_as_the_headset_goes(desk):
    desk.unplug("headset")

    assert desk.play_on("speakers", chosen=True) == volume(0.8)


def test_nothing_is_done_while_no_sound_goes_through_entrain_nor_later(desk):
    desk.carries = False
    desk.unplug("headset")
    assert desk.play_on("speakers") == volume(0.8)

    desk.carries = True
    assert desk.play_on("speakers") == volume(0.8)


@pytest.mark.parametrize("form", ["headphones", "hands-free", "mono", "unknown"])
def test_what_is_no_loudspeaker_keeps_its_volume(desk, form):
    desk.plug("other", form)
    desk.unplug("headset")

    assert desk.play_on("other") == volume(0.8)


@pytest.mark.parametrize("form", ["speakers", "hands-free", "mono", "unknown"])
def test_from_what_are_no_headphones_nothing_changes(form):
    desk = Desk()
    desk.plug("other", form)
    desk.plug("speakers", "speakers")
    desk.play_on("other")
    desk.unplug("other")

    assert desk.play_on("speakers") == volume(0.8)


def test_of_several_loudspeakers_behind_a_filter_each_is_softer(desk):
    desk.plug("tv", "speakers", 0.6)
    desk.unplug("headset")

    assert desk.play_on("speakers", "tv") == volume(0.8 * SOFTER)
    assert desk.volume("tv") == volume(0.6 * SOFTER)


def test_speakers_that_played_beside_the_headset_stay_as_they_are(desk):
    desk.play_on("headset", "speakers")
    desk.unplug("headset")

    assert desk.play_on("speakers") == volume(0.8)


def test_a_headset_that_is_listed_for_a_moment_longer_was_unplugged_all_the_same(desk):
    """The server may move a filter before Entrain lists the devices again."""
    assert desk.play_on("speakers") == volume(0.8)
    desk.look(UNPLUGGED_S / 2)
    desk.unplug("headset")

    assert desk.play_on("speakers") == volume(0.8 * SOFTER)
    desk.look_twice()
    assert desk.volume("speakers") == volume(0.8 * SOFTER)


def test_a_headset_that_was_left_earlier_may_go(desk):
    desk.play_on("speakers")
    desk.look(1.1 * UNPLUGGED_S)
    desk.unplug("headset")

    assert desk.play_on("speakers") == volume(0.8)


def test_at_the_start_nothing_is_known_of_headphones():
    desk = Desk()
    desk.plug("speakers", "speakers")

    assert desk.play_on("speakers") == volume(0.8)


def test_when_the_headphones_return_the_speakers_get_their_volume_back_but_not_at_once(softened):
    softened.plug("headset", "headphones", 0.5)
    assert softened.play_on("headset") == volume(0.5)
    softened.look()
    softened.look(AWAY_S / 2)
    assert softened.volume("speakers") == volume(0.8 * SOFTER)  # sound may still reach the speakers
    assert softened.policy.wake_s() == pytest.approx(softened.now_s + AWAY_S / 2)

    softened.look(AWAY_S / 2)

    assert softened.volume("speakers") == volume(0.8)
    softened.look(KEPT_S)
    assert softened.policy.entries == ()
    assert softened.policy.wake_s() is None


@pytest.mark.parametrize("is_new", [False, True], ids=["the server", "both"])
def test_a_volume_that_a_crashed_server_had_not_saved_is_set_back_again(softened, is_new):
    """A session manager saves a volume after 1 s, PulseAudio after 10 s."""
    softened.plug("headset", "headphones", 0.5)
    softened.play_on("headset")
    softened.look_twice()
    assert softened.volume("speakers") == volume(0.8)
    softened.set("speakers", volume(0.8 * SOFTER))  # the last volume that the server had saved
    if is_new:
        softened.policy = UnpluggedPolicy("softer", softened.policy.entries)
        softened.play_on("headset")
    softened.policy.reconnected()

    softened.look_twice()
    assert softened.volume("speakers") == volume(0.8)


def test_a_volume_that_was_set_back_is_the_users_again(softened):
    softened.confirm()
    softened.set("speakers", volume(0.8 * SOFTER))
    softened.look_twice()
    softened.look(KEPT_S)

    assert softened.volume("speakers") == volume(0.8 * SOFTER)
    assert softened.softened is None


def test_headphones_that_are_unplugged_while_a_crash_is_still_possible(softened):
    softened.plug("headset", "headphones")
    softened.play_on("headset")
    softened.look_twice()
    softened.unplug("headset")

    assert softened.play_on("speakers") == volume(0.8 * SOFTER)
    softened.look(KEPT_S)
    assert softened.softened
    softened.confirm()
    assert softened.volume("speakers") == volume(0.8)


def test_what_was_set_back_at_the_end_of_an_earlier_run_is_not_told(softened):
    found = softened.policy.as_before(softened.devices["speakers"])
    assert found == volume(0.8)
    softened.set("speakers", found)
    softened.policy = UnpluggedPolicy("softer", softened.policy.entries)
    softened.play_on("speakers")

    assert softened.softened is None
    softened.look_twice()
    assert softened.policy.entries == ()
    assert softened.volume("speakers") == volume(0.8)


@pytest.mark.parametrize("level", [1.0, 10.0])
@pytest.mark.parametrize("again", [False, True])
def test_an_entry_that_somebody_has_edited_makes_nothing_louder_than_it_was(level, again):
    entry = Softened(device="speakers", before=(level, level), after=(0.3, 0.3), headphones=(9.0,))
    desk = Desk(UnpluggedPolicy("softer", [entry]))
    desk.plug("headset", "headphones")
    desk.plug("speakers", "speakers", 0.3)
    desk.play_on("headset")
    if again:
        desk.unplug("headset")
        assert desk.play_on("speakers") == volume(0.3)
        desk.confirm()
    else:
        desk.look_twice()

    assert desk.volume("speakers") == volume(pytest.approx(0.3 / SOFTER, abs=0.01))


def test_an_entry_whose_headphones_somebody_has_edited_is_not_loud_either():
    card = Card(keeps=False)
    entry = Softened(device="card", before=(0.8, 0.8), after=(0.3, 0.3), headphones=(9.0, 9.0))
    card.policy = UnpluggedPolicy("softer", [entry])
    card.insert("headphones", told=True)
    card.set("card", volume(0.3))
    card.look_twice()

    assert card.volume("card") == volume(1.0)


def test_of_many_speakers_that_were_turned_down_the_latest_are_remembered(desk):
    names = [f"speakers {number}" for number in range(MOST_ENTRIES + 2)]
    desk.unplug("speakers")
    for before, name in zip(["headset", *names], names, strict=False):
        desk.plug(name, "speakers")
        desk.unplug(before)
        assert desk.play_on(name) == volume(0.8 * SOFTER)

    assert [entry.device for entry in desk.policy.entries] == names[2:]


def test_what_was_set_back_at_the_headphones_is_known_until_the_server_has_saved_it():
    card = Card(keeps=False)
    entry = Softened(device="card", before=(0.8, 0.8), after=(0.3, 0.3), headphones=(0.5, 0.5))
    card.policy = UnpluggedPolicy("softer", [entry])
    card.insert("headphones", told=True)
    card.set("card", volume(0.3))
    card.look_twice()
    assert card.volume("card") == volume(0.5)
    assert card.policy.wake_s() == card.now_s + KEPT_S

    card.look(KEPT_S - 0.1)
    assert card.policy.entries == (entry,)
    card.look(0.1)
    assert card.policy.entries == ()


def test_an_entry_with_another_number_of_channels_is_dropped_with_a_word(caplog):
    entry = Softened(device="speakers", before=(0.8,) * 6, after=(0.3,) * 6, silent=True)
    desk = Desk(UnpluggedPolicy("softer", [entry]))
    desk.plug("headset", "headphones")
    desk.plug("speakers", "speakers", 0.3)
    desk.play_on("headset")
    desk.look()

    assert desk.policy.entries == ()
    assert "a new number of channels" in caplog.text
    with pytest.raises(ValueError, match="numbers of channels"):
        Softened(device="speakers", before=(0.8,), after=(0.3, 0.3))


def test_speakers_that_are_the_default_without_entrain_are_not_set_back(softened):
    softened.plug("headset", "headphones")
    softened.play_on("headset")

    softened.look_twice(default="speakers")
    assert softened.volume("speakers") == volume(0.8 * SOFTER)
    softened.look_twice(default="headset")
    assert softened.volume("speakers") == volume(0.8)


def test_headphones_that_come_and_go_do_not_soften_twice(softened):
    for _ in range(3):
        softened.plug("headset", "headphones")
        softened.play_on("headset")
        softened.look()
        softened.unplug("headset")
        assert softened.play_on("speakers") == volume(pytest.approx(0.8 * SOFTER))
    softened.confirm()
    assert softened.volume("speakers") == volume(0.8)


def test_who_confirms_hears_it_as_before(softened):
    softened.confirm()

    assert softened.volume("speakers") == volume(0.8)
    assert softened.softened is None
    softened.look_twice()
    assert softened.volume("speakers") == volume(0.8)


def test_a_volume_that_the_user_has_set_stays(softened):
    softened.set("speakers", volume(0.6))
    softened.look_twice()
    assert softened.softened is None
    softened.confirm()
    softened.plug("headset", "headphones")
    softened.play_on("headset")
    softened.look_twice()
    assert softened.volume("speakers") == volume(0.6)


def test_who_mutes_the_speakers_finds_them_muted(softened):
    softened.set("speakers", replace(softened.volume("speakers"), muted=True))
    softened.look_twice()
    softened.plug("headset", "headphones")
    softened.play_on("headset")
    softened.look_twice()

    assert softened.volume("speakers") == volume(0.8, muted=True)


def test_who_ends_the_silence_has_confirmed(desk):
    desk.policy.setting = "silent"
    desk.unplug("headset")
    desk.play_on("speakers")
    desk.look(SETTLE_S)
    desk.set("speakers", volume(0.3))
    desk.look_twice()

    assert desk.softened is None
    desk.confirm()
    assert desk.volume("speakers") == volume(0.3)


def test_what_was_muted_already_is_left_alone(desk):
    desk.set("speakers", volume(0.8, muted=True))
    desk.unplug("headset")

    assert desk.play_on("speakers") == volume(0.8, muted=True)
    assert desk.policy.entries == ()


def test_what_is_set_just_then_is_turned_down_as_well_and_makes_nothing_louder_for_good(desk):
    """The session manager may set it, or a user who means the headset."""
    before = desk.volume("speakers")
    desk.unplug("headset")
    desk.play_on("speakers")
    soft = desk.volume("speakers")
    desk.set("speakers", volume(1.0))
    desk.look(SETTLE_S / 2)

    assert desk.volume("speakers") == soft
    desk.look_twice()
    desk.confirm()
    assert desk.volume("speakers") == before


def test_the_next_speakers_are_softer_too_while_nobody_has_confirmed(softened):
    softened.plug("dock", "speakers", 1.0)
    softened.unplug("speakers")

    assert softened.play_on("dock") == volume(SOFTER)


def test_they_are_not_where_somebody_has(softened):
    softened.confirm()
    softened.plug("dock", "speakers", 1.0)
    softened.unplug("speakers")

    assert softened.play_on("dock") == volume(1.0)


def test_a_restart_in_between_forgets_nothing(softened):
    stored = [Softened.model_validate_json(e.model_dump_json()) for e in softened.policy.entries]
    again = Desk(UnpluggedPolicy("softer", stored), softened.devices)

    assert again.play_on("speakers") == volume(0.8 * SOFTER)
    again.look_twice()
    assert again.softened
    again.plug("headset", "headphones")
    again.play_on("headset")
    again.look_twice()

    assert again.volume("speakers") == volume(0.8)


# ---- any order of events -------------------------------------------------------------------------

EVENTS = st.one_of(
    st.tuples(st.just("headset"), st.booleans()),
    st.tuples(st.just("volume"), st.sampled_from([0.0, 0.2, 0.5, 0.8, 1.0]), st.booleans()),
    st.tuples(st.just("time"), st.sampled_from([0.1, SETTLE_S, AWAY_S])),
    st.tuples(st.just("confirm")),
    st.tuples(st.just("setting"), st.sampled_from(["softer", "silent", "same"])),
    st.tuples(st.just("restart")),
    st.tuples(st.just("carries"), st.booleans()),
)


def loudness(heard: Volume) -> float:
    return 0.0 if heard.muted else max(heard.channels)


@settings(deadline=None, max_examples=200)
@given(st.lists(EVENTS, max_size=40))
def test_speakers_are_never_louder_than_somebody_has_set_them(events):
    """The speakers get softer only once, and at the end they have the volume that the user set."""
    desk = Desk()
    desk.plug("headset", "headphones", 0.5)
    desk.plug("speakers", "speakers")
    desk.play_on("headset")
    desk.look()
    own = volume(0.8)
    """The volume that the user has set last."""
    for event in events:
        before = loudness(desk.volume("speakers"))
        was_heard = desk.playing_on == "speakers"
        match event:
            case ("headset", True):
                if "headset" not in desk.devices:
                    desk.plug("headset", "headphones", 0.5)
            case ("headset", False):
                if "headset" in desk.devices:
                    desk.unplug("headset")
            case ("volume", level, muted):
                desk.look(AWAY_S)  # a user is not quicker than this
                desk.look(AWAY_S)
                # A user who moves the slider of a device that Entrain has muted does not mute it.
                silent = desk.softened is not None and desk.softened.silent
                own = volume(level, muted and not silent)
                desk.set("speakers", volume(level, muted))
                before = level
                desk.look()
                desk.look(AWAY_S)
            case ("time", seconds):
                desk.look(seconds)
            case ("confirm",):
                desk.confirm()
                if was_heard:
                    before = loudness(own)
            case ("setting", setting):
                desk.policy.setting = setting
            case ("restart",):
                desk.policy = UnpluggedPolicy(desk.policy.setting, desk.policy.entries)
            case ("carries", carries):
                desk.carries = carries
        heard = desk.play_on("headset" if "headset" in desk.devices else "speakers")
        desk.look()
        now = desk.volume("speakers")
        assert loudness(now) <= loudness(own) + 1e-9
        if desk.playing_on == "speakers" and was_heard:
            assert loudness(now) <= before + 1e-9
        if desk.playing_on == "speakers" and heard.channels != own.channels:
            assert heard.channels == pytest.approx([SOFTER * level for level in own.channels])
    if "headset" not in desk.devices:
        desk.plug("headset", "headphones", 0.5)
    desk.play_on("headset")
    desk.look()
    desk.look(AWAY_S)
    desk.look(AWAY_S)
    assert desk.volume("headset") == volume(0.5)
    assert desk.volume("speakers").channels == pytest.approx(own.channels)
    assert desk.volume("speakers").muted == own.muted
