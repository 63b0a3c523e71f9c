"""Reads the files in which PulseAudio keeps its choices until the next start."""

import os
import sys
from pathlib import Path

assert sys.platform == "linux"

_MACHINE_IDS = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))
_MAX_CHARACTERS = 1000


def stored_default() -> str | None:
    """Return the default output that the user has configured, or ``""``.

    PulseAudio's ``module-default-device-restore`` writes the file some seconds after a change.
    Returns None if the file does not exist.
    """
    for machine_id in filter(None, map(_first_line, _MACHINE_IDS)):
        return _first_line(_folder() / f"{machine_id}-default-sink")
    return None


def _folder() -> Path:
    if folder := os.environ.get("PULSE_STATE_PATH"):
        return Path(folder)
    config = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return Path(config) / "pulse"


def _first_line(path: Path) -> str | None:
    try:
        if not path.is_file():  # opening a FIFO would wait for its writer
            return None
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.readline(_MAX_CHARACTERS).strip()
    except OSError:
        return None
