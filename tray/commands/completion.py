"""Shell completion: the values that the shell offers after Tab.  Errors stay silent."""

import contextlib
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from entrain.errors import EntrainError

if TYPE_CHECKING:
    from entrain.vdevice.api.answers import Device, Status

_TIMEOUT_S = 1.0


def protocols(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer the library's protocols, or files if no protocol fits."""
    from entrain.vdevice.protocol.library import user_library

    ids = user_library().ids()
    found = [CompletionItem(name) for name in ids if name.startswith(incomplete)]
    return found or [CompletionItem(incomplete, type="file")]


def own_protocols(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer the user's own protocols, broken ones included."""
    from entrain.vdevice.protocol.library import user_library

    ids = [entry.id for entry in user_library().entries() if entry.own and entry.id]
    return [CompletionItem(name) for name in ids if name.startswith(incomplete)]


def addresses(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer the parameters of the running layers."""
    status = _status()
    protocol = status["protocol"] if status else None
    layers = protocol["layers"] if protocol else ()
    names = [
        f"{layer['id']}.{symbol}"
        for layer in layers
        for symbol in (*layer["params"], *(layer["place"] or ()))
    ]
    space = status["space"] if status else None
    if space and space["mode"] != "off":
        from entrain.engine import blocks

        names += [f"space.{symbol}" for symbol in blocks()[space["mode"]].parameters]
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def kinds(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer the kinds of layer."""
    from entrain.engine import blocks

    return [
        CompletionItem(name, help=block.description)
        for name, block in sorted(blocks().items())
        if name.startswith(incomplete)
    ]


def outputs(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer the real devices, and ``auto`` unless several names are wanted."""
    several = context.params.get("prefer", False)
    devices = {} if several else {"auto": "as the desktop chooses"}
    devices |= {device["name"]: device["description"] for device in _devices()}
    return [
        CompletionItem(name, help=description)
        for name, description in devices.items()
        if name.startswith(incomplete) and name not in (context.params.get("names") or ())
    ]


def _status() -> "Status | None":
    from entrain.vdevice.api.client import Client

    with contextlib.suppress(EntrainError), Client(timeout_s=_TIMEOUT_S) as client:
        return client.ask("status")
    return None


def _devices() -> "list[Device]":
    from entrain.vdevice.api.client import Client

    with contextlib.suppress(EntrainError), Client(timeout_s=_TIMEOUT_S) as client:
        return client.ask("devices")
    return []
