"""Entrain: one more output device that puts brainwave entrainment into whatever you play.

The names in `__all__` are promised to scripts and notebooks; docs/api.md describes them.  Each is
imported when it is first used, so `import entrain` itself costs next to nothing.  `__init__.pyi`
has the types.
"""

from importlib import import_module

__version__ = "0.1.0"

_HOMES = {
    "AsyncClient": "entrain.vdevice.api.async_client",
    "Client": "entrain.vdevice.api.client",
    "ClientError": "entrain.vdevice.api.client",
    "Engine": "entrain.engine",
    "EntrainError": "entrain.errors",
    "Layer": "entrain.vdevice.protocol.checked",
    "NotRunning": "entrain.vdevice.api.client",
    "Protocol": "entrain.vdevice.protocol.checked",
    "ProtocolError": "entrain.vdevice.protocol.errors",
    "blocks": "entrain.engine",
    "faust": "entrain",
    "render": "entrain.vdevice.notebook",
    "verify": "entrain.vdevice.notebook",
}
"""The module of each promised name."""

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _HOMES[name]
    if home == __name__:
        return import_module(f"{__name__}.{name}")
    found = getattr(import_module(home), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
