"""The command that compares heads by ear, with single keys.

Imports stand inside the command, so that other commands are quick.
"""

# ruff: noqa: D301 - \b tells click not to wrap the lines that follow

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from entrain.errors import EntrainError
from entrain.platform.adapter import WITHOUT_HEADPHONES
from entrain.tray.commands.request import NAME
from entrain.tray.text import text_layout

if TYPE_CHECKING:
    from entrain.vdevice.api.client import Client
    from entrain.vdevice.hrtf.comparison import Comparison
    from entrain.vdevice.hrtf.sets import Card

_NO_TERMINAL = "comparing HRTFs needs a terminal"
_STEPS = {"\x1b[C": 1, "\x1b[D": -1, "\x1bOC": 1, "\x1bOD": -1}
"""The keys → and ←, as terminals send them."""


@click.command()
@click.argument("heads", metavar="[ID]...", nargs=-1)
def compare(heads: tuple[str, ...]) -> None:
    """Hear the same sound with each head, without its name, and mark each one.

    Put your headphones on.  Bursts of noise circle your head, and then go over it and back.  You
    choose with single keys which head you hear, and how often.  The heads come in random order; at
    the end you see their names and how you have ranked them.  Entrain keeps your marks on this
    machine; `entrain hrtf list` shows them.

    Until then, do not look at `entrain status` and `entrain hrtf list`: they name the head that you
    hear.  Afterwards Entrain plays what it played before, also if the command is killed.  Any other
    command to Entrain ends the noise, too.

    \b
    Examples:
      entrain hrtf compare                  all heads of `entrain hrtf list`
      entrain hrtf compare kemar my-ears
    """
    from entrain.vdevice.api.client import Client
    from entrain.vdevice.hrtf.comparison import Comparison, answers_path

    _require_terminal()
    with Client(name=NAME) as client:
        status = client.ask("status")
        if status["output"] and status["output"]["form"] in WITHOUT_HEADPHONES:
            raise EntrainError("comparing HRTFs needs headphones; this output has none")
        comparison = Comparison.shuffled([card.id for card in _prepared(heads)])
        try:
            client.ask("audition", hrtf=comparison.head)
            _explain(comparison)
            _listen(comparison, client)
        finally:
            client.close()  # Entrain plays what it played before
            try:
                comparison.keep(answers_path())
            except OSError as error:
                raise EntrainError(f"cannot keep your marks: {error.strerror}") from error
    _show(comparison, status["hrtf"])


def _require_terminal() -> None:
    """Refuse to play without a terminal, where the listener marks; raises `EntrainError`."""
    if sys.stdin.isatty():
        return
    try:
        open("/dev/tty").close()  # click reads keys there
    except OSError as error:
        raise EntrainError(_NO_TERMINAL) from error


def _prepared(names: Sequence[str]) -> "list[Card]":
    """Return the heads to compare, all of them prepared."""
    from entrain.vdevice.hrtf import process, sets
    from entrain.vdevice.hrtf.comparison import MOST_HEADS

    wanted = [sets.find(name) for name in dict.fromkeys(names)] or sets.cards()
    if len(wanted) > MOST_HEADS:
        raise EntrainError(f"these are {len(wanted)} heads; name at most {MOST_HEADS}")
    usable = []
    for card in wanted:
        if not sets.head_path(card).exists():
            click.echo(f"preparing {card.id}…")
        try:
            process.prepared(card)
        except EntrainError as error:
            if names:
                raise
            click.echo(f"{card.id} is left out: {error}")
        else:
            usable.append(card)
    if len(usable) < 2:
        raise EntrainError("name at least two heads; `entrain hrtf list` shows them")
    return usable


def _explain(comparison: "Comparison") -> None:
    last = comparison.letters[-1]
    text_layout.paragraph(
        f"You compare the heads A to {last}, in random order. Noise circles your head, from the "
        "front to the left; then it goes over your head to the back, and returns. With which head "
        "is it outside your head, and where it should be?"
    )
    for key, meaning in (
        (f"A … {last}, ← →", "hear a head, from the beginning of the way"),
        ("Space", "hear it again"),
        ("1 … 5", "mark it, from 1 (not at all) to 5 (exactly); you may change a mark"),
        ("Enter", "see the names, when all heads have a mark"),
        ("Q", "stop; your marks are kept"),
    ):
        text_layout.item(f"  {key}", meaning, 16)


def _listen(comparison: "Comparison", client: "Client") -> None:
    """Play and mark heads until all are marked, or the listener stops."""
    in_place = sys.stdout.isatty()
    while True:
        line = _progress(comparison)
        click.echo(f"\r\x1b[K{line}" if in_place else line, nl=not in_place)
        plays = True
        key = _key()
        if key.upper() in tuple(comparison.letters):
            comparison.go_to(key.upper())
        elif key in _STEPS:
            comparison.step(_STEPS[key])
        elif key in tuple("12345"):
            plays = comparison.mark(int(key))
        elif (key in ("\r", "\n") and not comparison.unmarked) or key in ("q", "Q", ""):
            break
        elif key != " ":
            continue
        if plays:
            client.ask("audition", hrtf=comparison.head)
    if in_place:
        click.echo()


def _progress(comparison: "Comparison") -> str:
    pairs = zip(comparison.letters, comparison.heads, strict=True)
    marks = "   ".join(f"{letter} {comparison.marks.get(head, '–')}" for letter, head in pairs)
    unmarked = len(comparison.unmarked)
    rest = f"{unmarked} without a mark" if unmarked else "Enter shows the names"
    return f"you hear {comparison.letters[comparison.place]}   |   {marks}   |   {rest}"


def _key() -> str:
    """Wait for a key; returns "" at the end of the input."""
    try:
        return click.getchar()
    except EOFError:
        return ""
    except OSError as error:
        raise EntrainError(_NO_TERMINAL) from error


def _show(comparison: "Comparison", before: str) -> None:
    from entrain.vdevice.hrtf.comparison import answers_path, means

    ranking = comparison.ranking()
    known = means(answers_path())
    for mark, letter, head in ranking:
        mean, rounds = known.get(head, (0.0, 0))
        more = f"; in {rounds} rounds {mean:.1f}" if rounds > 1 else ""
        click.echo(f"{mark}  {letter}  {head}{more}")
    best = [head for mark, _, head in ranking if mark == ranking[0][0]]
    if before in best:
        click.echo(f"You use {before} already.")
    for head in best:
        if head != before:
            click.echo(f"To use {head}: entrain hrtf use {head}")
