"""The submenu of the space."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from entrain.tray.icon.menu_items import Ask, Item, line
from entrain.tray.text.text_layout import clean

if TYPE_CHECKING:
    from entrain.vdevice.api.answers import Status


def space(status: "Status", hrtfs: Sequence[tuple[str, str]]) -> Item:
    """Return the submenu: how music sounds around the head, head tracking, and the HRTF."""
    now, head = status["space"], status["head"]
    has_output = status["output"] is not None
    labels = {
        "off": "Off: music plays in your head",
        "speakers": "Speakers: two loudspeakers in front of you",
        "scene": "Scene: a sound field around you",
    }
    note = (Item("space note", line(clean(now["note"])), enabled=False),) if now["note"] else ()
    return Item(
        "space",
        f"Space: {now['mode']}",
        enabled=has_output,
        items=(
            *(
                Item(
                    f"space {mode}",
                    label,
                    Ask("settings", {"space": {"mode": mode}}),
                    mark="radio",
                    checked=now["setting"] == mode,
                )
                for mode, label in labels.items()
            ),
            *note,
            None,
            Item(
                "head tracking",
                "Head tracking",
                Ask("tracking", {"on": not head["on"]}),
                mark="check",
                checked=head["on"],
            ),
            Item(
                "recentre",
                "Recentre: you look straight ahead now",
                Ask("recentre"),
                enabled=head["yaw_deg"] is not None,
            ),
            None,
            Item(
                "hrtf",
                line(f"HRTF: {now['hrtf']}"),
                enabled=bool(hrtfs),
                items=tuple(
                    Item(
                        f"hrtf {name}",
                        line(clean(f"{name}: {title}")),
                        Ask("settings", {"hrtf": name}),
                        mark="radio",
                        checked=now["hrtf"] == name,
                    )
                    for name, title in hrtfs
                ),
            ),
        ),
    )
