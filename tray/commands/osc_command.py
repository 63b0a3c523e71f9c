"""The command that lets other programs steer Entrain by OSC."""

# ruff: noqa: D301 - \b tells click not to wrap the lines that follow

import click

from entrain.errors import EntrainError
from entrain.tray.commands import options
from entrain.tray.commands.request import ask, show_monitor, started
from entrain.tray.text.number import Number
from entrain.vdevice.limits import (
    MAX_PORT,
    MIN_PORT,
    OSC_CONTROL_PORT,
    OSC_FEEDBACK_PORT,
    OSC_MONITOR_SOCKET,
)


@click.command()
@click.argument("action", type=click.Choice(["on", "off", "status", "monitor"]), default="status")
@click.option(
    "--port",
    type=Number(MIN_PORT, MAX_PORT, whole=True),
    help=f"UDP port on which Entrain listens. Initially {OSC_CONTROL_PORT}.",
)
@click.option(
    "--feedback-port",
    type=Number(MIN_PORT, MAX_PORT, whole=True),
    help=f"UDP port of the other program, for answers. Initially {OSC_FEEDBACK_PORT}.",
)
@click.option(
    "--listen",
    metavar="ADDRESS",
    help="Address of this computer on which Entrain listens. Initially 127.0.0.1, which only this "
    "computer reaches; 0.0.0.0 is open to your network.",
)
@options.as_json
def osc(
    action: str, port: int | None, feedback_port: int | None, listen: str | None, as_json: bool
) -> None:
    """Let other programs steer Entrain by OSC.  TouchOSC, for example, or a lighting desk.

    An address is /entrain, the layer and the parameter: /entrain/tone/beat_hz 7.5.

    \b
    Examples:
      entrain osc on
      entrain osc on --port 9001 --feedback-port 9002
      entrain osc on --listen 0.0.0.0     open to your network
      entrain osc status
      entrain osc monitor                 see what arrives, and its effect, until Ctrl-C
      entrain osc off
    """
    settings = {"port": port, "feedback_port": feedback_port, "listen": listen}
    wishes = {name: wish for name, wish in settings.items() if wish is not None}
    if wishes and action != "on":
        raise click.UsageError("only `osc on` takes settings")
    if action == "monitor":
        from entrain.tray.text import osc_text

        show_monitor(
            "osc", OSC_MONITOR_SOCKET, "OSC", osc_text.summary, osc_text.heard, as_json=as_json
        )
        return
    if action == "on":
        answer = ask("osc", on=True, **wishes)["osc"]
        answer = answer if answer["listening"] else started("osc")
    elif action == "off":
        answer = ask("osc", on=False)["osc"]
    else:
        answer = ask("status")["osc"]
    from entrain.tray.text import osc_text

    if as_json:
        options.print_json(answer)
    elif action == "status":
        osc_text.status(answer)
    elif action == "off" or answer["listening"]:
        click.echo(osc_text.summary(answer))
        for line in osc_text.reached(answer):
            click.echo(line)
        if warning := osc_text.warning(answer):
            click.echo(f"warning: {warning}", err=True)
    if action == "on" and not answer["listening"]:
        raise EntrainError(osc_text.deaf(answer))
