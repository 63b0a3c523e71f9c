"""All that the screen shows, as it was told last."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from entrain.tray.terminal.analysis import Heard
    from entrain.vdevice.api.answers import Block, Layer, Protocols, Status

PARTS = (
    *("state", "reason", "on", "bypass", "mode", "sleep_left_s", "output", "softened", "detour"),
    *("muffled", "protocol", "position", "moving", "undo_text", "redo_text", "levels", "measured"),
    *("volume", "muted", "xruns", "errors"),
)
"""Fields of the status that the screen shows."""
MAX_SLOTS = 9
"""Number of protocols that have a key."""
MAX_ENTRIES = 200


class Entry(NamedTuple):
    """A line of the log."""

    time: str
    who: str
    text: str


class Slot(NamedTuple):
    """A protocol that has a key."""

    id: str
    name: str


@dataclass
class Scene:
    """The present state of the screen; one thread changes and draws it."""

    version: int = 0
    """Increases with each change of anything but `heard`, and when a sound begins or ends."""
    status: "Status | None" = None
    """The fields of `PARTS`; None before the first news, and while Entrain is not running."""
    lost: str = ""
    """Why there is no status, in one line."""
    blocks: "Mapping[str, Block]" = field(default_factory=dict)
    """Kinds of layer."""
    slots: Sequence[Slot] = ()
    """The protocols of the keys from 1 on; they stay the same for as long as the screen is open."""
    heard: "Heard | None" = None
    """The sound; None while none flows."""
    log: deque[Entry] = field(default_factory=lambda: deque(maxlen=MAX_ENTRIES))
    message: str = ""
    """Effect of the last key."""
    is_error: bool = False
    """Whether the last key had no effect."""
    selected: str = ""
    """Id of the layer that m mutes; empty: the first one."""
    amounts: dict[str, float] = field(default_factory=dict)
    """Amounts of layers before m has muted them, by id."""
    shows_help: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether Entrain has not answered yet."""
        return self.status is None and not self.lost

    @property
    def waits_for_sound(self) -> bool:
        """Whether Entrain would process sound, but none flows."""
        state = self.status["state"] if self.status else ""
        return self.heard is None and state in ("processing", "bypassed", "idle")

    @property
    def layers(self) -> "Sequence[Layer]":
        """The running protocol's layers."""
        protocol = self.status["protocol"] if self.status else None
        return protocol["layers"] if protocol else ()

    @property
    def place(self) -> int:
        """Index of the selected layer."""
        ids = [layer["id"] for layer in self.layers]
        return ids.index(self.selected) if self.selected in ids else 0

    def say(self, text: str, is_error: bool = False) -> None:
        """Show the effect of a key."""
        self.message, self.is_error = text, is_error


def slots(library: "Protocols") -> list[Slot]:
    """Return the protocols of the keys 1 to 9: those used last, then the user's own, then others.

    Of the others, each category gives its first protocol, then its second one, and so on.
    """
    by_id = {each["id"]: each for each in library["protocols"]}
    members: dict[str, int] = {}
    ranked = []
    for each in library["protocols"]:
        rank = members.get(each["category"], 0)
        members[each["category"]] = rank + 1
        ranked.append((-1 if each["own"] else rank, each["id"]))
    others = [found for _, found in sorted(ranked, key=lambda pair: pair[0])]
    chosen = dict.fromkeys([*(each for each in library["recent"] if each in by_id), *others])
    return [Slot(each, by_id[each]["name"]) for each in [*chosen][:MAX_SLOTS]]
