"""The shortcuts at a real xdg-desktop-portal, behind which a double stands for the desktop."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest
from dbus_fast import Message, MessageType, Variant
from needs import skip
from portal_double import NAME, PATH, bound, signal
from session_bus import BusClient, PrivateBus, wait_until

from entrain.platform.app_id import APP_ID

BACKEND_NAME = "org.freedesktop.impl.portal.desktop.test"
BACKEND = "org.freedesktop.impl.portal.GlobalShortcuts"
PROGRAMS = (
    Path("/usr/libexec/xdg-desktop-portal"),
    Path("/usr/lib/xdg-desktop-portal"),
)


class Backend:
    """A desktop that binds all shortcuts, or refuses."""

    def __init__(self, address: str) -> None:
        self.code = 0
        self.sessions: list[str] = []
        self.names: list[str] = []
        self._client = BusClient(address)

    def __enter__(self) -> Self:
        self._client.bus.add_message_handler(self._answer)
        self._client.run(self._client.bus.request_name(BACKEND_NAME))
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def press(self, name: str) -> None:
        body = (self.sessions[-1], name, 1, {})
        self._client.run(self._send(signal(BACKEND, "Activated", "osta{sv}", body, PATH)))

    def has(self, name: str) -> bool:
        return name in self._client.names()

    async def _send(self, message: Message) -> None:
        await self._client.bus.send(message)

    def _answer(self, message: Message) -> Message | bool:
        if message.message_type is not MessageType.METHOD_CALL:
            return False
        code, listed = 0, bound()
        if message.member == "Get":
            return Message.new_method_return(message, "v", [Variant("u", 2)])
        if message.member == "GetAll":
            return Message.new_method_return(message, "a{sv}", [{"version": Variant("u", 2)}])
        if message.member == "CreateSession":
            self.sessions.append(message.body[1])
        elif message.member == "BindShortcuts":
            self.names = [name for name, _ in message.body[2]]
            code, listed = self.code, bound(*self.names)
        # Version 1.16 of the portal fails without `shortcuts` in the answer to `CreateSession`.
        return Message.new_method_return(message, "ua{sv}", [code, {"shortcuts": listed}])


class RealPortal:
    """A process of xdg-desktop-portal that only knows `Backend`; it can be started again."""

    def __init__(self, bus: PrivateBus, folder: Path) -> None:
        found = [path for path in PROGRAMS if path.exists()]
        if not found:
            skip("not installed: xdg-desktop-portal")
        self._program = found[0]
        self._environment = os.environ | {
            "DBUS_SESSION_BUS_ADDRESS": bus.address,
            "XDG_CURRENT_DESKTOP": "test",
            "XDG_DESKTOP_PORTAL_DIR": str(folder / "portals"),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "XDG_DATA_HOME": str(folder / "data"),
            "XDG_RUNTIME_DIR": str(folder),
            "HOME": str(folder),
        }
        files = {
            "portals/test.portal": f"[portal]\nDBusName={BACKEND_NAME}\n"
            f"Interfaces={BACKEND};\nUseIn=test\n",
            "config/xdg-desktop-portal/portals.conf": "[preferred]\ndefault=test\n",
            # Without this entry, a newer portal does not accept Entrain's name.
            f"data/applications/{APP_ID}.desktop": "[Desktop Entry]\nType=Application\n"
            "Name=Entrain\nExec=true\n",
        }
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")

    def start(self, backend: Backend) -> None:
        self._process = subprocess.Popen(
            [self._program], env=self._environment, stderr=subprocess.DEVNULL
        )
        wait_until(lambda: backend.has(NAME), "the portal")

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture
def backend(bus: PrivateBus) -> Iterator[Backend]:
    with Backend(bus.address) as backend:
        yield backend


@pytest.fixture
def real(bus: PrivateBus, backend: Backend, tmp_path: Path) -> Iterator[RealPortal]:
    tmp_path.chmod(0o700)
    real = RealPortal(bus, tmp_path)
    real.start(backend)
    yield real
    real.stop()


def test_it_binds_the_shortcuts_and_passes_the_pressed_keys_on(real, backend, asking):
    asking.service.start()

    keys = asking.wait_for("bound").keys

    assert keys == {"bypass": "Press <Super>bypass", "undo": "Press <Super>undo"}
    assert backend.names == ["bypass", "undo"]
    backend.press("undo")
    backend.press("bypass")
    assert [asking.next_pressed(), asking.next_pressed()] == ["undo", "bypass"]


def test_it_passes_a_refusal_on(real, backend, asking):
    backend.code = 1
    asking.service.start()

    asking.wait_for("denied")


def test_after_its_restart_the_shortcuts_work_again(real, backend, asking):
    asking.service.start()
    asking.wait_for("bound")

    real.stop()
    real.start(backend)

    asking.wait_for("bound", 2)
    backend.press("bypass")
    assert asking.next_pressed() == "bypass"
