"""The choice of the default output, and the times when Entrain leaves it alone."""

from dataclasses import replace

import pytest

from entrain.platform.adapter import OWN_DEVICE
from entrain.vdevice.device.arrivals import SAME_MOMENT_S
from entrain.vdevice.device.default_policy import (
    ECHO_S,
    DefaultPolicy,
    Defaults,
    Remember,
    SetDefault,
    SwitchOff,
    SwitchOn,
    choose_target,
)

DEVICES = ("speakers", "headphones")


def seen(configured: str, effective: str | None = None, devices=DEVICES) -> Defaults:
    return Defaults(configured, configured if effective is None else effective, devices)


def started(on: bool, former: str = "speakers") -> DefaultPolicy:
    """Return a policy at rest: Entrain is the default if it is on."""
    policy = DefaultPolicy(on, former)
    policy.observe(seen(OWN_DEVICE if on else former), 0.0)
    return policy


def test_on_remembers_the_default_and_takes_it_once():
    policy = started(on=False)

    assert policy.switch_on(seen("headphones"), 1.0) == [
        Remember("headphones"),
        SetDefault(OWN_DEVICE),
    ]
    assert policy.observe(seen("headphones"), 1.1) == []
    assert policy.observe(seen(OWN_DEVICE, "headphones"), 1.2) == []
    assert policy.observe(seen(OWN_DEVICE), 1.3) == []
    assert policy.on


def test_off_writes_the_former_default_explicitly_even_if_none_was_configured():
    policy = started(on=False)
    policy.switch_on(seen("", "headphones"), 1.0)
    policy.observe(seen(OWN_DEVICE), 1.1)

    assert policy.switch_off(seen(OWN_DEVICE), 2.0) == [SetDefault("headphones")]
    assert policy.observe(seen(OWN_DEVICE), 2.1) == []
    assert policy.observe(seen("headphones"), 2.2) == []
    assert not policy.on
    assert (policy.former, policy.stand_in) == ("", "headphones")


def test_off_right_after_on_still_gives_back_and_is_not_taken_for_a_choice():
    policy = started(on=False)
    policy.switch_on(seen("speakers"), 1.0)

    assert policy.switch_off(seen("speakers"), 1.01) == [SetDefault("speakers")]
    assert policy.observe(seen(OWN_DEVICE), 1.02) == []
    assert policy.observe(seen("speakers"), 1.03) == []
    assert not policy.on


def test_off_takes_the_best_device_where_the_former_is_gone():
    policy = started(on=True, former="bluetooth")

    assert policy.switch_off(seen(OWN_DEVICE), 1.0) == [SetDefault("speakers")]
    assert policy.switch_off(seen(OWN_DEVICE, devices=()), 1.0) == []


def test_another_choice_in_the_desktop_switches_off_and_is_not_fought():
    policy = started(on=True)

    assert policy.observe(seen("headphones", OWN_DEVICE), 1.0) == [
        SwitchOff("another output was chosen: headphones"),
        Remember("headphones"),
    ]
    assert policy.observe(seen("headphones"), 1.1) == []
    assert not policy.on
    assert policy.give_back(seen("headphones"), 2.0) == []


def test_choosing_entrain_in_the_desktop_switches_on():
    policy = started(on=False, former="headphones")

    assert policy.observe(seen(OWN_DEVICE), 1.0) == [SwitchOn()]
    assert policy.former == "headphones"
    assert policy.observe(seen(OWN_DEVICE), 1.1) == []
    assert policy.switch_off(seen(OWN_DEVICE), 2.0) == [SetDefault("headphones")]


def test_while_off_an_unplugged_default_does_not_leave_entrain_in_its_place():
    policy = started(on=False, former="bluetooth")
    left = seen("bluetooth", OWN_DEVICE)

    assert policy.observe(left, 1.0) == [SetDefault("speakers")]
    assert policy.observe(left, 1.1) == []
    assert policy.observe(seen("speakers"), 1.2) == []
    assert not policy.on
    assert (policy.former, policy.stand_in) == ("bluetooth", "speakers")


def test_while_off_it_waits_for_a_device_if_there_is_none():
    policy = started(on=False)

    assert policy.observe(seen("speakers", OWN_DEVICE, ()), 1.0) == []
    assert policy.observe(seen("speakers", OWN_DEVICE, ("hdmi",)), 1.1) == [SetDefault("hdmi")]


