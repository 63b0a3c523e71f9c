"""Requests to the running Entrain."""

import json
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Literal, overload

import click

from entrain.errors import EntrainError
from entrain.tray.text.text_layout import clean

if TYPE_CHECKING:
    from entrain.vdevice.api import answers

NAME = "command line"
"""Name by which Entrain tells others who changed the sound."""
START_TIMEOUT_S = 3.0
"""Longest wait for OSC or head tracking to listen, in seconds."""
MIDI_START_TIMEOUT_S = 7.0
"""The same for MIDI: its process starts, and then a driver has 5 s to answer."""
_LOOK_S = 0.05
_RETRY_S = 0.5
"""Time between two attempts to read what arrives, in seconds."""
_MOST_MISSED = 2
"""Attempts without a socket after which there is none; after one, the part may just start anew."""

Part = Literal["osc", "midi", "head"]
"""A part of outside control, as the status calls it."""


@overload
def ask(command: "answers.StatusCommand", **fields: object) -> "answers.Status": ...


@overload
def ask(command: Literal["devices"]) -> "list[answers.Device]": ...


@overload
def ask(command: Literal["protocols"]) -> "answers.Protocols": ...


def ask(command: Any, **fields: object) -> Any:
    """Send one request and return its answer; raises `EntrainError`."""
    from entrain.vdevice.api.client import Client

    with Client(name=NAME) as client:
        return client.ask(command, **fields)


def change(command: "answers.StatusCommand", **fields: object) -> "answers.Status":
    """Send one request, print the new state in one line, and return the answer.

    If Entrain cannot work, the reason follows on stderr; the request itself was carried out.
    """
    from entrain.tray.text import status_text

    answer = ask(command, **fields)
    click.echo(status_text.summary(answer))
    if answer["state"] == "failed":
        click.echo(f"entrain: {clean(answer['reason'])}", err=True)
    return answer


def started(part: Part) -> Any:
    """Wait until a part of outside control works, or says why it cannot; return its status."""
    end_s = time.monotonic() + (MIDI_START_TIMEOUT_S if part == "midi" else START_TIMEOUT_S)
    while True:
        found: Any = ask("status")[part]
        if not found["on"] or works(part, found) or found["problem"] or time.monotonic() > end_s:
            return found
        time.sleep(_LOOK_S)


def works(part: Part, status: Any) -> bool:
    """Return whether a part of outside control hears others, from its status."""
    return bool(status["running" if part == "midi" else "listening"])


def show_monitor(
    part: Part,
    socket_name: str,
    name: str,
    summary: Callable[[Any], str],
    heard: Callable[[Any], str],
    *,
    as_json: bool,
) -> None:
    """Print what arrives from outside, until that part is switched off or the user presses Ctrl-C.

    Parameters
    ----------
    heard : callable
        Returns the text of a line, without ``as_json``.

    The others are as for `monitor_lines`.
    """
    for line in monitor_lines(part, socket_name, name, summary):
        if as_json:
            click.echo(json.dumps(line))
        elif skipped := line.get("skipped"):
            click.echo(f"… and {skipped} more in this second")
        else:
            click.echo(heard(line))


def monitor_lines(
    part: Part, socket_name: str, name: str, summary: Callable[[Any], str]
) -> Iterator[dict[str, Any]]:
    """Yield what arrives from outside, until that part is switched off.

    Parameters
    ----------
    part : str
        Part of the status.
    socket_name : str
        Socket of the process that listens; when it starts anew, this connects again.
    name : str
        The part's name for people.
    summary : callable
        Says in a line, from the part's status, whether it works; printed on stderr.

    Raises
    ------
    EntrainError
        The part is off, or it works and nothing serves its socket.

    """
    from entrain.vdevice.api.monitor_client import arrivals

    told, missed = "", 0
    while True:
        status = started(part)
        if not status["on"]:
            raise EntrainError(f"{name} is off; `entrain {part} on` switches it on")
        if (text := summary(status)) != told:
            told = text
            click.echo(f"{text}\nCtrl-C ends the list", err=True)
        lines = arrivals(socket_name)
        missed = missed + 1 if lines is None and works(part, status) else 0
        if missed == _MOST_MISSED:
            raise EntrainError(
                f"{name} works, but its socket for monitors is not there; "
                f"`entrain {part} off` and `entrain {part} on` make it anew"
            )
        for line in lines or ():
            if problem := line.get("problem"):
                raise EntrainError(problem)
            yield line
        time.sleep(_RETRY_S)


def adjust(**steps: int) -> None:
    """Change all rates or all levels by steps, and print the new values as well."""
    from entrain.tray.text import status_text

    protocol = change("adjust", **steps)["protocol"]
    if protocol is None:
        return
    if "rate_steps" not in steps:
        lines = [status_text.layer(each) for each in protocol["layers"]]
    else:
        lines = [f"rate: {protocol['rate_hz']:g} Hz"] if protocol["rate_hz"] is not None else []
    for line in lines:
        click.echo(clean(line))
