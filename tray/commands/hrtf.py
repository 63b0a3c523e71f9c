"""Commands about heads: HRTF sets, built in or from SOFA files.

Imports stand inside the commands, so that each command is quick.
"""

# ruff: noqa: D301 - \b tells click not to wrap the lines that follow

from pathlib import Path
from typing import TYPE_CHECKING

import click

from entrain.tray.commands import options
from entrain.tray.commands.hrtf_compare import compare
from entrain.tray.commands.picture_file import picture_file, picture_kind
from entrain.tray.commands.request import ask, change

if TYPE_CHECKING:
    from entrain.vdevice.hrtf.sets import Card


@click.group()
def hrtf() -> None:
    """Choose whose ears the space uses.  Any SOFA file can bring a head, and one is built in.

    \b
    Examples:
      entrain hrtf list
      entrain hrtf info my-ears.sofa --plot my-ears.png
      entrain hrtf use my-ears.sofa
      entrain hrtf use kemar
      entrain hrtf compare
    """


hrtf.add_command(compare)


@hrtf.command("list")
@options.as_json
def list_(as_json: bool) -> None:
    """List the heads: the built-in ones, and SOFA files that you have used.

    \b
    Examples:
      entrain hrtf list
      entrain hrtf list --json
    """
    from dataclasses import asdict

    from entrain.tray.text import hrtf_text
    from entrain.vdevice.hrtf import sets

    current = _current()
    cards = sets.cards()
    if as_json:
        options.print_json([{**asdict(card), "current": card.id == current} for card in cards])
    else:
        hrtf_text.heads(cards, current, _marks())


@hrtf.command()
@click.argument("source", metavar="FILE|ID")
@click.option(
    "--plot",
    metavar="PNG",
    type=click.Path(),
    help="Draw a picture (.png, .jpg, .svg or .pdf) and replace a picture of that name.",
)
@click.option("--force", is_flag=True, help="Also replace a file of another kind.")
@options.as_json
def info(source: str, plot: str | None, force: bool, as_json: bool) -> None:
    """Check a SOFA file and describe it.

    \b
    Examples:
      entrain hrtf info my-ears.sofa
      entrain hrtf info kemar --plot kemar.png
    """
    from entrain.tray.text import hrtf_text
    from entrain.vdevice.hrtf import process

    card = _card(source)
    if plot:
        found = _drawn(source, card, Path(plot), force)
    elif card is not None and card.is_built_in:
        found = process.examine_built_in(card.id)
    else:
        found = process.examine(_path(source, card))
    if as_json:
        options.print_json(found)
    else:
        hrtf_text.description(source, found)


@hrtf.command()
@click.argument("source", metavar="FILE|ID")
def use(source: str) -> None:
    """Use another head.  A SOFA file is prepared first, which takes some seconds.

    `entrain undo` does not take this back; `entrain hrtf use` with the former head does.

    \b
    Examples:
      entrain hrtf use my-ears.sofa
      entrain hrtf use kemar
    """
    from entrain.vdevice.hrtf import process

    ask("status")  # fails without a running Entrain, before the preparation
    card = _card(source)
    if card is None:
        card = process.added(_path(source, None))
        click.echo(f"{card.id}: {card.title}, {card.directions} directions")
        for note in card.notes:
            click.echo(f"note: {note}")
    else:
        process.prepared(card)
    change("settings", hrtf=card.id)


def _current() -> str:
    """Return the id in use, or "" if Entrain does not run."""
    from entrain.vdevice.api.client import NotRunning

    try:
        return ask("status")["hrtf"]
    except NotRunning:
        return ""


def _card(source: str) -> "Card | None":
    """Return the card of an id; None for the path of a file."""
    from entrain.vdevice.hrtf import sets
    from entrain.vdevice.protocol.names import is_id

    return sets.find(source) if is_id(source) and not Path(source).exists() else None


def _path(source: str, card: "Card | None") -> Path:
    return Path(card.source) if card is not None else Path(source)


def _drawn(source: str, card: "Card | None", plot: Path, force: bool) -> dict[str, object]:
    """Describe a head and draw it.  The worker draws into a folder of its own."""
    from tempfile import TemporaryDirectory

    from entrain.vdevice.hrtf import process

    built_in = card is not None and card.is_built_in
    inputs = [] if built_in else [_path(source, card)]
    with (
        picture_file(plot, inputs, force) as file,
        TemporaryDirectory(prefix="entrain-") as folder,
    ):
        drawing = Path(folder) / f"head.{picture_kind(plot)}"
        if built_in:
            found = process.examine_built_in(source, plot=drawing)
        else:
            found = process.examine(inputs[0], plot=drawing)
        file.write(drawing.read_bytes())
    return found


def _marks() -> dict[str, tuple[float, int]]:
    from entrain.vdevice.hrtf.comparison import answers_path, means

    return means(answers_path())
