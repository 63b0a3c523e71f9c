"""Removes names of people and machines from texts that may be published."""

import contextlib
import getpass
import platform
import re
from pathlib import Path

_MAC = re.compile(r"\b(?:[0-9A-F]{2}[:_-]){5}[0-9A-F]{2}\b", re.IGNORECASE)
_LEAST = 3
"""Shorter names occur inside too many words."""


def without_names(text: str) -> str:
    """Replace the home folder, the names of user and machine, and hardware addresses."""
    with contextlib.suppress(RuntimeError):  # a user without a home folder
        text = text.replace(str(Path.home()), "~")
    for name, shown in ((_user(), "USER"), (platform.node(), "MACHINE")):
        if len(name) >= _LEAST and name not in ("root", "localhost"):
            text = re.sub(rf"\b{re.escape(name)}\b", shown, text, flags=re.IGNORECASE)
    return _MAC.sub("XX:XX:XX:XX:XX:XX", text)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user without a name
        return ""
