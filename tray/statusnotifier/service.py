"""Puts icon and menu on the session bus, and registers them with the tray.

All D-Bus traffic happens on one thread with an event loop of its own, which sleeps between
messages.  The bus and the tray may come late, go and come back.
"""

import asyncio
import itertools
import logging
import os
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from dbus_fast import Message, RequestNameReply
from dbus_fast.aio import MessageBus

from entrain.platform.message_bus import Method, call, session_bus_address
from entrain.tray.statusnotifier.dbusmenu import MENU_PATH, DBusMenu
from entrain.tray.statusnotifier.host import WATCHER_NAME, WATCHER_PATH
from entrain.tray.statusnotifier.item import ITEM_PATH, Look, StatusNotifierItem
from entrain.tray.statusnotifier.layout import Ids, lay_out
from entrain.tray.statusnotifier.pystray_api import Menu, MenuItem

UPDATE_INTERVAL_S = 0.5
"""Shortest time between two updates; hundreds in a row can crash a tray."""

CONNECT_TIMEOUT_S = 10.0
STOP_TIMEOUT_S = 0.9
FIRST_RETRY_S = 1.0
LAST_RETRY_S = 60.0

_BUS_NAME = "org.freedesktop.DBus"
_ADD_MATCH = Method(_BUS_NAME, "/org/freedesktop/DBus", _BUS_NAME, "AddMatch", "s")
_GET_OWNER = Method(_BUS_NAME, "/org/freedesktop/DBus", _BUS_NAME, "GetNameOwner", "s")
_REGISTER = Method(
    WATCHER_NAME, WATCHER_PATH, WATCHER_NAME, "RegisterStatusNotifierItem", "s", starts=False
)

_log = logging.getLogger(__name__)
_instances = itertools.count(1)


