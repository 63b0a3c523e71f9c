"""Commands that steer the running Entrain."""

# ruff: noqa: D301 - for click, a \b begins lines that are not to be wrapped

from typing import get_args

import click

from entrain.tray.commands import completion, options
from entrain.tray.commands.request import ask, change
from entrain.tray.text.minutes import MinutesOrOff
from entrain.tray.text.position import Position
from entrain.tray.text.text_layout import clean
from entrain.vdevice.limits import MAX_OVER_S, MAX_STEPS, Unplugged


@click.command()
def on() -> None:
    """Make Entrain the default output.  The former one is remembered.

    \b
    Example:
      entrain on
    """
    change("on")


@click.command()
def off() -> None:
    """Give the former default output back.  The device Entrain stays.

    \b
    Example:
      entrain off
    """
    change("off")


@click.command()
@click.argument("state", type=click.Choice(["on", "off"]), required=False)
@click.option(
    "--matched",
    is_flag=True,
    help="Make the untouched sound as loud as what was heard, for a fair comparison.",
)
def bypass(state: str | None, matched: bool) -> None:
    """Let the sound pass untouched, or process it.  Without on or off, toggle.

    \b
    Examples:
      entrain bypass on       hear the difference
      entrain bypass off
      entrain bypass --matched
    """
    change("bypass", on=None if state is None else state == "on", matched=matched)


@click.command()
def toggle() -> None:
    """Toggle bypass.  Made for a keyboard shortcut.

    \b
    Example:
      entrain toggle
    """
    change("bypass", on=None)


@click.command()
@click.argument("action", type=click.Choice(["pause", "resume", "restart", "seek"]))
@click.argument("position", type=Position(), required=False)
def session(action: str, position: float | None) -> None:
    """Pause, resume or move the running protocol's clock.

    The clock runs with the sound; a protocol's timeline goes by it.

    \b
    Examples:
      entrain session pause
      entrain session resume
      entrain session restart
      entrain session seek 12:30     12 minutes and 30 seconds
    """
    if (action == "seek") != (position is not None):
        raise click.UsageError("seek needs a position, the others have none")
    runs = {"pause": False, "resume": True, "restart": True, "seek": None}[action]
    change("session", runs=runs, position_s=0.0 if action == "restart" else position)


_steps = click.argument("steps", type=click.IntRange(1, MAX_STEPS), default=1)


@click.command()
@_steps
def faster(steps: int) -> None:
    """Go to the next faster rate.  Made for a keyboard shortcut.

    Below 8 Hz a step is half a hertz, above it is one.  Where several layers beat, all move in the
    same ratio.

    \b
    Examples:
      entrain faster
      entrain faster 3
    """
    change("adjust", rate_steps=steps)


@click.command()
@_steps
def slower(steps: int) -> None:
    """Go to the next slower rate.  Made for a keyboard shortcut.

    \b
    Examples:
      entrain slower
      entrain use focus-16      as it was
    """
    change("adjust", rate_steps=-steps)


@click.command()
@_steps
def stronger(steps: int) -> None:
    """Turn all layers up by 3 dB, tones as well as the depth of what the music does.

    \b
    Example:
      entrain stronger
    """
    change("adjust", level_steps=steps)


@click.command()
@_steps
def weaker(steps: int) -> None:
    """Turn all layers down by 3 dB.

    \b
    Examples:
      entrain weaker
      entrain weaker 2
    """
    change("adjust", level_steps=-steps)


@click.command(context_settings={"ignore_unknown_options": True})  # -5 is no option
@click.argument("minutes", type=MinutesOrOff())
def sleep(minutes: float | None) -> None:
    """Switch off after some time; the last minutes fade.

    \b
    Examples:
      entrain sleep 30
      entrain sleep off      not after all
    """
    change("sleep", minutes=minutes)


