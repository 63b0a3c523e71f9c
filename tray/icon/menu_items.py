"""Parts of the description of a menu."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from entrain.tray.icon.drawing import IconState

if TYPE_CHECKING:
    from entrain.vdevice.api.answers import StatusCommand

MAX_LABEL = 80
"""Most characters in a line; longer names and reasons are cut off."""


@dataclass(frozen=True)
class Ask:
    """A request to the control API."""

    command: "StatusCommand | Literal['stop']"
    fields: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Do:
    """An action of the tray itself."""

    action: Literal["dashboard", "help", "about", "autostart-on", "autostart-off", "quit"]


@dataclass(frozen=True)
class Item:
    """One line of the menu.

    Parameters
    ----------
    key : str
        Permanent name of the line; it stays the same when the label changes.
    label : str
        Plain text.
    act : Ask, Do or None
        The effect of a click.  A line without `act` and `items` is only text.
    mark : str or None
        ``check`` or ``radio`` for a line with a mark, which shows `checked`.
    default : bool
        Whether a click on the icon has the same effect.
    items : tuple of Item or None
        A submenu; None stands for a separator.

    """

    key: str
    label: str
    act: Ask | Do | None = None
    mark: Literal["check", "radio"] | None = None
    checked: bool = False
    enabled: bool = True
    default: bool = False
    items: "tuple[Item | None, ...]" = ()


@dataclass(frozen=True)
class MenuDescription:
    """Description of the icon, the tooltip and the menu."""

    icon: IconState
    title: str
    """The tooltip; its first line explains the icon."""
    items: tuple[Item | None, ...]
    """The menu's lines; None stands for a separator."""


def line(text: str, end: str = "") -> str:
    """Shorten a text for the menu, and append `end` in full."""
    room = MAX_LABEL - len(end)
    return (text if len(text) <= room else text[: room - 1].rstrip() + "…") + end
