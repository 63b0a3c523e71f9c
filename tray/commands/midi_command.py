"""The commands that let MIDI devices steer Entrain."""

# ruff: noqa: D301 - \b tells click not to wrap the lines that follow

from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from entrain.errors import EntrainError
from entrain.tray.commands import completion, options
from entrain.tray.commands.request import NAME, ask, show_monitor, started
from entrain.tray.text.number import Number
from entrain.vdevice.limits import MAX_LEARN_S, MIDI_MONITOR_SOCKET, MidiSystem

if TYPE_CHECKING:
    from entrain.vdevice.api.answers import MidiStatus

_LEARN_S = 30.0
_MAX_FILE_BYTES = 1 << 20


@click.group(invoke_without_command=True)
@click.pass_context
def midi(context: click.Context) -> None:
    """Steer Entrain with knobs, faders, pads and pedals.

    The chief parameters have controllers already; `entrain midi list` shows them.  Any other
    control can be learned.  A knob has no effect until it meets the present value.  If a fast
    turn skips the value, the value glides to the knob.

    \b
    Examples:
      entrain midi on
      entrain midi learn tone.beat_hz                  then move the knob
      entrain midi learn tone.beat_hz --from 4 --to 12
      entrain midi learn bypass                        then press the pad
      entrain midi learn use:focus-16                  or send a program change
      entrain midi list
      entrain midi monitor                             see what arrives, and its effect
      entrain midi forget tone.beat_hz
      entrain midi off
    """
    if context.invoked_subcommand is None:
        _show(ask("status")["midi"])


@midi.command()
@click.option(
    "--system",
    type=click.Choice(get_args(MidiSystem)),
    help="MIDI system; auto takes ALSA, or JACK where ALSA has no sequencer. Initially auto.",
)
def on(system: str | None) -> None:
    """Let MIDI devices steer Entrain.

    Devices may come and go at any time.  Other programs can connect to the port "Entrain".  If MIDI
    cannot work, this says why and fails; MIDI stays on, and Entrain tries again.

    \b
    Examples:
      entrain midi on
      entrain midi on --system jack
    """
    wishes = {"system": system} if system else {}
    answer = ask("midi", on=True, **wishes)["midi"]
    if not answer["running"]:
        answer = started("midi")
    if not answer["running"]:
        from entrain.tray.text import midi_text

        raise EntrainError(midi_text.deaf(answer))
    _summary(answer)


@midi.command()
def off() -> None:
    """Take no notice of MIDI devices.  The mappings are kept.

    \b
    Example:
      entrain midi off
    """
    _summary(ask("midi", on=False)["midi"])


@midi.command()
@options.as_json
def status(as_json: bool) -> None:
    """Show the connected devices, and problems.

    \b
    Examples:
      entrain midi status
      entrain midi status --json | jq .devices
    """
    answer = ask("status")["midi"]
    if as_json:
        options.print_json(answer)
    else:
        _show(answer)


@midi.command()
@click.argument("target", metavar="ADDRESS|ACTION", shell_complete=completion.midi_targets)
@click.option("--from", "low", type=float, help="Value at the lower end of the control.")
@click.option("--to", "high", type=float, help="Value at the upper end; may be the lower value.")
@click.option(
    "--no-pickup",
    is_flag=True,
    help="Take hold at once: for motor faders and LED rings, which follow the value themselves.",
)
@click.option(
    "--timeout",
    type=Number(1, MAX_LEARN_S),
    default=_LEARN_S,
    help=f"Seconds to wait for the control. Initially {_LEARN_S:g}.",
)
def learn(
    target: str, low: float | None, high: float | None, no_pickup: bool, timeout: float
) -> None:
    """Map the control that you move next to a parameter or an action.

    Turn an endless knob to both sides, so that Entrain can tell how it writes its steps.  Actions
    are bypass, next, undo, redo, on, off, faster, slower, stronger, weaker, and use:ID for the
    protocol with this id.  Ctrl-C gives up.

    \b
    Examples:
      entrain midi learn tone.beat_hz
      entrain midi learn music.depth --from 0.1 --to 0.6
      entrain midi learn limiter.ceiling_db --no-pickup
      entrain midi learn next
    """
    from entrain.tray.text import midi_text
    from entrain.vdevice.api.client import Client

    # The end of `client` ends the learning.
    with Client(name=NAME) as watching, Client(name=NAME) as client:
        begun = client.ask(
            "midi_learn", target=target, low=low, high=high, pickup=not no_pickup, timeout_s=timeout
        )["midi"]
        is_action = "." not in target
        click.echo(f"{'press a pad or a button' if is_action else 'move a knob or a fader'} now …")
        heard, is_waiting = "", False
        for news in watching.watch_parts(["midi"], 0.1, prompt=True):
            told: MidiStatus = news.parts["midi"]
            if told["learning"] is None or told["learning"]["target"] != target:
                break
            if told["problem"] or told["refused"] > begun["refused"]:
                raise EntrainError(told["problem"] or told["refusal"])
            if told["running"] and not told["devices"] and not is_waiting:
                is_waiting = True
                click.echo("no MIDI device is connected; waiting for one")
            if told["learning"]["heard"] != heard:
                heard = told["learning"]["heard"]
                click.echo(f"heard {midi_text.plain(heard)}")
        learned = client.ask("status")["midi"]["learned"]
    if learned is None or learned["target"] != target:
        reason = "" if heard else "; `entrain midi status` shows whether its device is connected"
        raise EntrainError(f"no control was learned within {timeout:g} s{reason}")
    click.echo(midi_text.mapped(learned))


