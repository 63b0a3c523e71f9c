"""Frames and bytes a second."""

import pytest

from entrain.tray.terminal.pace import BURST_BYTES, MAX_BYTES_PER_S, Pace


@pytest.mark.parametrize("size", [10, 600, 5_000, 40_000])
def test_neither_frames_nor_bytes_come_too_often(size):
    pace, now_s, frames = Pace(0.0), 0.0, 0
    while now_s < 100.0:
        pace.drawn(now_s, size)
        frames += 1
        assert pace.due_s > now_s
        now_s = pace.due_s
    assert frames <= 15 * 100 + 1
    assert frames * size <= 100 * MAX_BYTES_PER_S + BURST_BYTES + size
    if 15 * size < MAX_BYTES_PER_S:
        assert frames >= 15 * 100 - 1


def test_after_a_pause_a_large_frame_is_followed_soon():
    pace = Pace(0.0)
    pace.drawn(60.0, 5_000)
    assert pace.due_s == pytest.approx(60.0 + 1 / 15)
