"""Commands for the library: list, show, validate, import and save protocols.

Imports stand inside the commands, so that each command is quick.
"""

# ruff: noqa: D301 - \b tells click not to wrap the lines that follow

from pathlib import Path
from typing import Any, get_args

import click

from entrain.errors import EntrainError
from entrain.tray.commands import completion, options
from entrain.tray.commands.request import ask, change
from entrain.tray.text.text_layout import clean
from entrain.vdevice.limits import Category


@click.command()
@click.option("--category", type=click.Choice(get_args(Category)), help="List one category only.")
@click.option("--recent", is_flag=True, help="List the last used protocols, the latest first.")
@options.as_json
def protocols(category: str | None, recent: bool, as_json: bool) -> None:
    """List the shipped protocols and your own.

    Your own protocols are JSON files in ~/.local/share/entrain/protocols (or where your system
    keeps such data).  Entrain uses a file as soon as you save it.  A file with the id of a shipped
    protocol replaces that protocol.

    \b
    Examples:
      entrain protocols
      entrain protocols --category sleep
      entrain protocols --recent
      entrain protocols --json | jq -r '.protocols[] | select(.outcome == "strong") | .id'
    """
    from entrain.engine import blocks
    from entrain.vdevice.protocol.library import user_library

    library = user_library(blocks)
    entries = [
        entry
        for entry in library.entries()
        if not entry.problems and category in (None, entry.category)
    ]
    if recent:  # only the running Entrain knows the last used protocols
        known = {entry.id: entry for entry in entries}
        entries = [known[each] for each in ask("protocols")["recent"] if each in known]
    problems = library.problems()
    if not as_json:
        from entrain.tray.text import protocol_text

        protocol_text.library(entries, problems)
        return
    from entrain.vdevice.api.listed.protocols import described

    found = [described(entry).model_dump(mode="json") for entry in entries]
    options.print_json({"protocols": found, "problems": problems})


@click.command()
@click.argument("protocol", metavar="ID|FILE", shell_complete=completion.protocols)
@options.as_json
def show(protocol: str, as_json: bool) -> None:
    """Show a protocol in full: sound, evidence, warnings.

    Each protocol has two grades: whether listeners benefit, and whether the nervous system follows
    the sound.  The lower grade comes first.

    \b
    Examples:
      entrain show default
      entrain show ./evening.json
      entrain show default --json | jq .evidence
    """
    from entrain.engine import blocks
    from entrain.vdevice.protocol import library
    from entrain.vdevice.protocol.names import is_id

    users = library.user_library(blocks)
    found = library.resolve(protocol, (), blocks, users)
    path = users.entry(protocol).path if is_id(protocol) else None
    if as_json:
        options.print_json(found.model_dump(mode="json"))
        return
    from entrain.tray.text import protocol_text

    protocol_text.protocol(found, str(path or ""), blocks())


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path())
@options.as_json
def validate(files: tuple[str, ...], as_json: bool) -> None:
    """List every mistake in protocol files.  The command fails if it finds a mistake.

    \b
    Examples:
      entrain validate evening.json
      entrain validate *.json --json | jq '.[] | select(.problems != [])'
    """
    from entrain.engine import blocks
    from entrain.vdevice.protocol.errors import ProtocolError
    from entrain.vdevice.protocol.named_file import load_file
    from entrain.vdevice.protocol.user_folder import shown

    found: list[dict[str, Any]] = []
    for file in files:
        protocol_id, problems = None, []
        try:
            protocol_id = load_file(Path(file), blocks).id
        except ProtocolError as error:
            problems = str(error).splitlines()
        found.append({"file": file, "id": protocol_id, "problems": problems})
        if not as_json:
            for line in problems or [f"{shown(file)}: valid, with the id {protocol_id!r}"]:
                click.echo(line)
    if as_json:
        options.print_json(found)
    if bad := sum(bool(each["problems"]) for each in found):
        raise EntrainError(f"{bad} of {len(found)} {_files(len(found))} cannot be used")


