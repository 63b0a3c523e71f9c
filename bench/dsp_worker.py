"""A peer in a process of its own, perhaps with another Python: starts it and asks for rounds."""

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
    """One peer, ``dsp_peers.py``.

    Parameters
    ----------
    who : str
        ``DawDreamer`` or ``numpy/scipy``.
    python : Path
        The interpreter that has what the peer needs.
    sound : Path
        What `dsp_setup.programme` wrote.
    works : list of Work
        What it may be asked for; it says what of it it can do.

    Raises
    ------
    RuntimeError
        It does not start; the text says why.

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
        """Prepare a function that gives ns of processor time per frame, each time it is called."""
        return lambda: float(self._ask(measure=[work.what, work.block_frames]))

    def write_output(self, protocol: str, path: Path) -> None:
        """Let it write, as .npy, what it makes of the sound."""
        self._ask(output=protocol, path=str(path))

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()

    def _ask(self, **question: object) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # the answer will be missing too
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.who} ended with {self._process.wait()} (see above)")
        return json.loads(answer)


def peers_python() -> Path:
    """Make a virtual environment with what pyproject.toml lists for ``bench``; kept in build/.

    Raises
    ------
    RuntimeError
        It cannot be installed; the text says why.

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
