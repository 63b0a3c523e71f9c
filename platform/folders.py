"""Returns the folders for Entrain's files."""

import os
import stat
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import platformdirs

from entrain.platform.adapter import Paths, PlatformError

_NOWHERE = Path(os.devnull) / "no-home-folder"
"""Folder of a user who has no home folder: it cannot exist."""
SESSIONS = Path("/run/user")
"""Folder in which Linux keeps a runtime folder for each user who is logged in."""


def user_paths() -> Paths:
    """Return the folders of this user, and create none.

    Raises
    ------
    PlatformError
        The session's folder, or the runtime folder, belongs to another user.

    """
    return Paths(
        config=_at_home(platformdirs.user_config_path),
        state=state_folder(),
        data=data_folder(),
        runtime=_runtime_folder(),
    )


def state_folder() -> Path:
    """Return the folder for Entrain's state.  Creates no folder, never fails."""
    return _at_home(platformdirs.user_state_path)


def data_folder() -> Path:
    """Return the folder for the user's own protocols.  Creates no folder, never fails."""
    return _at_home(platformdirs.user_data_path)


def shared_config_folder() -> Path:
    """Return the folder for the settings of all apps.  Creates no folder, never fails."""
    return _at_home(platformdirs.user_config_path, None)


def shared_data_folder() -> Path:
    """Return the folder for the data of all apps.  Creates no folder, never fails."""
    return _at_home(platformdirs.user_data_path, None)


def _at_home(place: Callable[..., Path], name: str | None = "entrain") -> Path:
    try:
        folder = place(name, appauthor=False)
    except RuntimeError:  # there is no home folder
        return _NOWHERE
    return folder if folder.is_absolute() else _NOWHERE  # old platformdirs: no home folder


def _runtime_folder() -> Path:
    session = os.environ.get("XDG_RUNTIME_DIR", "")
    if Path(session).is_absolute():
        _check_owner_of_session(Path(session))
        return _checked(Path(session) / "entrain")
    if sys.platform == "linux":
        return _runtime_folder_without_session(os.geteuid())
    else:
        return _checked(platformdirs.user_runtime_path("entrain", appauthor=False))


def _runtime_folder_without_session(me: int) -> Path:
    """Return the folder of platformdirs, some versions of which create it, or raise OSError."""
    usual = SESSIONS / str(me)
    if usual.is_dir() and usual.stat().st_uid == me:
        return _checked(usual / "entrain")
    try:
        place = Path(tempfile.gettempdir())
    except OSError:  # no temporary folder is writable
        return _NOWHERE
    # In a place like /tmp, another user may have created the folder first.  The folder's owner also
    # controls the socket in it.
    return _checked(_checked(place / f"runtime-{me}") / "entrain")


def make_private(folder: Path) -> None:
    """Create a folder that only the user can enter, or restrict the user's own folder.

    Raises
    ------
    PlatformError
        The folder cannot be created, or belongs to another user.

    """
    try:
        for missing in reversed([each for each in (folder, *folder.parents) if not each.exists()]):
            missing.mkdir(mode=0o700, exist_ok=True)
        _checked(folder)
        folder.chmod(0o700)
    except OSError as error:
        raise PlatformError(f"cannot use {folder}: {error.strerror}") from error


def _checked(folder: Path) -> Path:
    """Refuse a folder that belongs to another user; it need not exist yet."""
    try:
        found = folder.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return folder
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise PlatformError(f"cannot use {folder}: {reason}") from error
    if not stat.S_ISDIR(found.st_mode):
        raise PlatformError(f"{folder} is not a folder, but a link or a file; remove it first")
    if found.st_uid != _me(found):
        raise PlatformError(
            f"{folder} belongs to another user, so Entrain does not use it; set XDG_RUNTIME_DIR "
            "to a folder of your own"
        )
    return folder


def _check_owner_of_session(folder: Path) -> None:
    """Refuse another user's session, as after `sudo`, since that user would be locked out."""
    try:
        found = folder.stat()
    except (OSError, ValueError):  # the caller reports it when it creates a folder there
        return
    if found.st_uid not in (_me(found), 0):
        raise PlatformError(
            f"the session's folder {folder} belongs to another user; run Entrain as that user"
        )


def _me(found: os.stat_result) -> int:
    """Return this user's id; on systems without ids, every file counts as the user's."""
    return int(getattr(os, "geteuid", lambda: found.st_uid)())