def test_off_without_any_device_gives_back_when_one_is_plugged_in():
    policy = started(on=True)
    assert policy.switch_off(seen(OWN_DEVICE, devices=()), 1.0) == []

    assert policy.observe(seen(OWN_DEVICE, devices=("hdmi",)), 2.0) == [SetDefault("hdmi")]


def test_while_on_an_unplugged_former_default_is_not_forgotten():
    policy = started(on=True, former="headphones")
    policy.observe(seen(OWN_DEVICE, devices=("speakers",)), 1.0)

    assert policy.switch_off(seen(OWN_DEVICE), 2.0) == [SetDefault("headphones")]


def test_while_on_a_vanished_sink_is_no_choice():
    policy = started(on=True)

    assert policy.observe(seen(OWN_DEVICE, "headphones"), 1.0) == []
    assert policy.observe(seen(OWN_DEVICE), 1.1) == []
    assert (policy.on, policy.former) == (True, "speakers")


@pytest.mark.parametrize(
    ("on", "former", "now", "expected"),
    [
        (True, "speakers", seen("speakers"), [SetDefault(OWN_DEVICE)]),
        (True, "speakers", seen("headphones"), [Remember("headphones"), SetDefault(OWN_DEVICE)]),
        (True, "", seen("", "speakers"), [SetDefault(OWN_DEVICE)]),
        (True, "headphones", seen(OWN_DEVICE, "speakers"), []),
        (True, "bluetooth", seen(OWN_DEVICE, "speakers"), []),
        (False, "headphones", seen(OWN_DEVICE), [SetDefault("headphones")]),
        (False, "bluetooth", seen(OWN_DEVICE), [SetDefault("speakers")]),
        (False, "speakers", seen("speakers"), []),
    ],
    ids=[
        "on again",
        "chosen meanwhile",
        "first start",
        "killed",
        "killed, former gone",
        "killed while off",
        "killed while off, former gone",
        "nothing to do",
    ],
)
def test_at_the_start(on, former, now, expected):
    assert DefaultPolicy(on, former).observe(now, 0.0) == expected


def test_while_the_session_manager_is_away_nothing_is_decided():
    policy = started(on=True)

    assert policy.observe(seen("", ""), 1.0) == []
    assert policy.on


def test_a_session_manager_that_forgot_entrain_is_told_again():
    policy = started(on=True, former="headphones")
    policy.observe(seen("", ""), 1.0)

    assert policy.observe(seen("", "speakers"), 2.0) == [SetDefault(OWN_DEVICE)]
    assert (policy.on, policy.former) == (True, "headphones")


def test_on_while_the_session_manager_is_away_is_done_when_it_is_back():
    policy = started(on=False)

    assert policy.switch_on(seen("", ""), 1.0) == []
    assert policy.observe(seen("speakers"), 2.0) == [SetDefault(OWN_DEVICE)]


def test_a_choice_that_our_own_write_overtakes_is_respected():
    policy = started(on=False)
    policy.switch_on(seen("speakers"), 1.0)
    policy.observe(seen("headphones"), 1.01)

    assert policy.observe(seen(OWN_DEVICE), 1.02) == [SetDefault("headphones")]
    assert not policy.on


def test_a_default_that_the_server_never_takes_is_given_up():
    policy = started(on=False)
    policy.switch_on(seen("speakers"), 1.0)
    assert policy.wake_s() == 1.0 + ECHO_S

    assert policy.observe(seen("speakers"), 1.0 + ECHO_S) == [
        SwitchOff("another output was chosen: speakers")
    ]
    assert policy.wake_s() is None


MANUAL_MODES = ("manual", "smart")


@pytest.mark.parametrize("mode", MANUAL_MODES)
def test_in_the_other_modes_on_and_off_do_not_touch_the_default(mode):
    policy = DefaultPolicy(False, "speakers", mode)
    assert policy.observe(seen("speakers"), 0.0) == []

    assert policy.switch_on(seen("speakers"), 1.0) == []
    assert policy.on
    assert policy.observe(seen("headphones"), 2.0) == [Remember("headphones")]
    assert policy.on
    assert policy.switch_off(seen("headphones"), 3.0) == []
    assert policy.give_back(seen("headphones"), 4.0) == []


