"""A private session bus, and a client that calls methods and keeps signals."""

import asyncio
import contextlib
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, Self, TypeVar

from dbus_fast import DBusError, Message, MessageType
from dbus_fast.aio import MessageBus

T = TypeVar("T")

PATIENCE_S = 20.0

BUS = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")


def wait_until(condition: Callable[[], T], what: str) -> T:
    """Wait until the condition holds, and return its value."""
    end_s = time.monotonic() + PATIENCE_S
    while not (said := condition()):
        assert time.monotonic() < end_s, f"in vain: {what}"
        time.sleep(0.02)
    return said


def is_installed() -> bool:
    return shutil.which("dbus-daemon") is not None


_WITHOUT_SERVICES = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <servicedir>{services}</servicedir>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""


class PrivateBus:
    """A dbus-daemon that listens in this folder; it can be paused, ended and started again.

    Parameters
    ----------
    folder : Path
        The folder of its socket.
    starts_services : bool
        Whether a call may start a service that is installed on this machine.

    Attributes
    ----------
    services : Path
        With ``starts_services=False``, a call may start the services of this folder.

    """

    def __init__(self, folder: Path, *, starts_services: bool = True) -> None:
        self.address = f"unix:path={folder / 'bus'}"
        self._configuration = "--session"
        self.services = folder / "services"
        self.services.mkdir(exist_ok=True)
        if not starts_services:
            file = folder / "bus.conf"
            file.write_text(_WITHOUT_SERVICES.format(services=self.services), encoding="utf-8")
            self._configuration = f"--config-file={file}"
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            ["dbus-daemon", self._configuration, "--nofork", "--nopidfile", "--nosyslog"]
            + [f"--address={self.address}", "--print-address=1"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            process_group=0,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline(), "dbus-daemon does not start"

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.kill()  # works on a paused process, too
        self._process.communicate()

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        self._process.send_signal(signal.SIGSTOP)
        yield
        self._process.send_signal(signal.SIGCONT)


class BusClient:
    """A connection with its own thread, for a test that blocks; a context manager."""

    def __init__(self, address: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._heard: list[Message] = []
        try:
            self.bus = self.run(self._connect(address))
        except BaseException:
            self._end_loop()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.run(self._disconnect())
        self._end_loop()

    def call(
        self, service: tuple[str, str, str], member: str, signature: str = "", *body: object
    ) -> Any:
        """Call a method; service: name, path, interface.  Return its values, or its only value."""
        name, path, interface = service
        answer = self.run(
            self.bus.call(
                Message(
                    destination=name,
                    path=path,
                    interface=interface,
                    member=member,
                    signature=signature,
                    body=list(body),
                )
            )
        )
        if answer.message_type is MessageType.ERROR:
            raise DBusError(answer.error_name, str(answer.body))
        return answer.body[0] if len(answer.body) == 1 else answer.body

    def get(self, service: tuple[str, str, str], name: str) -> Any:
        """Read a property."""
        properties = (*service[:2], "org.freedesktop.DBus.Properties")
        return self.call(properties, "Get", "ss", service[2], name).value

    def names(self) -> list[str]:
        """Return the names on the bus."""
        found: list[str] = self.call(BUS, "ListNames")
        return found

    def listen(self, name: str) -> None:
        """Begin to keep the signals from the owner of this name."""
        self.call(BUS, "AddMatch", "s", f"type='signal',sender='{name}'")

    def heard(self, *members: str) -> list[Message]:
        """Return the kept signals with one of these names, or all if no name is given."""
        return [message for message in self._heard if not members or message.member in members]

    def forget(self) -> None:
        """Delete the kept signals."""
        self._heard.clear()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop and wait for its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE_S)

    async def _connect(self, address: str) -> MessageBus:
        bus = await MessageBus(address).connect()
        bus.add_message_handler(self._keep)
        return bus

    def _keep(self, message: Message) -> None:
        if message.message_type is MessageType.SIGNAL and message.interface != BUS[2]:
            self._heard.append(message)

    async def _disconnect(self) -> None:
        self.bus.disconnect()
        with contextlib.suppress(Exception):
            await self.bus.wait_for_disconnect()

    def _end_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
