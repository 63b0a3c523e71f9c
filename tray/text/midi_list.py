"""The list of MIDI controls as text: the user's mappings, and the controllers of the parameters."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import click

from entrain.tray.text import midi_text
from entrain.tray.text.status_text import table
from entrain.tray.text.text_layout import clean

if TYPE_CHECKING:
    from entrain.block import Block, Parameter
    from entrain.vdevice.api.answers import MidiMapping, Status

_HEADER = ("target", "device", "control", "range", "pick-up")
_OWN_GROUPS = ("input", "output")


class _Row(NamedTuple):
    target: str
    device: str
    control: str
    range: str = ""
    pickup: str = ""


def show(
    mappings: Sequence["MidiMapping"], status: "Status", blocks: Mapping[str, "Block"]
) -> None:
    """Print the user's mappings, then the default controllers of the running layers."""
    parameters = dict(_parameters(status, blocks))
    rows = [_mapped(each, parameters.get(each["target"])) for each in mappings]
    taken: set[int] = set()
    for address, each in parameters.items():
        if each.controller is not None and each.controller not in taken:
            taken.add(each.controller)
            name = f"controller {each.controller}"
            rows.append(_Row(address, "any device", name, _range(None, None, each), "yes"))
    if not rows:
        click.echo("no control is mapped; `entrain midi learn ADDRESS` maps one")
        return
    table(_HEADER, rows)


def _parameters(
    status: "Status", blocks: Mapping[str, "Block"]
) -> "Iterator[tuple[str, Parameter]]":
    """Yield the parameters that there are now: of the layers, the space and the engine's own."""
    layers = status["protocol"]["layers"] if status["protocol"] else []
    running = [(each["id"], each["kind"]) for each in layers]
    own = [(kind, kind) for kind, block in blocks.items() if block.group in _OWN_GROUPS]
    for layer, kind in [*running, ("space", status["space"]["mode"]), *own]:
        if block := blocks.get(kind):  # without a space, its mode is not a block
            for each in block.parameters.values():
                yield f"{layer}.{each.symbol}", each


def _mapped(mapping: "MidiMapping", parameter: "Parameter | None") -> _Row:
    is_action = "." not in mapping["target"]
    takes_hold = is_action or mapping["encoding"] != "absolute"
    return _Row(
        mapping["target"],
        clean(mapping["device"]),
        midi_text.control(mapping),
        "" if is_action else _range(mapping["low"], mapping["high"], parameter),
        "" if takes_hold else "yes" if mapping["pickup"] else "no",
    )


def _range(low: float | None, high: float | None, parameter: "Parameter | None") -> str:
    """Return both ends of a control; the layer of a mapping may be of another protocol."""
    if parameter is None:
        first, last, unit = "its end", "its end", ""
        if low is None and high is None:
            return "whole"
    else:
        first, last = (f"{each:g}" for each in parameter.knob_ends)
        unit = "" if parameter.unit == "1" else f" {parameter.unit}"
    first = first if low is None else f"{low:g}"
    last = last if high is None else f"{high:g}"
    return f"{first} … {last}{unit}"
