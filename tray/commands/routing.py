"""Commands that choose which sound goes through Entrain."""

# ruff: noqa: D301 - \b tells click not to wrap the lines that follow

from typing import TYPE_CHECKING, get_args

import click

from entrain.errors import EntrainError
from entrain.tray.commands import options
from entrain.tray.commands.request import ask, change
from entrain.vdevice.limits import Mode

if TYPE_CHECKING:
    from entrain.vdevice.api.answers import ApplicationRules


@click.command()
@click.argument("name", metavar="[MODE]", required=False, type=click.Choice(get_args(Mode)))
def mode(name: str | None) -> None:
    """Show or change how sound gets to Entrain.

    \b
    default   Entrain is the default output while it is on
    manual    Entrain gets only sound that you send to it, and the apps of
              `entrain apps --include`
    smart     the real device stays the default, and its sound passes through
              Entrain (needs WirePlumber 0.5)

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
@click.option(
    "--include",
    metavar="NAME",
    multiple=True,
    help="Process all sound of this app: also in manual mode, and also its calls.",
)
@click.option("--exclude", metavar="NAME", multiple=True, help="Keep this app out of Entrain.")
@click.option("--forget", metavar="NAME", multiple=True, help="Remove this app's rule.")
@click.option("--calls", type=click.Choice(["pass", "process"]), help="pass: calls bypass Entrain.")
@click.option(
    "--notifications",
    type=click.Choice(["pass", "process"]),
    help="pass: the desktop's short sounds bypass Entrain.",
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
    """Show or change which apps play through Entrain.

    NAME is an app's application id, binary or name.  Calls and notifications bypass Entrain unless
    you change this.  Entrain does not move an app that you have moved by hand.

    \b
    Examples:
      entrain apps
      entrain apps --exclude zoom --exclude "Firefox"
      entrain apps --include spotify
      entrain apps --forget zoom
      entrain apps --notifications process
    """
    _require_one_wish(include, exclude, forget)
    status = ask("status")
    rules = status["applications"]
    known = {name.casefold() for name in (*rules["include"], *rules["exclude"])}
    if unknown := [name for name in forget if name.casefold() not in known]:
        named = ", ".join((*rules["include"], *rules["exclude"])) or "none"
        raise EntrainError(
            f"there is no rule for {', '.join(map(repr, unknown))}; apps with a rule: {named}"
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
    if status["mode"] == "smart":
        click.echo("In smart mode, these rules do not apply.")
    click.echo(f"through Entrain   {_processed(status['mode'], rules)}")
    click.echo(f"past Entrain      {', '.join(rules['exclude']) or 'none'}")
    click.echo(f"calls             {_WAYS[rules['calls_pass']]}")
    click.echo(f"notifications     {_WAYS[rules['notifications_pass']]}")


_WAYS = {True: "past Entrain", False: "through Entrain"}


def _processed(mode: Mode, rules: "ApplicationRules") -> str:
    names = ", ".join(rules["include"])
    if mode == "manual":
        return names or "only sound that you send to it"
    if names and (rules["calls_pass"] or rules["notifications_pass"]):
        return f"all other apps, and all sound of {names}"
    return "all other apps"


def _require_one_wish(*wishes: tuple[str, ...]) -> None:
    told: set[str] = set()
    for names in wishes:
        these = {name.casefold() for name in names}
        if twice := told & these:
            raise click.UsageError(
                f"{', '.join(sorted(twice))}: use only one of --include, --exclude and --forget"
            )
        told |= these


def _changed(names: list[str], more: tuple[str, ...], less: set[str]) -> list[str]:
    gone = {name.casefold() for name in less}
    kept = [name for name in names if name.casefold() not in gone]
    return list(dict.fromkeys([*kept, *more]))
