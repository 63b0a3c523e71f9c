"""How answers look to a person: tables at a terminal, plain lines in a pipe.

`rich` is imported only at a terminal, and never by the running app.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from entrain.engine import Block

Json = Mapping[str, Any]


def summary(status: Json) -> str:
    """One line for after a change: state, protocol, device."""
    parts = [status["state"]]
    if status["protocol"]:
        parts.append(status["protocol"]["name"])
    if status["output"]:
        parts.append(status["output"]["description"])
    return _clean(" · ".join(parts))


def live(status: Json) -> str:
    """One line for `watch`."""
    parts = [status["state"]]
    if protocol := status["protocol"]:
        parts.append(f"{protocol['name']} {_clock(protocol['elapsed_s'])}")
    parts.append(_levels(status))
    if status["measured"]:
        parts.append(f"measured: {status['measured']['text']}")
    parts.append(f"CPU {status['cpu_load']:.1%}")
    parts.append(f"{status['xruns']} xruns")
    return _clean(" · ".join(parts))


def status(status: Json) -> None:
    """Print everything, one subject per line."""
    rows = [("state", status["state"])]
    if status["reason"]:
        rows.append(("", status["reason"]))
    if status["retry_in_s"] is not None:
        rows.append(("next try", f"in {status['retry_in_s']:.0f} s"))
    rows.append(("on", "yes" if status["on"] else "no (`entrain on` sends all sound through it)"))
    if protocol := status["protocol"]:
        paused = "" if protocol["runs"] else ", paused"
        name = f"{protocol['name']} ({protocol['id']}), {_clock(protocol['elapsed_s'])}{paused}"
        rows.append(("protocol", name))
        rows += [("", _layer(layer)) for layer in protocol["layers"]]
    if output := status["output"]:
        rows.append(("output", f"{output['description']} ({output['name']})"))
        if output["rate_hz"]:
            rows.append(("", f"{output['rate_hz']} Hz, {output['quantum_frames']} frames a cycle"))
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
    worst = status["worst_callback_ms"]
    rows.append(("CPU", f"{status['cpu_load']:.1%}, longest callback {worst:.2f} ms"))
    rows.append(("xruns", str(status["xruns"])))
    rows += [("error", line) for line in status["errors"]]
    rows.append(("Entrain", f"{status['version']}, {status['backend']}"))
    _table(("", ""), rows)


def devices(found: Sequence[Json]) -> None:
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
                )
                if holds
            ),
        )
        for device in found
    ]
    if rows:
        _table(("name", "description", ""), rows)
    else:
        click.echo("no output device")


def kinds(found: Iterable["Block"]) -> None:
    """Print the blocks, those of the programme first."""
    order = ("processor", "generator", "input", "output")
    blocks = sorted(found, key=lambda block: (order.index(block.group), block.kind))
    _table(("kind", "group", "description"), [(b.kind, b.group, b.description) for b in blocks])


def parameters(block: "Block") -> None:
    """Print what can be set of a block."""
    rows = []
    for each in block.parameters.values():
        unit = "" if each.unit == "1" else each.unit
        span = ", ".join(f"{value:g} {name}" for name, value in each.choices)
        span = span or f"{each.minimum:.10g} … {each.maximum:.10g}"
        rows.append((each.symbol, each.name, span, f"{each.initial:.10g}", unit))
    click.echo(f"{block.kind}: {block.description}")
    _table(("parameter", "", "range", "at first", "unit"), rows)


def findings(found: Sequence[tuple[str, bool | None, str, str]]) -> None:
    """Print what `doctor` found: name, verdict, text, advice."""
    words = {True: "ok", False: "problem", None: "-"}
    rows = []
    for name, verdict, text, advice in found:
        rows.append((name, words[verdict], text))
        if advice:
            rows.append(("", "", f"-> {advice}"))
    _table(("", "", ""), rows)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    rows = [[_clean(cell) for cell in row] for row in rows]
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


def _layer(layer: Json) -> str:
    values = ", ".join(f"{symbol} {value:g}" for symbol, value in layer["params"].items())
    name = layer["id"] if layer["id"] == layer["kind"] else f"{layer['id']} ({layer['kind']})"
    return f"{name}: {values}" if values else name


def _levels(status: Json) -> str:
    levels = status["levels"]
    return f"in {_db(levels['in_db'])}, out {_db(levels['out_db'])}"


def _loudness(levels: Json) -> str:
    parts = []
    for name in ("in", "out"):
        short, whole = levels[f"{name}_lufs"], levels[f"integrated_{name}_lufs"]
        if short is not None:
            average = "" if whole is None else f" ({whole:.1f} since the start)"
            parts.append(f"{name} {short:.1f} LUFS{average}")
    return ", ".join(parts)


def _db(value: float | None) -> str:
    return "silent" if value is None else f"{value:.1f} dB"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _clean(text: str) -> str:
    """Keep a device's or file's name from steering the terminal."""
    return "".join(char if char.isprintable() else "?" for char in text)
