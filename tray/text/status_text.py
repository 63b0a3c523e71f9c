"""Answers as text: tables at a terminal, plain lines in a pipe.

`rich` is imported only at a terminal, and never by the running app.
"""

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from entrain.tray.text.text_layout import clean, clock

if TYPE_CHECKING:
    from entrain.block import Block
    from entrain.vdevice.api.answers import (
        ActiveProtocol,
        Device,
        Head,
        Layer,
        Levels,
        Place,
        Status,
    )

UNPLUGGED = {
    "softer": "speakers play 20 dB softer",
    "silent": "speakers stay silent",
    "same": "speakers play at their own volume",
}
"""How speakers play after headphones were unplugged, by the setting's name."""


FORMS = {
    "headphones": "headphones",
    "speakers": "loudspeakers, so what needs headphones is left out",
    "hands-free": "a hands-free device, so what needs headphones is left out",
    "mono": "one channel, so what needs headphones is left out",
    "unknown": "a device of unknown kind, which Entrain takes for headphones",
}
"""Kind of device, by the name of its form."""

MODES = {
    "default": "while it is on, Entrain is the default output",
    "manual": "only sound that you send to Entrain, and the apps of `entrain apps --include`",
    "smart": "the real device stays the default, and its sound passes through Entrain",
}
"""Explanation of each mode, by its name."""

_ON = {
    "default": "sends all sound through Entrain",
    "manual": "sends the apps of `entrain apps --include` through Entrain",
    "smart": "sends all sound through Entrain",
}


def summary(status: "Status") -> str:
    """Return state, protocol and device in one line, and the protocol's note in another."""
    parts: list[str] = [status["state"]]
    protocol, output = status["protocol"], status["output"]
    if protocol:
        parts.append(protocol["name"])
    if output and output["description"]:
        softened = {"softer": ", 20 dB softer", "silent": ", silent", None: ""}
        parts.append(output["description"] + softened[status["softened"]])
    if status["sleep_left_s"] is not None:
        parts.append(f"off in {clock(status['sleep_left_s'])}")
    note = f"\n{clean(protocol['note'])}" if protocol and protocol["note"] else ""
    return clean(" · ".join(parts)) + note


def live(status: "Status") -> str:
    """Return one line for `watch`."""
    parts: list[str] = [status["state"]]
    if status["state"] == "failed":
        parts.append(status["reason"])
    if protocol := status["protocol"]:
        parts.append(f"{protocol['name']} {clock(protocol['elapsed_s'])}")
    parts.append(_levels(status))
    if status["measured"]:
        parts.append(f"measured: {status['measured']['text']}")
    parts.append(f"CPU {status['cpu_load']:.1%}")
    parts.append(f"{status['xruns']} {'xrun' if status['xruns'] == 1 else 'xruns'}")
    return clean(" · ".join(parts))


def status(status: "Status") -> None:
    """Print the whole status, one subject per line."""
    rows: list[tuple[str, str]] = [("state", status["state"])]
    if status["reason"]:
        rows.append(("", status["reason"]))
    if status["retry_in_s"] is not None:
        wait_s = round(status["retry_in_s"])
        rows.append(("next try", f"in {wait_s} s" if wait_s else "now"))
    rows.append(("on", "yes" if status["on"] else f"no (`entrain on` {_ON[status['mode']]})"))
    if status["bypass"] and status["state"] != "bypassed":
        rows.append(("bypass", "on (`entrain bypass off` lets Entrain process the sound)"))
    rows.append(("mode", f"{status['mode']} ({MODES[status['mode']]})"))
    if protocol := status["protocol"]:
        name = f"{protocol['name']} ({protocol['id']}), {_session(protocol)}"
        rows.append(("protocol", name))
        if protocol["here"]:
            rows.append(("", "whenever sound goes to this output"))
        if protocol["note"]:
            rows.append(("", protocol["note"]))
        rows += [("", layer(each)) for each in protocol["layers"]]
    if status["sleep_left_s"] is not None:
        rows.append(("sleep", f"off in {clock(status['sleep_left_s'])}"))
    if output := status["output"]:
        rows.append(("output", f"{output['description']} ({output['name']})"))
        rows.append(("", FORMS[output["form"]]))
        if output["rate_hz"]:
            rows.append(("", f"{output['rate_hz']} Hz, {output['quantum_frames']} frames a cycle"))
    if status["preferred_outputs"]:
        connected = {device["name"] for device in status["outputs"]}
        named = (
            name if name in connected else f"{name} (not connected)"
            for name in status["preferred_outputs"]
        )
        rows.append(("preferred", ", ".join(named)))
    rows.append(("headphones", f"when unplugged: {UNPLUGGED[status['unplugged']]}"))
    if (head := status["head"])["on"]:
        rows.append(("head", f"{pose_source(head)}, {head['packets_per_s']:g} packets a second"))
    space = status["space"]
    if space["mode"] != "off" or space["note"]:
        rows.append(("space", f"{space['mode']}, HRTF {space['hrtf']}"))
        if space["note"]:
            rows.append(("", space["note"]))
    if (osc := status["osc"])["on"]:
        where = f"UDP port {osc['port']} of {osc['listen']}"
        text = osc["problem"] or f"{where}, {osc['packets']} packets, {osc['refused']} refused"
        rows.append(("OSC", text))
    if (midi := status["midi"])["on"]:
        devices = ", ".join(midi["devices"]) or "no device connected"
        rows.append(("MIDI", midi["problem"] or devices))
    latency = status["latency"]
    rows.append(("added delay", f"{latency['added_ms']:.2f} ms, {latency['added_frames']} frames"))
    if status["measured"]:
        rows.append(("measured", status["measured"]["text"]))
    rows.append(("levels", _levels(status)))
    if status["levels"]["out_lufs"] is not None:
        rows.append(("loudness", _loudness(status["levels"])))
    rows += [("setting", f"{key} {value:g}") for key, value in status["settings"].items()]
    if status["volume"] is not None:
        rows.append(("volume", f"{status['volume']:.0%}" + (", muted" if status["muted"] else "")))
    if not status["session_log"]:
        rows.append(("log", "off (`entrain log --on` starts one)"))
    longest_ms = status["worst_callback_ms"]
    lately = status["callback"]["longest_lately_share"]
    rows.append(
        (
            "CPU",
            f"{status['cpu_load']:.1%}, longest callback in the last minute {longest_ms:.2f} ms "
            f"({lately:.0%} of a block's time)",
        )
    )
    rows.append(("xruns", str(status["xruns"])))
    rows += [("error", line) for line in status["errors"] if line != status["reason"]]
    rows.append(("Entrain", ", ".join(filter(None, (status["version"], status["backend"])))))
    if upgrade := status.get("upgrade"):  # an app of an older version does not report it
        rows.append(("", f"restart to use {upgrade}: `entrain stop`, then `entrain run`"))
    table(("", ""), rows)


