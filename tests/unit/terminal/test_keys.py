"""Keys in a terminal's bytes."""

import random

import pytest

from entrain.tray.terminal.keys import MAX_SEQUENCE_BYTES, KeyReader

ALL = b"\x1b[A\x1b[B\x1b[C\x1b[D\x1bOA\x1b[Z\t nq?19\r"
NAMES = ["up", "down", "right", "left", "up", "back-tab", "tab", "space", *"nq?19", "enter"]


@pytest.mark.parametrize("size", range(1, len(ALL) + 1))
def test_keys_are_read_however_the_bytes_are_cut(size):
    reader = KeyReader()
    pieces = [ALL[place : place + size] for place in range(0, len(ALL), size)]
    assert [key for piece in pieces for key in reader.feed(piece)] == NAMES
    assert not reader.is_waiting


def test_the_escape_key_alone_is_known_by_the_time_that_follows():
    reader = KeyReader()
    assert [*reader.feed(b"\x1b")] == []
    assert reader.is_waiting
    assert [*reader.end()] == ["escape"]
    assert [*reader.feed(b"\x1b\x1b[A")] == ["escape", "up"]


@pytest.mark.parametrize(
    "data",
    [
        b"\x1b[15~",  # F5
        b"\x1b[1;5C",  # Ctrl with an arrow
        b"\x1b[<0;10;10M",  # a mouse
        b"\x1bx",  # Alt with x
        b"\x1b[\x01",
        "é…漢".encode(),
        b"\x00\x01\x7f\xff",
        b"\x1b[" + b"1" * 10_000 + b"A",
    ],
)
def test_other_keys_have_no_name_and_the_next_key_is_read(data):
    assert [*KeyReader().feed(data + b"n")] == ["n"]


def test_a_sequence_without_an_end_takes_bounded_memory_and_no_key_for_long():
    reader = KeyReader()
    assert [*reader.feed(b"\x1b[" + b"1" * 100_000)] == []
    assert len(reader._begun) == MAX_SEQUENCE_BYTES
    assert [*reader.end()] == []
    assert [*reader.feed(b"q")] == ["q"]


def test_any_bytes_are_read_without_an_error():
    chance = random.Random(1)
    reader = KeyReader()
    for _ in range(5_000):
        keys = [
            *reader.feed(chance.choice((b"\x1b", b"\x1b[", b"\x1bO", b"")) + chance.randbytes(3))
        ]
        assert all(keys)
        assert len(reader._begun) <= MAX_SEQUENCE_BYTES
