"""Entrain's volume mirrors its target's: after events in any order, both are equal."""

from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrain.platform.adapter import OWN_DEVICE, Volume
from entrain.vdevice.device.volume_mirror import ECHO_S, GRACE_S, TOLERANCE, VolumeMirror

LATER_S = GRACE_S + 1.0


def volume(*channels: float, muted: bool = False) -> Volume:
    return Volume(channels, muted)


@pytest.fixture
def mirror() -> VolumeMirror:
    """Return a started mirror, with both sides at 50 %."""
    made = VolumeMirror()
    assert made.observe(volume(0.5, 0.5), volume(0.5, 0.5), "speakers", 0.0) == []
    return made


def test_at_the_start_the_target_wins():
    found = VolumeMirror().observe(volume(1, 1), volume(0.3, 0.2, muted=True), "speakers", 0.0)

    assert found == [(OWN_DEVICE, volume(0.3, 0.2, muted=True))]


def test_what_the_session_manager_restores_on_entrain_is_not_taken_over(mirror):
    found = mirror.observe(volume(0.9, 0.9), volume(0.5, 0.5), "speakers", GRACE_S / 2)

    assert found == [(OWN_DEVICE, volume(0.5, 0.5))]


def test_a_change_on_entrain_sets_the_target(mirror):
    found = mirror.observe(volume(0.4, 0.2), volume(0.5, 0.5), "speakers", LATER_S)

    assert found == [("speakers", volume(0.4, 0.2))]


def test_mute_on_entrain_mutes_the_target(mirror):
    found = mirror.observe(volume(0.5, 0.5, muted=True), volume(0.5, 0.5), "speakers", LATER_S)

    assert found == [("speakers", volume(0.5, 0.5, muted=True))]


def test_a_change_on_the_target_shows_on_entrain(mirror):
    found = mirror.observe(volume(0.5, 0.5), volume(0.7, 0.1), "speakers", LATER_S)

    assert found == [(OWN_DEVICE, volume(0.7, 0.1))]


def test_when_both_have_changed_nothing_gets_louder(mirror):
    found = mirror.observe(volume(1.0, 1.0), volume(0.2, 0.2), "speakers", LATER_S)

    assert found == [(OWN_DEVICE, volume(0.2, 0.2))]


def test_a_new_target_keeps_its_own_volume(mirror):
    found = mirror.observe(volume(0.5, 0.5), volume(0.1, 0.1), "headphones", LATER_S)

    assert found == [(OWN_DEVICE, volume(0.1, 0.1))]


def test_a_late_echo_for_the_old_target_does_not_reach_the_new_one(mirror):
    assert mirror.observe(volume(0.5, 0.5), volume(0.9, 0.9), "speakers", LATER_S)
    assert mirror.observe(volume(0.5, 0.5), volume(0.1, 0.1), "headphones", LATER_S)

    found = mirror.observe(volume(0.9, 0.9), volume(0.1, 0.1), "headphones", LATER_S)

    assert found == []


def test_an_echo_is_no_news_even_if_it_was_rounded_and_the_slider_has_moved_on(mirror):
    assert mirror.observe(volume(0.4, 0.4), volume(0.5, 0.5), "speakers", LATER_S)

    rounded = 0.4 + TOLERANCE / 2
    found = mirror.observe(volume(0.3, 0.3), volume(rounded, rounded), "speakers", LATER_S)

    assert found == [("speakers", volume(0.3, 0.3))]


def test_a_write_that_is_still_on_its_way_does_not_undo_a_mute(mirror):
    loud, mute = volume(0.8, 0.8), volume(0.5, 0.5, muted=True)
    assert mirror.observe(volume(0.5, 0.5), mute, "speakers", LATER_S) == [(OWN_DEVICE, mute)]
    assert mirror.observe(mute, loud, "speakers", LATER_S + 0.1) == [(OWN_DEVICE, loud)]

    assert mirror.observe(mute, mute, "speakers", LATER_S + 0.2) == [(OWN_DEVICE, mute)]
    assert mirror.observe(loud, mute, "speakers", LATER_S + 0.3) == []
    assert mirror.observe(mute, mute, "speakers", LATER_S + 0.4) == []


def test_a_target_that_refuses_is_believed_once(mirror):
    now_s = LATER_S
    assert mirror.observe(volume(0.4, 0.4), volume(0.5, 0.5), "speakers", now_s)
    assert mirror.observe(volume(0.4, 0.4), volume(0.5, 0.5), "speakers", now_s + 0.1) == []
    assert mirror.wake_s() == now_s + ECHO_S

    found = mirror.observe(volume(0.4, 0.4), volume(0.5, 0.5), "speakers", now_s + ECHO_S)
    assert found == [(OWN_DEVICE, volume(0.5, 0.5))]
    again = mirror.observe(volume(0.4, 0.4), volume(0.5, 0.5), "speakers", now_s + 2 * ECHO_S)
    assert again == []
    assert mirror.wake_s() is None


