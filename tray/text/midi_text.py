"""MIDI as text."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from entrain.tray.text.status_text import table
from entrain.tray.text.text_layout import clean

if TYPE_CHECKING:
    from entrain.block import Block
    from entrain.vdevice.api.answers import Layer, MidiMapping, MidiStatus

_SYSTEMS = {"alsa": "ALSA", "jack": "JACK"}
_ENCODINGS = {
    "absolute": "",
    "twos": ", endless (two's complement)",
    "offset": ", endless (binary offset)",
    "sign": ", endless (sign and magnitude)",
}
_OWN_GROUPS = ("input", "output")


def plain(text: str) -> str:
    """Return a text of a device without control characters."""
    return clean(text)


def summary(midi: "MidiStatus") -> str:
    """Return in one line whether MIDI is on and what is connected, and a problem in another."""
    if not midi["on"]:
        return "MIDI is off"
    if midi["problem"]:
        return f"MIDI is on\nproblem: {clean(midi['problem'])}"
    if not midi["running"]:
        return "MIDI is on; it does not run yet"
    devices = ", ".join(map(clean, midi["devices"])) or "no device yet"
    return f"MIDI is on; it uses {_SYSTEMS.get(midi['running'], '')} and hears {devices}"


def status(midi: "MidiStatus") -> None:
    """Print everything about MIDI, one subject per line."""
    rows = [("MIDI", "on" if midi["on"] else "off")]
    if midi["problem"]:
        rows.append(("problem", midi["problem"]))
    if midi["running"]:
        rows.append(("system", _SYSTEMS.get(midi["running"], midi["running"])))
        names = midi["devices"] or ["none connected"]
        rows += [("device" if not number else "", name) for number, name in enumerate(names)]
    rows.append(("mappings", str(midi["mappings"])))
    if midi["on"]:
        rows.append(("messages", f"{midi['messages']}, {midi['malformed']} malformed"))
    if midi["learning"]:
        rows.append(("learning", midi["learning"]["target"]))
    if midi["refused"]:
        rows.append(("last refusal", midi["refusal"]))
    table(("", ""), rows)


def control(mapping: "MidiMapping") -> str:
    """Return the name of a control, such as "controller 20, channel 1"."""
    number, channel = mapping["number"], f"channel {mapping['channel']}"
    match mapping["kind"]:
        case "cc":
            name = f"controller {number}"
        case "cc14":
            name = f"controllers {number} and {number + 32} (14 bits)"
        case "bend":
            name = "pitch bend"
        case "nrpn" | "nrpn14" | "nrpn_inc":
            name = f"parameter {number} (NRPN)"
        case kind:
            name = f"{kind} {number}"
    return f"{name}, {channel}{_ENCODINGS[mapping['encoding']]}"


def mapped(mapping: "MidiMapping") -> str:
    """Return in one line that a control was learned."""
    return f"{clean(mapping['device'])}, {control(mapping)} → {mapping['target']}"


def mappings(
    found: Sequence["MidiMapping"], layers: Sequence["Layer"], blocks: Mapping[str, "Block"]
) -> None:
    """Print the user's mappings, then the default controllers of the running layers."""
    rows = [(each["target"], clean(each["device"]), control(each) + _range(each)) for each in found]
    taken: set[int] = set()
    own = [(kind, block) for kind, block in blocks.items() if block.group in _OWN_GROUPS]
    running = [(each["id"], blocks[each["kind"]]) for each in layers if each["kind"] in blocks]
    spaces = [("space", block) for block in blocks.values() if block.group == "space"][:1]
    for layer, block in [*running, *spaces, *own]:
        for each in block.parameters.values():
            if each.controller is not None and each.controller not in taken:
                taken.add(each.controller)
                rows.append(
                    (f"{layer}.{each.symbol}", "any device", f"controller {each.controller}")
                )
    if not rows:
        click.echo("no control is mapped; `entrain midi learn ADDRESS` maps one")
        return
    table(("target", "device", "control"), rows)


def _range(mapping: "MidiMapping") -> str:
    low, high = mapping["low"], mapping["high"]
    if low is None and high is None:
        return ""
    ends = ("its end" if end is None else f"{end:g}" for end in (low, high))
    return f", {' … '.join(ends)}"
