"""Programs that say `xmit` get changes, and are forgotten when they vanish."""

import asyncio
import errno
import os

import osc_packets
import pytest

from entrain.vdevice.api import messages
from entrain.vdevice.bridge.osc import machines as machines_module
from entrain.vdevice.bridge.osc import osc_part
from entrain.vdevice.bridge.osc.machines import (
    AWAY_S,
    MAX_CLIENTS,
    MAX_MACHINES,
    PAUSE_S,
    SILENT_S,
    Machines,
)


def test_a_layer_with_a_name_like_the_position_is_no_measurement(run):
    async def work(desk):
        layer = "positional=binaural:beat_hz=3"
        await desk.app.hub.ask(messages.Use(protocol=layer, layers=(), standalone=False))
        await desk.until(lambda: "positional" in desk.mirror.layers)
        desk.send("/entrain", "xmit", 2)
        await desk.until(lambda: ("/entrain/positional/beat_hz", 3) in desk.receive())
        assert not any(each[0] == "/entrain/position" for each in desk.got)

    run(work)


def test_changes_by_others_arrive_after_xmit_until_xmit_0(run):
    async def work(desk):
        desk.send("/entrain", "xmit", 1)
        await desk.until(lambda: ("/entrain/tone/beat_hz", 10) in desk.receive())
        assert ("/entrain/use", "custom") in desk.got
        desk.got.clear()
        await desk.app.hub.ask(messages.Set(values={"tone.beat_hz": 6.5}))
        await desk.until(lambda: ("/entrain/tone/beat_hz", 6.5) in desk.receive())
        await desk.app.hub.ask(messages.Bypass(on=True))
        await desk.until(lambda: ("/entrain/bypass", 1) in desk.receive())
        await desk.app.hub.ask(messages.Sleep(minutes=30))
        await desk.until(lambda: any(each[0] == "/entrain/sleep" for each in desk.receive()))
        assert not any(each[0] == "/entrain/music/depth" for each in desk.got)
        desk.send("/entrain/xmit", 0)
        await desk.settled()
        desk.receive()
        desk.got.clear()
        await desk.app.hub.ask(messages.Bypass(on=False))
        assert await desk.answer("/entrain/bypass", "get") == [("/entrain/bypass", 0, 0, 1)]
        assert desk.part.wants_meters is False

    run(work)


def test_measurements_and_levels_come_with_xmit_1_only(run):
    async def work(desk):
        desk.send("/entrain", "xmit", 2)
        await desk.until(lambda: ("/entrain/tone/beat_hz", 10) in desk.receive())
        assert desk.part.wants_meters is False
        measured = {"text": "", "tones": {"left_hz": 405.0, "beat_hz": 10.0}, "modulation": None}
        levels = {"out_db": None, "in_rms_db": [-20.0, None]}
        news = {"measured": measured, "levels": levels}
        desk.mirror.take(news)
        desk.send("/entrain/bypass", "get")  # its answer comes after the feedback
        await desk.until(lambda: ("/entrain/bypass", 0, 0, 1) in desk.receive())
        assert not any(each[0].startswith("/entrain/measured") for each in desk.got)

        desk.send("/entrain", "xmit", 1)
        assert desk.part.wants_meters
        desk.mirror.take(news)
        await desk.until(lambda: ("/entrain/measured/beat_hz", 10) in desk.receive())
        assert ("/entrain/levels/out_db", -200) in desk.got
        assert ("/entrain/levels/in_rms_left_db", -20) in desk.got
        assert ("/entrain/levels/in_rms_right_db", -200) in desk.got

    run(work)


def test_a_fader_does_not_get_its_own_values_back(run, monkeypatch):
    """Neither the value that it has sent last, nor, while it moves, an older one."""
    monkeypatch.setattr(machines_module, "QUIET_S", 0.3)

    async def work(desk):
        desk.send("/entrain", "xmit", 2)
        await desk.until(lambda: ("/entrain/tone/beat_hz", 10) in desk.receive())
        desk.got.clear()
        for number in range(30):
            desk.send("/entrain/tone/beat_hz", 5 + number / 10)
            await asyncio.sleep(0.01)
        await desk.until(lambda: desk.value("tone", "beat_hz") == pytest.approx(7.9))
        await desk.app.hub.ask(messages.Bypass(on=True))
        await desk.until(lambda: ("/entrain/bypass", 1) in desk.receive())
        await asyncio.sleep(0.7)
        assert not [each for each in desk.receive() if each[0] == "/entrain/tone/beat_hz"]
        # Another front end's value comes, and so does a clipped value.
        await desk.app.hub.ask(messages.Set(values={"tone.beat_hz": 3.0}))
        await desk.until(lambda: ("/entrain/tone/beat_hz", 3) in desk.receive())
        desk.send("/entrain/tone/beat_hz", 1000)
        await desk.until(lambda: ("/entrain/tone/beat_hz", 200) in desk.receive())

    run(work)


