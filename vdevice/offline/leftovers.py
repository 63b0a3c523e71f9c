"""What an Entrain that was killed has left on the sound server, and its removal."""

import asyncio
from typing import Any

from entrain.errors import EntrainError
from entrain.platform import factory
from entrain.platform.adapter import OWN_DEVICE, PlatformAdapter

FIX_TIMEOUT_S = 15.0
SETTLE_S = 1.0
"""How long it takes until a sound server has carried out what it was told."""


def clean_up() -> list[str]:
    """Remove what an Entrain that was killed has left, and give the default output back.

    A start and an orderly end do that.  Returns one line for each thing done.

    Raises
    ------
    EntrainError
        Entrain runs, or there is no sound server.

    """
    if running_status() is not None:
        raise EntrainError("Entrain runs, so nothing is left over; `entrain stop` ends it")
    adapter = factory.load()
    before = leftovers(adapter)
    if not any(before):
        return []
    asyncio.run(_start_and_end(adapter))
    device, default = leftovers(adapter)
    done = []
    if before[0]:
        done.append(
            "a device Entrain without its app " + ("is still there" if device else "removed")
        )
    if before[1]:
        done.append("the default output " + ("is still Entrain" if default else "given back"))
    return done


async def _start_and_end(adapter: PlatformAdapter) -> None:
    from entrain.engine import Engine
    from entrain.vdevice.device.default_policy import DefaultPolicy
    from entrain.vdevice.device.virtual_device import VirtualDevice
    from entrain.vdevice.storage.store import FILE_NAME, Store

    stored = Store(adapter.paths().state / FILE_NAME).load()
    ready = asyncio.Event()
    with Engine() as engine:
        policy = DefaultPolicy(False, stored.former_default or "", stand_in=stored.stand_in or "")
        device = VirtualDevice(adapter, engine, "auto", "", None, policy, lambda: None)
        life = asyncio.create_task(device.live(ready.set))
        try:
            async with asyncio.timeout(FIX_TIMEOUT_S):
                await ready.wait()
            await asyncio.sleep(SETTLE_S)
        except TimeoutError:
            raise EntrainError("the sound server makes no device; nothing was changed") from None
        finally:
            life.cancel()
            await asyncio.gather(life, return_exceptions=True)


def leftovers(adapter: PlatformAdapter) -> tuple[bool, bool]:
    """Whether our device is there, and whether it is the default output."""
    server = adapter.connect()
    try:
        own = any(device.own for device in server.devices())
        return own, server.default() == OWN_DEVICE
    finally:
        server.close()


def running_status() -> dict[str, Any] | None:
    """The running app's status; None: it does not run; empty: it does not answer."""
    from entrain.vdevice.api.client import Client, NotRunning

    try:
        with Client() as client:
            return dict(client.ask("status"))
    except NotRunning:
        return None
    except EntrainError:
        return {}
