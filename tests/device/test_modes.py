"""Modes on real servers: in which of them Entrain becomes the default output."""

import time

import pytest
import soundlab
from running_device import running_device

from entrain.platform.adapter import OWN_DEVICE


@pytest.fixture
def manual(desktop):
    with running_device("manual", on=True) as entrain:
        yield entrain


def test_manual_mode_does_not_take_the_default(desktop, manual):
    time.sleep(0.5)
    assert desktop.default() == "speakers"
    manual.call(manual.device.switch(False))
    manual.call(manual.device.switch(True))
    time.sleep(0.5)
    assert desktop.default() == "speakers"
    assert manual.device.on


def test_in_manual_mode_entrain_chosen_in_the_desktop_is_respected_until_it_quits(desktop, manual):
    desktop.choose_default(OWN_DEVICE)
    manual.call(manual.device.switch(False))
    time.sleep(0.5)
    assert desktop.default() == OWN_DEVICE
    assert not manual.device.on

    manual.close()
    desktop.wait_for_default("speakers")


def test_in_manual_mode_the_target_is_the_default_device(desktop, manual):
    desktop.choose_default("headphones")
    soundlab.wait_until(
        lambda: manual.device.target and manual.device.target.name == "headphones", 5, "the target"
    )


def test_the_mode_changes_at_run_time(desktop):
    desktop.choose_default("headphones")
    with running_device("manual") as entrain, desktop.program("routed"):
        desktop.drag("routed", OWN_DEVICE)
        entrain.call(entrain.device.set_mode("default"))
        desktop.wait_for_default(OWN_DEVICE)
        entrain.call(entrain.device.set_mode("manual"))
        desktop.wait_for_default("headphones")
        assert entrain.device.on
        desktop.wait_for(routed=OWN_DEVICE)


def test_a_new_target_is_told(server):
    with running_device(on=False) as entrain:
        soundlab.wait_until(lambda: entrain.device.target, 5, "there is a target")
        before = entrain.changes
        entrain.call(entrain.device.choose("headphones"))
        soundlab.wait_until(
            lambda: entrain.changes > before and entrain.device.target.name == "headphones",
            5,
            "a report of the new target",
        )
        # PulseAudio's virtual headphones report their form; PipeWire's do not.
        form = {"pulse": "headphones", "pipewire": "unknown"}[server.kind]
        assert entrain.device.form == form
