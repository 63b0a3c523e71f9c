"""The tray's side of the bus: a watcher without a panel, and the icons that register with it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any

from dbus_fast import Message, PropertyAccess, Variant
from dbus_fast.annotations import DBusBool, DBusSignature, DBusStr
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property
from session_bus import BusClient, wait_until

WATCHER = (
    "org.kde.StatusNotifierWatcher",
    "/StatusNotifierWatcher",
    "org.kde.StatusNotifierWatcher",
)


@dataclass(frozen=True)
class Line:
    """One line of a menu, as a tray reads it."""

    id: int
    label: str = ""
    is_enabled: bool = True
    toggle: str = ""
    is_checked: bool | None = None
    is_separator: bool = False
    children: tuple["Line", ...] = field(default=())

    def walk(self) -> Iterator["Line"]:
        """Yield this line and all lines below it."""
        yield self
        for child in self.children:
            yield from child.walk()

    def find(self, label: str) -> "Line":
        """Return the line with this label."""
        return next(line for line in self.walk() if line.label == label)


class Item:
    """A registered icon and its menu."""

    def __init__(self, client: BusClient, name: str) -> None:
        self.client = client
        self.name = name
        self.service = (name, "/StatusNotifierItem", "org.kde.StatusNotifierItem")
        self.menu_service = (name, self["Menu"], "com.canonical.dbusmenu")
        client.listen(name)

    def __getitem__(self, name: str) -> Any:
        return self.client.get(self.service, name)

    def menu(self, parent: int = 0, depth: int = -1) -> Line:
        """Read the menu."""
        _, root = self.client.call(self.menu_service, "GetLayout", "iias", parent, depth, [])
        return _line(root)

    def labels(self) -> list[str]:
        """Return every label of the menu."""
        return [line.label for line in self.menu().walk() if line.label]

    def click(self, label: str) -> None:
        """Click on a line of the menu."""
        self.event(self.menu().find(label).id)

    def event(self, number: int, kind: str = "clicked") -> None:
        """Send an event of a menu line."""
        self.client.call(self.menu_service, "Event", "isvu", number, kind, Variant("i", 0), 0)

    def activate(self) -> None:
        """Click on the icon."""
        self.client.call(self.service, "Activate", "ii", 0, 0)


def _line(node: Any) -> Line:
    number, properties, children = node
    values = {name: variant.value for name, variant in properties.items()}
    state = values.get("toggle-state", -1)
    return Line(
        number,
        values.get("label", "").replace("__", "_"),
        values.get("enabled", True),
        values.get("toggle-type", ""),
        None if state < 0 else bool(state),
        values.get("type") == "separator",
        tuple(_line(child.value) for child in children),
    )


class _Watcher(ServiceInterface):
    def __init__(self, has_host: bool) -> None:
        super().__init__(WATCHER[2])
        self.registered: list[str] = []
        self._has_host = has_host

    @dbus_method(name="RegisterStatusNotifierItem")
    def register(self, service: DBusStr) -> None:
        self.registered.append(service)

    @dbus_property(access=PropertyAccess.READ, name="RegisteredStatusNotifierItems")
    def items(self) -> Annotated[list[str], DBusSignature("as")]:
        return self.registered

    @dbus_property(access=PropertyAccess.READ, name="IsStatusNotifierHostRegistered")
    def has_host(self) -> DBusBool:
        return self._has_host


class StubTray(BusClient):
    """A watcher of tray icons, with or without a host."""

    def __init__(self, address: str, has_host: bool = True) -> None:
        super().__init__(address)
        self._watcher = _Watcher(has_host)
        self.run(self._be_watcher())

    @property
    def registered(self) -> list[str]:
        """Return the names that have registered, one for each registration."""
        return list(self._watcher.registered)

    def item(self) -> Item:
        """Wait for the first icon, and return it."""
        return Item(self, wait_until(lambda: self.registered, "an icon registers")[0])

    async def _be_watcher(self) -> None:
        self.bus.export(WATCHER[1], self._watcher)
        await self.bus.request_name(WATCHER[0])


class StubNotifications(BusClient):
    """A notification daemon that shows nothing."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.calls: list[tuple[str, list[Any]]] = []
        self.run(self._be_daemon())

    async def _be_daemon(self) -> None:
        self.bus.add_message_handler(self._answer)
        await self.bus.request_name("org.freedesktop.Notifications")

    def _answer(self, message: Message) -> Message | None:
        if message.interface != "org.freedesktop.Notifications":
            return None
        if message.member == "GetCapabilities":
            return Message.new_method_return(message, "as", [["body-markup"]])
        self.calls.append((message.member or "", message.body))
        if message.member == "Notify":
            return Message.new_method_return(message, "u", [len(self.calls)])
        return Message.new_method_return(message)
