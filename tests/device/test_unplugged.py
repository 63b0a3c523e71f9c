"""The volume of the loudspeaker that takes over when headphones are unplugged in music."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import app
import numpy as np
import pytest
import soundlab
from conftest import skip_unless_installed
from filters import loopback
from lab_servers import LabPulse, LabServer
from running_device import RunningDevice, running_device
from test_defaults import choose
from test_smart import skip_without_smart_filters
from test_volume import pactl, volume

from entrain.platform import pulse_terms
from entrain.platform.adapter import Volume
from entrain.platform.pulse_server import PulseServer
from entrain.platform.sandbox import VirtualDevice
from entrain.vdevice.api.client import Client
from entrain.vdevice.device.unplugged import AWAY_S

HEADSET = VirtualDevice(
    "headset", "Headset", 1999, properties=(("device.form_factor", "headphone"),)
)
LOUDSPEAKER = VirtualDevice(
    "loudspeaker", "Loudspeaker", 1500, properties=(("device.form_factor", "speaker"),)
)

AMPLITUDE = 0.1
LOUD_DB = 20 * np.log10(AMPLITUDE) - 3.01
SOFT_PERCENT = round(100 * 10 ** (-20 / 60))


@pytest.fixture
def plugged(server: LabServer) -> LabServer:
    """Return a server with a headset and a loudspeaker."""
    server.add_device(LOUDSPEAKER)
    server.add_device(HEADSET)
    return server


@contextmanager
def music(server: LabServer) -> Iterator[tuple[app.App, soundlab.Recorder]]:
    """Play a tone through Entrain on the headset, and record the loudspeaker."""
    with (
        soundlab.recording(server.environment, "loudspeaker") as recorder,
        app.running(server.environment, "--protocol", "none", *app.PATIENT[server.kind]) as entrain,
        soundlab.play(server.environment, soundlab.sine(1000, 60, AMPLITUDE)),
    ):
        entrain.wait_for_output("headset")
        entrain.wait_for(state="processing")
        heard = recorder.take(0.1)
        assert not np.any(heard), "the loudspeaker plays beside the headset"
        yield entrain, recorder


def all_until_heard(recorder: soundlab.Recorder, least_db: float) -> soundlab.Frames:
    """Record until a tenth of a second has the tone at this level without a gap."""
    heard = []
    deadline = time.monotonic() + 10
    while not heard or soundlab.tone_db(heard[-1], 1000) < least_db:
        assert time.monotonic() < deadline, "the tone is not heard on the loudspeaker"
        heard.append(recorder.take(0.1))
    heard.append(recorder.take(0.2))
    return np.concatenate(heard)


def sets_volumes_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Delay each request to the server that turns a device down."""
    at_once = PulseServer.set_volume

    def set_late(self: PulseServer, name: str, wanted: Volume) -> None:
        if wanted.channels[0] < 0.9:
            time.sleep(0.3)
        at_once(self, name, wanted)

    monkeypatch.setattr(PulseServer, "set_volume", set_late)


def is_set_back(server: LabServer) -> None:
    soundlab.wait_until(
        lambda: volume(server, "loudspeaker") == (100, 100, False), 5, "the volume is as before"
    )


def test_the_loudspeaker_is_softer_from_the_first_sample_until_the_headset_returns(plugged):
    server = plugged
    with music(server) as (entrain, loudspeaker):
        server.remove_device("headset")
        heard = all_until_heard(loudspeaker, LOUD_DB - 20.5)

        assert np.max(np.abs(heard)) <= AMPLITUDE * 10 ** (-19.5 / 20)
        assert soundlab.tone_db(heard[-4800:], 1000) == pytest.approx(LOUD_DB - 20, abs=0.5)
        status = entrain.wait_for(softened="softer")
        assert status["output"]["name"] == "loudspeaker"
        assert status["volume"] == pytest.approx(SOFT_PERCENT / 100, abs=0.01)
        assert status["reason"] == (
            "Headphones disconnected. Playing softly on Loudspeaker; `entrain output` changes that."
        )
        soft = (SOFT_PERCENT, SOFT_PERCENT, False)
        soundlab.wait_until(lambda: volume(server, "entrain") == soft, 3, "the slider shows it")

        server.add_device(HEADSET)
        with soundlab.recording(server.environment, "headset") as headset:
            soundlab.wait_until(
                lambda: soundlab.tone_db(headset.take(0.1), 1000) > LOUD_DB - 0.5, 1, "as before"
            )
        is_set_back(server)
        heard = loudspeaker.take(0.2)
        loudspeaker.skip_to_now()
        assert np.max(np.abs(heard)) <= AMPLITUDE * 10 ** (-19.5 / 20)
        assert not np.any(loudspeaker.take(0.1))
        assert entrain.status()["softened"] is None
        assert volume(server, "headset") == (100, 100, False)