@click.command("import")
@click.argument("paths", metavar="FILE|DIR...", nargs=-1, required=True, type=click.Path())
@click.option("--dry-run", is_flag=True, help="Print the result without saving it.")
@click.option("--replace", is_flag=True, help="Replace protocols that have the same id.")
@options.as_json
def import_(paths: tuple[str, ...], dry_run: bool, replace: bool, as_json: bool) -> None:
    """Import files of other apps, or of Entrain, as protocols.

    Files can be from SBaGen (.sbg), Gnaural (.gnaural, .xml) or Entrain (.json).  The command
    searches folders at any depth.  It imports a file as a whole or refuses it, and lists line by
    line what it could not keep.  The file's name becomes the protocol's name, unless the file holds
    a name itself, as a title of Gnaural does.

    \b
    Examples:
      entrain import evening.sbg
      entrain import --dry-run ~/sbagen
      entrain import --replace ~/sbagen ~/gnaural
      entrain import ~/sbagen --json | jq -r '.files[] | select(.notes != []) | .file'
    """
    from dataclasses import asdict

    from entrain.engine import blocks
    from entrain.vdevice.protocol.import_files import found_files, import_files
    from entrain.vdevice.protocol.library import user_library
    from entrain.vdevice.protocol.user_folder import shown

    files = found_files(map(Path, paths))
    library = user_library(blocks)
    with options.progress("import", hidden=as_json or len(files) < 2) as progress:
        outcomes = list(
            import_files(
                files, library, blocks, replace=replace, dry_run=dry_run, progress=progress
            )
        )
    refused = [outcome for outcome in outcomes if outcome.result == "refused"]
    imported = [outcome for outcome in outcomes if outcome.result == "imported"]
    unchanged = [outcome for outcome in outcomes if outcome.result == "unchanged"]
    with_notes = [outcome for outcome in imported if outcome.notes]
    if as_json:
        options.print_json(
            {
                "imported": len(imported),
                "with_notes": len(with_notes),
                "unchanged": len(unchanged),
                "refused": len(refused),
                "dry_run": dry_run,
                "files": [asdict(outcome) | {"path": str(outcome.path)} for outcome in outcomes],
            }
        )
    else:
        for outcome in outcomes:
            for line in (*outcome.notes, *outcome.problems):
                click.echo(line)
        if len(unchanged) == 1 and not imported:
            click.echo(
                f"{shown(unchanged[0].path)}: you have this protocol already; use it with: "
                f"entrain use {unchanged[0].id} (use --replace if the file has changed since)"
            )
        if len(imported) == 1 and not dry_run:
            click.echo(f"Use it with: entrain use {imported[0].id}")
        parts = [f"{len(imported)} {'would be imported' if dry_run else 'imported'}"]
        if with_notes:
            parts.append(f"{len(with_notes)} of them with notes")
        if unchanged:
            parts.append(f"{len(unchanged)} already in the library")
        parts.append(f"{len(refused)} refused")
        click.echo(", ".join(parts))
    if refused:
        were = "was" if len(refused) == 1 else "were"
        raise EntrainError(f"{len(refused)} of {len(files)} {_files(len(files))} {were} refused")


@click.command()
@click.argument("name")
@click.option("--replace", is_flag=True, help="Also hide a shipped protocol with the same id.")
def save(name: str, replace: bool) -> None:
    """Save the sound that you hear now as a protocol.

    The protocol's id is the name in small letters, with - for all other characters.  A former
    protocol of yours with this id stays beside the new one as a .bak file.

    \b
    Examples:
      entrain use binaural:carrier_hz=300,beat_hz=7
      entrain save "My seven"       from now on: entrain use my-seven
    """
    from entrain.vdevice.protocol.library import user_library
    from entrain.vdevice.protocol.user_folder import shown, slug

    protocol_id = slug(name)  # before the request: a bad name fails at once
    library = user_library()
    former = library.own_file(protocol_id)
    before = _content(former)
    change("save", name=name, **({"replace": True} if replace else {}))
    click.echo(f"Saved; use it with: entrain use {protocol_id}")
    if before is not None and _content(former) != before:
        click.echo(f"Your former protocol of this id is kept as {shown(str(former))}.bak")


@click.command()
@click.argument("protocol", metavar="ID", shell_complete=completion.own_protocols)
def delete(protocol: str) -> None:
    """Delete a protocol of your own.  If it is playing, it goes on.

    The file stays beside the others, with .bak after its name.

    \b
    Examples:
      entrain delete my-seven
      entrain protocols --category own        list your own protocols
    """
    from entrain.vdevice.protocol.library import user_library
    from entrain.vdevice.protocol.user_folder import shown

    file = user_library().own_file(protocol)
    for line in change("delete", id=protocol)["errors"]:
        if line.startswith(f"{protocol} was deleted"):  # outputs that still have it
            click.echo(clean(line))
    click.echo(f"Deleted; the file is kept as {shown(str(file))}.bak" if file else "Deleted")


@click.command()
@click.argument("protocol", metavar="ID", shell_complete=completion.own_protocols)
@click.argument("name")
def rename(protocol: str, name: str) -> None:
    """Rename a protocol of your own.  Its id follows the name, as with `entrain save`.

    Outputs that have this protocol keep it.

    \b
    Example:
      entrain rename my-seven "Calm seven"    from now on: entrain use calm-seven
    """
    from entrain.vdevice.protocol.user_folder import slug

    protocol_id = slug(name)  # before the request: a bad name fails at once
    change("rename", id=protocol, name=name)
    click.echo(f"Renamed; use it with: entrain use {protocol_id}")


@click.command("next")
def next_() -> None:
    """Switch to the next protocol of the same category.  Made for a keyboard shortcut.

    \b
    Example:
      entrain next
    """
    change("next")


def _content(path: Path | None) -> bytes | None:
    """Return a file's content; None without a readable file, such as for a pipe."""
    from entrain.platform.files import read_file
    from entrain.vdevice.protocol.user_folder import MAX_FILE_BYTES

    try:
        return read_file(path, 16 * MAX_FILE_BYTES) if path else None
    except OSError:
        return None


def _files(number: int) -> str:
    return "file" if number == 1 else "files"
