"""Options and small helpers that several commands use."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from entrain.errors import EntrainError
from entrain.tray.commands import completion

if TYPE_CHECKING:
    from entrain.vdevice.protocol.model import Protocol

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
protocol = click.option(
    "--protocol",
    metavar="ID|FILE",
    shell_complete=completion.protocols,
    help="Id of a protocol in the library, or path of a JSON file (./mine.json).",
)
layers = click.option(
    "--layer",
    "layers",
    metavar="SPEC",
    multiple=True,
    shell_complete=completion.specs,
    help="Add a layer, kind:key=value,..., to the protocol; without --protocol, use these layers "
    "alone. Repeat the option for more layers.",
)
standalone = click.option(
    "--standalone",
    is_flag=True,
    help="Play tones without music, too; otherwise they fade when the music falls silent.",
)


def resolve(source: str | None, layers: tuple[str, ...], standalone: bool) -> "Protocol":
    """Make a protocol from the command line's arguments; raises `ProtocolError`."""
    from entrain.engine import blocks
    from entrain.vdevice.protocol import library

    protocol = library.resolve(source, layers, blocks)
    return protocol.model_copy(update={"standalone": True}) if standalone else protocol


def no_such(what: str, name: str, known: Iterable[str], listing: str) -> EntrainError:
    """Return the error for a name that does not exist; `listing` is the command that lists all."""
    from difflib import get_close_matches

    names = list(known)
    if near := get_close_matches(name, names):
        meant = " or ".join(repr(each) for each in near)
        return EntrainError(
            f"there is no {what} {name!r}; did you mean {meant}? {listing} lists all"
        )
    return EntrainError(f"there is no {what} {name!r}; the {what}s are {', '.join(names)}")


def print_json(answer: object) -> None:
    """Print an answer as indented JSON."""
    click.echo(json.dumps(answer, indent=2, ensure_ascii=False))


@contextmanager
def progress(label: str, hidden: bool) -> Iterator[Callable[[int, int], None] | None]:
    """Show a progress bar on stderr; yield a callback that takes the work done and the total."""
    if hidden or not sys.stderr.isatty():
        yield None
        return
    with click.progressbar(length=1000, label=label, file=sys.stderr) as bar:
        yield lambda done, total: bar.update(done * 1000 // max(total, 1) - bar.pos)
