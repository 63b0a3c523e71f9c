"""The command that steers head tracking."""

# ruff: noqa: D301 - \b tells click not to wrap the lines that follow

from typing import get_args

import click

from entrain.tray.commands import options
from entrain.tray.commands.request import ask, started
from entrain.tray.text.number import Number
from entrain.vdevice.limits import MAX_PORT, MIN_PORT, OSC_PORT, HeadAxis, TrackerPreset


@click.command()
@click.argument("action", type=click.Choice(["on", "off", "recentre", "status"]), default="status")
@click.option(
    "--lan/--no-lan",
    default=None,
    help="Hear trackers on your network, too. Initially only this computer's.",
)
@click.option(
    "--preset",
    type=click.Choice(get_args(TrackerPreset)),
    help="Use the order and signs of this sender. Initially standard.",
)
@click.option(
    "--invert",
    type=click.Choice([*get_args(HeadAxis), "none"]),
    multiple=True,
    help="Turn this axis the other way; repeat the option for more axes.",
)
@click.option(
    "--port",
    type=Number(MIN_PORT, MAX_PORT, whole=True),
    help=f"UDP port for OSC. Initially {OSC_PORT}.",
)
@click.option(
    "--follow",
    type=Number(0, 1),
    help="Share of the head's turn that the sound follows. Initially 1.",
)
@options.as_json
def head(
    action: str,
    lan: bool | None,
    preset: TrackerPreset | None,
    invert: tuple[str, ...],
    port: int | None,
    follow: float | None,
    as_json: bool,
) -> None:
    """Keep the sound in place when you turn your head.

    A head tracker sends how your head is turned, over UDP: OSC to port 9000, or opentrack to port
    4242.  Entrain remembers these settings for each output.

    \b
    Examples:
      entrain head on
      entrain head on --preset supperware
      entrain head on --lan               hear a tracker on your network, too
      entrain head on --invert pitch      up and down were swapped
      entrain head recentre               you look straight ahead now
      entrain head status
      entrain head off
    """
    wishes: dict[str, object] = {
        name: wish
        for name, wish in (("lan", lan), ("preset", preset), ("port", port), ("follow", follow))
        if wish is not None
    }
    if invert:
        wishes["invert"] = [axis for axis in dict.fromkeys(invert) if axis != "none"]
    if wishes and action != "on":
        raise click.UsageError("only `head on` takes settings")
    if action == "on":
        answer = ask("tracking", on=True, **wishes)["head"]
        answer = started("head") if not answer["listening"] or wishes else answer
    elif action == "off":
        answer = ask("tracking", on=False)["head"]
    else:
        answer = ask("recentre" if action == "recentre" else "status")["head"]
    if as_json:
        options.print_json(answer)
        return
    from entrain.tray.text import head_text

    if action == "status":
        head_text.status(answer)
    elif action == "recentre":
        click.echo("recentred: how your head is turned now is straight ahead")
    else:
        click.echo(head_text.summary(answer))
