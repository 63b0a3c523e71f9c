"""Commands that steer the running Entrain."""

# ruff: noqa: D301 - \b tells click not to wrap the lines that follow

from typing import get_args

import click
from click.core import ParameterSource

from entrain.tray.commands import completion, options
from entrain.tray.commands.request import adjust, ask, change
from entrain.tray.text.minutes import MinutesOrOff
from entrain.tray.text.number import Number
from entrain.tray.text.position import Position
from entrain.tray.text.text_layout import clean, clock
from entrain.tray.text.value import Value
from entrain.vdevice.limits import MAX_OVER_S, MAX_STEPS, Unplugged


@click.command()
def on() -> None:
    """Make Entrain the default output.  Entrain remembers the former output.

    \b
    Example:
      entrain on
    """
    if change("on")["state"] == "failed":
        raise click.exceptions.Exit(1)


@click.command()
def off() -> None:
    """Make the former output the default again.  The device Entrain stays.

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
    help="Make the untouched sound as loud as the processed sound, for a fair comparison.",
)
def bypass(state: str | None, matched: bool) -> None:
    """Let the sound pass untouched, or process it again.  Without on or off, toggle.

    \b
    Examples:
      entrain bypass on       hear the difference
      entrain bypass off
      entrain bypass --matched
    """
    if matched and state == "off":
        raise click.UsageError("--matched says how bypass sounds; it does not go with off")
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

    The clock runs while sound plays, and drives the protocol's timeline.

    \b
    Examples:
      entrain session pause
      entrain session resume
      entrain session restart
      entrain session seek 12:30     12 minutes and 30 seconds
    """
    if (action == "seek") != (position is not None):
        raise click.UsageError("seek needs a position; the other actions take none")
    runs = {"pause": False, "resume": True, "restart": True, "seek": None}[action]
    change("session", runs=runs, position_s=0.0 if action == "restart" else position)


_steps = click.argument("steps", type=Number(1, MAX_STEPS, whole=True), default=1)


@click.command()
@_steps
def faster(steps: int) -> None:
    """Go to the next faster rate.  Made for a keyboard shortcut.

    A step is a tenth of a hertz below 2 Hz, half a hertz from 2 to 8 Hz, and one hertz above.
    Rates in breaths per minute have the same steps.  If several layers have a rate, all rates
    change in the same ratio.

    \b
    Examples:
      entrain faster
      entrain faster 3
    """
    adjust(rate_steps=steps)


@click.command()
@_steps
def slower(steps: int) -> None:
    """Go to the next slower rate.  Made for a keyboard shortcut.

    \b
    Examples:
      entrain slower
      entrain use focus-16      restore the protocol's own rate
    """
    adjust(rate_steps=-steps)


@click.command()
@_steps
def stronger(steps: int) -> None:
    """Turn all layers up by 3 dB.  This raises the level of tones and the depth of effects.

    \b
    Example:
      entrain stronger
    """
    adjust(level_steps=steps)


@click.command()
@_steps
def weaker(steps: int) -> None:
    """Turn all layers down by 3 dB.

    \b
    Examples:
      entrain weaker
      entrain weaker 2
    """
    adjust(level_steps=-steps)


@click.command()
def undo() -> None:
    """Undo the last change of the sound.  It may be of the protocol, of values, or of the space.

    Moves of one value within a second are one step.  Entrain keeps 100 steps until it ends.  It
    does not undo on, off, bypass, outputs, volume, the sleep timer, the session's position, the
    HRTF, head tracking, and what save, rename and delete do with files.

    \b
    Examples:
      entrain undo
      entrain redo      take the undo back
    """
    from entrain.tray.text import status_text

    answer = ask("undo")
    click.echo(clean(f"Taken back: {answer['redo_text']}"))
    click.echo(status_text.summary(answer))


@click.command()
def redo() -> None:
    """Make the change again that was undone last.

    \b
    Example:
      entrain redo
    """
    from entrain.tray.text import status_text

    answer = ask("redo")
    click.echo(clean(f"Done again: {answer['undo_text']}"))
    click.echo(status_text.summary(answer))


@click.command(context_settings={"ignore_unknown_options": True})  # -5 is a value, not an option
@click.argument("minutes", type=MinutesOrOff(), required=False)
@click.pass_context
def sleep(context: click.Context, minutes: float | None) -> None:
    """Switch off after some time.  The sound fades in the last minutes.

    \b
    Examples:
      entrain sleep          show the time left
      entrain sleep 30
      entrain sleep off      cancel the timer
    """
    if context.get_parameter_source("minutes") is ParameterSource.DEFAULT:
        left_s = ask("status")["sleep_left_s"]
        click.echo("the sleep timer is off" if left_s is None else f"off in {clock(left_s)}")
        return
    change("sleep", minutes=minutes)


