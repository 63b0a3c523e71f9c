"""The help page that the menu opens; it is installed with Entrain."""

from importlib import resources
from pathlib import Path

import click

from entrain.errors import EntrainError


def page() -> Path:
    """Return the page's file."""
    return Path(str(resources.files("entrain.tray.icon") / "help.html"))


def open_help() -> None:
    """Open the page in the user's browser.

    Raises
    ------
    EntrainError
        No browser can be opened.

    """
    if click.launch(str(page())):
        raise EntrainError(f"no browser can be opened; the help is in {page()}")