@pytest.mark.parametrize("mode", [1, 2])
def test_a_program_that_has_ended_is_forgotten_and_that_is_told(run, monkeypatch, mode):
    monkeypatch.setattr(osc_part, "REPORT_S", 0.02)

    async def work(desk):
        desk.send("/entrain", "xmit", mode)
        await desk.until(lambda: desk.receive())
        await desk.until(lambda: desk.reports[-1]["clients"] == 1)
        assert len(desk.part._machines.clients) == 1
        desk.out.close()
        for on in (True, False) * 20:
            await desk.app.hub.ask(messages.Bypass(on=on))
            await asyncio.sleep(0.06)
            if not desk.part._machines.clients:
                break
        assert desk.part._machines.clients == []
        assert desk.part.wants_meters is False
        await desk.until(lambda: desk.reports[-1]["clients"] == 0)

    run(work)


def test_machines_and_clients_are_bounded():
    machines = Machines(5511)
    try:
        first = machines.at(("127.0.0.1", 1))
        first.mode = 1
        for number in range(2, 3 * MAX_MACHINES):
            assert machines.at((f"127.0.0.{number}", 1)) is not None
        assert len(machines._machines) == MAX_MACHINES
        assert machines.remembered(("127.0.0.1", 9)) is first  # it gets changes, and so it stays
        for machine in machines._machines.values():
            machine.mode = 1
        assert not machines.make_place()
        assert MAX_CLIENTS < MAX_MACHINES
    finally:
        machines.close()


def test_one_client_more_than_there_may_be_is_refused(run, monkeypatch):
    monkeypatch.setattr(machines_module, "MAX_CLIENTS", 1)

    async def work(desk):
        desk.send("/entrain", "xmit", 1)
        desk.send("/entrain", "xmit", 2)  # the same one
        assert desk.refused == 0
        desk.part.take_packet(b"/entrain\0\0\0\0,si\0xmit\0\0\0\0\0\0\0\x01", ("127.0.0.7", 40_000))
        assert desk.refusal == "/entrain: too many machines get changes"

    run(work)


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.s = 1000.0

    def __call__(self) -> float:
        return self.s


def full(clock: Clock) -> tuple[Machines, list[tuple[str, int]]]:
    """Return machines that all are clients; each has come a second after the one before."""
    machines = Machines(5511, clock)
    senders = [(f"127.0.0.{number}", 1) for number in range(1, MAX_CLIENTS + 1)]
    for sender in senders:
        clock.s += 1
        machines.at(sender).mode = 1
    return machines, senders


def test_the_client_that_is_silent_for_longest_loses_its_place_when_another_needs_it():
    clock = Clock()
    machines, senders = full(clock)
    try:
        for sender in (senders[0], *senders[2:]):
            machines.heard(sender)
        clock.s = machines.remembered(senders[1]).heard_at_s + SILENT_S - 0.5
        assert not machines.make_place()
        clock.s += 1
        assert machines.make_place()
        assert machines.remembered(senders[1]) is None
        assert len(machines.clients) == MAX_CLIENTS - 1
        assert machines.make_place()
        assert len(machines.clients) == MAX_CLIENTS - 1  # no other client has to go
    finally:
        machines.close()


def test_a_ninth_program_gets_the_place_of_one_that_has_vanished(run, monkeypatch):
    monkeypatch.setattr(machines_module, "MAX_CLIENTS", 1)
    monkeypatch.setattr(machines_module, "SILENT_S", 0.0)

    async def work(desk):
        xmit = osc_packets.message("/entrain", "xmit", 1)
        desk.packet(xmit, "127.0.0.7")
        desk.packet(xmit)
        await desk.until(lambda: ("/entrain/tone/beat_hz", 10) in desk.receive())
        assert desk.refused == 0
        assert len(desk.part._machines.clients) == 1

    run(work)


class Unreachable:
    """A socket to a machine that is away: the system reports it now and then."""

    def __init__(self) -> None:
        self.error: int | None = None

    def send(self, packet: bytes) -> int:
        if self.error is not None:
            raise OSError(self.error, os.strerror(self.error))
        return len(packet)

    def close(self) -> None:
        return


def away(clock: Clock, pattern: str, error: int = errno.EHOSTUNREACH, heard: int = -1) -> float:
    """Send a packet a second, with an error where the pattern says; return when it is forgotten."""
    machines = Machines(5511, clock)
    sender = ("127.0.0.1", 1)
    machine = machines.at(sender)
    machine._socket.close()
    machine._socket = link = Unreachable()
    begin_s = clock.s
    for second, each in enumerate(pattern):
        clock.s = begin_s + second
        if second == heard:
            machines.heard(sender)
        link.error = error if each == "!" else None
        machines.send(machine, iter([b"x"]))
        if machines.remembered(sender) is None:
            return second
    machines.close()
    return -1


def test_a_machine_that_is_away_for_long_is_forgotten():
    """Sends succeed while the system looks for the machine, so there are errors between them."""
    assert away(Clock(), "..!" * 20) == pytest.approx(AWAY_S, abs=3)


@pytest.mark.parametrize(
    "pattern", ["!" * int(AWAY_S) + "." * 100, ("!" * 5 + "." * (int(PAUSE_S) + 1)) * 10]
)
def test_a_machine_that_comes_back_soon_is_kept(pattern):
    assert away(Clock(), pattern) == -1


def test_a_machine_that_is_heard_meanwhile_is_kept():
    assert away(Clock(), "!" * 50, heard=25) == -1


def test_our_own_lost_network_lets_nobody_be_forgotten():
    assert away(Clock(), "!" * 100, errno.ENETUNREACH) == -1
