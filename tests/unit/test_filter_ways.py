"""Sound never runs in a circle through any number of filters; filters stay whenever possible."""

import itertools

import pytest

from entrain.platform.adapter import OWN_DEVICE
from entrain.vdevice.device.default_policy import choose_target
from entrain.vdevice.device.filter_ways import SETTLE_S, FilterWays, Pin, Plan
from entrain.vdevice.device.way_ends import ends
from entrain.ways import Way, way_of

DEVICES = ("speakers", "headphones")


def choosing(chosen):
    return lambda names: choose_target((chosen,), names)


def plan(ways, chosen, default=OWN_DEVICE, devices=DEVICES, decides=None, now_s=0.0):
    names = [*devices, *sorted({way.source for way in ways} - set(devices))]
    return (decides or FilterWays()).plan(choosing(chosen), names, ways, default, now_s)


def chain(length, **last):
    """Return ways of filters f1 to fN; each plays on the next one, as the user has chosen."""
    names = [f"f{number}" for number in range(1, length + 1)]
    ways = [Way(a, b, outlet) for outlet, (a, b) in enumerate(itertools.pairwise(names), 1)]
    return [*ways, Way(names[-1], "speakers", length, **last)]


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_the_last_filter_of_a_circle_is_pinned_to_the_device_behind_it(length):
    ways = chain(length, follows=True, movable=True)

    assert plan(ways, "f1") == Plan("f1", (Pin(length, "speakers"),), behind="speakers")


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_a_chain_with_a_fixed_target_is_left_alone(length):
    assert plan(chain(length), "f1") == Plan("f1")


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_a_filter_that_cannot_be_moved_is_left_out(length):
    ways = chain(length, follows=True)

    assert plan(ways, "f1") == Plan("speakers", around="f1", behind="speakers")


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_whoever_names_entrain_keeps_it(length):
    """Entrain does not move a stream that has named Entrain as its target."""
    *ways, last = chain(length)
    ways.append(Way(last.source, OWN_DEVICE, last.outlet))

    assert plan(ways, "f1", default="f1").target == "speakers"


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_a_circle_of_filters_without_entrain_ends(length):
    """Entrain does not repair such a circle, but the search must end."""
    *ways, last = chain(length)
    ways.append(Way(last.source, "f1", last.outlet))

    assert plan(ways, "f1") == Plan("f1")


def test_where_entrain_is_not_the_default_nothing_is_pinned():
    ways = chain(1, follows=True, movable=True)

    assert plan(ways, "f1", default="speakers") == Plan("f1")
    assert plan(ways, "f1", default="f1") == Plan("f1")


def test_a_filter_that_is_not_in_the_way_may_play_to_entrain():
    ways = chain(1, follows=True, movable=True)

    assert plan(ways, "headphones") == Plan("headphones")


def test_the_device_behind_is_the_one_that_would_be_played_on_without_the_filters():
    ways = chain(2, follows=True, movable=True)
    names = ("f1", "f2", "headphones", "speakers")

    found = FilterWays().plan(
        lambda left: choose_target(("f1", "speakers"), left), names, ways, OWN_DEVICE, 0
    )

    assert found.pins == (Pin(2, "speakers"),)


def test_a_filter_that_leads_back_is_never_the_device_behind():
    ways = [
        Way("f1", "", 1, follows=True, movable=True),
        Way("speakers", "", 2, follows=True, movable=True),
    ]

    assert plan(ways, "f1").pins == (Pin(1, "headphones"),)


def test_of_several_outlets_only_those_that_lead_back_are_pinned():
    ways = [Way("f1", "", 1, follows=True, movable=True), Way("f1", "headphones", 2)]

    assert plan(ways, "f1") == Plan("f1", (Pin(1, "speakers"),), behind="speakers")


def test_one_outlet_that_cannot_be_moved_is_enough():
    ways = [Way("f1", "", 1, follows=True, movable=True), Way("f1", OWN_DEVICE, 2)]

    assert plan(ways, "f1") == Plan("speakers", around="f1", behind="speakers")


def test_without_another_device_nothing_is_played_on():
    ways = chain(1, follows=True, movable=True)

    assert plan(ways, "f1", devices=()) == Plan("", around="f1")


def test_a_pin_is_set_once_and_taken_back_when_it_is_not_needed():
    decides = FilterWays()
    free = Way("f1", OWN_DEVICE, 1, follows=True, movable=True)
    pinned = Way("f1", "speakers", 1, follows=True, movable=True, pin="speakers")

    assert plan([free], "f1", decides=decides).pins == (Pin(1, "speakers"),)
    assert plan([free], "f1", decides=decides, now_s=0.1).pins == ()
    assert decides.wake_s() == SETTLE_S
    assert plan([pinned], "f1", decides=decides, now_s=0.2) == Plan("f1", behind="speakers")
    assert decides.wake_s() is None
    assert plan([pinned], "headphones", decides=decides, now_s=9).pins == (Pin(1, ""),)
    assert plan([pinned], "f1", "f1", decides=decides, now_s=9).pins == (Pin(1, ""),)


