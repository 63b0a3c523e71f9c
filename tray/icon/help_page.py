"""The help that is opened from the menu: a page that is installed with Entrain."""

from importlib import resources
from pathlib import Path

import click

from entrain.errors import EntrainError


def page() -> Path:
    """Return the file."""
    return Path(str(resources.files("entrain.tray.icon") / "help.html"))


def open_help() -> None:
    """Open it in the user's browser.

    Raises
    ------
    EntrainError
        Nothing here opens a page.

    """
    if click.launch(str(page())):
        raise EntrainError(f"no browser can be opened; the help is in {page()}")
