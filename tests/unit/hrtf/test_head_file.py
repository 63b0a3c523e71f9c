"""The file of a prepared head is read as it was written, and every damage is noticed."""

import struct
import subprocess
import sys

import numpy as np
import pytest

from entrain.head_layout import Counts
from entrain.vdevice.hrtf import head_file
from entrain.vdevice.hrtf.errors import HrtfError

SMALL = Counts(48_000, 16, 4, 3, 2, 1, 16, 16)


def arrays(counts: Counts = SMALL) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    found = [rng.uniform(-1, 1, length).astype("<f4") for length in counts.lengths.values()]
    found[1] = np.abs(found[1]) * np.float32(0.0015)
    return found


def write(path, counts=SMALL, content=None):
    head_file.write(path, counts, [array.tobytes() for array in content or arrays(counts)])
    return path


def test_what_is_written_is_found_at_the_offsets_of_the_header(tmp_path):
    path = write(tmp_path / "folder" / "a.head")

    assert head_file.check(path) == SMALL
    data = path.read_bytes()
    assert data[:8] == b"ENTRHEAD"
    assert struct.unpack_from("<9I", data, 8) == (2, *SMALL)
    for offset, array in zip(SMALL.offsets.values(), arrays(), strict=True):
        assert offset % 64 == 0
        np.testing.assert_array_equal(np.frombuffer(data, "<f4", array.size, offset), array)
    assert len(data) == SMALL.file_bytes


def test_a_head_without_decoders_is_whole(tmp_path):
    counts = SMALL._replace(order=0, decoder_taps=0, first_order_taps=0)
    assert head_file.check(write(tmp_path / "a.head", counts)) == counts


def test_arrays_of_other_lengths_are_not_written(tmp_path):
    with pytest.raises(ValueError, match="gain_db has 4 bytes instead of 24"):
        write(tmp_path / "a.head", content=[*arrays()[:2], arrays()[2][:1], *arrays()[3:]])
    assert not (tmp_path / "a.head").exists()


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        ("responses", np.nan, "responses holds values that are not numbers"),
        ("responses", np.inf, "responses holds values that are not numbers"),
        ("responses", 1e9, "responses holds values outside"),
        ("delays_s", -0.001, "delays_s holds values outside"),
        ("delays_s", 0.01, "delays_s holds values outside"),
        ("gain_db", 200.0, "gain_db holds values outside"),
        ("decoder", np.nan, "decoder holds values that are not numbers"),
        ("first_order_decoder", -np.inf, "first_order_decoder holds values that are not numbers"),
    ],
)
def test_numbers_that_make_no_sense_are_noticed(place, value, reason, tmp_path):
    path = write(tmp_path / "a.head")
    data = bytearray(path.read_bytes())
    struct.pack_into("<f", data, SMALL.offsets[place] + 4, value)
    path.write_bytes(data)
    with pytest.raises(HrtfError, match=reason):
        head_file.check(path)


def test_every_cut_and_every_wrong_count_is_noticed(tmp_path):
    path = write(tmp_path / "a.head")
    data = path.read_bytes()
    for end in (0, 1, 8, 63, 64, 100, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:end])
        with pytest.raises(HrtfError):
            head_file.check(path)
    path.write_bytes(data + b"\0")
    with pytest.raises(HrtfError, match="bytes instead of"):
        head_file.check(path)
    for place in range(9):
        for number in (0, 3, 77, 0xFFFFFFFF):
            changed = bytearray(data)
            struct.pack_into("<I", changed, 8 + 4 * place, number)
            if place and Counts(*struct.unpack_from("<8I", changed, 12)).file_bytes == len(data):
                continue  # the longer array ends in the zeros behind it
            path.write_bytes(changed)
            with pytest.raises(HrtfError):
                head_file.check(path)


def test_a_head_without_sound_is_noticed(tmp_path):
    """The music would be silent."""
    silent = [np.zeros_like(arrays()[0]), *arrays()[1:]]
    with pytest.raises(HrtfError, match="all responses are silent"):
        head_file.check(write(tmp_path / "a.head", content=silent))


@pytest.mark.parametrize(
    ("module", "name", "reads"),
    [
        ("entrain.vdevice.hrtf.head_file", "_check_numbers", "module.check(path)"),
        ("entrain.head", "_fields", "module.Head.from_file(path)"),
    ],
)
def test_a_file_that_is_cut_while_it_is_read_does_not_end_the_process(
    module, name, reads, tmp_path
):
    """A mapped file would: the system sends SIGBUS.  A disk that cannot be read does the same."""
    path = write(tmp_path / "a.head")
    code = f"""
import importlib, os
from pathlib import Path
module = importlib.import_module({module!r})
path, original = Path({str(path)!r}), module.{name}
def cut(*arguments):
    os.truncate(path, 0)
    return original(*arguments)
module.{name} = cut
{reads}
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert path.stat().st_size == 0
