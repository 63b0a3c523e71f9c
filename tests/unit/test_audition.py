"""A sample through several heads: the same way for each, and no trace afterwards."""

import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import numpy as np
import pytest
from app_on_thread import AppOnThread
from made_up_head import made_up
from space_desk import SpaceDesk, run

from entrain.engine import blocks
from entrain.errors import EntrainError
from entrain.vdevice.api import messages
from entrain.vdevice.api.client import Client, ClientError
from entrain.vdevice.api.control_server import MAX_CLIENTS
from entrain.vdevice.device.virtual_device import VirtualDevice
from entrain.vdevice.hrtf import process, sets
from entrain.vdevice.hrtf.sets import Card
from entrain.vdevice.protocol.check import problems
from entrain.vdevice.protocol.document import write_protocol
from entrain.vdevice.protocol.shipped import sample
from entrain.vdevice.storage.store import Store

SAMPLE = "hrtf-comparison"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SpaceDesk]:
    monkeypatch.setattr(VirtualDevice, "on", property(lambda _: True))
    made = SpaceDesk(tmp_path, monkeypatch)
    yield made
    made.app.engine.close()


def heard_db(desk: SpaceDesk, seconds: float) -> np.ndarray:
    """Process silence; return the level of both ears in each half second."""
    silence = np.zeros((2, round(seconds * 48_000)), np.float32)
    heard = desk.app.engine.process(silence).reshape(2, -1, 24_000)
    return 10 * np.log10((heard.astype(float) ** 2).mean(-1) + 1e-12)


def test_the_sample_fits_the_blocks_and_is_as_entrain_writes_it():
    found = sample(SAMPLE)
    assert list(problems(found, blocks)) == []
    root = Path(__file__).parents[2]
    assert (root / f"presets/samples/{SAMPLE}.json").read_bytes() == write_protocol(found)


def test_each_head_is_heard_from_the_beginning_of_the_way(desk):
    async def play() -> None:
        for head, seconds in (("one", 5.0), ("other", 9.0)):
            status = await desk.ask(messages.Audition(hrtf=head))
            assert status.protocol is not None
            assert (status.protocol.id, status.protocol.elapsed_s) == (SAMPLE, 0)
            assert (status.space.mode, status.space.hrtf_in_use) == ("speakers", head)
            left, right = heard_db(desk, seconds)
            assert left[3] > right[3] + 3  # after 2 s it is on the left
            assert left[3] > -50
        assert right[11] > left[11] + 1  # and after 6 s on the right

    run(desk, play)


def kept(desk: SpaceDesk) -> dict[str, object]:
    return {name: str(value) for name, value in desk.app._to_be_kept().items()}


async def begin(desk: SpaceDesk) -> None:
    await desk.ask(messages.Audition(hrtf="one"))
    heard_db(desk, 1.0)


async def before(desk: SpaceDesk) -> messages.Status:
    """Use a protocol, a value and a space that are not the initial ones."""
    await desk.ask(messages.Use(protocol="binaural:beat_hz=7"))
    await desk.ask(messages.Set(address="binaural.beat_hz", value=6.5))
    await desk.space(mode="scene", head_cm=60)
    await desk.head()
    await desk.ask(messages.Session(position_s=100, runs=True))
    heard_db(desk, 1.0)
    return await desk.ask(messages.GetStatus())


def is_as(desk: SpaceDesk, former: messages.Status) -> None:
    heard_db(desk, 0.5)
    now = desk.app.status()
    assert now.protocol is not None
    assert former.protocol is not None
    changing = {"elapsed_s": 0.0}
    assert now.protocol.model_copy(update=changing) == former.protocol.model_copy(update=changing)
    assert former.protocol.elapsed_s < now.protocol.elapsed_s < former.protocol.elapsed_s + 1
    assert (now.space.mode, now.space.hrtf, now.hrtf) == ("scene", "kemar", "kemar")
    assert desk.app.engine.parameter(desk.app.player.running()[0][1], "beat_hz") == 6.5


Ending = Callable[[SpaceDesk], Awaitable[object]]


async def by_itself(desk: SpaceDesk) -> None:
    await desk.ask(messages.Audition(hrtf=None))


async def by_another_command(desk: SpaceDesk) -> None:
    await desk.ask(messages.Sleep(minutes=None))


async def by_a_refused_command(desk: SpaceDesk) -> None:
    with pytest.raises(EntrainError):
        await desk.ask(messages.Use(protocol="nonsense"))


async def by_a_hang_up(desk: SpaceDesk) -> None:
    desk.app._audition_left()


@pytest.mark.parametrize("end", [by_itself, by_another_command, by_a_refused_command, by_a_hang_up])
def test_afterwards_all_is_as_before_and_nothing_is_stored_meanwhile(desk, end):
    async def play() -> None:
        former, stored = await before(desk), kept(desk)
        await begin(desk)
        await desk.ask(messages.Audition(hrtf="other"))
        assert kept(desk) == stored

        await end(desk)

        await desk.head()
        is_as(desk, former)
        assert kept(desk) == stored

    run(desk, play)


def test_a_protocol_that_is_used_meanwhile_plays_instead(desk):
    async def play() -> None:
        await begin(desk)
        status = await desk.ask(messages.Use(protocol="focus-16"))
        assert status.protocol is not None
        assert status.protocol.id == "focus-16"
        desk.app._audition_left()
        assert desk.app.status().protocol == status.protocol

    run(desk, play)


