"""The ring of samples in the page keeps the server's packets, and refuses broken ones."""

import numpy as np
import pytest
from javascript import packet, run

RING = 2**18
READ = """
const { Samples } = await import(page + "samples.js");
const samples = new Samples();
const taken = packets.map((packet) => samples.push(packet));
const read = (which, ear, frames) => {
  const into = new Float32Array(frames);
  samples.read(which, ear, frames, into);
  return Array.from(into);
};
"""


def ramp(first: int, frames: int) -> np.ndarray:
    """Return samples that tell their frame number and their ear."""
    numbers = np.arange(first, first + frames, dtype=float) / 2**20
    return np.stack([numbers, -numbers], axis=1)


def ended(code: str, packets: list[bytes], **given):
    state = "{ taken, rate: samples.rateHz, end: samples.end, begin: samples.begin, "
    state += "lost: samples.lost, ignored: samples.ignored, epoch: samples.epoch, read: value }"
    return run(f"{READ} const value = {code}; answer({state})", packets, **given)


def test_each_ear_of_input_and_output_is_read_back():
    output = ramp(100, 4)
    sent = packet(100, output, before=0.5 * output)

    got = ended(
        '[["input", 0], ["input", 1], ["output", 0], ["output", 1]]'
        ".map(([which, ear]) => read(which, ear, 4))",
        [sent],
    )

    assert got["rate"], got["end"] == (48_000, 104)
    left = output[:, 0]
    np.testing.assert_allclose(got["read"], [0.5 * left, -0.5 * left, left, -left])


def test_the_ring_goes_on_from_its_end_to_its_beginning():
    sizes = 100_000
    sent = [packet(first, ramp(first, sizes)) for first in range(0, 4 * sizes, sizes)]

    got = ended('read("output", 0, 200000)', sent)

    assert got["end"] == 4 * sizes
    assert got["begin"] == 4 * sizes - RING
    np.testing.assert_allclose(got["read"], ramp(2 * sizes, 2 * sizes)[:, 0])


def test_frames_that_the_ring_does_not_hold_are_silent():
    got = ended('read("output", 0, 6)', [packet(1000, np.ones((3, 2)))])

    assert got["read"] == [0, 0, 0, 1, 1, 1]


def test_a_gap_counts_as_lost_and_is_silent():
    sent = [packet(0, np.ones((3, 2))), packet(5, np.ones((2, 2)))]

    got = ended('read("output", 1, 7)', sent)

    assert got["lost"] == 2
    assert got["read"] == [1, 1, 1, 0, 0, 1, 1]


def test_the_ring_tells_which_frames_were_lost():
    sent = [packet(0, np.ones((3, 2))), packet(5, np.ones((2, 2)))]

    got = ended("[[0, 3], [1, 3], [4, 1], [5, 2]].map((range) => samples.isWhole(...range))", sent)

    assert got["read"] == [True, False, False, True]


def test_a_gap_longer_than_the_ring_leaves_nothing_old():
    sent = [packet(0, np.ones((3, 2))), packet(10 * RING, np.ones((2, 2)))]

    got = ended(f'read("output", 0, {RING}).reduce((a, b) => a + b)', sent)

    assert got["lost"] == 10 * RING - 3
    assert got["read"] == 2


def test_frames_that_come_twice_count_once():
    sent = [packet(0, ramp(0, 4)), packet(2, ramp(2, 4))]

    got = ended('read("output", 0, 6)', sent)

    assert (got["end"], got["lost"], got["epoch"]) == (6, 0, 1)
    np.testing.assert_allclose(got["read"], ramp(0, 6)[:, 0])


@pytest.mark.parametrize("again", [packet(0, np.ones((3, 2))), packet(50, np.ones((3, 2)), 44_100)])
def test_a_new_count_or_another_rate_begins_anew(again):
    got = ended('read("output", 0, 6)', [packet(40, 0.5 * np.ones((10, 2))), again])

    assert got["epoch"] == 2
    assert got["lost"] == 0
    assert got["read"] == [0, 0, 0, 1, 1, 1]


def broken(first=10, frames=3, rate_hz=48_000, cut=0) -> bytes:
    whole = packet(0, np.ones((3, 2)))
    head = np.array([first], "<u8").tobytes() + np.array([frames, rate_hz], "<u4").tobytes()
    return (head + whole[16:])[: len(whole) - cut]


@pytest.mark.parametrize(
    "hostile",
    [
        b"",
        b"\0" * 15,
        b"\0" * 16,
        broken(cut=1),
        broken(cut=4),
        broken(frames=0),
        broken(frames=2),
        broken(frames=4),
        broken(frames=2**32 - 1),
        broken(rate_hz=0),
        broken(rate_hz=2**32 - 1),
        broken(first=2**53),
        broken(first=2**64 - 1),
    ],
)
def test_what_is_no_packet_is_ignored(hostile):
    got = ended('read("output", 0, 3)', [packet(0, ramp(0, 10)), hostile])

    assert got["taken"] == [True, False]
    assert (got["ignored"], got["end"], got["epoch"]) == (1, 10, 1)
    np.testing.assert_allclose(got["read"], ramp(7, 3)[:, 0])


def test_samples_that_are_no_numbers_become_silence():
    odd = np.array([[np.nan, 1.0], [np.inf, 1.0], [-np.inf, 1.0]])

    got = ended('[read("output", 0, 3), read("output", 1, 3)]', [packet(0, odd)])

    assert got["read"] == [[0, 0, 0], [1, 1, 1]]
