"""The menu on the bus: com.canonical.dbusmenu, version 3."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

from dbus_fast import DBusError, ErrorType, PropertyAccess, Variant
from dbus_fast.annotations import (
    DBusBool,
    DBusInt32,
    DBusSignature,
    DBusStr,
    DBusUInt32,
    DBusVariant,
)
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property, dbus_signal

from entrain.tray.statusnotifier.layout import Layout, Node, Value, difference

MENU_PATH = "/MenuBar"

_SIGNATURES = {str: "s", bool: "b", int: "i"}

Ints = Annotated[list[int], DBusSignature("ai")]
Strings = Annotated[list[str], DBusSignature("as")]
Events = Annotated[list[tuple[int, str, Variant, int]], DBusSignature("a(isvu)")]
Properties = dict[str, Variant]
NodesProperties = Annotated[list[tuple[int, Properties]], DBusSignature("a(ia{sv})")]


class DBusMenu(ServiceInterface):
    """The menu's D-Bus interface for a tray.  Used on the loop of its bus.

    Parameters
    ----------
    click : callable
        Takes the number of a clicked line; must return at once.

    """

    def __init__(self, click: Callable[[int], None]) -> None:
        super().__init__("com.canonical.dbusmenu")
        self.layout = Layout()
        self._revision = 1
        self._click = click

    def update(self, layout: Layout) -> None:
        """Show this layout from now on, and signal the changes."""
        change = difference(self.layout, layout)
        self.layout = layout
        if change.updated or change.removed:
            self.items_properties_updated(change.updated, change.removed)
        if change.parent is not None:
            self._revision = (self._revision + 1) & 0xFFFFFFFF
            self.layout_updated(change.parent)

    # ---- methods and properties ------------------------------------------------------------

    @dbus_method(name="GetLayout")
    def get_layout(
        self, parent_id: DBusInt32, recursion_depth: DBusInt32, property_names: Strings
    ) -> Annotated[tuple[int, list[Any]], DBusSignature("u(ia{sv}av)")]:
        self._node(parent_id)
        return self._revision, self._tree(parent_id, recursion_depth, set(property_names))

    @dbus_method(name="GetGroupProperties")
    def get_group_properties(self, ids: Ints, property_names: Strings) -> NodesProperties:
        known = set(ids).intersection(self.layout.nodes) if ids else set(self.layout.nodes)
        names = set(property_names)
        return [(number, _variants(self._node(number), names)) for number in sorted(known)]

    @dbus_method(name="GetProperty")
    def get_property(self, id: DBusInt32, name: DBusStr) -> DBusVariant:
        properties = _variants(self._node(id))
        if name not in properties:
            raise DBusError(ErrorType.INVALID_ARGS, "this item has no such property")
        return properties[name]

    @dbus_method(name="Event")
    def event(
        self, id: DBusInt32, event_id: DBusStr, data: DBusVariant, timestamp: DBusUInt32
    ) -> None:
        self._node(id)
        if event_id == "clicked":
            self._click(id)

    @dbus_method(name="EventGroup")
    def event_group(self, events: Events) -> Ints:
        for number, event_id, _data, _timestamp in events:
            if event_id == "clicked" and number in self.layout.nodes:
                self._click(number)
        return self._unknown([number for number, *_ in events])

    @dbus_method(name="AboutToShow")
    def about_to_show(self, id: DBusInt32) -> DBusBool:
        self._node(id)
        return False  # all changes have been signalled

    @dbus_method(name="AboutToShowGroup")
    def about_to_show_group(
        self, ids: Ints
    ) -> Annotated[tuple[list[int], list[int]], DBusSignature("aiai")]:
        return [], self._unknown(ids)

    @dbus_property(access=PropertyAccess.READ, name="Version")
    def version(self) -> DBusUInt32:
        return 3

    @dbus_property(access=PropertyAccess.READ, name="TextDirection")
    def text_direction(self) -> DBusStr:
        return "ltr"

    @dbus_property(access=PropertyAccess.READ, name="Status")
    def status(self) -> DBusStr:
        return "normal"

    @dbus_property(access=PropertyAccess.READ, name="IconThemePath")
    def icon_theme_path(self) -> Strings:
        return []

    # ---- signals ---------------------------------------------------------------------------

    @dbus_signal(name="ItemsPropertiesUpdated")
    def items_properties_updated(
        self,
        updated: Mapping[int, Mapping[str, Value]],
        removed: Mapping[int, tuple[str, ...]],
    ) -> Annotated[
        tuple[list[tuple[int, Properties]], list[tuple[int, list[str]]]],
        DBusSignature("a(ia{sv})a(ias)"),
    ]:
        return (
            [(number, _variants(Node(properties))) for number, properties in updated.items()],
            [(number, list(names)) for number, names in removed.items()],
        )

    @dbus_signal(name="LayoutUpdated")
    def layout_updated(self, parent: int) -> Annotated[tuple[int, int], DBusSignature("ui")]:
        return self._revision, parent

    @dbus_signal(name="ItemActivationRequested")
    def item_activation_requested(
        self, id: int, timestamp: int
    ) -> Annotated[tuple[int, int], DBusSignature("iu")]:
        return id, timestamp

    # ----------------------------------------------------------------------------------------

    def _node(self, number: int) -> Node:
        if (node := self.layout.nodes.get(number)) is None:
            raise DBusError(ErrorType.INVALID_ARGS, "there is no menu item with this id")
        return node

    def _unknown(self, numbers: Sequence[int]) -> list[int]:
        """Return the numbers that are not in the menu; raise an error if none of them is."""
        unknown = sorted(set(numbers).difference(self.layout.nodes))
        if unknown and not set(numbers).intersection(self.layout.nodes):
            raise DBusError(ErrorType.INVALID_ARGS, "there is no menu item with any of these ids")
        return unknown

    def _tree(self, number: int, depth: int, names: set[str]) -> list[Any]:
        node = self._node(number)
        children = () if depth == 0 else node.children
        return [
            number,
            _variants(node, names),
            [Variant("(ia{sv}av)", self._tree(child, depth - 1, names)) for child in children],
        ]


def _variants(node: Node, names: set[str] | None = None) -> Properties:
    return {
        name: Variant(_SIGNATURES[type(value)], value)
        for name, value in node.properties.items()
        if not names or name in names
    }
