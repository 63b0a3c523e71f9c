"""MIDI as text."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from entrain.tray.text.status_text import table
from entrain.tray.text.text_layout import clean

if TYPE_CHECKING:
    from entrain.vdevice.api.answers import MidiMapping, MidiStatus

_SYSTEMS = {"alsa": "ALSA", "jack": "JACK"}
_ENCODINGS = {
    "absolute": "",
    "twos": ", endless (two's complement)",
    "offset": ", endless (binary offset)",
    "sign": ", endless (sign and magnitude)",
}


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


def deaf(midi: "MidiStatus") -> str:
    """Return in one line why MIDI does not work, and what comes next."""
    why = plain(midi["problem"] or "the MIDI system does not answer yet")
    if why.startswith("MIDI needs"):  # the problem says what to do
        return why
    return f"{why.removesuffix('; Entrain tries again')}; MIDI stays on, and Entrain tries again"


def heard(line: Mapping[str, Any]) -> str:
    """Return what has arrived and its effect in one line, as `monitor` shows it."""
    effect = f"refused: {line['refused']}" if line["refused"] else line["effect"]
    parts = (line["device"], line["message"], line["target"], f"→ {effect}")
    return clean("  ".join(each for each in parts if each))
