"""Commands that say what sound goes through Entrain."""

# ruff: noqa: D301 - for click, a \b begins lines that are not to be wrapped

from typing import get_args

import click

from entrain.errors import EntrainError
from entrain.tray.commands import options
from entrain.tray.commands.request import ask, change
from entrain.vdevice.limits import Mode


@click.command()
@click.argument("name", metavar="[MODE]", required=False, type=click.Choice(get_args(Mode)))
def mode(name: str | None) -> None:
    """Say, or change, how sound gets to Entrain.

    \b
    default   Entrain is the default output while it is on
    manual    only what you send to it, and the programs of `entrain apps --include`
    smart     the real device stays the default, and all its sound passes Entrain
              (needs WirePlumber 0.5)

    \b
    Examples:
      entrain mode
      entrain mode manual
    """
    if name is None:
        click.echo(ask("status")["mode"])
    else:
        change("settings", mode=name)


@click.command()
@click.option("--include", metavar="NAME", multiple=True, help="Send it to Entrain in manual mode.")
@click.option("--exclude", metavar="NAME", multiple=True, help="Never through Entrain.")
@click.option("--forget", metavar="NAME", multiple=True, help="As if nothing had been said of it.")
@click.option("--calls", type=click.Choice(["pass", "process"]), help="Calls go past Entrain.")
@click.option(
    "--notifications",
    type=click.Choice(["pass", "process"]),
    help="The desktop's short sounds go past Entrain.",
)
@options.as_json
def apps(
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    forget: tuple[str, ...],
    calls: str | None,
    notifications: str | None,
    as_json: bool,
) -> None:
    """Say, or change, which programs are heard through Entrain.

    NAME is a program's application id, binary or name.  Calls and notifications pass by
    Entrain unless you say otherwise; a program that you have moved by hand is left alone.

    \b
    Examples:
      entrain apps
      entrain apps --exclude zoom --exclude "Firefox"
      entrain apps --include spotify          in manual mode: only this
      entrain apps --forget zoom
      entrain apps --notifications process
    """
    _require_one_wish(include, exclude, forget)
    rules = ask("status")["applications"]
    known = {name.casefold() for name in (*rules["include"], *rules["exclude"])}
    if unknown := [name for name in forget if name.casefold() not in known]:
        named = ", ".join((*rules["include"], *rules["exclude"])) or "none"
        raise EntrainError(
            f"nothing was said of {', '.join(map(repr, unknown))} that could be forgotten; "
            f"named are: {named}"
        )
    wanted = {
        "include": _changed(rules["include"], include, {*exclude, *forget}),
        "exclude": _changed(rules["exclude"], exclude, {*include, *forget}),
        "calls_pass": rules["calls_pass"] if calls is None else calls == "pass",
        "notifications_pass": rules["notifications_pass"]
        if notifications is None
        else notifications == "pass",
    }
    if wanted != rules:
        rules = ask("settings", applications=wanted)["applications"]
    if as_json:
        options.print_json(rules)
        return
    click.echo(f"through Entrain   {', '.join(rules['include']) or 'all that is not named below'}")
    click.echo(f"past Entrain      {', '.join(rules['exclude']) or 'none'}")
    click.echo(f"calls             {_WAYS[rules['calls_pass']]}")
    click.echo(f"notifications     {_WAYS[rules['notifications_pass']]}")


_WAYS = {True: "past Entrain", False: "through Entrain"}


def _require_one_wish(*wishes: tuple[str, ...]) -> None:
    told: set[str] = set()
    for names in wishes:
        these = {name.casefold() for name in names}
        if twice := told & these:
            raise click.UsageError(
                f"{', '.join(sorted(twice))}: only one of --include, --exclude and --forget"
            )
        told |= these


def _changed(names: list[str], more: tuple[str, ...], less: set[str]) -> list[str]:
    gone = {name.casefold() for name in less}
    kept = [name for name in names if name.casefold() not in gone]
    return list(dict.fromkeys([*kept, *more]))
