"""Finds the installed command that starts this Entrain, now and later."""

import os
import sys
import sysconfig
import tomllib
from collections.abc import Iterator
from pathlib import Path

from entrain.platform.adapter import PlatformError


def installed_program(prefix: Path | None = None, scripts: Path | None = None) -> Path:
    """Return the absolute path of the installed command ``entrain``.

    Links in the path are kept, since they will lead to the next version after an upgrade.

    Parameters
    ----------
    prefix, scripts : Path, optional
        A Python installation and the folder of its commands; by default this one's.

    Raises
    ------
    PlatformError
        Entrain is not installed, or only in a source folder, which may vanish.

    """
    prefix = prefix or Path(sys.prefix)
    if clone := clone_around(prefix):
        raise PlatformError(f"this Entrain is the one in {clone}; run `make install` there first")
    folders = [scripts] if scripts else [*_script_folders()]
    for folder in folders:
        program = folder.absolute() / "entrain"
        if is_program(program):
            return program
    raise PlatformError(f"there is no command entrain in {folders[0]}; install Entrain first")


def clone_around(prefix: Path) -> Path | None:
    """Return the source folder in which a Python installation lies; None: in no source folder."""
    return next(filter(_is_clone, prefix.parents), None)


def is_program(path: Path) -> bool:
    """Return whether a path leads to an executable file."""
    return path.is_file() and os.access(path, os.X_OK)


def _script_folders() -> Iterator[Path]:
    yield Path(sysconfig.get_path("scripts"))
    yield Path(sys.prefix) / "bin"  # Debian's Python names /usr/local/bin, its packages use /usr
    yield Path(sysconfig.get_path("scripts", sysconfig.get_preferred_scheme("user")))


def _is_clone(folder: Path) -> bool:
    try:
        with (folder / "pyproject.toml").open("rb") as file:
            return bool(tomllib.load(file)["project"]["name"] == "entrain")
    except (OSError, ValueError, KeyError, TypeError):
        return False
