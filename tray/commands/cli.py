"""The command line: the commands that start Entrain, or ask the running app.

Imports stand inside the commands, so that `status` is quick and `run` uses little memory.
"""

# ruff: noqa: D301 - \b tells click not to wrap the lines that follow

import gc
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Literal

import click
from click.core import ParameterSource

from entrain.errors import EntrainError
from entrain.tray.commands import (
    dashboard_command,
    desktop,
    head_command,
    hrtf,
    live_commands,
    log_command,
    midi_command,
    offline,
    options,
    osc_command,
    protocols,
    routing,
    space_command,
)
from entrain.tray.commands.request import NAME, ask
from entrain.tray.text.number import Number
from entrain.vdevice.limits import MAX_LATENCY_MS, MAX_WATCH_S, MIN_LATENCY_MS, MIN_WATCH_S
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.safety import SHORT_NOTICE


class _Commands(click.Group):
    """Lists commands in the order of this file; prints every failure in one line.

    A failure of a protocol may have several lines, one per problem.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ProtocolError as error:
            for line in str(error).splitlines():
                click.echo(f"entrain: {' '.join(line.split())}", err=True)
            ctx.exit(1)
        except EntrainError as error:
            click.echo(f"entrain: {' '.join(str(error).split())}", err=True)
            ctx.exit(1)
        except KeyboardInterrupt:
            click.echo(err=True)  # the shell's prompt begins on a line of its own
            ctx.exit(130)


@click.group(
    cls=_Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=SHORT_NOTICE,
)
@click.version_option(package_name="entrain", message="%(prog)s %(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    """One more output device that puts brainwave entrainment into your music.

    \b
    entrain                                start Entrain, or point to the running one
    entrain on                             send all sound through Entrain
    entrain protocols                      list the protocols, graded by their evidence
    entrain use binaural:beat_hz=6         use another beat
    entrain set tone.beat_hz 4 --over 600  glide to 4 Hz within ten minutes
    entrain off                            give the former output back

    Each command has its own --help.
    """
    if context.invoked_subcommand is None:
        from entrain.platform.local_socket import AlreadyRunning

        try:
            context.invoke(run)
        except AlreadyRunning:  # started twice, for instance at login and then by hand
            desktop.point_to_running()


@cli.command()
@click.option("--headless", is_flag=True, help="Do not show an icon.")
@click.option(
    "--backend",
    type=click.Choice(["auto", "pipewire", "pulse", "null"]),
    default="auto",
    show_default=True,
    help="Sound system to use; null plays no sound.",
)
@click.option("--output", metavar="NAME", help="Real device to play on (see `entrain devices`).")
@options.protocol
@options.layers
@options.standalone
@click.option(
    "--sandbox",
    type=click.Choice(["auto", "always"]),
    is_flag=False,
    flag_value="always",
    help="Use a private sound server with a virtual speaker; auto: only if no other one runs.",
)
@click.option(
    "--latency",
    "latency_ms",
    type=Number(MIN_LATENCY_MS, MAX_LATENCY_MS),
    metavar="MS",
    help="With PulseAudio: target for the added delay, from now on. Initially 10; less may click.",
)
@click.option("--demo", is_flag=True, help="In the sandbox: play a piece and print measurements.")
@click.option("--verbose", is_flag=True, help="Print debug messages on stderr.")
def run(
    headless: bool,
    backend: str,
    output: str | None,
    protocol: str | None,
    layers: tuple[str, ...],
    standalone: bool,
    sandbox: Literal["auto", "always"] | None,
    latency_ms: float | None,
    demo: bool,
    verbose: bool,
) -> None:
    """Add the output device Entrain.  The command runs until Ctrl-C or `entrain stop`.

    Without --protocol and --layer, Entrain uses the last protocol, at the first start `default`.

    \b
    Examples:
      entrain run --headless
      entrain run --layer binaural:carrier_hz=400,beat_hz=10,level_db=-12
      entrain run --layer low=binaural:carrier_hz=100 --layer binaural:carrier_hz=300
      entrain run --protocol ./evening.json --output alsa_output.usb-headset
      entrain run --sandbox              on a machine without sound
    """
    import logging

    from entrain.platform.malloc import share_heap

    share_heap()
    with _without_collections():
        from entrain.vdevice.app import run as run_app
        from entrain.vdevice.options import RunOptions

    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.WARNING, format="entrain: %(message)s"
    )
    wanted = RunOptions(
        headless=headless,
        backend=backend,
        output=output,
        protocol=options.resolve(protocol, layers, standalone) if protocol or layers else None,
        sandbox=sandbox or "never",
        latency_ms=latency_ms,
        verbose=verbose,
    )
    with ExitStack() as stack:
        show_icon = _nothing if headless else stack.enter_context(_tray_icon())

        def ready(greeting: str, environment: Mapping[str, str]) -> None:
            click.echo(greeting)
            show_icon()
            _show_notice(remember=not environment)
            if environment:
                click.echo("Other apps reach this private sound server with:")
                click.echo("  export " + " ".join(f"{k}={v}" for k, v in environment.items()))
            if demo and environment:
                stack.enter_context(_demonstration())

        sys.exit(run_app(wanted, ready))


@cli.command()
@options.as_json
def status(as_json: bool) -> None:
    """Show what Entrain is doing now.

    \b
    Examples:
      entrain status
      entrain status --json | jq .levels.out_db
    """
    answer = ask("status")
    if as_json:
        options.print_json(answer)
        return
    from entrain.tray.text import status_text

    status_text.status(answer)


@cli.command()
@click.option(
    "--interval",
    type=Number(MIN_WATCH_S, MAX_WATCH_S),
    default=1.0,
    show_default=True,
    help="Seconds between two lines.",
)
@click.option("--changes", is_flag=True, help="Print a line only when the status has changed.")
@click.option("--plain", is_flag=True, help="Print lines at a terminal, too.")
@options.as_json
@click.pass_context
def watch(
    context: click.Context, interval: float, changes: bool, plain: bool, as_json: bool
) -> None:
    """See the sound in the terminal, and steer it by keys.  The key ? lists them.

    Entrain prints lines until Ctrl-C instead if the output is not a terminal, or with one of these
    options.

    \b
    Examples:
      entrain watch
      entrain watch --plain
      entrain watch --interval 0.2
      entrain watch --json >> log.jsonl
      entrain watch --changes --interval 5
    """
    from entrain.tray.text import status_text
    from entrain.vdevice.api.client import Client

    wants_lines = plain or changes or as_json
    if not wants_lines and context.get_parameter_source("interval") is ParameterSource.DEFAULT:
        from entrain.platform.terminal import is_interactive

        if is_interactive():
            _live_screen()
            return
    live = sys.stdout.isatty() and not as_json
    with Client(name=NAME) as client:
        for state in client.watch(interval, changes_only=changes):
            if live:
                click.echo(f"\r{status_text.live(state)}\x1b[K", nl=False)
            else:
                click.echo(json.dumps(state) if as_json else status_text.live(state))
    if live:
        click.echo()


@cli.command()
def stop() -> None:
    """End the running Entrain.  The command returns when the former output plays again.

    \b
    Example:
      entrain stop
    """
    from entrain.vdevice.api.client import Client, NotRunning

    try:
        with Client(name=NAME) as client:
            client.ask("stop")
            client.wait_closed()
    except NotRunning:
        raise EntrainError("Entrain is not running") from None


@click.command()
@options.as_json
def devices(as_json: bool) -> None:
    """List the real output devices.

    \b
    Examples:
      entrain devices
      entrain devices --json
    """
    from entrain.vdevice.api.client import NotRunning

    try:
        found = ask("devices")
    except NotRunning:
        from entrain.vdevice.api.listed.outputs import ask_server

        found = ask_server()
    if as_json:
        options.print_json(found)
        return
    from entrain.tray.text import status_text

    status_text.devices(found)


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a shell's completion script.

    \b
    Examples:
      eval "$(entrain completion bash)"                                in ~/.bashrc
      entrain completion fish > ~/.config/fish/completions/entrain.fish
    """
    from click.shell_completion import get_completion_class

    script = get_completion_class(shell)
    assert script is not None  # click knows the three
    click.echo(script(cli, {}, "entrain", "_ENTRAIN_COMPLETE").source())


