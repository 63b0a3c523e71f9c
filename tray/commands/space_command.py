"""The command that places the music around the head."""

# ruff: noqa: D301 - \b tells click not to wrap the lines that follow

from typing import get_args

import click

from entrain.tray.commands import options
from entrain.tray.commands.request import ask
from entrain.tray.text.number import Number
from entrain.vdevice.limits import MAX_HEAD_CM, MIN_HEAD_CM, SpaceMode


@click.command()
@click.argument(
    "mode", metavar="[off|speakers|scene]", required=False, type=click.Choice(get_args(SpaceMode))
)
@click.option(
    "--head-cm",
    type=Number(MIN_HEAD_CM, MAX_HEAD_CM),
    metavar="CM",
    help="Circumference of your head above the ears, 48 to 66.  Initially 57.",
)
@options.as_json
def space(mode: SpaceMode | None, head_cm: float | None, as_json: bool) -> None:
    """Show or change how music sounds around your head.  For headphones.

    \b
    off        in your head, as headphones play it
    speakers   as from two loudspeakers in front of you
    scene      as in a sound field around you; cheaper with many placed sounds

    Entrain remembers the setting for each output.  A protocol with a space of its own uses its own.

    \b
    Examples:
      entrain space
      entrain space speakers
      entrain space speakers --head-cm 60
      entrain set space.width_deg 90
      entrain space off
    """
    wishes: dict[str, object] = {}
    if mode is not None:
        wishes["mode"] = mode
    if head_cm is not None:
        wishes["head_cm"] = head_cm
    answer = (ask("settings", space=wishes) if wishes else ask("status"))["space"]
    if as_json:
        options.print_json(answer)
        return
    from entrain.tray.text import space_text

    click.echo(space_text.summary(answer))
    if not wishes:
        space_text.details(answer)
