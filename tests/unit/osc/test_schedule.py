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
