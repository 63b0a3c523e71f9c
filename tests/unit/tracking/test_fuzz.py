"""Random packets neither end the tracker nor make it grow."""

from unit.tracking.fuzz import run


def test_20_000_random_packets_are_poses_ignored_or_malformed():
    receiver, _, _ = run(20_000, seed=17)

    counters = receiver.counters
    assert counters.poses > 1000
    assert counters.ignored > 500
    assert counters.malformed > 5000
