"""Entrain in the application menu: an entry that starts it, and icons in the theme.

https://specifications.freedesktop.org/icon-theme-spec: each theme inherits from ``hicolor``.
"""

from collections.abc import Mapping
from pathlib import Path

from entrain.platform.adapter import PlatformError
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

APP_ID = "local.entrain.Entrain"
"""Entrain's name at the desktop's portal: GNOME accepts only names with a dot.

A hidden entry of this name makes it known; the entry in the menu keeps its own name.
"""

_ACTIONS = {
    "toggle": ("Hear the difference (bypass on or off)", ("toggle",)),
    "next": ("Next protocol", ("next",)),
    "off": ("Off", ("off",)),
    "stop": ("Quit", ("stop",)),
}
"""Items of the entry's context menu, which work without a tray, too."""


class XdgLauncher(EntryFile):
    """The menu entry and the icons of this user."""

    def __init__(self, program: Path | None = None) -> None:
        data = shared_data_folder()
        super().__init__(data / "applications", program)
        self._hidden = data / "applications" / f"{APP_ID}.desktop"
        self._scalable = data / "icons" / "hicolor" / "scalable"

    def install(self, icons: Mapping[str, bytes]) -> list[Path]:
        entry = _entry(self.program())
        hidden = _hidden_entry(self.program())
        for path in (self.path, self._hidden):
            read_entry(path)  # raises an error if the entry belongs to another app
        files = {self._icon(name): content for name, content in icons.items()}
        for path, content in files.items():
            try:
                replace_file(path, content)
            except OSError as error:
                raise PlatformError(f"cannot write {path}: {error.strerror}") from error
        write_entry(self._hidden, hidden)
        write_entry(self.path, entry)  # last, so that an open menu finds the icon
        return [*files, self._hidden, self.path]

    def undo(self) -> list[Path]:
        entries = [path for path in (self.path, self._hidden) if read_entry(path) is not None]
        icons = [
            path
            for name in ("entrain.svg", "entrain-*.svg")
            for path in sorted(self._scalable.glob(f"*/{name}"))
        ]
        return [path for path in [*entries, *icons] if remove_file(path)]

    def _icon(self, name: str) -> Path:
        return self._scalable / ("apps" if name == "entrain.svg" else "status") / name


def _hidden_entry(program: Path) -> DesktopEntry:
    entry = DesktopEntry()
    for key, value in entrains_keys(program, "Entrain at the desktop's portal").items():
        entry.set(key, value)
    entry.set("NoDisplay", "true")
    return entry


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
