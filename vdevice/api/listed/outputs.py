"""The real output devices, as the control API shows them."""

from collections.abc import Sequence
from typing import cast

from entrain.platform import adapter
from entrain.vdevice.api import answers
from entrain.vdevice.api.messages import Device


def described(
    devices: Sequence[adapter.Device], current: str, default: str, preferred: Sequence[str] = ()
) -> list[Device]:
    """Describe all outputs except Entrain's own.

    Parameters
    ----------
    devices : sequence of adapter.Device
        The devices that the sound server lists.
    current : str
        Name of the device that Entrain plays on, or ``""``.
    default : str
        Name of the desktop's default output, or ``""``.
    preferred : sequence of str
        Names of the preferred devices, the most wanted first.

    """
    return [
        Device(
            name=device.name,
            description=device.description,
            current=device.name == current,
            default=device.name == default,
            preferred=preferred.index(device.name) + 1 if device.name in preferred else None,
        )
        for device in devices
        if device.is_real
    ]


def ask_server() -> list[answers.Device]:
    """List the real devices while Entrain is not running; raises `PlatformError`."""
    from entrain.platform import factory

    server = factory.load().connect()
    try:
        found = described(server.devices(), current="", default=server.default())
        return [cast(answers.Device, device.model_dump()) for device in found]
    finally:
        server.close()