for command in (
    *(live_commands.on, live_commands.off, live_commands.bypass, live_commands.toggle),
    *(live_commands.use, protocols.next_, live_commands.set_value),
    *(protocols.save, protocols.rename, protocols.delete),
    *(live_commands.faster, live_commands.slower, live_commands.stronger, live_commands.weaker),
    *(live_commands.undo, live_commands.redo),
    *(live_commands.session, live_commands.sleep, log_command.log),
    *(protocols.protocols, protocols.show, protocols.validate, protocols.import_),
    *(devices, live_commands.output, routing.mode, routing.apps),
    *(space_command.space, hrtf.hrtf, head_command.head, dashboard_command.dashboard),
    *(osc_command.osc, midi_command.midi),
    *(desktop.autostart, desktop.hotkeys, desktop.install_desktop),
    *(offline.layers, offline.render, offline.verify, offline.doctor, offline.api, completion),
):
    cli.add_command(command)


def main() -> None:
    """Run the command line and end the process."""
    cli(prog_name="entrain")


def _nothing() -> None:
    return


def _live_screen() -> None:
    """Show the live screen; after a signal, end as this signal ends other programs."""
    import signal

    from entrain.tray.terminal.live import Live

    ended_by = Live().run()
    if ended_by == signal.SIGINT:
        raise KeyboardInterrupt
    if ended_by is not None:
        signal.signal(ended_by, signal.SIG_DFL)
        signal.raise_signal(ended_by)


@contextmanager
def _without_collections() -> Iterator[None]:
    """Import without garbage collection, which would take a tenth of the time and find none."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()  # later collections skip the imported objects, too
        gc.enable()


@contextmanager
def _tray_icon() -> Iterator[Callable[[], None]]:
    """Prepare a tray icon beside the app; yield a function that shows it."""
    from entrain.tray.icon.tray_icon import TrayIcon

    icon = TrayIcon(tell=click.echo)
    icon.start(at_once=False)
    try:
        yield icon.show
    finally:
        icon.stop()


def _at_a_terminal() -> bool:
    return sys.stdout.isatty()


def _show_notice(remember: bool) -> None:
    """Print the safety notice once.  Without a terminal, keep it for the next start."""
    from entrain.vdevice import safety

    if _at_a_terminal() and safety.notice_is_due():
        from entrain.tray.text import text_layout

        click.echo()
        text_layout.paragraph(safety.NOTICE)
        click.echo()
        if remember:  # the sandbox leaves no trace
            safety.remember_notice()


@contextmanager
def _demonstration() -> Iterator[None]:
    """Run the demonstration in a process of its own, which keeps numpy out of this one."""
    import subprocess

    from entrain.platform.processes import end

    process = subprocess.Popen([sys.executable, "-P", "-m", "entrain.tray.commands.demo"])
    try:
        yield
    finally:
        end(process)
