"""The layout of a menu: numbered nodes, and the difference between two layouts.

This module does not need D-Bus.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from entrain.tray.statusnotifier.pystray_api import KeyedItem, Menu, MenuItem

ROOT = 0

Value = str | bool | int

_MAX_KNOWN_IDS = 4096


@dataclass(frozen=True)
class Node:
    """One line of a menu, or the root of the menu."""

    properties: Mapping[str, Value]
    children: tuple[int, ...] = ()


@dataclass(frozen=True)
class Layout:
    """A whole menu."""

    nodes: Mapping[int, Node] = field(default_factory=lambda: {ROOT: Node({})})
    """All nodes by id; the root has the id `ROOT`."""
    actions: Mapping[int, MenuItem] = field(default_factory=dict)
    """The items that react to a click, by id."""
    has_default: bool = False
    """Whether one of the items reacts to a click on the icon."""


@dataclass(frozen=True)
class Difference:
    """The changes that lead from one layout to the next."""

    updated: Mapping[int, Mapping[str, Value]]
    removed: Mapping[int, tuple[str, ...]]
    parent: int | None
    """The node under which the structure differs; None if the structure is the same."""


class Ids:
    """Assigns numbers to the lines of a menu; a key keeps its number even after an absence."""

    def __init__(self) -> None:
        self._ids: dict[tuple[str, ...], int] = {}
        self._last = ROOT

    def of(self, path: tuple[str, ...]) -> int:
        """Return the number of a line, given its key and the keys of the lines above it."""
        if path not in self._ids:
            self._last += 1
            self._ids[path] = self._last
        return self._ids[path]

    def forget_all_but(self, used: Mapping[int, Any]) -> None:
        """Forget unused keys if there are very many."""
        if len(self._ids) > _MAX_KNOWN_IDS:
            self._ids = {path: number for path, number in self._ids.items() if number in used}


def lay_out(menu: Menu | None, ids: Ids) -> Layout:
    """Evaluate a pystray menu.

    A plain item, other than a `KeyedItem`, is identified by its place among its siblings.

    Raises
    ------
    Exception
        Any error from a property of an item.

    """
    nodes: dict[int, Node] = {}
    actions: dict[int, MenuItem] = {}
    items = () if menu is None else tuple(menu)
    nodes[ROOT] = Node({"children-display": "submenu"}, tuple(_add(items, (), ids, nodes, actions)))
    ids.forget_all_but(nodes)
    return Layout(nodes, actions, any(item.default for item in items))


def _add(
    items: tuple[MenuItem, ...],
    above: tuple[str, ...],
    ids: Ids,
    nodes: dict[int, Node],
    actions: dict[int, MenuItem],
) -> Iterator[int]:
    """Add these siblings and their submenus; yield the siblings' numbers."""
    for place, item in enumerate(items):
        is_separator = item is Menu.SEPARATOR
        if isinstance(item, KeyedItem):
            key = f"key {item.key}"
        else:
            key = f"{'separator' if is_separator else 'item'} {place}"
        number = ids.of((*above, key))
        while number in nodes:  # the same key twice among siblings
            key += "'"
            number = ids.of((*above, key))
        if is_separator:
            nodes[number] = Node({"type": "separator"})
        elif (submenu := item.submenu) is not None:
            nodes[number] = Node({})  # reserves the number
            children = tuple(_add(tuple(submenu), (*above, key), ids, nodes, actions))
            properties = _properties(item) | {"children-display": "submenu"}
            nodes[number] = Node(properties, children)
        else:
            nodes[number] = Node(_properties(item))
            if item.enabled:
                actions[number] = item
        yield number


def _properties(item: MenuItem) -> dict[str, Value]:
    """Return the properties of an item for the tray.

    This includes properties with default values, since some trays do not know the defaults.
    """
    checked = item.checked
    return {
        # A single underscore would underline the next letter.
        "label": valid_text(str(item.text)).replace("_", "__"),
        "enabled": bool(item.enabled),
        "toggle-type": "" if checked is None else "radio" if item.radio else "checkmark",
        "toggle-state": -1 if checked is None else int(bool(checked)),
    }


def valid_text(text: str) -> str:
    """Return a text that D-Bus accepts; names of devices and files may hold any bytes."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "")


def difference(old: Layout, new: Layout) -> Difference:
    """Compare two layouts made with the same `Ids`."""
    updated: dict[int, Mapping[str, Value]] = {}
    removed: dict[int, tuple[str, ...]] = {}
    parents = []
    for number, node in new.nodes.items():
        if (before := old.nodes.get(number)) is None:
            continue
        if before.children != node.children:
            parents.append(number)
        changed = {
            name: value
            for name, value in node.properties.items()
            if before.properties.get(name) != value
        }
        if changed:
            updated[number] = changed
        if gone := tuple(name for name in before.properties if name not in node.properties):
            removed[number] = gone
    if not parents:
        return Difference(updated, removed, None)
    return Difference(updated, removed, parents[0] if len(parents) == 1 else ROOT)