def test_nothing_is_played_before_the_loudspeaker_is_turned_down(any_server, monkeypatch):
    """The server is slow to turn the loudspeaker down."""
    server = any_server
    server.add_device(LOUDSPEAKER)
    server.add_device(HEADSET)
    with (
        soundlab.recording(server.environment, "loudspeaker") as loudspeaker,
        running_device() as running,
        soundlab.play(server.environment, soundlab.sine(1000, 60, AMPLITUDE)),
    ):
        soundlab.wait_until(lambda: running.device.form == "headphones", 5, "on the headset")
        sets_volumes_late(monkeypatch)
        server.remove_device("headset")
        heard = all_until_heard(loudspeaker, LOUD_DB - 20.5)
        assert np.max(np.abs(heard)) <= AMPLITUDE * 10 ** (-19.5 / 20)


@contextmanager
def filtered(server: LabServer, name: str, target: str) -> Iterator[None]:
    """Run a filter in front of a device, either a chosen one or the best one."""
    if server.kind == "pipewire":
        with loopback(server, name, target):
            yield
        return
    modules = [f"module-remap-sink sink_name={name} master={target}"]
    if not target:
        modules = [
            f"module-null-sink sink_name={name}",
            f"module-loopback source={name}.monitor latency_msec=20 source_dont_move=true",
        ]
    loaded = [pactl(server, "load-module", *module.split()).strip() for module in modules]
    yield
    left = {line.split()[0] for line in pactl(server, "list", "short", "modules").splitlines()}
    for number in reversed(loaded):  # PulseAudio unloads a filter itself if its device is gone
        if number in left:
            pactl(server, "unload-module", number)


def test_in_mode_smart_the_loudspeaker_is_softer_from_the_first_sample(
    pipewire_server, monkeypatch
):
    """Without Entrain's action, the session manager would play on the loudspeaker at once."""
    server = pipewire_server
    skip_without_smart_filters(server)
    sets_volumes_late(monkeypatch)
    server.add_device(LOUDSPEAKER)
    server.add_device(HEADSET)
    with (
        running_device("smart") as running,
        soundlab.recording(server.environment, "loudspeaker") as loudspeaker,
        soundlab.play(server.environment, soundlab.sine(1000, 60, AMPLITUDE), sink=""),
    ):
        soundlab.wait_until(lambda: running.device.state.playing, 10, "through Entrain")
        assert running.device.form == "headphones"
        loudspeaker.skip_to_now()
        server.remove_device("headset")
        heard = all_until_heard(loudspeaker, LOUD_DB - 20.5)

        assert np.max(np.abs(heard)) <= AMPLITUDE * 10 ** (-19.5 / 20)


