"""Commands that work without a running Entrain: sound files, layers, the API, and the doctor.

Imports stand inside the commands, so that each command is quick.
"""

# ruff: noqa: D301 - \b tells click not to wrap the lines that follow

from pathlib import Path
from typing import get_args

import click

from entrain.errors import EntrainError
from entrain.tray.commands import completion, options
from entrain.tray.commands.picture_file import picture_file, picture_kind
from entrain.tray.text.number import Number
from entrain.vdevice.limits import MAX_VERIFY_HZ, MAX_VERIFY_START_S, MIN_VERIFY_HZ, SpaceMode

_force = click.option("--force", is_flag=True, help="Also replace a file of another kind.")


@click.command()
@click.argument("source", metavar="IN", type=click.Path())
@click.argument("destination", metavar="OUT", type=click.Path())
@options.protocol
@options.layers
@options.standalone
@click.option(
    "--space",
    type=click.Choice(get_args(SpaceMode)),
    default="off",
    help="Place the music, as `entrain space` does, if the protocol does not say how.",
)
@_force
@options.as_json
def render(
    source: str,
    destination: str,
    protocol: str | None,
    layers: tuple[str, ...],
    standalone: bool,
    space: SpaceMode,
    force: bool,
    as_json: bool,
) -> None:
    """Process a sound file in any format that libsndfile knows.

    Without --protocol and --layer, the command uses the protocol `default`.

    More than two channels are folded down to two after ITU-R BS.775.

    OUT appears when it is complete.  The command replaces a sound file of that name, but never IN,
    and replaces a file of another kind only with --force.

    If IN is damaged or cut off, the command processes the readable part, warns how far it reaches,
    and exits with 0.  If no part is readable, it writes no OUT and exits with 1.

    A space is heard through the head of `entrain hrtf use`.

    \b
    Examples:
      entrain render song.flac song-alpha.flac
      entrain render song.wav out.wav --layer am:rate_hz=16,depth=0.5
      entrain render song.wav out.wav --protocol none --space speakers
      entrain render silence.wav tones.wav --layer binaural:beat_hz=6 --standalone
    """
    from entrain.vdevice.notebook import render as render_file
    from entrain.vdevice.protocol.user_folder import shown

    resolved = options.resolve(protocol or (None if layers else "default"), layers, standalone)
    with options.progress("render", hidden=as_json) as progress:
        result = render_file(
            source, destination, resolved, space=space, force=force, progress=progress
        )
    for warning in result.warnings:
        click.echo(f"entrain: {shown(source)}: {warning}", err=True)
    if as_json:
        click.echo(result.model_dump_json())
    else:
        click.echo(
            f"{shown(destination)}: {result.seconds:.1f} s at {result.rate_hz} Hz, "
            f"{result.speed:.0f} times as fast as listening"
        )


