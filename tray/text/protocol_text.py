"""Protocols as text: the library as a list, and one protocol in full."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from entrain.tray.text import status_text, text_layout
from entrain.vdevice.protocol.check import block_of, values_of
from entrain.vdevice.protocol.model import Layer, Protocol
from entrain.vdevice.protocol.parts.automation import Automation
from entrain.vdevice.protocol.parts.evidence import Evidence, Source
from entrain.vdevice.protocol.timeline import value_at
from entrain.vdevice.safety import SHORT_NOTICE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrain.block import Block, Parameter
    from entrain.vdevice.protocol.user_folder import Entry

GRADES = {
    "strong": "a consistent meta-analysis, or a response that many studies have found",
    "moderate": "one good controlled trial, or several small studies that agree",
    "weak": "single, small or inconsistent studies",
    "tradition": "practice only, no studies",
    "none": "no study, no effect, or studies with the contrary result",
}
"""Explanation of each grade, the best grade first."""

_COLOURS = {"strong": "green", "moderate": "green", "weak": "yellow"}
_COLUMN = 11
_CURVE_COLUMNS = 24
_MAX_POINTS = 6


def library(entries: "Sequence[Entry]", problems: Sequence[str]) -> None:
    """Print the protocols by category, and the problems of the user's files."""
    rows: list[tuple[str, ...]] = []
    category = ""
    for entry in entries:
        if entry.problems:
            continue
        if entry.category != category:
            category = entry.category
            rows.append((category, "", "", "", ""))
        evidence = entry.evidence
        marks = ("headphones" if entry.requires_headphones else "", "yours" if entry.own else "")
        rows.append(
            (
                f"  {entry.id}",
                entry.name,
                evidence.outcome if evidence else "-",
                evidence.following if evidence else "-",
                ", ".join(filter(None, marks)),
            )
        )
    if rows:
        status_text.table(("", "", "benefit", "follows", ""), rows)
        click.echo()
        text_layout.paragraph(
            "benefit: the evidence that listeners get the benefit that the name promises. "
            "follows: the evidence that the nervous system answers the sound at its rate "
            "(a steady-state response, which need not entrain the brain's own rhythms). "
            "`entrain show ID` shows the details."
        )
    else:
        click.echo("no protocols found")
    if problems:
        click.echo()
        text_layout.heading("These files cannot be used:")
        for line in problems:
            text_layout.paragraph(line, indent=2)


def protocol(protocol: Protocol, where: str, blocks: "Mapping[str, Block]") -> None:
    """Print one protocol in full.

    Parameters
    ----------
    protocol : Protocol
        A protocol that was checked against the blocks.
    where : str
        The user's file; empty for a shipped protocol.
    blocks : mapping
        The blocks by kind, for the names and units of parameters.

    """
    text_layout.heading(f"{protocol.name} ({protocol.id})")
    if protocol.description:
        text_layout.paragraph(protocol.description)
    click.echo()
    _item("category", protocol.category)
    if where:
        _item("yours", where)
    if protocol.evidence:
        _grades(protocol.evidence)
    else:
        _item("evidence", "not stated")
    for number, line in enumerate(protocol.warnings):
        _item("" if number else "warnings", line, "red")
    for number, line in enumerate(_facts(protocol)):
        _item("" if number else "session", line)
    _item("ears", _ears(protocol))
    click.echo()
    text_layout.heading("Sound")
    _layers(protocol.layers, blocks)
    _space(protocol, blocks)
    if protocol.without_headphones:
        text_layout.heading("Without headphones")
        other = [each for each in protocol.without_headphones if each not in protocol.layers]
        _layers(other, blocks)
        if len(other) < len(protocol.without_headphones):
            text_layout.paragraph(
                "and as above: "
                + ", ".join(
                    each.id for each in protocol.without_headphones if each in protocol.layers
                ),
                2,
            )
            click.echo()
    if protocol.evidence:
        _sources(protocol.evidence)
        click.echo()
    _item("always", SHORT_NOTICE)


def weaker_first(evidence: Evidence) -> list[tuple[str, str]]:
    """Return both grades with their labels, the lower grade first."""
    grades = [("benefit", evidence.outcome), ("follows", evidence.following)]
    order = list(GRADES)
    return sorted(grades, key=lambda pair: order.index(pair[1]), reverse=True)


def _grades(evidence: Evidence) -> None:
    for label, grade in weaker_first(evidence):
        _item(label, f"{grade}: {GRADES[grade]}", _COLOURS.get(grade, "red"))
    _item("claim", evidence.claim)


