"""The shortcuts that an app offers, and the portal's answers about them.

Pure functions, any thread.  Every text of the portal is bounded and made printable here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from entrain.tray.text.text_layout import clean
from entrain.vdevice.limits import MAX_KEY_CHARS, HotkeysState

MAX_REASON_CHARS = 200
MAX_STATUS_CHARS = 96
"""Longest line that the Background portal takes, in characters."""


@dataclass(frozen=True)
class Shortcut:
    """One shortcut to ask for.

    Attributes
    ----------
    id : str
        Permanent name; the desktop keeps the user's keys under it.
    description : str
        What it does, for the desktop's dialog.
    preferred_trigger : str
        The proposed keys, as in https://specifications.freedesktop.org/shortcuts-spec; "": none.

    """

    id: str
    description: str
    preferred_trigger: str = ""


@dataclass(frozen=True)
class Report:
    """How far the portal has come; see `HotkeysState`."""

    state: HotkeysState
    reason: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Description of the keys by id of the shortcut; "" if the portal names none."""


def one_line(text: object, limit: int) -> str:
    """Return a text as one printable line of at most `limit` characters."""
    words = " ".join(clean(str(text)[: 4 * limit]).split())
    return words if len(words) <= limit else words[: limit - 1].rstrip() + "…"


def bound_keys(listed: object, offered: Sequence[Shortcut]) -> dict[str, str]:
    """Read a list of shortcuts as the portal sends it, ``a(sa{sv})`` without its signature.

    Parameters
    ----------
    listed : object
        The list; anything else counts as empty.
    offered : sequence of Shortcut
        The shortcuts that the app knows; others are left out.

    Returns
    -------
    dict of str to str
        Description of the keys by id, in the order of `offered`.

    """
    found: dict[str, str] = {}
    known = {each.id for each in offered}
    for each in listed if isinstance(listed, list) else ():
        match each:
            case [str(name), dict(told)] if name in known:
                trigger = getattr(told.get("trigger_description"), "value", "")
                found[name] = one_line(trigger, MAX_KEY_CHARS) if isinstance(trigger, str) else ""
    return {each.id: found[each.id] for each in offered if each.id in found}
