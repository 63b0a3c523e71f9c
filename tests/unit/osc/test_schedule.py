"""Bundles are carried out at once, or when their time tag says."""

import asyncio
import time

import osc_packets
import pytest
from osc_desk import now_tag, osc_desk

from entrain.vdevice.bridge.osc import schedule
from entrain.vdevice.bridge.osc.schedule import MAX_AHEAD_S, MAX_WAITING, Schedule
from entrain.vdevice.bridge.osc_reader import IMMEDIATELY, Message, read_packet

SENDER = ("127.0.0.1", 40_000)


def scheduled(*tags: int) -> tuple[list[str], list[str]]:
    """Put messages with these time tags; return those done at once, and the refusals."""
    done: list[str] = []

    async def main() -> list[str]:
        made = Schedule(lambda message, sender: done.append(message.address))
        refusals = [made.put(Message(f"/{n}", (), tag), SENDER) for n, tag in enumerate(tags)]
        made.close()
        return refusals

    return done, asyncio.run(main())


def test_what_has_no_time_or_a_past_one_is_done_at_once():
    done, refusals = scheduled(IMMEDIATELY, 0, 2, now_tag(-3600), now_tag(-0.001))
    assert done == ["/0", "/1", "/2", "/3", "/4"]
    assert not any(refusals)


def test_what_is_too_far_ahead_is_refused():
    done, refusals = scheduled(now_tag(MAX_AHEAD_S - 5), now_tag(MAX_AHEAD_S + 5), (1 << 64) - 1)
    assert done == []
    assert refusals == ["", *["the time tag is more than 60 s ahead"] * 2]


def test_the_messages_that_wait_are_bounded():
    _, refusals = scheduled(*[now_tag(30)] * (MAX_WAITING + 2))
    assert [bool(each) for each in refusals[-3:]] == [False, True, True]


def test_a_message_is_done_when_it_is_due():
    async def main() -> float:
        due = asyncio.Event()
        made = Schedule(lambda message, sender: due.set())
        assert made.put(Message("/a", (), now_tag(0.3)), SENDER) == ""
        begin_s = time.monotonic()
        await due.wait()
        assert not made._waiting
        return time.monotonic() - begin_s

    assert asyncio.run(main()) > 0.25


def test_messages_of_one_time_keep_their_order_and_earlier_times_come_first():
    done: list[str] = []

    async def main() -> None:
        made = Schedule(lambda message, sender: done.append(message.address))
        tags = [now_tag(ahead_s) for ahead_s in (0.3, 0.2)]
        for number in range(50):
            for tag in tags:
                assert made.put(Message(f"/{tags.index(tag)}/{number}", (), tag), SENDER) == ""
        async with asyncio.timeout(10):
            while made._waiting:
                await asyncio.sleep(0.01)

    asyncio.run(main())
    assert done == [f"/{tag}/{number}" for tag in (1, 0) for number in range(50)]


def test_a_tag_that_becomes_due_within_its_bundle_keeps_the_order(monkeypatch):
    now_s = time.time()
    done: list[str] = []

    async def main() -> None:
        made = Schedule(lambda message, sender: done.append(message.address))
        tag = now_tag(30)
        made.put(Message("/0", (), tag), SENDER)
        monkeypatch.setattr(schedule.time, "time", lambda: now_s + 31)
        made.put(Message("/1", (), tag), SENDER)

    asyncio.run(main())
    assert done == ["/0", "/1"]


def test_an_error_in_one_message_does_not_keep_the_others_back():
    done: list[str] = []

    def hand_on(message: Message, sender: object) -> None:
        done.append(message.address)
        if message.address == "/0":
            raise ArithmeticError

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        made = Schedule(hand_on)
        tag = now_tag(0.1)
        for address in ("/0", "/1"):
            made.put(Message(address, (), tag), SENDER)
        async with asyncio.timeout(10):
            while len(done) < 2:
                await asyncio.sleep(0.01)

    asyncio.run(main())


def test_a_protocol_of_a_timed_bundle_is_used_before_the_values_behind_it(tmp_path):
    async def main() -> None:
        async with osc_desk(tmp_path) as desk:
            for number in range(10):
                values = [
                    osc_packets.message(f"/entrain/new{number}/{symbol}", value)
                    for symbol, value in (("beat_hz", 5), ("carrier_hz", 300))
                ]
                spec = f"new{number}=binaural:carrier_hz=200,beat_hz=3"
                use = osc_packets.message("/entrain/use", spec)
                packet = bytearray(osc_packets.bundle(use, *values))
                packet[8:16] = now_tag(0.02).to_bytes(8, "big")
                desk.packet(bytes(packet))
                await desk.until(lambda n=number: f"new{n}" in desk.mirror.layers)
                await desk.until(lambda n=number: desk.value(f"new{n}", "carrier_hz") == 300)
                assert desk.value(f"new{number}", "beat_hz") == 5
            assert desk.refused == 0

    asyncio.run(main())


def test_messages_in_bundles_have_the_time_tag_of_their_own_bundle():
    inner = osc_packets.bundle(osc_packets.message("/b"))  # at once
    packet = bytearray(osc_packets.bundle(osc_packets.message("/a"), inner))
    packet[8:16] = (5 << 32).to_bytes(8, "big")

    found = read_packet(bytes(packet))

    assert [each.time_tag for each in found] == [5 << 32, IMMEDIATELY]


@pytest.mark.parametrize("ahead_s", [-10.0, 0.4])
def test_a_bundle_sets_several_values_at_its_time(tmp_path, ahead_s):
    async def main() -> None:
        async with osc_desk(tmp_path) as desk:
            packet = bytearray(
                osc_packets.bundle(
                    osc_packets.message("/entrain/tone/beat_hz", 4),
                    osc_packets.message("/entrain/music/depth", 0.25),
                )
            )
            packet[8:16] = now_tag(ahead_s).to_bytes(8, "big")
            before = desk.app.player.revision
            desk.packet(bytes(packet))
            await desk.settled()
            if ahead_s > 0:
                assert desk.value("tone", "beat_hz") == 10
            await desk.until(lambda: desk.value("tone", "beat_hz") == 4)
            assert desk.value("music", "depth") == 0.25
            assert desk.app.player.revision == before + 1  # in one request

    asyncio.run(main())


def test_a_closed_schedule_hands_nothing_on(monkeypatch):
    monkeypatch.setattr(schedule, "MAX_AHEAD_S", 100.0)
    done, refusals = scheduled(now_tag(0.05), now_tag(80))
    assert (done, refusals) == ([], ["", ""])
