"""Writes what makes Entrain a part of a system: menu entry, icons, manual page, shell completion.

    python packages/desktop_files.py FOLDER         such as debian/entrain/usr/share

Everything comes from the installed Entrain; the program is /usr/bin/entrain.
"""

import datetime
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click
from click.shell_completion import get_completion_class

from entrain import __version__
from entrain.platform.launcher import XdgLauncher
from entrain.tray.commands.cli import cli
from entrain.tray.icon.drawing import svg_files

PROGRAM = Path("/usr/bin/entrain")
COMPLETIONS = {
    "bash": "bash-completion/completions/entrain",
    "zsh": "zsh/vendor-completions/_entrain",
    "fish": "fish/vendor_completions.d/entrain.fish",
}
UNWRAPPED = "\b"
"""Line before a paragraph whose lines click leaves as they are."""


def main() -> None:
    """Write all files below a folder."""
    share = Path(sys.argv[1]).absolute()
    for file in XdgLauncher(PROGRAM, share).install(svg_files()):
        file.chmod(0o644)
    for shell, path in COMPLETIONS.items():
        kind = get_completion_class(shell)
        assert kind
        write(share / path, kind(cli, {}, "entrain", "_ENTRAIN_COMPLETE").source())
    write(share / "man/man1/entrain.1", "\n".join(manual()))


def write(path: Path, text: str) -> None:
    """Write a file that every user may read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.rstrip("\n") + "\n", encoding="utf-8")
    path.chmod(0o644)


# ---- the manual page -----------------------------------------------------------------------------


def manual() -> Iterator[str]:
    """Return the lines of the manual page in the language of troff."""
    built = datetime.datetime.fromtimestamp(
        int(os.environ.get("SOURCE_DATE_EPOCH", "0")), datetime.UTC
    )
    yield f'.TH ENTRAIN 1 "{built:%Y-%m-%d}" "Entrain {__version__}" "User Commands"'
    yield from (".SH NAME", r"entrain \- output device with brainwave entrainment")
    yield from (".SH SYNOPSIS", r".B entrain", r"[\fIOPTIONS\fR] [\fICOMMAND\fR] [\fIARGUMENTS\fR]")
    yield ".SH DESCRIPTION"
    yield from paragraphs(cli.help or "")
    yield from options(cli, ["entrain"])
    yield ".SH COMMANDS"
    for name, command in cli.commands.items():
        yield from described(command, ["entrain", name])
    yield ".SH SAFETY"
    yield from paragraphs(cli.epilog or "")


def described(command: click.Command, path: list[str]) -> Iterator[str]:
    """Describe a command and the commands below it."""
    context = click.Context(command, info_name=path[-1])
    pieces = " ".join(command.collect_usage_pieces(context))
    yield f".SS {escaped(' '.join([*path, pieces]))}"
    yield from paragraphs(command.help or "")
    yield from options(command, path)
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from described(inner, [*path, name])


def options(command: click.Command, path: list[str]) -> Iterator[str]:
    """Describe the options of a command, as its own help does."""
    context = click.Context(command, info_name=path[-1])
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record and isinstance(parameter, click.Option):
            yield from (".TP", rf"\fB{escaped(record[0])}\fR", escaped(record[1]))


def paragraphs(text: str) -> Iterator[str]:
    """Return the paragraphs of a help text; examples keep their lines."""
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        lines = paragraph.splitlines()
        yield ".PP"
        if lines[0].strip() == UNWRAPPED:
            yield ".nf"
            yield from map(escaped, lines[1:])
            yield ".fi"
        else:
            yield escaped(" ".join(line.strip() for line in lines))


def escaped(line: str) -> str:
    """Return a line that troff prints as it is."""
    line = line.replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{line}" if line.startswith((".", "'")) else line


if __name__ == "__main__":
    main()
