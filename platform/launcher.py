"""Entrain in the application menu: an entry that starts it, and icons in the theme.

https://specifications.freedesktop.org/icon-theme-spec: each theme inherits from ``hicolor``.
"""

from collections.abc import Mapping
from pathlib import Path

from entrain.platform.adapter import PlatformError
from entrain.platform.app_id import APP_ID
from entrain.platform.desktop_entry import DesktopEntry, command_line
from entrain.platform.entry_file import (
    EntryFile,
    entrains_keys,
    read_entry,
    remove_file,
    write_entry,
)
from entrain.platform.folders import shared_data_folder
from entrain.platform.whole_file import replace_file

_ACTIONS = {
    "toggle": ("Hear the difference (bypass on or off)", ("toggle",)),
    "next": ("Next protocol", ("next",)),
    "off": ("Off", ("off",)),
    "stop": ("Quit", ("stop",)),
}
"""Items of the entry's context menu, which work without a tray, too."""


class XdgLauncher(EntryFile):
    """The menu entry and the icons of this user, or of a package.

    GNOME's portal knows an app only by an entry that has its name, with a dot in it.

    Parameters
    ----------
    program : Path or None
        See `EntryFile`.
    data : Path or None
        Folder below which the files go; None: the user's.

    """

    def __init__(self, program: Path | None = None, data: Path | None = None) -> None:
        data = data or shared_data_folder()
        super().__init__(data / "applications", program)
        self._scalable = data / "icons" / "hicolor" / "scalable"

    def install(self, icons: Mapping[str, bytes]) -> list[Path]:
        entry = _entry(self.program())
        read_entry(self.path)  # raises an error if the entry belongs to another app
        files = {self._icon(name): content for name, content in icons.items()}
        for path, content in files.items():
            try:
                replace_file(path, content)
            except OSError as error:
                raise PlatformError(f"cannot write {path}: {error.strerror}") from error
        write_entry(self.path, entry)  # last, so that an open menu finds the icon
        for path in self._former_files():
            remove_file(path)
        return [*files, self.path]

    def undo(self) -> list[Path]:
        entries = [self.path] if read_entry(self.path) is not None else []
        icons = [
            *sorted(self._scalable.glob(f"apps/{APP_ID}.svg")),
            *sorted(self._scalable.glob("status/entrain-*.svg")),
        ]
        files = [*entries, *icons, *self._former_files()]
        return [path for path in files if remove_file(path)]

    def _former_files(self) -> list[Path]:
        """Return the entries of earlier versions, and the icon that they name."""
        entries = self.former()
        return [*entries, self._scalable / "apps" / "entrain.svg"] if entries else []

    def _icon(self, name: str) -> Path:
        if name == "entrain.svg":
            return self._scalable / "apps" / f"{APP_ID}.svg"
        return self._scalable / "status" / name


def _entry(program: Path) -> DesktopEntry:
    entry = DesktopEntry()
    own = {
        "GenericName": "Brainwave Entrainment",
        "Categories": "AudioVideo;Audio;",
        "Keywords": "audio;sound;brainwave;binaural;isochronic;focus;sleep;relax;",
        "Actions": "".join(f"{name};" for name in _ACTIONS),
    }
    keys = entrains_keys(program, "Put brainwave entrainment into whatever you play")
    for key, value in (keys | own).items():
        entry.set(key, value)
    actions = "".join(
        f"\n[Desktop Action {name}]\nName={title}\nExec={command_line(program, *arguments)}\n"
        for name, (title, arguments) in _ACTIONS.items()
    )
    return DesktopEntry(f"{entry}{actions}")
