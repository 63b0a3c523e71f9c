"""The command `log`: which protocols the user heard, and for how long."""

# ruff: noqa: D301 - \b tells click not to wrap the lines that follow

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import click

from entrain.errors import EntrainError
from entrain.tray.commands import options
from entrain.tray.commands.request import change
from entrain.tray.text import text_layout
from entrain.tray.text.number import Number

if TYPE_CHECKING:
    from entrain.vdevice.session.session_log import Stretch

_MAX_DAY_ROWS = 31
_ANSWER_S = 1.0
"""Longest wait for the running Entrain, which is asked for one line only."""
_IS_OFF = "The session log is off; `entrain log --on` starts it again."


@click.command()
@click.option(
    "--days",
    type=Number(1, 3660, whole=True),
    default=14,
    show_default=True,
    help="Number of days to show, including today.",
)
@click.option("--on/--off", "keep", default=None, help="Start or stop keeping a log.")
@options.as_json
def log(days: int, keep: bool | None, as_json: bool) -> None:
    """Show which protocols you heard, and for how long.

    The log is a file on this computer that only you can read.  Entrain does not send it anywhere.
    It leaves out a protocol that you heard for less than 5 seconds.

    \b
    Examples:
      entrain log
      entrain log --days 90
      entrain log --off                          stop keeping a log
      entrain log --json | jq '.protocols[0]'    the protocol that you heard most
    """
    if keep is not None:
        change("settings", session_log=keep)
        click.echo("The session log is on." if keep else _IS_OFF)
        return
    from entrain.platform.folders import state_folder
    from entrain.vdevice.session.session_log import FILE_NAME, SessionLog

    session_log = SessionLog(state_folder() / FILE_NAME)
    stretches, skipped = session_log.read()
    today = date.today()
    first = today - timedelta(days=days - 1)
    heard = [each for each in stretches if first <= each.started.date() <= today]
    found = summarised(heard, first, today) | {
        "file": str(session_log.path),
        "skipped_lines": skipped,
    }
    if as_json:
        options.print_json(found)
    else:
        _print(found)
        if session_log.warning:
            click.echo(session_log.warning)
        _print_what_is_missing()


def summarised(stretches: "Sequence[Stretch]", first: date, last: date) -> dict[str, Any]:
    """Add up the minutes per day and per protocol.

    Parameters
    ----------
    stretches : sequence of Stretch
        Each stretch counts for the day on which it began, by its own clock.
    first, last : date
        The days to list, including days without sound.

    """
    of_day: dict[date, float] = defaultdict(float)
    of_protocol: dict[str, dict[str, Any]] = {}
    for each in stretches:
        of_day[each.started.date()] += each.minutes
        entry = of_protocol.setdefault(
            each.protocol, {"id": each.protocol, "name": "", "minutes": 0.0, "sessions": 0}
        )
        entry["name"] = each.name  # the latest one
        entry["minutes"] += each.minutes
        entry["sessions"] += 1
    all_days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return {
        "from": first.isoformat(),
        "to": last.isoformat(),
        "minutes": sum(of_day.values()),
        "sessions": len(stretches),
        "days": [{"date": day.isoformat(), "minutes": of_day[day]} for day in all_days],
        "protocols": sorted(of_protocol.values(), key=lambda e: (-e["minutes"], e["id"])),
    }


def _print(found: dict[str, Any]) -> None:
    days = found["days"]
    span = "today" if len(days) == 1 else f"the last {len(days)} days"
    if not found["sessions"]:
        click.echo(f"No protocol was heard {'in ' if len(days) > 1 else ''}{span}.")
    else:
        number = found["sessions"]
        sessions = "session" if number == 1 else "sessions"
        text_layout.heading(
            f"{text_layout.duration(found['minutes'])} in {number} {sessions}, {span}"
        )
        rows = [(date.fromisoformat(day["date"]), day["minutes"]) for day in days]
        if len(rows) > _MAX_DAY_ROWS:
            _bars("Per week", [(f"{day:%d %b}", total) for day, total in _weeks(rows)])
        else:
            _bars("Per day", [(f"{day:%a %d %b}", minutes) for day, minutes in rows])
        _bars("Per protocol", [(each["name"], each["minutes"]) for each in found["protocols"]])
    if found["skipped_lines"]:
        click.echo(f"{found['skipped_lines']} damaged lines of {found['file']} were skipped.")


def _print_what_is_missing() -> None:
    """Tell whether the running Entrain keeps a log, and what it has not logged yet."""
    from entrain.vdevice.api.client import Client

    try:
        with Client(timeout_s=_ANSWER_S) as client:
            status = client.ask("status")
    except EntrainError:
        return
    if status["sandbox"]:
        click.echo("The Entrain that runs now keeps no log, since it plays in its sandbox.")
    elif not status["session_log"]:
        click.echo(_IS_OFF)
    elif status["state"] == "processing" and status["protocol"] and status["protocol"]["layers"]:
        click.echo("The present protocol is logged when it changes, or after some time.")


def _weeks(rows: list[tuple[date, float]]) -> list[tuple[date, float]]:
    """Add up the days of each week, from Monday on."""
    totals: dict[date, float] = defaultdict(float)
    for day, minutes in rows:
        totals[day - timedelta(days=day.weekday())] += minutes
    return sorted(totals.items())


def _bars(title: str, rows: list[tuple[str, float]]) -> None:
    click.echo()
    text_layout.heading(title)
    labels = [text_layout.clean(label) for label, _ in rows]
    column = min(max(map(len, labels)), 30)
    room = text_layout.width() - column - 2 - 14  # the length of the longest duration
    largest = max(minutes for _, minutes in rows)
    for label, (_, minutes) in zip(labels, rows, strict=True):
        drawn = text_layout.bar(minutes, largest, max(room, 10))
        line = f"{label[:column]:<{column}}"
        if drawn:
            line += f"  {click.style(drawn, fg='cyan')} {text_layout.duration(minutes)}"
        click.echo(line.rstrip())
