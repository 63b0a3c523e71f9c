"""The Linux adapter against a real, private sound server."""

import os
import signal
import socket
import threading
import time
from pathlib import Path

import pytest
import soundfile
import soundlab
from odd_pulse import strangers_server
from running_device import Desktop, running_program

from entrain.platform import factory, pulse_connection
from entrain.platform.adapter import CALL_TIMEOUT_S, OWN_DEVICE, PlatformError, Volume
from entrain.platform.linux import LinuxAdapter
from entrain.platform.sandbox import VirtualDevice

STEP = 2 / 65536


@pytest.fixture
def sound(server):
    connection = LinuxAdapter().connect()
    yield connection
    connection.close()


@pytest.fixture
def news(sound):
    event = threading.Event()
    sound.watch(event.set)
    return event


def device(sound, name):
    return next(device for device in sound.devices() if device.name == name)


def test_this_is_the_adapter_for_linux():
    assert isinstance(factory.load(), LinuxAdapter)


def test_the_server_is_recognised(server, sound):
    info = sound.info()

    name = {"pipewire": "PipeWire", "pulse": "PulseAudio"}[server.kind]
    assert (info.name, info.kind, info.default) == (name, server.kind, "speakers")
    assert info.version[0].isdigit()
    assert LinuxAdapter().has_sound_server()
    assert LinuxAdapter().default_backend() == server.kind


def test_one_connection_tells_the_backend(any_server, monkeypatch):
    opened = []

    class Counted(pulse_connection.Connection):
        def __init__(self) -> None:
            opened.append(self)
            super().__init__()

    monkeypatch.setattr(pulse_connection, "Connection", Counted)

    assert LinuxAdapter().default_backend() == any_server.kind
    assert len(opened) == 1


def test_devices_come_in_the_order_of_preference(server, sound):
    server.add_device(VirtualDevice(OWN_DEVICE, "Entrain", 0))
    server.add_device(VirtualDevice("mono", "Mono", 950, ("MONO",)))

    found = sound.devices()

    assert [device.name for device in found] == ["speakers", "mono", "headphones", OWN_DEVICE]
    assert not any(device.own for device in found), "the name alone makes no device Entrain's own"
    assert (found[0].description, found[0].rate_hz, found[0].channels) == ("Speakers", 48000, 2)
    assert found[0].state in ("idle", "suspended")
    assert found[1].channels == 1


def test_the_first_device_is_the_one_that_the_server_takes_next(server, sound):
    """The order holds whenever a device is unplugged; on PulseAudio also between equals."""
    for name, priority in (("hdmi", 700), ("bluetooth", 1950), ("usb", 1030), ("twin", 900)):
        if name != "twin" or server.kind == "pulse":
            server.add_device(VirtualDevice(name, name.title(), priority))

    order = []
    while devices := sound.devices():
        order.append(devices[0].name)
        soundlab.wait_until(
            lambda name=order[-1]: sound.default() == name, 5, f"{order[-1]} is the default"
        )
        if len(devices) == 1:  # PulseAudio replaces the last device with a dummy
            break
        server.remove_device(order[-1])

    twins = ["twin"] if server.kind == "pulse" else []
    assert order == ["bluetooth", "usb", "speakers", "headphones", *twins, "hdmi"]


def test_the_default_is_configured_for_good(server, sound):
    sound.set_default("headphones")
    soundlab.wait_until(lambda: sound.default() == "headphones", 5, "the new default")

    server.add_device(VirtualDevice("bluetooth", "Bluetooth", 1999))
    time.sleep(0.2)
    assert sound.default() == "headphones"


@pytest.mark.parametrize(
    "volume",
    [Volume((0.5, 0.25)), Volume((0.333, 1.2), muted=True), Volume((0.0, 0.0)), Volume((1.0, 1.0))],
)
def test_volume_balance_and_mute_are_set(sound, volume):
    sound.set_volume("speakers", volume)

    def found() -> bool:
        now = device(sound, "speakers").volume
        return now.muted == volume.muted and now.channels == pytest.approx(
            volume.channels, abs=STEP
        )

    soundlab.wait_until(found, 5, "the volume is there")


def test_a_volume_is_fitted_to_the_device(server, sound):
    server.add_device(VirtualDevice("mono", "Mono", 500, ("MONO",)))

    sound.set_volume("mono", Volume((0.2, 0.6)))

    soundlab.wait_until(
        lambda: device(sound, "mono").volume.channels == pytest.approx((0.4,), abs=STEP),
        5,
        "the mean is there",
    )


@pytest.mark.parametrize("call", ["set_default", "set_volume"])
def test_an_unknown_output_is_named_and_the_connection_lives_on(sound, call):
    arguments = [] if call == "set_default" else [Volume((1.0, 1.0))]

    with pytest.raises(PlatformError, match="no output named 'hdmi'"):
        getattr(sound, call)("hdmi", *arguments)
    assert sound.default() == "speakers"


@pytest.mark.parametrize(
    "command",
    [
        ("pactl", "set-sink-volume", "headphones", "40%"),
        ("pactl", "set-sink-mute", "headphones", "1"),
        ("pactl", "set-default-sink", "headphones"),
        ("pactl", "load-module", "module-null-sink", "sink_name=other"),
    ],
    ids=["volume", "mute", "default", "new device"],
)
def test_changes_made_by_others_are_news(server, sound, news, command):
    news.clear()
    soundlab.run(server.environment, *command)

    assert news.wait(5)