@pytest.mark.parametrize("mode", MANUAL_MODES)
@pytest.mark.parametrize("on", [False, True])
def test_in_the_other_modes_entrain_chosen_in_the_desktop_is_no_wish_to_switch(mode, on):
    policy = DefaultPolicy(on, "speakers", mode)
    policy.observe(seen("speakers"), 0.0)

    assert policy.observe(seen(OWN_DEVICE, "speakers"), 1.0) == []
    assert policy.observe(seen(OWN_DEVICE), 1.1) == []
    assert policy.on == on
    assert policy.switch_off(seen(OWN_DEVICE), 2.0) == []
    policy.session_restarted()
    assert policy.observe(seen(OWN_DEVICE), 3.0) == []
    assert policy.leave(seen(OWN_DEVICE), 4.0) == [SetDefault("speakers")]


@pytest.mark.parametrize("on", [False, True])
def test_in_manual_mode_an_unplugged_default_does_not_leave_entrain_in_its_place(on):
    policy = DefaultPolicy(on, "bluetooth", "manual")
    policy.observe(seen("bluetooth", devices=(*DEVICES, "bluetooth")), 0.0)

    assert policy.observe(seen("bluetooth", OWN_DEVICE), 1.0) == [SetDefault("speakers")]


def test_manual_mode_gives_the_default_back_and_stays_on():
    policy = started(on=True, former="headphones")

    assert policy.set_mode("manual", seen(OWN_DEVICE), 1.0) == [SetDefault("headphones")]
    assert policy.observe(seen(OWN_DEVICE), 1.1) == []
    assert policy.observe(seen("headphones"), 1.2) == []
    assert policy.on
    assert policy.set_mode("default", seen("headphones"), 2.0) == [SetDefault(OWN_DEVICE)]
    assert policy.observe(seen(OWN_DEVICE), 2.1) == []
    assert policy.on


def test_a_change_of_mode_while_off_changes_nothing():
    policy = started(on=False)

    assert policy.set_mode("manual", seen("speakers"), 1.0) == []
    assert policy.set_mode("default", seen("speakers"), 2.0) == []
    assert policy.set_mode("smart", seen("speakers"), 3.0) == []
    assert not policy.on


def test_manual_mode_right_after_on_gives_back_what_is_still_on_its_way():
    policy = started(on=False)
    policy.switch_on(seen("speakers"), 1.0)

    assert policy.set_mode("manual", seen("speakers"), 1.01) == [SetDefault("speakers")]
    assert policy.observe(seen(OWN_DEVICE), 1.02) == []
    assert policy.observe(seen("speakers"), 1.03) == []


def test_manual_mode_while_the_session_manager_is_away_gives_back_when_it_is_there():
    policy = started(on=True)
    policy.observe(seen("", ""), 1.0)

    assert policy.set_mode("manual", seen("", ""), 1.1) == []
    assert policy.observe(seen(OWN_DEVICE), 2.0) == [SetDefault("speakers")]
    assert policy.on


def test_entrain_made_the_default_by_hand_is_on_in_default_mode():
    policy = DefaultPolicy(False, "speakers", "manual")
    policy.observe(seen("speakers"), 0.0)
    policy.observe(seen(OWN_DEVICE), 1.0)

    assert policy.set_mode("default", seen(OWN_DEVICE), 2.0) == [SwitchOn()]
    assert policy.switch_off(seen(OWN_DEVICE), 3.0) == [SetDefault("speakers")]


WITH_BLUETOOTH = ("bluetooth", *DEVICES)
"""Devices in the server's order: Bluetooth has the highest priority."""


def test_where_nobody_has_chosen_a_better_device_is_followed_and_a_worse_one_is_not():
    policy = started(on=False, former="")
    policy.switch_on(seen("", "speakers"), 1.0)
    policy.observe(seen(OWN_DEVICE), 1.1)

    for at_s, devices, wanted in (
        (2.0, DEVICES, "speakers"),
        (3.0, WITH_BLUETOOTH, "bluetooth"),
        (4.0, DEVICES, "speakers"),
        (5.0, (*DEVICES, "hdmi"), "speakers"),
    ):
        assert policy.observe(seen(OWN_DEVICE, devices=devices), at_s) == []
        assert policy.wanted(devices) == wanted
    assert policy.on