class TrayService:
    """One icon with its menu.  Methods may be called from any thread and return at once.

    Parameters
    ----------
    name : str
        The application's name.
    look, menu : callable
        Return the current look and menu.  Called on the service's thread, some time after
        `changed`.
    click : callable
        Takes the clicked item, or None for the icon itself; called on the service's thread.
    failed : callable
        Takes the error that ended the service before `stop`; called on the service's thread.

    """

    def __init__(
        self,
        name: str,
        look: Callable[[], Look],
        menu: Callable[[], Menu | None],
        click: Callable[[MenuItem | None], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._name = name
        self._read_look = look
        self._read_menu = menu
        self._click = click
        self._failed = failed
        self._item = StatusNotifierItem(name, self._activate)
        self._menu = DBusMenu(self._clicked)
        self._ids = Ids()
        self._thread: threading.Thread | None = None
        # Shared between threads, under the lock:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._has_changed = False
        self._is_stopped = False
        # Used only on the service's thread:
        self._life: asyncio.Task[None] | None = None
        self._bus: MessageBus | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._updated_at_s = float("-inf")
        self._registered_with = ""
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name="tray-dbus", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Remove icon and menu from the bus.  Idempotent; `join` waits for the end."""
        with self._lock:
            self._is_stopped = True
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._end)

    def join(self) -> None:
        """Wait until the thread has ended, at most `STOP_TIMEOUT_S`."""
        if self._thread is not None:
            self._thread.join(STOP_TIMEOUT_S)

    def changed(self) -> None:
        """Schedule an update of look and menu."""
        with self._lock:
            if self._loop is not None and not self._has_changed and not self._is_stopped:
                self._has_changed = True
                self._loop.call_soon_threadsafe(self._plan_update)

    # ---- the thread ------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            asyncio.run(self._live())
        except asyncio.CancelledError:
            pass
        except Exception as error:
            self._failed(error)

    async def _live(self) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_log_in_one_line)
        self._life = asyncio.current_task()
        with self._lock:
            if self._is_stopped:
                return
            self._loop = loop
        try:
            await self._stay_connected()
        finally:
            with self._lock:
                self._loop = None

    def _end(self) -> None:
        if self._life is not None:
            self._life.cancel()

    async def _stay_connected(self) -> None:
        """Serve the bus whenever it is there; log its absence once."""
        loop = asyncio.get_running_loop()
        has_complained = False
        delay_s = FIRST_RETRY_S
        while True:
            try:
                bus = await self._connect()
            except Exception as error:  # a refusal, a wrong address, garbage from a broken bus
                reason = str(error) or type(error).__name__
            else:
                if has_complained:
                    _log.info("the session bus has come, and the tray icon is on it")
                    has_complained = False
                since_s = loop.time()
                await self._serve(bus)
                reason = "it has ended"
                if loop.time() - since_s > LAST_RETRY_S:
                    delay_s = FIRST_RETRY_S
            if not has_complained:
                _log.info("no session bus, the tray icon waits for one: %s", reason)
                has_complained = True
            await asyncio.sleep(delay_s)
            delay_s = min(2 * delay_s, LAST_RETRY_S)

    async def _connect(self) -> MessageBus:
        """Connect to the bus, with icon and menu on it."""
        address = session_bus_address()
        if address is None:
            raise ConnectionError("its address is unknown")
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            bus = await MessageBus(address).connect()
        self._bus = bus
        self._update()
        bus.export(MENU_PATH, self._menu)
        bus.export(ITEM_PATH, self._item)
        return bus

    async def _serve(self, bus: MessageBus) -> None:
        """Serve trays until the bus ends or this task is cancelled."""
        end = asyncio.ensure_future(bus.wait_for_disconnect())  # type: ignore[no-untyped-call]
        self._spawn(self._find_tray(bus))
        try:
            await asyncio.wait({end})  # unlike `await end`, it can be cancelled without harm
        finally:
            self._bus = None
            self._registered_with = ""
            for task in self._tasks:
                task.cancel()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if bus.connected:
                bus.unexport(ITEM_PATH)
                bus.unexport(MENU_PATH)
                bus.disconnect()
                await asyncio.wait({end}, timeout=STOP_TIMEOUT_S / 2)
            if end.done():
                end.exception()  # read it, otherwise asyncio complains
            else:
                end.cancel()

    def _spawn(self, coroutine: Coroutine[None, None, None]) -> None:
        """Run a coroutine as a task for as long as the bus is there."""
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # ---- the tray --------------------------------------------------------------------------

    async def _find_tray(self, bus: MessageBus) -> None:
        """Register with the present tray, and with each tray that comes later."""
        name = f"org.kde.StatusNotifierItem-{os.getpid()}-{next(_instances)}"
        owned = (RequestNameReply.PRIMARY_OWNER, RequestNameReply.ALREADY_OWNER)
        if await bus.request_name(name) not in owned:
            name = bus.unique_name or name

        def owner_changed(message: Message) -> None:
            if (
                message.member == "NameOwnerChanged"
                and message.sender == _BUS_NAME
                and message.signature == "sss"
                and message.body[0] == WATCHER_NAME
            ):
                self._register(bus, name, message.body[2])

        bus.add_message_handler(owner_changed)
        rule = f"type='signal',sender='{_BUS_NAME}',member='NameOwnerChanged',arg0='{WATCHER_NAME}'"
        await self._call(bus, _ADD_MATCH, rule)
        owner = await self._call(bus, _GET_OWNER, WATCHER_NAME)
        if owner is not None and owner.signature == "s":
            self._register(bus, name, owner.body[0])

    def _register(self, bus: MessageBus, name: str, owner: str) -> None:
        """Register with the watcher at this address; "" means that it has gone."""
        if owner and owner != self._registered_with:
            self._spawn(self._introduce(bus, name))
        self._registered_with = owner

    async def _introduce(self, bus: MessageBus, name: str) -> None:
        await self._call(bus, _REGISTER, name)

    @staticmethod
    async def _call(bus: MessageBus, method: Method, argument: str) -> Message | None:
        """Call a method and return the answer; None after an error or the end of the bus."""
        try:
            return await call(bus, method, argument)
        except Exception as error:  # `_serve` notices the end of the bus
            _log.debug("%s: %s", method.name, error)
            return None

    # ---- updates ---------------------------------------------------------------------------

    def _plan_update(self) -> None:
        if self._bus is not None and self._timer is None:
            loop = asyncio.get_running_loop()
            at_s = max(loop.time(), self._updated_at_s + UPDATE_INTERVAL_S)
            self._timer = loop.call_at(at_s, self._update)

    def _update(self) -> None:
        self._timer = None
        self._updated_at_s = asyncio.get_running_loop().time()
        with self._lock:
            self._has_changed = False
        try:
            layout = lay_out(self._read_menu(), self._ids)
            look = self._read_look()
            self._menu.update(layout)
            self._item.update(look)
        except Exception as error:  # from an item's property; the former menu stays
            _log.error("the tray's menu cannot be made: %r", error)

    # ---- clicks ----------------------------------------------------------------------------

    def _activate(self) -> bool:
        if self._menu.layout.has_default:
            self._click(None)
        return self._menu.layout.has_default

    def _clicked(self, number: int) -> None:
        if (item := self._menu.layout.actions.get(number)) is not None:
            self._click(item)


def _log_in_one_line(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log asyncio's errors in one line, without a traceback: signals to a dead bus."""
    _log.debug("%s: %r", context.get("message"), context.get("exception"))
