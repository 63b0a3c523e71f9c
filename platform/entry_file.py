"""Reads and writes desktop entries that start Entrain; refuses entries of other apps.

Any thread may call these functions, if it may wait for the disk.
"""

from pathlib import Path

from entrain.platform.adapter import PlatformError
from entrain.platform.app_id import APP_ID, FORMER_IDS
from entrain.platform.desktop_entry import DesktopEntry, command_line, escaped
from entrain.platform.files import UnfitFile, read_file
from entrain.platform.installation import installed_program
from entrain.platform.whole_file import replace_file

MAX_BYTES = 1 << 16


class EntryFile:
    """The file of an entry that starts Entrain.

    Parameters
    ----------
    folder : Path
        Folder of the file; it need not exist yet.
    program : Path or None
        Path of the command; None: the installed `entrain` of this Python, which is looked up when
        it is needed.

    """

    def __init__(self, folder: Path, program: Path | None) -> None:
        self.path = folder / f"{APP_ID}.desktop"
        self._program = program

    def program(self) -> Path:
        """Return the path of the command; raises `PlatformError` if it is not installed."""
        return self._program or installed_program()

    def former(self) -> list[Path]:
        """Return the entries of earlier versions, without entries of other apps."""
        paths = (self.path.with_name(f"{name}.desktop") for name in FORMER_IDS)
        return [path for path in paths if _is_entrains(path)]


def entrains_keys(program: Path, comment: str) -> dict[str, str]:
    """Return the keys of each entry that starts Entrain; raises errors like `command_line`."""
    return {
        "Type": "Application",
        "Version": "1.0",
        "Name": "Entrain",
        "Comment": comment,
        "TryExec": escaped(str(program)),
        "Exec": command_line(program),
        "Icon": APP_ID,
        "Terminal": "false",
        "StartupNotify": "false",
    }


def read_entry(path: Path) -> DesktopEntry | None:
    """Read an entry that starts Entrain.

    Returns
    -------
    DesktopEntry or None
        None if there is no file.

    Raises
    ------
    PlatformError
        The entry cannot be read, or belongs to another app and must not be changed.

    """
    try:
        entry = DesktopEntry(read_file(path, MAX_BYTES).decode())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except UnicodeDecodeError:
        raise PlatformError(f"{path} is not text; move it away first") from None
    except UnfitFile as error:
        raise PlatformError(f"{path} {error.strerror}; move it away first") from error
    except OSError as error:
        raise PlatformError(f"cannot read {path}: {error.strerror}") from error
    if not entry.is_entrains():
        raise PlatformError(f"{path} starts {_shown(entry)}, not Entrain; move it away first")
    return entry


def write_entry(path: Path, entry: DesktopEntry) -> None:
    """Replace a whole file, as `replace_file` does.

    Raises
    ------
    PlatformError
        The file cannot be written; the old one is unchanged.

    """
    try:
        replace_file(path, str(entry).encode())
    except OSError as error:
        raise PlatformError(f"cannot write {path}: {error.strerror}") from error


def remove_file(path: Path) -> bool:
    """Remove a file; returns whether it existed.  Raises `PlatformError`."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise PlatformError(f"cannot remove {path}: {error.strerror}") from error
    return True


def _is_entrains(path: Path) -> bool:
    try:
        return read_entry(path) is not None
    except PlatformError:
        return False


def _shown(entry: DesktopEntry) -> str:
    program = entry.program()
    return program if program.isprintable() else repr(program)