def test_where_somebody_has_chosen_a_better_device_is_not_followed():
    policy = started(on=True, former="headphones")
    policy.observe(seen(OWN_DEVICE, devices=WITH_BLUETOOTH), 1.0)

    assert policy.wanted(WITH_BLUETOOTH) == "headphones"


def test_what_the_server_prefers_for_reasons_of_its_own_is_kept_until_another_device_comes():
    policy = started(on=False, former="")
    policy.switch_on(seen("", "headphones"), 1.0)
    policy.observe(seen(OWN_DEVICE), 1.1)

    assert policy.wanted(DEVICES) == "headphones"
    policy.observe(seen(OWN_DEVICE, devices=WITH_BLUETOOTH), 2.0)
    assert policy.wanted(WITH_BLUETOOTH) == "bluetooth"


def test_a_choice_that_is_not_connected_is_waited_for():
    policy = started(on=False, former="speakers")

    assert policy.observe(seen("bluetooth", "speakers"), 1.0) == [Remember("bluetooth")]
    policy.switch_on(seen("bluetooth", "speakers"), 2.0)
    policy.observe(seen(OWN_DEVICE), 2.1)
    assert policy.wanted(DEVICES) == "speakers"
    assert policy.wanted((*DEVICES, "bluetooth")) == "bluetooth"


@pytest.mark.parametrize("together", [True, False], ids=["listed already", "not listed yet"])
def test_a_server_that_switches_to_what_is_connected_leaves_entrain_on(together):
    """``module-switch-on-connect`` does so."""
    policy = started(on=True)
    devices = (*DEVICES, "bluetooth")

    assert policy.observe(seen("bluetooth", devices=devices if together else DEVICES), 10.0) == [
        Remember("bluetooth"),
        SetDefault(OWN_DEVICE),
    ]
    assert policy.observe(seen("bluetooth", devices=devices), 10.1) == []
    assert policy.observe(seen(OWN_DEVICE, devices=devices), 10.2) == []
    assert policy.on
    assert policy.wanted(devices) == "bluetooth"


def test_a_session_manager_that_restores_its_choice_late_does_not_switch_entrain_off():
    """At login, the session manager may read its stored default after Entrain has looked."""
    policy = DefaultPolicy(True, "")
    policy.observe(seen("", "speakers"), 0.0)

    assert policy.observe(seen("headphones"), 0.1) == [
        Remember("headphones"),
        SetDefault(OWN_DEVICE),
    ]
    assert policy.observe(seen(OWN_DEVICE), 0.2) == []
    assert policy.on
    assert policy.observe(seen("speakers"), 0.5)[0] == SwitchOff(
        "another output was chosen: speakers"
    )


def test_somebody_who_chooses_a_device_that_was_connected_before_switches_off():
    policy = started(on=True)
    devices = (*DEVICES, "bluetooth")
    policy.observe(seen(OWN_DEVICE, devices=devices), 10.0)

    assert policy.observe(seen("bluetooth", devices=devices), 10.0 + SAME_MOMENT_S) == [
        SwitchOff("another output was chosen: bluetooth"),
        Remember("bluetooth"),
    ]


def test_a_stand_in_gives_way_to_the_device_that_the_server_would_take():
    policy = started(on=False, former="")
    policy.switch_on(seen("", "speakers"), 1.0)
    policy.observe(seen(OWN_DEVICE), 1.1)
    assert policy.switch_off(seen(OWN_DEVICE), 2.0) == [SetDefault("speakers")]
    assert policy.observe(seen("speakers"), 2.1) == []

    assert policy.observe(seen("speakers", devices=WITH_BLUETOOTH), 3.0) == [
        SetDefault("bluetooth")
    ]
    assert policy.observe(seen("speakers", devices=WITH_BLUETOOTH), 3.1) == []
    assert policy.observe(seen("bluetooth", devices=WITH_BLUETOOTH), 3.2) == []
    assert policy.observe(seen("bluetooth", "speakers"), 4.0) == [SetDefault("speakers")]
    assert policy.former == ""


