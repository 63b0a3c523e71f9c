"""Shell completion: the values that the shell offers after Tab.  Errors stay silent."""

import contextlib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, get_args

import click
from click.shell_completion import CompletionItem

from entrain.errors import EntrainError
from entrain.vdevice.limits import MidiAction

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


def midi_targets(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer the parameters of the running layers, the actions, and protocols after ``use:``."""
    if incomplete.startswith("use:"):
        from entrain.vdevice.protocol.library import user_library

        found = (f"use:{name}" for name in user_library().ids())
        return [CompletionItem(name) for name in found if name.startswith(incomplete)]
    actions = [name for name in (*get_args(MidiAction), "use:") if name.startswith(incomplete)]
    return [*addresses(context, parameter, incomplete), *map(CompletionItem, actions)]


def mapped_targets(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer the targets to which MIDI controls are mapped."""
    from entrain.vdevice.api.client import Client

    with contextlib.suppress(EntrainError), Client(timeout_s=_TIMEOUT_S) as client:
        found = {each["target"] for each in client.ask("midi_mappings")["mappings"]}
        return [CompletionItem(name) for name in sorted(found) if name.startswith(incomplete)]
    return []


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


def sources(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer protocols, or the keys of a SPEC."""
    text = _whole_word(context.params.get("protocol") or (), incomplete)
    if ":" in text:
        return _spec(text, incomplete)
    return protocols(context, parameter, incomplete)


def specs(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer the kinds of layer, or the keys of a SPEC."""
    if ":" in incomplete:
        return _spec(incomplete, incomplete)
    return kinds(context, parameter, incomplete)


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


def _whole_word(former: Sequence[str], word: str) -> str:
    """Put a word together that Bash has cut at colons and equal signs."""
    for each in reversed(former):
        if each not in (":", "=") and word[:1] not in (":", "="):
            break
        word = each + word
    return word


def _spec(text: str, incomplete: str) -> list[CompletionItem]:
    """Offer what may follow in a SPEC; `incomplete` is its end, as far as the shell replaces it."""
    from entrain.block import PATHS
    from entrain.engine import blocks

    match = re.fullmatch(r"(?:[^:=]*=)?([^:=]*):(.*)", text)
    block = blocks().get(match[1]) if match else None
    if match is None or block is None:
        return []
    *former, last = match[2].split(",")
    key, equals, value = last.partition("=")
    if equals:
        offered = {name: name for name in PATHS} if key == "path" else {}
        begun = value
    else:
        can_be_placed = block.group == "generator" and not block.dichotic
        known = (block.placed() if can_be_placed else block).parameters
        given = {each.partition("=")[0] for each in former}
        offered = {f"{name}=": each.name for name, each in known.items() if name not in given}
        begun = last
    kept = "" if incomplete in (":", "=") else incomplete.removesuffix(begun)
    return [
        CompletionItem(kept + name, help=told)
        for name, told in offered.items()
        if name.startswith(begun)
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
