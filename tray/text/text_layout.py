"""Layout of text: headings, paragraphs wrapped to the terminal, small charts of characters."""

import shutil
import textwrap
from collections.abc import Sequence

import click

_MAX_WIDTH = 100
_LEVELS = "▁▂▃▄▅▆▇█"
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def width() -> int:
    """Return the number of columns for text."""
    return min(shutil.get_terminal_size().columns, _MAX_WIDTH)


def heading(text: str) -> None:
    """Print a heading."""
    click.echo(click.style(clean(text), bold=True))


def paragraph(text: str, indent: int = 0) -> None:
    """Print text over the whole width."""
    margin = " " * indent
    click.echo(_wrapped(text, margin, margin))


def item(label: str, text: str, column: int, colour: str | None = None) -> None:
    """Print a label, and its text from the given column on."""
    head = f"{clean(label):<{column}}"
    if len(head) > column:  # a long label has a line of its own
        click.echo(click.style(head, bold=True))
        head = " " * column
    body = _wrapped(text, " " * len(head), " " * column)[len(head) :]
    click.echo(click.style(head, bold=True) + click.style(body, fg=colour))


def sparkline(values: Sequence[float]) -> str:
    """Draw values as a row of bars, scaled from the smallest to the largest value."""
    low, high = min(values), max(values)
    span = high - low
    if span <= 0:
        return _LEVELS[0] * len(values)
    top = len(_LEVELS) - 1
    return "".join(_LEVELS[round((value - low) / span * top)] for value in values)


def bar(value: float, largest: float, columns: int) -> str:
    """Draw one value as a bar; `largest` fills all columns."""
    if largest <= 0 or value <= 0:
        return ""
    eighths = max(1, round(value / largest * columns * 8))
    whole, rest = divmod(eighths, 8)
    return _EIGHTHS[-1] * whole + (_EIGHTHS[rest] if rest else "")


def clean(text: str) -> str:
    """Replace unprintable characters, so that foreign names cannot control the terminal."""
    return "".join(char if char.isprintable() else "?" for char in text)


def clock(seconds: float) -> str:
    """Format a time as minutes:seconds, or hours:minutes:seconds."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def duration(minutes: float) -> str:
    """Format a duration in hours and minutes."""
    whole = round(minutes)
    if whole == 0:
        return "under 1 min" if minutes > 0 else "0 min"
    hours, rest = divmod(whole, 60)
    parts = [f"{hours} h"] if hours else []
    return " ".join(parts + ([f"{rest} min"] if rest else []))


def _wrapped(text: str, first: str, others: str) -> str:
    return textwrap.fill(
        clean(text),
        max(width(), len(others) + 20),
        initial_indent=first,
        subsequent_indent=others,
        break_on_hyphens=False,
    )
