"""Tell whether the user has chosen the default, although PulseAudio does not report it."""

import pytest

from entrain.platform.adapter import OWN_DEVICE
from entrain.vdevice.device.arrivals import SAME_MOMENT_S
from entrain.vdevice.device.configured_default import ConfiguredDefault

DEVICES = ("speakers", "headphones")
MORE = ("bluetooth", *DEVICES)
"""The devices, and one with a higher priority."""


@pytest.mark.parametrize(
    ("stored", "effective", "expected"),
    [
        (None, "speakers", ""),
        (None, "headphones", "headphones"),
        (None, OWN_DEVICE, OWN_DEVICE),
        ("", "speakers", ""),
        ("speakers", "speakers", "speakers"),
        ("bluetooth", "speakers", "bluetooth"),
        ("headphones", "speakers", ""),
        (OWN_DEVICE, "speakers", ""),
        (OWN_DEVICE, "headphones", "headphones"),
        ("speakers", "headphones", "headphones"),
    ],
)
def test_at_the_first_look(stored, effective, expected):
    assert ConfiguredDefault(stored).observe(effective, DEVICES, 0.0) == expected


@pytest.mark.parametrize("effective", ["auto_null", OWN_DEVICE])
def test_what_is_there_for_lack_of_devices_was_not_chosen(effective):
    assert ConfiguredDefault().observe(effective, (), 0.0) == ""


def after(effective: str, devices=DEVICES, stored: str | None = None) -> ConfiguredDefault:
    """Return a `ConfiguredDefault` that has observed this ten seconds ago."""
    default = ConfiguredDefault(stored)
    default.observe(effective, devices, -10.0)
    return default


def test_a_change_between_devices_that_are_there_is_a_choice():
    assert after("speakers").observe("headphones", DEVICES, 0.0) == "headphones"


def test_the_best_device_becomes_the_default_by_itself_when_it_comes():
    default = after("speakers")

    assert default.observe("bluetooth", MORE, 0.0) == ""
    assert default.observe("speakers", DEVICES, 5.0) == ""


def test_a_device_that_becomes_the_best_becomes_the_default_by_itself():
    """The user plugs headphones into a connected device, for example."""
    assert after("speakers").observe("headphones", ("headphones", "speakers"), 0.0) == ""
    assert after("hdmi", ("speakers", "hdmi")).observe("speakers", ("speakers", "hdmi"), 0.0) == (
        "speakers"
    )


def test_a_device_that_comes_and_is_not_the_best_was_configured():
    """``module-switch-on-connect`` does so."""
    assert after("speakers").observe("hdmi", (*DEVICES, "hdmi"), 0.0) == "hdmi"


def test_what_takes_the_place_of_a_configured_device_was_configured():
    assert after("headphones").observe("bluetooth", MORE, 0.0) == "bluetooth"
    assert after(OWN_DEVICE).observe("bluetooth", MORE, 0.0) == "bluetooth"
    assert after(OWN_DEVICE).observe("bluetooth", DEVICES, 0.0) == "bluetooth"  # not listed yet


def test_a_device_that_has_come_before_is_chosen_by_somebody():
    default = after("speakers", DEVICES)
    default.observe("bluetooth", MORE, 0.0)
    default.observe("speakers", MORE, SAME_MOMENT_S)

    assert default.observe("bluetooth", MORE, 2 * SAME_MOMENT_S) == "bluetooth"


def test_a_stopgap_is_no_choice():
    default = after("headphones")

    assert default.observe("speakers", ("speakers",), 0.0) == "headphones"
    assert default.observe("headphones", DEVICES, 5.0) == "headphones"


def test_what_the_server_has_accepted_from_us_counts_at_once():
    default = after("speakers")
    default.written(OWN_DEVICE)

    assert default.observe("speakers", DEVICES, 0.0) == OWN_DEVICE
    assert default.observe(OWN_DEVICE, DEVICES, 0.1) == OWN_DEVICE
    assert default.observe("headphones", DEVICES, 5.0) == "headphones"


def test_without_any_device_what_we_have_written_stays():
    """A dummy device and Entrain's own sink come and go in any order."""
    default = after("auto_null", ())
    default.written(OWN_DEVICE)

    assert default.observe(OWN_DEVICE, (), 0.0) == OWN_DEVICE
    assert default.observe("auto_null", (), 0.1) == OWN_DEVICE
    assert default.observe(OWN_DEVICE, ("speakers",), 5.0) == OWN_DEVICE
