"""A desktop's portal that does what a test wants, also what no portal should."""

import asyncio
from typing import Any, Self

from dbus_fast import Message, MessageType, Variant
from session_bus import BusClient, wait_until

NAME = "org.freedesktop.portal.Desktop"
PATH = "/org/freedesktop/portal/desktop"
SHORTCUTS = "org.freedesktop.portal.GlobalShortcuts"
BACKGROUND = "org.freedesktop.portal.Background"
REGISTRY = "org.freedesktop.host.portal.Registry"
REQUEST = "org.freedesktop.portal.Request"
SESSION = "org.freedesktop.portal.Session"


class PortalDouble:
    """A portal on a bus, from the beginning of the block to its end.

    Attributes
    ----------
    interfaces : set of str
        The interfaces that it has.
    bind, create : (int, dict of str to Variant) or None
        Code and results of the responses; None: there is no response.  Without results of its own,
        `create` opens a session and `bind` binds all shortcuts of the request.
    refusal : str
        If not empty, `SetStatus` is refused with these words.
    faults : list of str
        Names of the errors with which the next looks at versions are answered, the last one first.
    silent : set of str
        Methods that are not answered.
    calls : list of Message
        The calls so far, in order, except `Get`.
    sessions : list of str
        Paths of the sessions so far.

    """

    def __init__(self, address: str, *interfaces: str) -> None:
        self.interfaces = set(interfaces or (SHORTCUTS, BACKGROUND, REGISTRY))
        self.bind: tuple[int, dict[str, Variant]] | None = (0, {})
        self.create: tuple[int, dict[str, Variant]] | None = (0, {})
        self.refusal = ""
        self.faults: list[str] = []
        self.silent: set[str] = set()
        self.calls: list[Message] = []
        self.sessions: list[str] = []
        self.address = address
        self._client = BusClient(address)

    def __enter__(self) -> Self:
        self._client.bus.add_message_handler(self._answer)
        self._client.run(self._client.bus.request_name(NAME))
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    # ---- what has been asked ---------------------------------------------------------------

    def members(self) -> list[str]:
        return [str(call.member) for call in self.calls]

    def shortcuts(self) -> dict[str, dict[str, Any]]:
        """Return the shortcuts of the last `BindShortcuts`, with their properties."""
        asked = [call for call in self.calls if call.member == "BindShortcuts"][-1].body[1]
        return {name: {key: variant.value for key, variant in told.items()} for name, told in asked}

    def lines(self) -> list[str]:
        """Return the lines of `SetStatus`."""
        return [c.body[0]["message"].value for c in self.calls if c.member == "SetStatus"]

    def wait_for(self, member: str, times: int = 1) -> None:
        wait_until(lambda: self.members().count(member) >= times, f"{times} × {member}")

    def names(self) -> list[str]:
        """Return the names on the bus."""
        return self._client.names()

    def give_up_name(self) -> None:
        """End as far as others can see."""
        self._client.run(self._client.bus.release_name(NAME))

    def refuse(self, call: Message, text: str) -> None:
        """Answer a call that `silent` has left without an answer."""
        self._client.run(self._send_message(error(call, text)))

    # ---- what the user and the desktop do --------------------------------------------------

    def press(self, name: str, session: str = "") -> None:
        """Activate a shortcut, and release it."""
        session = session or self.sessions[-1]
        for member in ("Activated", "Deactivated"):
            self.signal(SHORTCUTS, member, "osta{sv}", session, name, 1, {})

    def change(self, *keys: list[object]) -> None:
        """Tell that shortcuts have other keys."""
        self.signal(SHORTCUTS, "ShortcutsChanged", "oa(sa{sv})", self.sessions[-1], list(keys))

    def close_session(self, session: str = "") -> None:
        path = session or self.sessions[-1]
        self.signal(SESSION, "Closed", "a{sv}", {}, path=path)

    def signal(
        self, interface: str, member: str, signature: str, *body: object, path: str = PATH
    ) -> None:
        self._client.run(self._send(interface, member, signature, body, path))

    async def _send(
        self, interface: str, member: str, signature: str, body: tuple[object, ...], path: str
    ) -> None:
        await self._send_message(signal(interface, member, signature, body, path))

    async def _send_message(self, message: Message) -> None:
        await self._client.bus.send(message)

    # ---- answers ---------------------------------------------------------------------------

    def _answer(self, message: Message) -> Message | bool:
        if message.message_type is not MessageType.METHOD_CALL:
            return False
        if message.interface == "org.freedesktop.DBus.Properties":
            if message.body[0] not in self.interfaces:
                return error(message, "No such interface", "org.freedesktop.DBus.Error.InvalidArgs")
            if self.faults:
                return error(message, "it ends", self.faults.pop())
            return Message.new_method_return(message, "v", [Variant("u", 2)])
        self.calls.append(message)
        if message.member in self.silent:
            return True
        if message.interface == REQUEST:
            return Message.new_method_return(message)
        if message.interface not in self.interfaces:
            return error(message, f"No such interface {message.interface}")
        if message.interface == SHORTCUTS:
            return self._begin_request(message)
        if message.member == "SetStatus" and self.refusal:
            return error(message, self.refusal)
        return Message.new_method_return(message)

    def _begin_request(self, message: Message) -> Message:
        options = message.body[-1]
        sender = (message.sender or "").removeprefix(":").replace(".", "_")
        handle = f"{PATH}/request/{sender}/{options['handle_token'].value}"
        if message.member == "CreateSession":
            session = f"{PATH}/session/{sender}/{options['session_handle_token'].value}"
            self.sessions.append(session)
            response, usual = self.create, {"session_handle": Variant("s", session)}
        else:
            response, usual = self.bind, {"shortcuts": bound(*self.shortcuts())}
        if response is not None:
            code, results = response
            answer = signal(REQUEST, "Response", "ua{sv}", (code, results or usual), handle)
            self._later(answer)
        return Message.new_method_return(message, "o", [handle])

    def _later(self, message: Message) -> None:
        """Send a message after the answer that is being made."""
        asyncio.get_running_loop().call_soon(self._client.bus.send, message)


def bound(*names: str, keys: str = "Press <Super>{}") -> Variant:
    """Return shortcuts as a portal lists them."""
    listed = [[name, {"trigger_description": Variant("s", keys.format(name))}] for name in names]
    return Variant("a(sa{sv})", listed)


def signal(
    interface: str, member: str, signature: str, body: tuple[object, ...], path: str
) -> Message:
    return Message(
        message_type=MessageType.SIGNAL,
        path=path,
        interface=interface,
        member=member,
        signature=signature,
        body=list(body),
    )


def error(
    message: Message, text: str, name: str = "org.freedesktop.portal.Error.NotAllowed"
) -> Message:
    return Message.new_error(message, name, text)
