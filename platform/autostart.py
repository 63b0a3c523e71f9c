"""Starts Entrain at login, through an entry in the desktop's autostart folder.

https://specifications.freedesktop.org/autostart-spec/0.5
"""

import shutil
from pathlib import Path

from entrain.platform.adapter import AutostartStatus
from entrain.platform.desktop_entry import DesktopEntry
from entrain.platform.entry_file import (
    EntryFile,
    entrains_keys,
    read_entry,
    remove_file,
    write_entry,
)
from entrain.platform.folders import shared_config_folder
from entrain.platform.installation import is_program


class XdgAutostart(EntryFile):
    """The autostart entry of this user.

    The entry starts plain ``entrain``, which waits for a sound server and for a panel by itself.
    It ends silently if another Entrain is running.  `enable` and `refresh` give an entry of an
    earlier version its new name.
    """

    def __init__(self, program: Path | None = None) -> None:
        super().__init__(shared_config_folder() / "autostart", program)

    def status(self) -> AutostartStatus:
        entry = self._entry()
        if entry is None:
            return AutostartStatus(False)
        if _is_switched_off(entry):
            return AutostartStatus(False, "switched off in the desktop's settings")
        name = entry.program()
        if not name or not is_program(Path(shutil.which(name) or name)):
            fault = f"{name} does not exist" if name else "the entry has no command"
            return AutostartStatus(False, f"{fault}; `entrain autostart enable` repairs it")
        return AutostartStatus(True, program=Path(name))

    def enable(self) -> None:
        program = self.program()
        entry = self._entry() or DesktopEntry()
        keys = entrains_keys(program, "Brainwave entrainment in whatever you play")
        for key, value in keys.items():
            entry.set(key, value)
        entry.remove("Hidden")
        entry.remove("X-GNOME-Autostart-enabled")
        write_entry(self.path, entry)
        self._remove_former()

    def disable(self) -> None:
        if read_entry(self.path) is not None:
            remove_file(self.path)
        self._remove_former()

    def refresh(self) -> None:
        entry = self._entry()
        if entry is not None and not _is_switched_off(entry):
            self.enable()

    def _entry(self) -> DesktopEntry | None:
        """Read the entry, or the entry of an earlier version."""
        found = (read_entry(path) for path in (self.path, *self.former()))
        return next((entry for entry in found if entry is not None), None)

    def _remove_former(self) -> None:
        for path in self.former():
            remove_file(path)


def _is_switched_off(entry: DesktopEntry) -> bool:
    return entry.get("Hidden") == "true" or entry.get("X-GNOME-Autostart-enabled") == "false"