def pose_source(head: "Head") -> str:
    """Return which tracker sends the head's poses."""
    if head["source"]:
        return head["source"]
    if head["age_s"] is not None:
        return "no tracker sends with the present settings"
    return "no tracker has sent a pose yet"


def layer(layer: "Layer") -> str:
    """Return a layer's id, kind, values and place in one line."""
    named = {**layer["params"], **_place(layer["place"])}
    values = ", ".join(
        f"{symbol} {value if isinstance(value, str) else format(value, 'g')}"
        for symbol, value in named.items()
    )
    name = layer["id"] if layer["id"] == layer["kind"] else f"{layer['id']} ({layer['kind']})"
    return f"{name}: {values}" if values else name


def _place(place: "Place | None") -> dict[str, float | str]:
    """Return the values of a place, with the path's values only if the source moves."""
    if place is None:
        return {}
    values: dict[str, float | str] = {
        "azimuth_deg": place["azimuth_deg"],
        "elevation_deg": place["elevation_deg"],
        "distance_m": place["distance_m"],
        "path": place["path"],
    }
    if place["path"] != "still":
        values |= {"path_hz": place["path_hz"], "path_deg": place["path_deg"]}
    return values


def devices(found: Sequence["Device"]) -> None:
    """Print the output devices."""
    rows = [
        (
            device["name"],
            device["description"],
            ", ".join(
                note
                for note, holds in (
                    ("Entrain plays here", device["current"]),
                    ("default", device["default"]),
                    (f"preferred {device['preferred']}", device["preferred"]),
                )
                if holds
            ),
        )
        for device in found
    ]
    if rows:
        table(("name", "description", ""), rows)
    else:
        click.echo("no output device found")


def kinds(found: Iterable["Block"]) -> None:
    """Print the kinds of layer, processors first."""
    order = ("processor", "space", "generator", "input", "output")
    blocks = sorted(found, key=lambda block: (order.index(block.group), block.kind))
    table(("kind", "group", "description"), [(b.kind, b.group, b.description) for b in blocks])


def parameters(block: "Block") -> None:
    """Print the parameters of a block."""
    rows = []
    for each in block.parameters.values():
        unit = "" if each.unit == "1" else each.unit
        span = ", ".join(f"{value:g} {name}" for name, value in each.choices)
        span = span or f"{each.minimum:.10g} … {each.maximum:.10g}"
        rows.append((each.symbol, each.name, span, f"{each.initial:.10g}", unit))
    click.echo(f"{block.kind}: {block.description}")
    table(("parameter", "", "range", "at first", "unit"), rows)


def findings(found: Sequence[tuple[str, bool | None, str, str]]) -> None:
    """Print the doctor's findings: name, verdict, text, advice."""
    words = {True: "ok", False: "problem", None: "-"}
    rows = []
    for name, verdict, text, advice in found:
        rows.append((name, words[verdict], text))
        if advice:
            rows.append(("", "", f"-> {advice}"))
    table(("", "", ""), rows)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print cells in columns; the first cell of a row is its subject."""
    rows = [[clean(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _rich_table(header, rows)
        return
    lines = [header, *rows] if any(header) else rows
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def _rich_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    colours = {"ok": "green", "processing": "green", "problem": "red", "failed": "red"}
    table = Table(box=None, show_header=any(header), pad_edge=False, header_style="bold")
    for number, title in enumerate(header):
        table.add_column(title, style="bold" if number == 0 else "", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell, style=colours.get(cell, "")) for cell in row))
    Console().print(table)


def _session(protocol: "ActiveProtocol") -> str:
    """Return the session's position and the time left."""
    if protocol["ended"]:
        return "has ended"
    parts = [clock(protocol["elapsed_s"])]
    if protocol["left_s"] is not None:
        parts.append(f"ends in {clock(protocol['left_s'])}")
    if not protocol["runs"]:
        parts.append("paused")
    return ", ".join(parts)


def _levels(status: "Status") -> str:
    levels = status["levels"]
    return f"in {_db(levels['in_db'])}, out {_db(levels['out_db'])}"


def _loudness(levels: "Levels") -> str:
    parts = []
    for name, short, whole in (
        ("in", levels["in_lufs"], levels["integrated_in_lufs"]),
        ("out", levels["out_lufs"], levels["integrated_out_lufs"]),
    ):
        if short is not None:
            average = "" if whole is None else f" ({whole:.1f} since the start)"
            parts.append(f"{name} {short:.1f} LUFS{average}")
    return ", ".join(parts)


def _db(value: float | None) -> str:
    return "silent" if value is None else f"{value:.1f} dB"
