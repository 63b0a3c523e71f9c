"""Requests to the running Entrain."""

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
"""Longest wait for the process of outside control to listen, in seconds."""
_LOOK_S = 0.05
_RETRY_S = 0.5
"""Time between two attempts to read what arrives, in seconds."""

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
    end_s = time.monotonic() + START_TIMEOUT_S
    while True:
        found: Any = ask("status")[part]
        works = found["running" if part == "midi" else "listening"]
        if not found["on"] or works or found["problem"] or time.monotonic() > end_s:
            return found
        time.sleep(_LOOK_S)


def arriving(
    part: Part, socket_name: str, name: str, summary: Callable[[Any], str]
) -> Iterator[dict[str, Any]]:
    """Yield what arrives from outside, until that part is switched off or the user presses Ctrl-C.

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

    """
    from entrain.vdevice.api.arrivals import arrivals

    told = ""
    while True:
        status = started(part)
        if not status["on"]:
            raise EntrainError(f"{name} is off; `entrain {part} on` switches it on")
        if (text := summary(status)) != told:
            told = text
            click.echo(f"{text}\nCtrl-C ends the list", err=True)
        for line in arrivals(socket_name):
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