def _facts(protocol: Protocol) -> Iterator[str]:
    """Describe the session in short sentences."""
    if protocol.duration_s is None:
        if protocol.max_minutes is None:
            yield "as long as you like"
    elif protocol.loop:
        yield f"begins again every {text_layout.clock(protocol.duration_s)}"
    else:
        yield f"ends after {text_layout.clock(protocol.duration_s)}"
    if protocol.max_minutes is not None:
        yield f"{text_layout.duration(protocol.max_minutes)} at most, then it fades out"
    ramps = [
        f"{word} within {text_layout.clock(seconds)}"
        for word, seconds in (
            ("fades in", protocol.ramp_in_s),
            ("fades out", protocol.ramp_out_s),
        )
        if seconds
    ]
    if ramps:
        yield ", ".join(ramps)
    if protocol.time_of_day:
        yield "follows the time of day"
    if protocol.standalone:
        yield "plays without music, too"
    words = "stay easy" if protocol.speech_safe else "may be hard"
    yield f"words {words} to understand"
    if protocol.sleep_safe:
        yield "can run while you fall asleep"


def _ears(protocol: Protocol) -> str:
    if not protocol.requires_headphones:
        return "headphones or loudspeakers"
    if protocol.without_headphones is None:
        return "headphones only; there is no alternative for loudspeakers"
    return "headphones; loudspeakers use the alternative below"


def _layers(layers: Sequence[Layer], blocks: "Mapping[str, Block]") -> None:
    if not layers:
        text_layout.paragraph("no effects: your music alone", indent=2)
    for layer in layers:
        block = block_of(layer, blocks) if layer.kind in blocks else None
        parameters = block.parameters if block else {}
        name = layer.id if layer.id == layer.kind else f"{layer.id} ({layer.kind})"
        click.echo(click.style(f"  {text_layout.clean(name)}", bold=True))
        if block:
            text_layout.paragraph(block.description, indent=4)
        if fixed := list(_fixed(layer, parameters)):
            text_layout.paragraph(", ".join(fixed), indent=4)
        for symbol, automation in layer.automation.items():
            _curve(_called(parameters.get(symbol), symbol), automation, parameters.get(symbol))
    click.echo()


def _space(protocol: Protocol, blocks: "Mapping[str, Block]") -> None:
    """Describe how the music sounds around the head."""
    if protocol.spatial is None:
        return
    text_layout.heading("Space")
    if space := protocol.space:
        _layers([space], blocks)
    else:
        text_layout.paragraph("none: the music sounds in the head", indent=2)
        click.echo()


def _fixed(layer: Layer, parameters: "Mapping[str, Parameter]") -> Iterator[str]:
    """Describe the parameters without automation."""
    values = {s: value for s, value in values_of(layer).items() if s not in layer.automation}
    floor_db = values.get("floor_db")
    if floor_db is not None and floor_db == values.get("ceiling_db"):
        for symbol in ("level_db", "floor_db", "ceiling_db"):
            values.pop(symbol, None)
        yield f"always at {_value(parameters.get('floor_db'), floor_db)}, independent of the music"
    for symbol, value in values.items():
        parameter = parameters.get(symbol)
        yield f"{_called(parameter, symbol)} {_value(parameter, value)}"


def _curve(name: str, automation: Automation, parameter: "Parameter | None") -> None:
    points = automation.points
    end_s = automation.loop_s or points[-1].at_s
    step_s = end_s / (_CURVE_COLUMNS - 1)
    drawn = text_layout.sparkline([value_at(automation, n * step_s) for n in range(_CURVE_COLUMNS)])
    text_layout.paragraph(f"{name} {drawn}" if len(points) > 1 else name, indent=4)
    shown = [
        f"{_value(parameter, point.value)} at {text_layout.clock(point.at_s)}" for point in points
    ]
    if len(shown) > _MAX_POINTS:
        left_out = len(shown) - _MAX_POINTS
        shown[_MAX_POINTS - 1 : -1] = [f"… {left_out} more …"]
    again = f", again every {text_layout.clock(automation.loop_s)}" if automation.loop_s else ""
    text_layout.paragraph(" → ".join(shown) + again, indent=6)


def _called(parameter: "Parameter | None", symbol: str) -> str:
    return parameter.name.lower() if parameter else symbol


def _value(parameter: "Parameter | None", value: float) -> str:
    if parameter is None:
        return f"{value:g}"
    for name, meant in parameter.choices:
        if meant == value:
            return name
    if parameter.unit in ("", "1"):
        return f"{value:g}"
    return f"{round(value, 1) if parameter.unit == 'dB' else value:g} {parameter.unit}"


def _sources(evidence: Evidence) -> None:
    text_layout.heading("Sources" if evidence.sources else "No source: practice only")
    for source in evidence.sources:
        text_layout.item(f"  {'AGAINST' if source.contrary else ''}", cited(source), _COLUMN)
    if evidence.our_choices:
        click.echo()
        text_layout.item("our choice", ", ".join(evidence.our_choices), _COLUMN)
        text_layout.paragraph(
            "No source gives these values; we set them by ear or by calculation.", _COLUMN
        )


def cited(source: Source) -> str:
    """Cite one publication with its finding in one line."""
    journal = f", {source.journal}" if source.journal else ""
    number = f" ({source.id})" if source.id else ""
    return f"{source.authors} {source.year}{journal}{number}: {source.finding}"


def _item(label: str, text: str, colour: str | None = None) -> None:
    text_layout.item(label, text, _COLUMN, colour)
