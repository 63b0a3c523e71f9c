"""Finds out how this Entrain was installed, and which commands change that installation."""

import shlex
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from entrain.platform.installation import clone_around

DEBIAN = "debian"
"""Content of the file ``INSTALLER`` in Entrain's metadata, if the Debian package has written it."""


class Installation(NamedTuple):
    """One way of installation."""

    way: str
    """End of the sentence "Entrain was installed …"."""
    update: str
    """Command that installs a newer version."""
    add: str
    """Command that adds Python packages, without their names; empty: no package can be added."""


def installation(prefix: Path | None = None, installer: str | None = None) -> Installation:
    """Return how Entrain was installed.

    Parameters
    ----------
    prefix : Path, optional
        A Python installation; by default this one's.
    installer : str, optional
        Name of the program that installed Entrain; by default, what Entrain's metadata says.

    """
    prefix = prefix or Path(sys.prefix)
    if installer is None:
        installer = _installer()
    pip = f"{shlex.quote(sys.executable)} -m pip install"
    if clone_around(prefix):
        return Installation("in its source folder", "git pull && make setup", pip)
    if installer == DEBIAN:
        return Installation("from its Debian package", "sudo apt install ./entrain_NEW.deb", "")
    if (prefix / "pipx_metadata.json").is_file():
        return Installation("by pipx", "pipx upgrade entrain", "pipx inject entrain")
    if prefix.name == "venv" and (prefix.parent / "uninstall").is_file():
        return Installation(
            "by make install", "in the source folder: git pull && make install", pip
        )
    return Installation(f"by {installer or 'pip'}", f"{pip} --upgrade entrain", pip)


def how_to_add(packages: Sequence[str]) -> str:
    """Return what to do to install more Python packages beside Entrain."""
    add = installation().add
    if add:
        return f"install them with `{add} {' '.join(packages)}`"
    return "Entrain's Debian package leaves them out; Entrain from pipx can have them"


def _installer() -> str:
    try:
        text = metadata.distribution("entrain").read_text("INSTALLER")
    except (metadata.PackageNotFoundError, OSError, ValueError):
        return ""
    return (text or "").strip()