@click.command()
@click.argument("source", metavar="FILE", type=click.Path())
@click.option(
    "--against", metavar="FILE", type=click.Path(), help="The original file, for a comparison."
)
@click.option(
    "--rate",
    "rate_hz",
    type=Number(MIN_VERIFY_HZ, MAX_VERIFY_HZ),
    metavar="HZ",
    help="Measure at this rate; without it, the command finds the rate.",
)
@click.option(
    "--start",
    "start_s",
    type=Number(0, MAX_VERIFY_START_S),
    metavar="SECONDS",
    help="Measure the minute that begins here; without it, the middle minute.",
)
@click.option(
    "--plot",
    metavar="FILE",
    type=click.Path(),
    help="Draw a picture (.png, .jpg, .svg or .pdf) and replace a picture of that name.",
)
@_force
@options.as_json
def verify(
    source: str,
    against: str | None,
    rate_hz: float | None,
    start_s: float | None,
    plot: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Measure the entrainment in a sound file.

    The command finds pairs of tones that beat between the ears, music that swells and fades at a
    steady rate, and sound that turns or swings between the ears.  It measures one minute of any
    file that libsndfile reads, and the loudness of the whole file.

    \b
    Index: how deep the sound swells and fades.
      below 0.1  faint, at the limit of hearing
      0.3        strong
      1          down to silence
    Floor: the index that restless music has by accident.
      An index below the floor means no entrainment.

    \b
    Examples:
      entrain verify song-alpha.flac
      entrain verify song-alpha.flac --against song.flac --plot song.png
      entrain verify session.wav --start 600 --rate 6
      entrain verify song-alpha.flac --json | jq '.found, .rate_hz'
    """
    from contextlib import ExitStack

    from entrain.vdevice.verify.needed_packages import verify_installed

    with verify_installed():
        from entrain.vdevice.verify.analyse import verify_file
        from entrain.vdevice.verify.words import as_text

        if plot:
            from entrain.vdevice.verify.plot import draw

    inputs = [Path(each) for each in (source, against) if each]
    with ExitStack() as stack:
        picture = stack.enter_context(picture_file(Path(plot), inputs, force)) if plot else None
        with options.progress("verify", hidden=as_json) as progress:
            report, curves = verify_file(
                Path(source), Path(against) if against else None, rate_hz, start_s, progress
            )
        if picture and plot:
            draw(report, curves, picture, picture_kind(Path(plot)))
    click.echo(report.model_dump_json() if as_json else as_text(report))


@click.command()
@click.option("--fix", is_flag=True, help="First clean up after an Entrain that was killed.")
@options.as_json
def doctor(fix: bool, as_json: bool) -> None:
    """Check everything that Entrain needs.  The command says what to do about problems.

    You can put the output into a bug report: it holds no names of people or machines.

    \b
    Examples:
      entrain doctor
      entrain doctor --fix
      entrain doctor --json > report.json
    """
    from dataclasses import asdict

    from entrain.tray.text import status_text
    from entrain.vdevice.offline.doctor import examine

    if fix:
        from entrain.vdevice.offline.leftovers import clean_up

        for line in clean_up():
            click.echo(line, err=as_json)
    found = examine()
    if as_json:
        options.print_json([asdict(finding) for finding in found])
    else:
        status_text.findings([(f.name, f.ok, f.text, f.advice) for f in found])
    bad = [finding.name for finding in found if finding.ok is False]
    if bad:
        raise EntrainError(f"problems found: {', '.join(bad)}")


@click.command()
@click.argument("command", required=False)
@click.option("--schema", "as_schema", is_flag=True, help="Print JSON Schema, for programs.")
def api(command: str | None, as_schema: bool) -> None:
    """Explain the control API, by which scripts steer Entrain.  COMMAND: explain one command.

    \b
    Examples:
      entrain api
      entrain api set
      entrain api --schema > entrain-api.json
    """
    from entrain.platform.folders import user_paths
    from entrain.tray.text import api_text
    from entrain.vdevice.api.client import SOCKET_NAME
    from entrain.vdevice.api.messages import COMMANDS
    from entrain.vdevice.api.schema import json_schema
    from entrain.vdevice.protocol.user_folder import shown

    if command is not None and command not in COMMANDS:
        raise options.no_such("command", command, COMMANDS, "`entrain api`")
    schema = json_schema()
    if as_schema:
        options.print_json(schema)
    elif command is None:
        socket = shown(user_paths().runtime / SOCKET_NAME)
        click.echo(api_text.overview(schema, socket), nl=False)
    else:
        click.echo(api_text.command(schema, command), nl=False)


@click.command()
@click.argument("kind", required=False, shell_complete=completion.kinds)
@options.as_json
def layers(kind: str | None, as_json: bool) -> None:
    """List the kinds of layer, or the parameters of one kind.

    \b
    Examples:
      entrain layers
      entrain layers am
      entrain layers --json | jq '.am.parameters.rate_hz'
    """
    from dataclasses import asdict

    from entrain.engine import blocks
    from entrain.tray.text import status_text

    if kind is not None and kind not in blocks():
        raise options.no_such("kind", kind, sorted(blocks()), "`entrain layers`")
    if as_json:
        found = blocks() if kind is None else {kind: blocks()[kind]}
        options.print_json({name: asdict(block) for name, block in sorted(found.items())})
    elif kind is None:
        status_text.kinds(blocks().values())
    else:
        status_text.parameters(blocks()[kind])
