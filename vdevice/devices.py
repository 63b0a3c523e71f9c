"""The real output devices, as the control API shows them."""

from entrain.platform.adapter import SoundServer
from entrain.vdevice.messages import Device


def real_devices(server: SoundServer, current: str = "") -> list[Device]:
    """List all outputs but our own; may wait for the sound server.

    Parameters
    ----------
    server : SoundServer
        An open connection.
    current : str
        Name of the device that Entrain plays on.

    Raises
    ------
    PlatformError
        The server does not answer.

    """
    default = server.default()
    return [
        Device(
            name=device.name,
            description=device.description,
            current=device.name == current,
            default=device.name == default,
        )
        for device in server.devices()
        if not device.own
    ]


def ask_server() -> list[Device]:
    """List the real devices while no Entrain runs; raises `PlatformError`."""
    from entrain.platform import factory

    server = factory.load().connect()
    try:
        return real_devices(server)
    finally:
        server.close()