def test_a_mono_target_takes_the_mean_and_leaves_the_balance_alone(mirror):
    assert mirror.observe(volume(0.5, 0.5), volume(0.5), "mono", LATER_S) == []

    found = mirror.observe(volume(0.4, 0.2), volume(0.5), "mono", LATER_S)
    assert found == [("mono", volume(pytest.approx(0.3)))]
    assert mirror.observe(volume(0.4, 0.2), volume(0.3), "mono", LATER_S) == []


def test_after_the_session_manager_came_back_the_target_wins(mirror):
    mirror.distrust(LATER_S)

    found = mirror.observe(volume(1.0, 1.0), volume(0.5, 0.5), "speakers", LATER_S + 0.1)

    assert found == [(OWN_DEVICE, volume(0.5, 0.5))]


class Server:
    """Two volumes that change late and are rounded, as on real servers."""

    def __init__(self, channels: int) -> None:
        self.volumes = {OWN_DEVICE: volume(1.0, 1.0), "speakers": volume(*[0.5] * channels)}
        self.queue: deque[tuple[str, Volume]] = deque()
        self.chosen_on_entrain: set[Volume] = set()

    def step(self) -> None:
        if self.queue:
            name, wanted = self.queue.popleft()
            rounded = tuple(round(level * 65536) / 65536 for level in wanted.channels)
            self.volumes[name] = Volume(rounded, wanted.muted)


LEVELS = st.sampled_from([0.0, 0.1, 1 / 3, 0.5, 0.8, 1.0, 1.5])
EVENTS = st.one_of(
    st.tuples(st.just("entrain"), LEVELS, LEVELS, st.booleans()),
    st.tuples(st.just("target"), LEVELS, LEVELS, st.booleans()),
    st.tuples(st.just("step")),
    st.tuples(st.just("look")),
    st.tuples(st.just("time"), st.sampled_from([0.01, 1.0, ECHO_S])),
    st.tuples(st.just("replug")),
)


@settings(deadline=None, max_examples=300)
@given(st.lists(EVENTS, max_size=30), st.sampled_from([1, 2, 6]))
def test_any_sequence_ends_with_both_equal_and_never_louder_than_somebody_chose(events, channels):
    server, mirror, now_s = Server(channels), VolumeMirror(), 0.0

    def look() -> bool:
        found = mirror.observe(
            server.volumes[OWN_DEVICE], server.volumes["speakers"], "speakers", now_s
        )
        for name, wanted in found:
            if name == "speakers":
                assert wanted in server.chosen_on_entrain
        server.queue.extend(found)
        return bool(found)

    for count, event in enumerate(events):
        # If a volume changed and changed back between two looks, the mirror would not notice it;
        # so each value is unique.
        unique = 0.001 * count
        if event[0] == "entrain":
            levels = [event[1] + unique, event[2] + unique]
            server.volumes[OWN_DEVICE] = volume(*levels, muted=event[3])
            server.chosen_on_entrain.add(server.volumes[OWN_DEVICE].fitted(channels))
        elif event[0] == "target":
            levels = [event[1] + unique, event[2] + unique, *[event[1] + unique] * 4]
            server.volumes["speakers"] = volume(*levels[:channels], muted=event[3])
        elif event[0] == "step":
            server.step()
        elif event[0] == "look":
            look()
        elif event[0] == "time":
            now_s += event[1]
            while event[1] >= 1.0 and server.queue:  # a server is never that late
                server.step()
        else:
            mirror.observe(server.volumes[OWN_DEVICE], None, "", now_s)

    for _ in range(40):
        acted = look() or bool(server.queue)
        while server.queue:
            server.step()
        if not acted and mirror.wake_s() is None:
            break
        now_s = max(now_s, mirror.wake_s() or now_s) if not acted else now_s
    else:
        pytest.fail("the volumes do not come to rest")
    entrain, target = server.volumes[OWN_DEVICE], server.volumes["speakers"]
    assert entrain.muted == target.muted
    assert sum(entrain.channels) / 2 == pytest.approx(
        sum(target.channels) / channels, abs=2 * TOLERANCE
    )
    if channels == 2:
        assert entrain.channels == pytest.approx(target.channels, abs=2 * TOLERANCE)
