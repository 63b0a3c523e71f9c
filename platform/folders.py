"""Where Entrain's own files go; the same question on every system."""

import os
import stat
import warnings
from collections.abc import Callable
from pathlib import Path

import platformdirs

from entrain.platform.adapter import Paths, PlatformError

_NOWHERE = Path(os.devnull) / "no-home-folder"
"""Where a user without a home folder keeps things: nothing can be there."""


def user_paths() -> Paths:
    """Return the folders of this user; makes the runtime folder, which only they may enter.

    Raises
    ------
    PlatformError
        The runtime folder cannot be made, or belongs to somebody else.

    """
    return Paths(
        config=_at_home(platformdirs.user_config_path),
        state=state_folder(),
        data=data_folder(),
        runtime=_runtime_folder(),
    )


def state_folder() -> Path:
    """Return the folder of what Entrain remembers; makes nothing, never fails."""
    return _at_home(platformdirs.user_state_path)


def data_folder() -> Path:
    """Return the folder of what the user makes; makes nothing, never fails."""
    return _at_home(platformdirs.user_data_path)


def shared_config_folder() -> Path:
    """Return the folder in which every program has its settings; makes nothing, never fails."""
    return _at_home(platformdirs.user_config_path, None)


def shared_data_folder() -> Path:
    """Return the folder in which every program has its data; makes nothing, never fails."""
    return _at_home(platformdirs.user_data_path, None)


def _at_home(place: Callable[..., Path], name: str | None = "entrain") -> Path:
    try:
        folder = place(name, appauthor=False)
    except RuntimeError:  # there is no home folder
        return _NOWHERE
    return folder if folder.is_absolute() else _NOWHERE  # as earlier versions of platformdirs say


def _runtime_folder() -> Path:
    if session := os.environ.get("XDG_RUNTIME_DIR"):
        return _private(Path(session) / "entrain")
    with warnings.catch_warnings():  # that there is no session folder is no news to the user
        warnings.simplefilter("ignore")
        folder = platformdirs.user_runtime_path("entrain", appauthor=False)
    # It lies in a place like /tmp, where somebody else may have been first, and who owns the
    # folder owns the control socket in it.
    _private(folder.parent)
    return _private(folder)


def _private(folder: Path) -> Path:
    """Make a folder that only the user can enter, or check that it is one."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
        me = getattr(os, "getuid", lambda: found.st_uid)()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != me:
            raise PlatformError(f"{folder} is not a folder of this user")
        folder.chmod(0o700)
    except OSError as error:
        raise PlatformError(f"cannot use {folder}: {error.strerror}") from error
    return folder