@midi.command("list")
@options.as_json
def list_(as_json: bool) -> None:
    """List your mappings, and the controllers that the parameters have without one.

    `entrain midi map` reads the list that --json prints.

    \b
    Examples:
      entrain midi list
      entrain midi list --json > my-knobs.json
    """
    mappings = _mappings()
    if as_json:
        options.print_json(mappings)
        return
    from entrain.engine import blocks
    from entrain.tray.text import midi_list

    midi_list.show(mappings, ask("status"), blocks())


@midi.command()
@options.as_json
def monitor(as_json: bool) -> None:
    """Show what arrives, what it is mapped to, and its effect, until Ctrl-C.

    At most 50 messages a second are shown; the others are counted.

    \b
    Examples:
      entrain midi monitor
      entrain midi monitor --json | jq .effect
    """
    from entrain.tray.text import midi_text

    show_monitor(
        "midi", MIDI_MONITOR_SOCKET, "MIDI", midi_text.summary, midi_text.heard, as_json=as_json
    )


@midi.command()
@click.argument(
    "target", metavar="ADDRESS|ACTION", required=False, shell_complete=completion.mapped_targets
)
@click.option("--all", "everything", is_flag=True, help="Forget all mappings.")
def forget(target: str | None, everything: bool) -> None:
    """Remove your mappings of a parameter or an action.

    \b
    Examples:
      entrain midi forget tone.beat_hz
      entrain midi forget --all
    """
    if (target is None) != everything:
        raise click.UsageError("give an address or an action, or --all")
    left = ask("midi_forget", target=target)["midi"]["mappings"]
    click.echo(f"forgotten; mappings left: {left}")


@midi.command("map")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Remove all mappings that are not in the file.")
def map_(file: Path, replace: bool) -> None:
    """Add the mappings in a file, which `entrain midi list --json` writes.

    \b
    Examples:
      entrain midi map my-knobs.json
      entrain midi map my-knobs.json --replace
    """
    import json

    from entrain.platform.files import UnfitFile, read_file

    try:
        found = json.loads(read_file(file, _MAX_FILE_BYTES))
    except UnfitFile as error:
        raise EntrainError(f"{file} {error}") from error
    except OSError as error:
        raise EntrainError(f"cannot read {file}: {error.strerror}") from error
    except (ValueError, RecursionError):
        raise EntrainError(f"{file} is not JSON; `entrain midi list --json` writes it") from None
    if not isinstance(found, list):
        raise EntrainError(
            f"{file} is not a list of mappings; `entrain midi list --json` writes it"
        )
    answer = ask("midi_map", mappings=found, replace=replace)["midi"]
    click.echo(f"mapped; mappings: {answer['mappings']}")


def _mappings() -> Any:
    from entrain.vdevice.api.client import Client

    with Client(name=NAME) as client:
        return client.ask("midi_mappings")["mappings"]


def _summary(answer: "MidiStatus") -> None:
    from entrain.tray.text import midi_text

    click.echo(midi_text.summary(answer))


def _show(answer: "MidiStatus") -> None:
    from entrain.tray.text import midi_text

    midi_text.status(answer)
