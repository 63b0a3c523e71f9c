"""The form of an output, found in real device properties from sound servers."""

from types import SimpleNamespace

import pytest

from entrain.platform import pulse_terms
from entrain.platform.device_form import device_form

ANALOG = {"device.form_factor": "internal", "device.bus": "pci"}


@pytest.mark.parametrize(
    ("properties", "port", "channels", "form"),
    [
        # PulseAudio and PipeWire, with the mixer's own paths and with UCM
        (ANALOG, "analog-output-headphones", 2, "headphones"),
        (ANALOG, "analog-output-headphones-mono", 2, "headphones"),
        (ANALOG, "analog-output-speaker", 2, "speakers"),
        (ANALOG, "[Out] Headphones1", 2, "headphones"),
        (ANALOG, "[Out] Headset", 2, "headphones"),
        (ANALOG, "[Out] Speaker", 2, "speakers"),
        (ANALOG, "[Out] HDMI1", 2, "speakers"),
        ({}, "hdmi-output-0", 8, "speakers"),
        # the device at the end of these cables is unknown
        (ANALOG, "analog-output-lineout", 2, "unknown"),
        (ANALOG, "analog-output", 2, "unknown"),
        ({}, "iec958-stereo-output", 2, "unknown"),
        # USB and Bluetooth
        ({"device.form_factor": "headset", "device.bus": "usb"}, "analog-output", 2, "headphones"),
        ({"device.form_factor": "headphone"}, "headphone-output", 2, "headphones"),
        ({"device.form_factor": "speaker"}, "", 2, "speakers"),
        ({"device.form_factor": "hifi"}, "hifi-output", 2, "speakers"),
        ({"device.form_factor": "tv"}, "", 2, "speakers"),
        ({"device.form_factor": "car"}, "car-output", 2, "speakers"),
        ({"device.form_factor": "webcam"}, "", 2, "unknown"),
        ({"device.icon_name": "audio-headset-bluetooth"}, "", 2, "headphones"),
        ({"device.icon_name": "audio-speakers-bluetooth"}, "", 2, "speakers"),
        ({"device.icon_name": "audio-card-analog"}, "", 2, "unknown"),
        (
            {"device.form_factor": "headset", "bluetooth.protocol": "a2dp_sink"},
            "headset-output",
            2,
            "headphones",
        ),
        # a headset's hands-free profile, on both servers; it takes precedence over mono
        ({"device.form_factor": "headset", "bluetooth.protocol": "headset_head_unit"}, "", 1, "hf"),
        ({"bluetooth.protocol": "handsfree_head_unit"}, "headset-output", 1, "hf"),
        ({"api.bluez5.profile": "headset-head-unit-msbc"}, "", 1, "hf"),
        ({"device.form_factor": "hands-free"}, "hands-free-output", 1, "hf"),
        (
            {"device.form_factor": "hands-free", "api.bluez5.profile": "a2dp-sink"},
            "hands-free-output",
            2,
            "speakers",
        ),
        # one channel reaches both ears alike
        ({"device.form_factor": "headphone"}, "", 1, "mono"),
        (ANALOG, "analog-output-speaker", 1, "mono"),
        ({}, "", 1, "mono"),
        ({}, "", 2, "unknown"),
        (ANALOG, "", 2, "speakers"),
        ({"device.form_factor": "internal"}, "pro-output-0", 2, "unknown"),
    ],
)
def test_form(properties, port, channels, form):
    expected = {"hf": "hands-free"}.get(form, form)

    assert device_form(properties, port, channels) == expected


@pytest.mark.parametrize(
    ("ports", "told"),
    [
        ({}, None),
        ({"analog-output-speaker": "unknown"}, None),
        ({"analog-output-headphones": "unknown"}, None),
        ({"analog-output-headphones": "yes", "analog-output-speaker": "no"}, True),
        ({"analog-output-headphones": "no", "analog-output-speaker": "unknown"}, False),
        ({"analog-output-headphones": "no", "analog-output-headphones-2": "yes"}, True),
    ],
)
def test_a_socket_tells_whether_headphones_are_in_it(ports, told):
    sink = SimpleNamespace(
        proplist=ANALOG,
        volume=SimpleNamespace(values=[1.0, 1.0]),
        port_list=[
            SimpleNamespace(name=name, available_state=state) for name, state in ports.items()
        ],
    )
    assert pulse_terms._headphones_in(sink) is told