@click.command()
@click.argument(
    "protocol",
    metavar="ID|FILE|SPEC...",
    nargs=-1,
    required=True,
    shell_complete=completion.sources,
)
@options.standalone
@click.option(
    "--here/--forget",
    default=None,
    help="Remember the protocol for the present output and use it there, or forget it.",
)
def use(protocol: tuple[str, ...], standalone: bool, here: bool | None) -> None:
    """Use another protocol, file or layers.

    SPEC is kind:key=value,... and, to name the layer, id=kind:key=value,...  `entrain layers KIND`
    lists the keys.  A generator can have a place in the space, too: azimuth_deg (90 is left),
    elevation_deg, distance_m, path (orbit, swing, ...), path_hz and path_deg.

    \b
    Examples:
      entrain use default           an id from `entrain protocols`
      entrain use ./evening.json
      entrain use binaural:carrier_hz=400,beat_hz=10,level_db=-12
      entrain use low=binaural:beat_hz=4 high=binaural:carrier_hz=500,beat_hz=8
      entrain use rain=noise:level_db=-20,azimuth_deg=90,path=orbit,path_hz=0.05
      entrain use none --here       no effects on this output, until the next use on it
      entrain use default --forget  use this protocol, and forget the output's own
    """
    from entrain.vdevice.protocol.names import is_id, is_spec

    wanted, *layers = protocol
    fields: dict[str, object] = {"layers": layers} if layers else {}
    if standalone:
        fields["standalone"] = True
    source: object = wanted
    if not (is_id(wanted) or is_spec(wanted)):  # a file, which only this program can find
        source = options.resolve(wanted, (), standalone=False).model_dump(mode="json")
    answer = change("use", protocol=source, here=here, **fields)
    if here is None and answer["protocol"] and answer["protocol"]["here"] and answer["output"]:
        name = clean(answer["output"]["description"])
        click.echo(f"The protocol of {name} was replaced; other outputs keep theirs.")
    placed = answer["protocol"] and any(each["place"] for each in answer["protocol"]["layers"])
    if placed and answer["space"]["mode"] == "off":
        click.echo(answer["space"]["note"])


@click.command("set", context_settings={"ignore_unknown_options": True})  # -20 is a value
@click.argument("address", shell_complete=completion.addresses)
@click.argument("value", type=Value())
@click.option(
    "--over",
    type=Number(0, MAX_OVER_S),
    default=0.0,
    metavar="SECONDS",
    help="Glide to the value within this time.",
)
def set_value(address: str, value: float, over: float) -> None:
    """Change one parameter, in its own unit.  Write ADDRESS as layer.parameter.

    Choices have names: `entrain layers KIND` lists them.

    \b
    Examples:
      entrain set tone.level_db -20
      entrain set rain.path orbit
      entrain set am.depth 0.3 --over 60
      entrain set pre.gate 1            pre and limiter are the engine's own layers
      entrain set tone.beat_hz 4 --over 600
    """
    change("set", address=address, value=value, over_s=over)


@click.command()
@click.argument("names", metavar="[NAME]...", nargs=-1, shell_complete=completion.outputs)
@click.option(
    "--prefer",
    is_flag=True,
    help="Play on the first NAME that is connected; without a NAME, forget the preferred outputs.",
)
@click.option(
    "--unplugged",
    type=click.Choice(get_args(Unplugged)),
    help="How speakers play that take over from unplugged headphones: 20 dB softer (the initial "
    "setting), silent, or at their own volume.",
)
def output(names: tuple[str, ...], prefer: bool, unplugged: str | None) -> None:
    """Play on another real device.  NAME is as in `entrain devices`.

    The output that you choose has priority over preferred outputs, and these over the desktop's
    choice.  Without a NAME, after headphones were unplugged, the speakers play at their own volume
    again.

    \b
    Examples:
      entrain output           after headphones were unplugged: the speakers' own volume
      entrain output alsa_output.usb-headset.analog-stereo
      entrain output auto      a preferred output, else the desktop's choice
      entrain output --prefer bluez_output.headset alsa_output.usb-dac
      entrain output --prefer  forget the preferred outputs
      entrain output --unplugged silent
      entrain output --unplugged softer   the initial setting
    """
    if not prefer and len(names) > 1:
        raise click.UsageError("give one NAME, or --prefer and any number of names")
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
            click.echo(clean(f"{name} is not connected; Entrain plays there once it is connected"))
    if chosen := status["chosen_output"]:
        click.echo(clean(f"{chosen} stays the chosen output; `entrain output auto` changes that"))