def test_queries_and_a_turned_head_do_not_end_it(desk):
    async def play() -> None:
        await begin(desk)
        await desk.app.hub.ask(messages.TurnHead(w=1, x=0, y=0, z=0))
        await desk.app.hub.ask(messages.ListProtocols())
        assert desk.app.audition.is_on

    run(desk, play)


def test_another_output_ends_it(desk):
    async def play() -> None:
        await begin(desk)
        desk.play_on("box", "speakers")
        assert not desk.app.audition.is_on
        assert desk.app.player.protocol.id == "default"
        with pytest.raises(EntrainError, match="needs headphones; this output has none"):
            await desk.ask(messages.Audition(hrtf="one"))
        assert desk.app.player.protocol.id == "default"

    run(desk, play)


def test_what_cannot_be_heard_is_refused_and_changes_nothing(desk, monkeypatch):
    async def refused(reason: str, head: str = "one") -> None:
        with pytest.raises(EntrainError, match=reason):
            await desk.ask(messages.Audition(hrtf=head))
        assert not desk.app.audition.is_on
        assert desk.app.player.protocol.id == "default"
        assert desk.app.spaces.head == "kemar"

    async def play() -> None:
        await refused("broken.sofa cannot be read", "broken")
        await desk.ask(messages.Bypass(on=True))
        await refused("Entrain is bypassed; `entrain bypass off` ends that")
        await desk.ask(messages.Bypass(on=False))
        monkeypatch.setattr(VirtualDevice, "on", property(lambda _: False))
        await refused("Entrain is off; `entrain on` switches it on")

    run(desk, play)


# ---- at the socket -------------------------------------------------------------------------------


class Serving(AppOnThread):
    """An app at a socket."""

    def plays(self) -> str:
        with Client(self.path) as client:
            protocol = client.ask("status")["protocol"]
        return protocol["id"] if protocol else ""


@pytest.fixture
def serving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serving]:
    file = tmp_path / "made-up.head"
    file.write_bytes(made_up().file())
    monkeypatch.setattr(process, "prepared", lambda card: file)
    monkeypatch.setattr(sets, "find", lambda name: Card(name, name))
    monkeypatch.setattr(VirtualDevice, "on", property(lambda _: True))
    app = Serving(tmp_path)
    yield app
    app.close()


def wait_until(holds: Callable[[], bool]) -> None:
    end_s = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end_s
        time.sleep(0.01)


def test_a_client_that_hangs_up_ends_its_audition(serving):
    with Client(serving.path) as client:
        client.ask("audition", hrtf="one")
        client.ask("audition", hrtf="other")
        assert serving.plays() == SAMPLE
    wait_until(lambda: serving.plays() == "default")


def test_a_client_that_is_killed_ends_its_audition(serving):
    code = f"""
import pathlib, time
from entrain.vdevice.api.client import Client
client = Client(pathlib.Path({str(serving.path)!r}))
client.ask("audition", hrtf="one")
print("plays", flush=True)
time.sleep(60)
"""
    killed = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert killed.stdout is not None
    assert killed.stdout.readline() == b"plays\n"
    assert serving.plays() == SAMPLE
    killed.kill()
    killed.wait()
    killed.stdout.close()
    wait_until(lambda: serving.plays() == "default")


def test_one_client_at_a_time_has_an_audition(serving):
    with Client(serving.path) as one, Client(serving.path) as other:
        one.ask("audition", hrtf="a")
        with pytest.raises(ClientError, match="another program is comparing HRTFs; end it first"):
            other.ask("audition", hrtf="b")
        other.close()
        assert serving.plays() == SAMPLE  # the refused client ends nothing
        assert one.ask("audition", hrtf=None)["protocol"]["id"] == "default"


def test_the_end_of_the_app_ends_it(serving, tmp_path):
    with Client(serving.path) as client:
        client.ask("audition", hrtf="one")
        with Client(serving.path) as other:
            other.ask("stop")
        serving._thread.join(20)
        assert not serving._thread.is_alive()
    assert Store(tmp_path / "state.json").load().protocol == "default"


def test_who_was_refused_does_not_keep_the_turn(serving):
    with Client(serving.path) as one, Client(serving.path) as other:
        one.ask("bypass", on=True)
        with pytest.raises(ClientError, match="bypassed"):
            one.ask("audition", hrtf="a")
        other.ask("bypass", on=False)
        assert other.ask("audition", hrtf="b")["protocol"]["id"] == SAMPLE


def test_a_refused_head_leaves_the_listener_its_turn(serving, monkeypatch):
    with Client(serving.path) as one, Client(serving.path) as other:
        one.ask("audition", hrtf="a")

        def refuse(name: str) -> Card:
            raise EntrainError("no such head")

        monkeypatch.setattr(sets, "find", refuse)
        with pytest.raises(ClientError, match="no such head"):
            one.ask("audition", hrtf="b")
        with pytest.raises(ClientError, match="another program"):
            other.ask("audition", hrtf="a")
        assert serving.plays() == SAMPLE


@pytest.mark.parametrize("head", [None, "a"])
def test_clients_that_hear_nothing_give_way_to_others(serving, head):
    with ExitStack() as clients:
        first = clients.enter_context(Client(serving.path))
        first.ask("bypass", on=True)
        for client in (first, *(Client(serving.path) for _ in range(MAX_CLIENTS - 1))):
            clients.enter_context(client)
            with suppress(ClientError):
                client.ask("audition", hrtf=head)
        wait_until(lambda: _is_heard(serving.path))


def _is_heard(path: Path) -> bool:
    """Return whether a client more gets a place; the first must have been idle for a moment."""
    with Client(path) as late, suppress(ClientError):
        return bool(late.ask("status"))
    return False