@click.command()
@click.argument(
    "protocol",
    metavar="ID|FILE|SPEC...",
    nargs=-1,
    required=True,
    shell_complete=completion.protocols,
)
@options.standalone
@click.option(
    "--here/--forget",
    default=None,
    help="Remember it for the present output, and use it whenever sound goes there; or forget.",
)
def use(protocol: tuple[str, ...], standalone: bool, here: bool | None) -> None:
    """Use another protocol, file or layers.

    SPEC is kind:key=value,... and, to name the layer, id=kind:key=value,...

    \b
    Examples:
      entrain use default          an id; `entrain protocols` lists them
      entrain use ./evening.json
      entrain use binaural:carrier_hz=400,beat_hz=10,level_db=-12
      entrain use low=binaural:beat_hz=4 high=binaural:carrier_hz=500,beat_hz=8
      entrain use none --here      on this output always nothing
    """
    from entrain.vdevice.protocol.names import is_id, is_spec

    wanted, *layers = protocol
    fields: dict[str, object] = {"layers": layers} if layers else {}
    if standalone:
        fields["standalone"] = True
    if is_id(wanted) or is_spec(wanted):
        change("use", protocol=wanted, here=here, **fields)
    else:  # a file, which only this program can find
        document = options.resolve(wanted, (), standalone=False).model_dump(mode="json")
        change("use", protocol=document, here=here, **fields)


@click.command("set", context_settings={"ignore_unknown_options": True})  # -20 is no option
@click.argument("address", shell_complete=completion.addresses)
@click.argument("value", type=float)
@click.option(
    "--over",
    type=click.FloatRange(0, MAX_OVER_S),
    default=0.0,
    metavar="SECONDS",
    help="Glide to the value within this time.",
)
def set_value(address: str, value: float, over: float) -> None:
    """Change one parameter, in its own unit.  ADDRESS is layer.parameter.

    \b
    Examples:
      entrain set tone.level_db -20
      entrain set am.depth 0.3 --over 60
      entrain set pre.gate 1            the engine's own: pre and limiter
      entrain set tone.beat_hz 4 --over 600
    """
    change("set", address=address, value=value, over_s=over)


@click.command()
@click.argument("names", metavar="[NAME]...", nargs=-1, shell_complete=completion.outputs)
@click.option(
    "--prefer",
    is_flag=True,
    help="Play on the first of these whenever it is connected; without a name, on none of them.",
)
@click.option(
    "--unplugged",
    type=click.Choice(get_args(Unplugged)),
    help="What speakers do that take over because headphones were unplugged: play 20 dB softer "
    "(unless you say otherwise), stay silent, or play at their own volume.",
)
def output(names: tuple[str, ...], prefer: bool, unplugged: str | None) -> None:
    """Play on another real device.  NAME is as in `entrain devices`.

    What you choose so counts before the preferred ones, and these before the desktop's choice.
    Without a name: where headphones were unplugged, play at the speakers' own volume again.

    \b
    Examples:
      entrain output           after headphones were unplugged: as loud as these speakers were
      entrain output alsa_output.usb-headset.analog-stereo
      entrain output auto      a preferred one, else what the desktop would take without Entrain
      entrain output --prefer bluez_output.headset alsa_output.usb-dac
      entrain output --prefer  no preferred ones any more
      entrain output --unplugged silent
    """
    if not prefer and len(names) > 1:
        raise click.UsageError("one NAME, or --prefer and any number of them")
    if unplugged:
        change("settings", unplugged=unplugged)
        if not names and not prefer:
            return
    if not prefer:
        chosen = names[0] if names else ask("status")["chosen_output"] or "auto"
        change("output", name=None if chosen == "auto" else chosen)
        return
    status = change("settings", preferred_outputs=names)
    connected = {device["name"] for device in status["outputs"]}
    for name in status["preferred_outputs"]:
        if name not in connected:
            click.echo(clean(f"{name} is not connected; Entrain plays there as soon as it is"))
    if chosen := status["chosen_output"]:
        click.echo(clean(f"{chosen} is chosen, and counts before; `entrain output auto` ends that"))