def test_a_stand_in_is_none_any_more_once_somebody_chooses():
    policy = DefaultPolicy(False, "", "default", stand_in="speakers")
    assert policy.observe(seen("speakers"), 0.0) == []

    assert policy.observe(seen("headphones"), 1.0) == [Remember("headphones")]
    assert policy.observe(seen("headphones", devices=WITH_BLUETOOTH), 2.0) == []
    assert policy.stand_in == ""


def test_who_chooses_just_what_stands_in_keeps_it_when_the_former_default_returns():
    policy = started(on=False, former="bluetooth")
    assert policy.observe(seen("bluetooth", OWN_DEVICE), 1.0) == [SetDefault("speakers")]
    assert policy.observe(replace(seen("speakers"), ours=True), 1.1) == []
    assert policy.stand_in == "speakers"

    assert policy.observe(replace(seen("speakers"), ours=False), 9.0) == [Remember("speakers")]
    returned = replace(seen("speakers", devices=WITH_BLUETOOTH), ours=False)
    assert policy.observe(returned, 20.0) == []
    assert (policy.former, policy.stand_in) == ("speakers", "")


def test_a_session_manager_that_has_forgotten_who_configured_the_stand_in_is_no_choice():
    policy = started(on=False, former="bluetooth")
    policy.observe(seen("bluetooth", OWN_DEVICE), 1.0)
    policy.observe(replace(seen("speakers"), ours=True), 1.1)
    policy.session_restarted()

    assert policy.observe(replace(seen("speakers"), ours=False), 5.0) == []
    assert policy.observe(replace(seen("speakers"), ours=False), 5.1) == []
    returned = replace(seen("speakers", devices=WITH_BLUETOOTH), ours=False)
    assert policy.observe(returned, 20.0) == [SetDefault("bluetooth")]


def frees(defaults: Defaults) -> Defaults:
    """Return the same defaults from a server that also accepts "no choice" and absent devices."""
    return replace(defaults, frees=True)


@pytest.mark.parametrize(
    ("former", "now", "expected"),
    [
        ("headphones", seen(OWN_DEVICE), [SetDefault("headphones")]),
        ("bluetooth", seen(OWN_DEVICE), []),
        ("", seen(OWN_DEVICE), []),
        ("headphones", frees(seen(OWN_DEVICE)), [SetDefault("headphones")]),
        ("bluetooth", frees(seen(OWN_DEVICE)), [SetDefault("bluetooth")]),
        ("", frees(seen(OWN_DEVICE)), [SetDefault("")]),
    ],
)
def test_leaving_configures_what_was_configured_before(former, now, expected):
    policy = started(on=True, former=former)

    assert policy.leave(now, 1.0) == expected


def test_leaving_takes_a_stand_in_away_where_that_can_be_done():
    policy = DefaultPolicy(False, "", "default", stand_in="speakers")
    policy.observe(seen("speakers"), 0.0)

    assert policy.leave(seen("speakers"), 1.0) == []
    assert policy.leave(frees(seen("speakers")), 1.0) == [SetDefault("")]
    assert policy.leave(frees(seen("headphones")), 2.0) == []


def test_a_dummy_is_never_remembered():
    """A dummy is not a device; Entrain's own sink may be the only one."""
    policy = DefaultPolicy(True, "")

    assert policy.observe(seen("", "auto_null", ()), 0.0) == [SetDefault(OWN_DEVICE)]
    assert policy.observe(seen(OWN_DEVICE, devices=()), 0.1) == []
    assert policy.observe(seen(OWN_DEVICE, devices=("hdmi",)), 5.0) == []
    assert policy.on
    assert policy.wanted(("hdmi",)) == "hdmi"


@pytest.mark.parametrize(
    ("wishes", "devices", "expected"),
    [
        (("headphones", "speakers"), DEVICES, "headphones"),
        (("bluetooth", "headphones"), DEVICES, "headphones"),
        (("", "bluetooth"), DEVICES, "speakers"),
        ((OWN_DEVICE,), (OWN_DEVICE, "hdmi"), "hdmi"),
        (("speakers",), (OWN_DEVICE,), ""),
    ],
)
def test_the_target_is_the_first_wish_that_is_connected_and_never_entrain(
    wishes, devices, expected
):
    assert choose_target(wishes, devices) == expected
