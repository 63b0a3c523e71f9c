"""Random packets neither end OSC nor make an invalid request, and hostile ones make none."""

import asyncio

import pytest
from unit.osc.fuzz import HOSTILE, deep, fuzzed_part, made_mirror, run


def test_20_000_random_packets_are_valid_requests_or_refused():
    found = run(20_000, seed=17)

    assert found.sets > 1000
    assert found.requests > 1000
    assert found.refused > 5000


@pytest.mark.parametrize("packet", [*HOSTILE, deep(5), deep(900)], ids=range(len(HOSTILE) + 2))
def test_a_hostile_packet_changes_nothing_and_is_counted(packet):
    async def main() -> None:
        mirror = made_mirror()
        part, link = fuzzed_part(mirror, lambda told: None)
        part.take_packet(packet, ("127.0.0.1", 40_000))
        assert (link.sets, link.requests) == (0, 0)
        assert part._refused == 1
        part.close()
        mirror.close()
        await asyncio.sleep(0)

    asyncio.run(main())