def test_a_pin_of_an_entrain_that_was_killed_is_taken_back():
    pinned = Way("f1", "speakers", 1, follows=True, movable=True, pin="speakers")

    assert plan([pinned], "", default="f1") == Plan("speakers", (Pin(1, ""),))


def test_a_pinned_filter_moves_on_when_its_device_goes():
    pinned = Way("f1", OWN_DEVICE, 1, follows=True, movable=True, pin="speakers")

    assert plan([pinned], "f1", devices=("headphones",)).pins == (Pin(1, "headphones"),)


def test_what_does_not_move_in_time_is_left_out():
    decides = FilterWays()
    ways = [Way("f1", OWN_DEVICE, 1, movable=True)]

    assert plan(ways, "f1", decides=decides).target == "f1"
    assert plan(ways, "f1", decides=decides, now_s=SETTLE_S).target == "speakers"
    assert plan(ways, "f1", decides=decides, now_s=99).target == "speakers"


def test_where_the_default_moves_nobody_one_move_is_enough():
    """On PulseAudio the pin is not taken back, and the plan names the device while it lasts."""
    decides = FilterWays()
    there = [Way("f1", "speakers", 1, movable=True)]

    found = plan([Way("f1", OWN_DEVICE, 1, movable=True)], "f1", decides=decides)

    assert found == Plan("f1", (Pin(1, "speakers"),), behind="speakers")
    assert plan(there, "f1", decides=decides, now_s=0.1) == Plan("f1", behind="speakers")


def test_who_moves_a_filter_back_to_entrain_gets_it_there():
    decides = FilterWays()
    back = [Way("f1", OWN_DEVICE, 1, movable=True)]
    plan(back, "f1", decides=decides)
    plan([Way("f1", "speakers", 1, movable=True)], "f1", decides=decides, now_s=0.1)

    assert plan(back, "f1", decides=decides, now_s=9) == Plan(
        "speakers", around="f1", behind="speakers"
    )


# ---- the devices at which the sound arrives -----------------------------------------------------


@pytest.mark.parametrize("length", [0, 1, 2, 4])
def test_the_last_device_of_a_chain_is_heard(length):
    ways = chain(length) if length else []

    assert ends("f1", ways, OWN_DEVICE) == (("speakers",) if length else ("f1",))


@pytest.mark.parametrize("length", [1, 2, 4])
@pytest.mark.parametrize("pin", ["", "speakers"])
def test_a_filter_that_would_lead_back_is_heard_where_it_is_pinned(length, pin):
    *ways, last = chain(length)
    ways.append(Way(last.source, OWN_DEVICE, last.outlet, follows=True, movable=True, pin=pin))

    assert ends("f1", ways, OWN_DEVICE, behind="headphones") == ("headphones",)


def test_a_filter_that_the_server_has_not_sent_on_yet_is_heard_where_it_will_go():
    way = Way("f1", "", 1, follows=True, movable=True)

    assert ends("f1", [way], default="speakers") == ("speakers",)
    assert ends("f1", [Way("f1", "headphones", 1, follows=True)], "speakers") == ("headphones",)


def test_all_devices_of_a_filter_with_several_outlets_are_heard():
    ways = [Way("f1", "speakers", 1), Way("f1", "headphones", 2), Way("f1", "speakers", 3)]

    assert ends("f1", ways, OWN_DEVICE) == DEVICES


def test_a_headset_that_somebody_records_is_heard_itself():
    """A streaming app plays the headset's monitor to a device without listeners."""
    ways = [Way("headset", "stream", 1), Way("eq", "headset", 2)]

    assert ends("headset", ways, OWN_DEVICE, known={"headset"}) == ("headset",)
    assert ends("eq", ways, OWN_DEVICE, known={"headset"}) == ("headset",)
    both = ("headset", "speakers")
    assert ends("headset", [Way("headset", "speakers", 1)], OWN_DEVICE, known=both) == both


def test_what_leads_nowhere_or_in_a_circle_is_not_heard():
    assert ends("", [], OWN_DEVICE) == ()
    assert ends("f1", [Way("f1", "", 1)], OWN_DEVICE) == ()
    assert ends("f1", [Way("f1", OWN_DEVICE, 1)], OWN_DEVICE) == ()
    assert ends("f1", [Way("f1", "f2", 1), Way("f2", "f1", 2)], OWN_DEVICE) == ()


def test_a_line_of_the_back_end_becomes_a_way():
    assert way_of("eq\tspeakers\t46\teq out\tfm\tspeakers") == Way(
        "eq", "speakers", 46, "eq out", follows=True, movable=True, pin="speakers"
    )
    assert way_of("eq\t\t46\t\t\t") == Way("eq", "", 46)
