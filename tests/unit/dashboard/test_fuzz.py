"""Random requests and frames neither end the dashboard nor make it grow."""

import pytest
from unit.dashboard.fuzz import run

from entrain.tray.dashboard import page_link


def test_20_000_random_requests_and_frames_end_no_other_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(page_link, "MESSAGES_PER_S", page_link.MESSAGES_PER_S)  # `run` changes it
    sent, _ = run(20_000, seed=18)

    assert sent["requests"] > 200
    assert sent["frames"] > 1000
    assert sent["messages"] > 10_000