def test_headphones_behind_a_filter(plugged):
    """The filter stays when the headset goes, and Entrain still plays on the filter."""
    server = plugged
    with (
        app.running(server.environment, "--protocol", "none", *app.PATIENT[server.kind]) as entrain,
        Client(app.control_socket(server.environment)) as client,
        soundlab.recording(server.environment, "loudspeaker") as loudspeaker,
        soundlab.play(server.environment, soundlab.sine(1000, 60, AMPLITUDE)),
    ):
        for name, target in (("follows", ""), ("fixed", "headset")):
            with filtered(server, name, target):
                client.ask("output", name=name)
                entrain.wait_for_output(name)
                soundlab.wait_until(
                    lambda: entrain.status()["output"]["form"] == "headphones", 5, "the headset"
                )
                soundlab.wait_until(lambda: not np.any(loudspeaker.take(0.1)), 10, "silence")
                server.remove_device("headset")
                heard = all_until_heard(loudspeaker, LOUD_DB - 20.5)

                # PulseAudio sends the loopback to Entrain: at first the sound comes more than once.
                if server.kind == "pipewire" or name == "fixed":
                    assert np.max(np.abs(heard)) <= AMPLITUDE * 10 ** (-19.5 / 20)
                assert soundlab.tone_db(heard[-4800:], 1000) == pytest.approx(LOUD_DB - 20, abs=0.5)
                status = entrain.wait_for(softened="softer")
                assert "Playing softly on Loudspeaker" in status["reason"]
                if name == "follows":
                    time.sleep(AWAY_S + 0.2)
                assert volume(server, "loudspeaker") == (SOFT_PERCENT, SOFT_PERCENT, False)
                server.add_device(HEADSET)
                client.ask("output", name="headset")
                entrain.wait_for_output("headset")
        is_set_back(server)


def test_it_is_silent_until_the_user_wants_to_hear_it_also_after_a_kill(plugged):
    server = plugged
    pactl(server, "set-sink-volume", "loudspeaker", "80%")
    with music(server) as (entrain, loudspeaker):
        entrain("output", "--unplugged", "silent")
        server.remove_device("headset")
        entrain.wait_for_output("loudspeaker")
        entrain.wait_for(softened="silent", state="processing")
        assert not np.any(loudspeaker.take(0.3))
        loudspeaker.skip_to_now()
        assert not np.any(loudspeaker.take(0.1))
        entrain.kill()
    assert volume(server, "loudspeaker") == (80, 80, True)

    with app.running(server.environment) as entrain:
        entrain.wait_for(softened="silent")
        entrain("output")
        assert volume(server, "loudspeaker") == (80, 80, False)
        assert entrain.status()["softened"] is None


def test_who_chooses_the_loudspeaker_hears_it_as_loud_as_it_is(plugged):
    server = plugged
    with (
        app.running(server.environment, "--protocol", "none") as entrain,
        Client(app.control_socket(server.environment)) as client,
    ):
        entrain.wait_for_output("headset")
        client.ask("output", name="loudspeaker")
        entrain.wait_for_output("loudspeaker")
        assert (entrain.status()["softened"], entrain.status()["volume"]) == (None, 1.0)
        client.ask("output", name=None)
        entrain.wait_for_output("headset")
        client.ask("off")
        choose(server, "headset")
        server.remove_device("headset")  # while Entrain is off, the server decides
        entrain.wait_for_output("loudspeaker")
        assert (entrain.status()["softened"], entrain.status()["volume"]) == (None, 1.0)


def test_headphones_that_are_not_there_any_more_when_the_server_is_back(monkeypatch):
    skip_unless_installed(LabPulse)
    with LabPulse((LOUDSPEAKER,)) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        server.add_device(HEADSET)
        with running_device() as running:
            soundlab.wait_until(lambda: running.device.form == "headphones", 5, "on the headset")
            server.stop_server(kill=True)
            server.start_server()
            soundlab.wait_until(lambda: running.device.form == "speakers", 10, "on the loudspeaker")
            assert running.device.softened
            assert volume(server, "loudspeaker") == (SOFT_PERCENT, SOFT_PERCENT, False)


@pytest.mark.parametrize("plays", [False, True])
def test_quitting_sets_the_loudspeaker_back_unless_something_plays(any_server, plays):
    """Music that plays goes on there, and must not get louder."""
    server = any_server
    server.add_device(LOUDSPEAKER)
    server.add_device(HEADSET)
    with ExitStack() as stack:
        if plays:
            tone = soundlab.sine(1000, 60, AMPLITUDE)
            stack.enter_context(soundlab.play(server.environment, tone, sink=""))
        with running_device() as running:
            soundlab.wait_until(lambda: running.device.form == "headphones", 5, "on the headset")
            if plays:
                soundlab.wait_until(lambda: running.device.state.playing, 5, "the music plays")
            server.remove_device("headset")
            soundlab.wait_until(lambda: running.device.softened, 5, "softened")
        percent = SOFT_PERCENT if plays else 100
        assert volume(server, "loudspeaker") == (percent, percent, False)


