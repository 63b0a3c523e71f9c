"""Prepared heads from files: good files are read, all others are refused in one line."""

import struct

import numpy as np
import pytest
from made_up_head import made_up

from entrain.errors import EntrainError
from entrain.faust import Scene, Speakers
from entrain.head import Head

IMPULSE = np.eye(2, 1024, dtype=np.float32)


@pytest.fixture(scope="module")
def model():
    return made_up(taps=64, azimuths=8, elevations=5)


@pytest.fixture(scope="module")
def contents(model):
    return model.file()


def read(contents, folder):
    path = folder / "my.head"
    path.write_bytes(contents)
    return Head.from_file(path)


@pytest.mark.parametrize("kind", [Speakers, Scene])
def test_a_head_from_a_file_sounds_as_the_same_head_from_arrays(model, contents, tmp_path, kind):
    heard = kind(room=0, azimuth_deg=40).use_head(read(contents, tmp_path)).process(IMPULSE)
    expected = kind(room=0, azimuth_deg=40).use_head(model.head()).process(IMPULSE)
    np.testing.assert_array_equal(heard, expected)


def changed(contents, at, value):
    return contents[:at] + struct.pack("<I", value) + contents[at + 4 :]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: b"", r"cannot read the head \S+my.head: "),
        (lambda c: c[:40], "is not a prepared head: it is too short"),
        (lambda c: b"RIFF" + c[4:], "my.head is not a prepared head$"),
        (lambda c: changed(c, 8, 1), "is of version 1 of prepared heads, not 2"),
        (lambda c: c[:-1], r"has \d+ bytes instead of \d+"),
        (lambda c: c + b"\0", r"has \d+ bytes instead of \d+"),
        (lambda c: changed(c, 16, 0xFFFFFFFF), r"has \d+ bytes instead of \d+"),
        (lambda c: changed(c, 12, 1), "a number is outside its range"),
        (lambda c: changed(c, 64, 0x7FC00000), "outside the parameter's range"),  # NaN
    ],
)
def test_a_file_that_is_no_head_is_refused_in_one_line(contents, tmp_path, change, said):
    with pytest.raises(EntrainError, match=said) as refused:
        read(change(contents), tmp_path)
    assert "\n" not in str(refused.value)


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(EntrainError, match="cannot read the head"):
        Head.from_file(tmp_path / "nothing.head")


@pytest.mark.parametrize("seed", range(3))
def test_damaged_files_are_read_or_refused(contents, tmp_path, seed):
    random = np.random.default_rng(seed)
    for _ in range(100):
        damaged = bytearray(contents)
        for at in random.integers(0, random.choice([64, len(damaged)]), 3):
            damaged[at] = random.integers(256)
        try:
            head = read(bytes(damaged), tmp_path)
        except EntrainError:
            continue
        assert np.isfinite(Speakers(room=0, azimuth_deg=40).use_head(head).process(IMPULSE)).all()
