"""Two minutes on each sound server, at the same time; `make soak` plays for longer."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import long_run
import pytest
from conftest import SANDBOXES, skip_unless_installed

SECONDS = 120


@pytest.mark.slow
def test_two_minutes_without_a_gap_a_click_or_a_leak():
    """While other programs open and close 200 streams a minute, after 50 played at once."""
    for sandbox in SANDBOXES.values():
        skip_unless_installed(sandbox)
    begun = Barrier(len(SANDBOXES), timeout=60)
    with ThreadPoolExecutor() as pool:
        runs = [pool.submit(long_run.run, kind, SECONDS, begun.wait) for kind in SANDBOXES]
        results = [each.result() for each in runs]
    for result in results:
        said = long_run.describe(result)
        assert result.is_unbroken, said
        assert result.entrain.seconds > 0.9 * SECONDS, said
        assert result.memory_growth_kb < 1024, said
        assert result.streams > SECONDS, said
        assert result.state == "processing", said
    assert max(results[0].latency_ms) == min(results[0].latency_ms)