def test_a_lost_server_is_news_and_a_clear_error(server, sound, news):
    news.clear()
    server.stop_server(kill=True)

    assert news.wait(5)
    with pytest.raises(PlatformError):
        sound.devices()
    assert not LinuxAdapter().has_sound_server()
    with pytest.raises(PlatformError, match="no sound server answers"):
        LinuxAdapter().connect()
    with pytest.raises(PlatformError, match="no sound server answers"):
        LinuxAdapter().default_backend()

    server.start_server()
    again = LinuxAdapter().connect()
    assert again.default() == "speakers"
    again.close()


def test_a_server_that_hangs_does_not_hang_us(server, sound):
    program = {"pipewire": "pipewire-pulse", "pulse": "pulseaudio"}[server.kind]
    os.kill(server.pid(program), signal.SIGSTOP)
    before = time.monotonic()

    with pytest.raises(PlatformError, match="does not answer"):
        sound.devices()

    assert time.monotonic() - before < 3 * CALL_TIMEOUT_S
    with pytest.raises(PlatformError, match="lost"):
        sound.devices()


def test_after_close_there_is_no_more_news(server, sound, news):
    sound.close()
    sound.close()
    news.clear()

    soundlab.run(server.environment, "pactl", "set-sink-volume", "speakers", "40%")

    assert not news.wait(0.3)
    assert "entrain-watch" not in [thread.name for thread in threading.enumerate()]


def test_waiting_for_news_costs_nothing(server, sound, news):
    time.sleep(0.5)
    before = time.process_time()
    time.sleep(1.0)

    assert time.process_time() - before < 0.05


def test_pipewire_for_video_only_is_refused(pipewire_server, monkeypatch):
    monkeypatch.setenv("PULSE_SERVER", f"unix:{pipewire_server.folder}/missing")

    with pytest.raises(PlatformError, match="pipewire-pulse"):
        LinuxAdapter().default_backend()


def test_a_server_of_somebody_else_denies_access(pulse_server, home, monkeypatch):
    with strangers_server(pulse_server, home) as (environment, cookie):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        for call in (LinuxAdapter().connect, LinuxAdapter().default_backend):
            with pytest.raises(PlatformError, match="denies access") as caught:
                call()
            assert "\n" not in str(caught.value)

        cookie.write_bytes(Path(pulse_server.environment["PULSE_COOKIE"]).read_bytes())
        assert LinuxAdapter().default_backend() == "pulse"


def test_a_socket_that_a_dead_server_left_is_no_server(home, monkeypatch):
    path = home / "runtime" / "pipewire-0"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))

    assert path.exists()
    assert not LinuxAdapter().has_sound_server()


def test_programs_are_told_apart(server, sound, desktop):
    with (
        desktop.program("phone", role="phone"),
        desktop.program("player", device="headphones"),
    ):
        found = {stream.name: stream for stream in sound.streams()}

        assert (found["phone"].purpose, found["phone"].binary) == ("call", "pacat")
        assert (found["phone"].device, found["player"].device) == ("speakers", "headphones")
        assert not found["phone"].pinned
        # PulseAudio does not tell clients about a pinned device.
        assert found["player"].pinned == (server.kind == "pipewire")


def test_pipewire_s_own_programs_have_a_binary_too(pipewire_server, home):
    sound = LinuxAdapter().connect()
    file = home / "silence.wav"
    soundfile.write(file, soundlab.sine(1000, 30, 0.0), soundlab.RATE_HZ)
    with running_program(pipewire_server, "pw-play", str(file)):
        stream = soundlab.wait_until(sound.streams, 5, "the stream plays")[0]

        assert (stream.name, stream.binary, stream.purpose) == ("pw-play", "pw-cat", "other")
    sound.close()


def test_a_stream_is_moved_and_only_that_is_news(sound, desktop):
    with desktop.program("player"):
        event = threading.Event()
        sound.watch(event.set, streams=True)
        index = sound.streams()[0].index
        sound.move_stream(index, "headphones")
        assert event.wait(5)
        soundlab.wait_until(lambda: sound.streams()[0].device == "headphones", 5, "the new device")

        time.sleep(0.3)
        event.clear()
        desktop.turn_down("player")
        assert not event.wait(0.3)
        desktop.drag("player", "speakers")
        assert event.wait(5)

        time.sleep(0.3)
        event.clear()
        with desktop.program("other"):
            assert event.wait(5)
            time.sleep(0.3)
            event.clear()
        assert event.wait(5)


def test_without_need_streams_are_no_news(sound, news, desktop):
    time.sleep(0.3)
    news.clear()
    with desktop.program("player", device="headphones"):
        sound.watch(news.set)  # replaces the former callback; the device's state is news itself
        time.sleep(0.3)
        news.clear()
        desktop.turn_down("player")
        assert not news.wait(0.3)


@pytest.mark.parametrize(("index", "device"), [(None, "hdmi"), (987654, "headphones")])
def test_a_move_that_cannot_be_is_refused_and_the_connection_lives_on(
    sound, desktop, index, device
):
    with desktop.program("player"):
        index = index or sound.streams()[0].index

        with pytest.raises(PlatformError):
            sound.move_stream(index, device)
        assert sound.streams()[0].device == "speakers"


def test_pulseaudio_does_not_remember_a_move_of_ours(pulse_server):
    sound, desktop = LinuxAdapter().connect(), Desktop(pulse_server)
    with desktop.program("player"):
        sound.move_stream(sound.streams()[0].index, "headphones")
    with desktop.program("player"):
        assert sound.streams()[0].device == "speakers"
    desktop.close()
    sound.close()
