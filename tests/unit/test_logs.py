"""The log file stays small, is private to the user, and its failure never stops the app."""

import logging
import os
import resource
from collections.abc import Iterator

import pytest

from entrain.vdevice import logs

_log = logging.getLogger("entrain.test")


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    logger = logging.getLogger("entrain")
    before = logger.handlers[:], logger.level, logger.propagate
    yield
    for handler in set(logger.handlers) - set(before[0]):
        logger.removeHandler(handler)
        handler.close()
    logger.handlers[:] = before[0]
    logger.setLevel(before[1])
    logger.propagate = before[2]


def test_the_file_has_all_and_the_terminal_has_warnings(tmp_path, capsys):
    logs.set_up(tmp_path / "state", verbose=False)
    _log.info("connected")
    _log.warning("the device is gone")

    text = (tmp_path / "state" / "entrain.log").read_text()
    assert "INFO entrain.test: connected" in text
    assert "WARNING entrain.test: the device is gone" in text
    assert capsys.readouterr().err == "entrain: the device is gone\n"
    assert (tmp_path / "state" / "entrain.log").stat().st_mode & 0o777 == 0o600


def test_verbose_says_everything(tmp_path, capsys):
    logs.set_up(None, verbose=True)
    _log.debug("looked")

    assert capsys.readouterr().err == "entrain: looked\n"


def test_it_does_not_grow_for_ever(tmp_path):
    logs.set_up(tmp_path, verbose=False)
    for number in range(20_000):
        _log.info("line %d, which is about as long as lines in this log are on the whole", number)

    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert len(sizes) == 1 + logs.OLDER_FILES
    assert max(sizes) <= logs.MAX_FILE_BYTES


def test_the_last_warnings_can_be_read_back(tmp_path):
    logs.set_up(tmp_path, verbose=False)
    for number in range(9):
        _log.warning("trouble %d", number)
        _log.info("nothing")

    assert [line[-9:] for line in logs.last_lines(tmp_path, 2)] == ["trouble 7", "trouble 8"]
    assert logs.last_lines(tmp_path / "nowhere") == []


def test_a_full_disk_costs_one_warning(tmp_path, capsys):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))  # acts like a full disk
    try:
        logs.set_up(tmp_path, verbose=False)
        for _ in range(3):
            _log.info("something happened")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert capsys.readouterr().err.splitlines() == [
        f"entrain: cannot write {tmp_path / 'entrain.log'}: File too large; no log file"
    ]


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_what_is_no_file_is_not_waited_for(tmp_path, capsys, kind):
    if kind == "pipe":
        os.mkfifo(tmp_path / "entrain.log")
    else:
        (tmp_path / "entrain.log").symlink_to("/dev/full")
    logs.set_up(tmp_path, verbose=False)
    _log.info("something happened")

    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("is not a file; no log file")
    assert logs.last_lines(tmp_path) == []


def test_a_link_to_the_log_stays_one_also_when_the_log_is_full(tmp_path):
    (tmp_path / "entrain.log").symlink_to(tmp_path / "kept" / "log")
    logs.set_up(tmp_path, verbose=False)
    for _ in range(3):
        _log.warning("x" * (logs.MAX_FILE_BYTES // 2))

    assert (tmp_path / "entrain.log").is_symlink()
    assert sorted(os.listdir(tmp_path / "kept")) == ["log", "log.1", "log.2"]
    assert len(logs.last_lines(tmp_path)) == 1


def test_a_folder_that_cannot_be_made_costs_one_warning(tmp_path, capsys):
    (tmp_path / "file").touch()
    logs.set_up(tmp_path / "file" / "state", verbose=False)
    _log.info("something happened")
    _log.info("something else happened")

    (line,) = capsys.readouterr().err.splitlines()
    assert "no log file" in line