def becomes(running: RunningDevice, server: LabServer, target: str, percent: int) -> None:
    """Wait until Entrain plays on the target, with the loudspeaker at this volume."""
    pactl(server, "set-sink-volume", "speakers", f"{percent - 1}%")  # makes Entrain look again
    soundlab.wait_until(lambda: running.device.target.name == target, 5, target)
    wanted = (percent, percent, False)
    soundlab.wait_until(lambda: volume(server, "loudspeaker") == wanted, 5, f"{percent} %")


def test_headphones_whose_socket_is_empty_are_left_for_the_loudspeaker(any_server, monkeypatch):
    """Here the headphones are a separate device, which stays when they are unplugged."""
    server = any_server
    server.add_device(LOUDSPEAKER)
    choose(server, "headphones")
    inserted = {"headphones": True}
    monkeypatch.setattr(pulse_terms, "_headphones_in", lambda sink: inserted.get(sink.name))
    with running_device() as running:
        soundlab.wait_until(lambda: running.device.target.name == "headphones", 5, "headphones")
        inserted["headphones"] = False
        becomes(running, server, "loudspeaker", SOFT_PERCENT)
        inserted["headphones"] = True
        becomes(running, server, "headphones", 100)


def test_between_sockets_it_is_loud_for_a_moment_only(server, monkeypatch):
    """The server plays on the other socket before it reports it; a new volume reveals it."""
    port = {"now": "analog-output-headphones"}
    monkeypatch.setattr(pulse_terms, "_port", lambda _: port["now"])
    sets_volumes_late(monkeypatch)
    with (
        running_device() as running,
        soundlab.recording(server.environment, "speakers") as recorder,
        soundlab.play(server.environment, soundlab.sine(1000, 60, AMPLITUDE)),
    ):
        soundlab.wait_until(
            lambda: soundlab.tone_db(recorder.take(0.1), 1000) > LOUD_DB - 0.5, 10, "the tone"
        )
        soundlab.wait_until(lambda: running.device.form == "headphones", 5, "with headphones")
        recorder.skip_to_now()
        port["now"] = "analog-output-speaker"
        pactl(server, "set-sink-volume", "speakers", "99%")
        heard = [recorder.take(0.1)]
        while not LOUD_DB - 21 < soundlab.tone_db(heard[-1], 1000) < LOUD_DB - 19:
            assert len(heard) < 50, "the sound is not soft within 5 s"
            heard.append(recorder.take(0.1))

        peaks = np.max(np.abs(np.concatenate(heard)[:, 0].reshape(-1, 48)), axis=1)
        loud_ms = np.count_nonzero((peaks < 0.985 * AMPLITUDE) & (peaks > 0.5 * AMPLITUDE))
        print(f"loud for {loud_ms} ms")
        assert loud_ms < 150
        assert running.device.softened


def test_a_socket_without_headphones_is_softer_and_with_them_as_before(any_server, monkeypatch):
    """One device has headphones and loudspeakers; the port in use tells which of them plays."""
    ports = {"speakers": "analog-output-headphones"}
    monkeypatch.setattr(pulse_terms, "_port", lambda sink: ports.get(sink.name, ""))
    server = any_server
    with running_device() as running:

        def plug(port: str, percent: int) -> None:
            ports["speakers"] = port
            # Any event makes Entrain look again.
            pactl(server, "set-sink-volume", "headphones", "77%" if percent < 100 else "78%")
            soundlab.wait_until(
                lambda: volume(server, "speakers") == (percent, percent, False), 5, f"{percent} %"
            )

        soundlab.wait_until(lambda: running.device.form == "headphones", 5, "with headphones")
        plug("analog-output-speaker", SOFT_PERCENT)
        assert running.device.softened
        plug("analog-output-headphones", 100)
        assert not running.device.softened
