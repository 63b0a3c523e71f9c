"""Starting at login, by an entry in the desktop's autostart folder.

https://specifications.freedesktop.org/autostart-spec/0.5
"""

import shutil
from pathlib import Path

from entrain.platform.adapter import AutostartStatus
from entrain.platform.desktop_entry import DesktopEntry, entrains_keys, read, remove, write
from entrain.platform.folders import shared_config_folder
from entrain.platform.installation import installed_program, is_program

FILE_NAME = "entrain.desktop"


class XdgAutostart:
    """The autostart entry of this user.  Any thread; may wait for the disk.

    The entry starts plain ``entrain``: it waits for a sound server and for a panel by itself, and
    ends without a complaint where another one runs.

    Parameters
    ----------
    program : Path, optional
        What is to be started; by default the installed `entrain` of this Python, which is looked
        for when it is needed.

    """

    def __init__(self, program: Path | None = None) -> None:
        self.path = shared_config_folder() / "autostart" / FILE_NAME
        self._program = program

    def status(self) -> AutostartStatus:
        entry = read(self.path)
        if entry is None:
            return AutostartStatus(False)
        if _is_switched_off(entry):
            return AutostartStatus(False, "switched off in the desktop's settings")
        name = entry.program()
        if not name or not is_program(Path(shutil.which(name) or name)):
            fault = f"{name} is not there" if name else "the entry names no program"
            return AutostartStatus(False, f"{fault}; `entrain autostart enable` mends that")
        return AutostartStatus(True, program=Path(name))

    def enable(self) -> None:
        program = self._program or installed_program()
        entry = read(self.path) or DesktopEntry()
        keys = entrains_keys(program, "Brainwave entrainment in whatever you play")
        for key, value in keys.items():
            entry.set(key, value)
        entry.remove("Hidden")
        entry.remove("X-GNOME-Autostart-enabled")
        write(self.path, entry)

    def disable(self) -> None:
        if read(self.path) is not None:
            remove(self.path)

    def refresh(self) -> None:
        entry = read(self.path)
        if entry is not None and not _is_switched_off(entry):
            self.enable()


def _is_switched_off(entry: DesktopEntry) -> bool:
    return entry.get("Hidden") == "true" or entry.get("X-GNOME-Autostart-enabled") == "false"
