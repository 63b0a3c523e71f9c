"""Runs the preparation in a process of its own, under limits of time and memory.

Called on a thread that may wait.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from entrain.vdevice.hrtf import head_file, sets
from entrain.vdevice.hrtf.errors import HrtfError
from entrain.vdevice.hrtf.sets import Card, Variant
from entrain.vdevice.protocol.wording import plain

TIMEOUT_S = 90.0
"""Longest time for one file, in seconds.  The slowest file known takes 10 s."""
MAX_ANSWER_BYTES = 1 << 20
_EMPTY_TITLES = {"", "hrtf", "hrtfs", "hrir", "hrirs", "sofa", "title"}
"""Titles that do not say whose head it is, in small letters."""
_WORKER = "entrain.vdevice.hrtf.preparation.worker"


def examine(source: Path, *, plot: Path | None = None) -> dict[str, Any]:
    """Read a SOFA file and describe it.

    Parameters
    ----------
    source : Path
    plot : Path, optional
        Also draw a picture (PNG) of it.

    Raises
    ------
    HrtfError
        The file cannot be used, or reading it takes too long or too much memory.

    """
    options = ["--plot", str(plot)] if plot else []
    return _ask(source.name, "examine", str(source.absolute()), *options)


def examine_built_in(name: str, *, plot: Path | None = None) -> dict[str, Any]:
    """Describe a built-in head as `examine` does."""
    return _ask(name, "examine", name, *(["--plot", str(plot)] if plot else []))


def prepared(card: Card, variant: Variant | None = None) -> Path:
    """Return the file of a prepared head; prepare it if the cache has none that is whole.

    Raises
    ------
    HrtfError
        The SOFA file is gone or has changed, or it cannot be prepared.

    """
    variant = variant or Variant()
    path = sets.head_path(card, variant)
    if not _is_whole(path):
        if card.is_built_in:
            _prepare(card.id, card.id, path, variant)
        else:
            source = Path(card.source)
            if sets.hash_of(source) != card.sha256:
                raise HrtfError(
                    f"{plain(card.source, 400)} has changed; `entrain hrtf use` with this file "
                    "prepares it again"
                )
            _prepare_file(source, card.sha256, path, variant)
    sets.mark_used(path)
    return path


def added(source: Path, variant: Variant | None = None) -> Card:
    """Prepare a SOFA file of the user's, and give it a card.

    Raises
    ------
    HrtfError
        The file cannot be used; the cards are as they were.

    """
    variant = variant or Variant()
    sha256 = sets.hash_of(source)
    path = sets.head_path(Card("", "", sha256=sha256), variant)
    known = next((card for card in sets.cards() if card.sha256 == sha256), None)
    if known and _is_whole(path):
        facts: dict[str, Any] = {"Title": known.title, "License": known.licence}
        directions, notes = known.directions, list(known.notes)
    else:
        answer = _prepare_file(source, sha256, path, variant)
        facts, directions, notes = answer["facts"], answer["directions"], answer["notes"]
    title = _title(facts, source)
    card = sets.add(source, sha256, title, directions, facts.get("License", ""), notes)
    sets.mark_used(path)
    return card


def _title(facts: Mapping[str, Any], source: Path) -> str:
    """Return the file's title, or what tells this head from others if the title does not."""
    title = str(facts.get("Title", ""))
    if title.strip(" .-_").lower() not in _EMPTY_TITLES:
        return title
    named = " ".join(
        filter(None, (facts.get(key) for key in ("DatabaseName", "ListenerShortName")))
    )
    return named or plain(source.stem)


def _is_whole(path: Path) -> bool:
    try:
        head_file.check(path)
    except (HrtfError, OSError, ValueError):
        return False
    return True


def _prepare_file(source: Path, sha256: str, path: Path, variant: Variant) -> dict[str, Any]:
    """Prepare a SOFA file; the result is removed if the file has changed meanwhile."""
    answer = _prepare(source.name, str(source.absolute()), path, variant)
    try:
        if sets.hash_of(source) != sha256:
            raise HrtfError(f"{plain(source.name)} has changed while it was read; try again")
    except HrtfError:
        with contextlib.suppress(OSError):
            path.unlink()
        raise
    return answer


def _prepare(name: str, source: str, path: Path, variant: Variant) -> dict[str, Any]:
    options = ["--taps", str(variant.taps)]
    if not variant.equalised:
        options.append("--measured")
    answer = _ask(name, "prepare", source, str(path), *options)
    try:
        head_file.check(path)
    except OSError as error:
        raise HrtfError(f"cannot read {path}: {error.strerror}") from error
    return answer


def _ask(name: str, *arguments: str) -> dict[str, Any]:
    """Run the worker, and return the object that it prints."""
    name = plain(name)
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", _WORKER, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(os.environ),
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise HrtfError(f"{name}: reading it took more than {TIMEOUT_S:g} s") from None
    except OSError as error:
        raise HrtfError(f"cannot start the preparation: {error.strerror}") from error
    if done.returncode != 0 or len(done.stdout) > MAX_ANSWER_BYTES:
        raise HrtfError(f"{name}: the process that reads it {_end_of(done.returncode)}")
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        raise HrtfError(f"{name}: the process that reads it gave no answer") from None
    if "error" in answer:
        raise HrtfError(plain(str(answer["error"]), 400))
    return dict(answer)


def _environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """Let numpy start no threads, and HDF5 load no plug-ins that a file asks for."""
    return {
        **inherited,
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "HDF5_PLUGIN_PRELOAD": "::",
        "HDF5_USE_FILE_LOCKING": "FALSE",
    }


def _end_of(status: int) -> str:
    if status >= 0:
        return f"failed with status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = str(-status)
    if name == "SIGXCPU":
        return "took too long"
    return f"was ended by {name}"
