"""Types of the names that `import entrain` promises; at run time, each is imported when used."""

from entrain import faust
from entrain.engine import Engine, blocks
from entrain.errors import EntrainError
from entrain.vdevice.api.async_client import AsyncClient
from entrain.vdevice.api.client import Client, ClientError, NotRunning
from entrain.vdevice.notebook import render, verify
from entrain.vdevice.protocol.checked import Layer, Protocol
from entrain.vdevice.protocol.errors import ProtocolError

__version__: str
__all__ = [
    "AsyncClient",
    "Client",
    "ClientError",
    "Engine",
    "EntrainError",
    "Layer",
    "NotRunning",
    "Protocol",
    "ProtocolError",
    "__version__",
    "blocks",
    "faust",
    "render",
    "verify",
]
