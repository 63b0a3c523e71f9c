"""Runs a peer in a separate process, perhaps with another Python, and asks it to measure."""

import json
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dsp_setup import Work

ROOT = Path(__file__).resolve().parent.parent


class Worker:
    """A process that runs ``dsp_peers.py``.

    Parameters
    ----------
    who : str
        ``DawDreamer`` or ``numpy/scipy``.
    python : Path
        An interpreter with the libraries of the peer.
    sound : Path
        The file that `dsp_setup.write_input` wrote.
    works : list of Work
        The wanted work; `can` is the part of it that the peer supports.

    Raises
    ------
    RuntimeError
        The process does not start; the text says why.

    """

    def __init__(self, who: str, python: Path, sound: Path, works: list[Work]) -> None:
        self.who = who
        self._process = subprocess.Popen(
            [str(python), str(Path(__file__).with_name("dsp_peers.py")), who, str(sound)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        asked = [[work.what, work.block_frames] for work in works]
        can = self._ask(works=asked, faust=str(ROOT / "faust"))
        self.can = [Work(what, block_frames) for what, block_frames in can]

    def measurement(self, work: Work) -> Callable[[], float]:
        """Return a function that returns ns of processor time per frame for each call."""
        return lambda: float(self._ask(measure=[work.what, work.block_frames]))

    def write_output(self, protocol: str, path: Path) -> None:
        """Make the peer write its output, as .npy."""
        self._ask(output=protocol, path=str(path))

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()

    def _ask(self, **question: object) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # reading the answer fails as well
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.who} ended with {self._process.wait()} (see above)")
        return json.loads(answer)


def peers_python() -> Path:
    """Create a virtual environment in build/ with the ``bench`` extra of pyproject.toml.

    Raises
    ------
    RuntimeError
        The installation failed; the text says why.

    """
    place = ROOT / "build" / "peers"
    python = place / "bin" / "python"
    ready = place / "ready"
    declared = ROOT / "pyproject.toml"
    if ready.exists() and ready.stat().st_mtime >= declared.stat().st_mtime:
        return python
    wanted = tomllib.loads(declared.read_text())["project"]["optional-dependencies"]["bench"]
    print("fetching the peers …", flush=True)
    for command in (
        [sys.executable, "-m", "venv", str(place)],
        [str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check", *wanted],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError((done.stderr.strip() or done.stdout.strip()).splitlines()[-1])
    ready.touch()
    return python
