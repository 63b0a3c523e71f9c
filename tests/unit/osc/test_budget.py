"""OSC sends no more than its budget, and only to machines nearby."""

import asyncio

import osc_packets
import pytest
from osc_desk import HERE, osc_desk

from entrain.vdevice.bridge.osc.budget import BURST_S, Budget
from entrain.vdevice.bridge.osc.machines import is_near


def test_a_budget_gathers_what_may_be_sent():
    budget = Budget(1000, 5.0)
    assert budget.has_some(5.0)
    budget.spend(round(1000 * BURST_S))
    assert not budget.has_some(5.0)
    assert budget.has_some(5.1)
    budget.spend(1100)  # a debt of 1000
    assert not budget.has_some(5.9)
    assert budget.has_some(6.2)


def test_a_budget_that_rests_gathers_no_more_than_a_burst():
    budget = Budget(1000, 0.0)
    assert budget.has_some(1e6)
    budget.spend(round(1000 * BURST_S))
    assert not budget.has_some(1e6)


@pytest.mark.parametrize(
    ("host", "near"),
    [
        ("127.0.0.1", True),
        ("192.168.0.7", True),
        ("10.1.2.3", True),
        ("169.254.3.4", True),
        ("::1", True),
        ("fe80::1%wlan0", True),
        ("fd00::7", True),
        ("8.8.8.8", False),
        ("2606:4700::1", False),
        ("nonsense", False),
    ],
)
def test_machines_of_the_own_network_are_near(host, near):
    assert is_near(host) == near


def test_a_machine_far_away_gets_no_answer(tmp_path):
    async def main() -> None:
        async with osc_desk(tmp_path) as desk:
            assert desk.part._machines.at(("8.8.8.8", 40_000)) is None
            desk.packet(osc_packets.message("/*", "hello"), "8.8.8.8")
            assert desk.refusal == "/*: the machine that asks is in no network of this one"

    asyncio.run(main())


def test_a_machine_whose_budget_is_spent_gets_no_answers_and_its_changes_later(tmp_path):
    async def main() -> None:
        async with osc_desk(tmp_path) as desk:
            sender = (HERE, 40_000)
            machine = desk.part._machines.at(sender)
            budget = machine.budget
            budget.spend(10**9)
            desk.send("/entrain", "get")
            await desk.settled()
            assert desk.refusal == "/entrain: too much is asked for in a short time"
            desk.send("/entrain", "xmit", 2)
            assert desk.receive() == []
            budget.spend(-(10**9))
            await desk.until(lambda: ("/entrain/tone/beat_hz", 10) in desk.receive())

    asyncio.run(main())


def test_all_machines_together_have_a_budget(tmp_path):
    async def main() -> None:
        async with osc_desk(tmp_path) as desk:
            desk.part._machines._budget.spend(10**9)
            desk.send("/*", "hello")
            assert desk.refusal == "/*: too much is asked for in a short time"
            assert desk.receive() == []

    asyncio.run(main())
