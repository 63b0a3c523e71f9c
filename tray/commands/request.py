"""Requests to the running Entrain."""

import time
from typing import TYPE_CHECKING, Any, Literal, overload

import click

from entrain.tray.text.text_layout import clean

if TYPE_CHECKING:
    from entrain.vdevice.api import answers

NAME = "command line"
"""Name by which Entrain tells others who changed the sound."""
START_TIMEOUT_S = 3.0
"""Longest wait for the process of outside control to listen, in seconds."""
_LOOK_S = 0.05


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
    """Send one request, print the new state in one line, and return the answer."""
    from entrain.tray.text import status_text

    answer = ask(command, **fields)
    click.echo(status_text.summary(answer))
    return answer


def started(part: Literal["osc", "head"]) -> Any:
    """Wait until a part of outside control listens, or says why it cannot; return its status."""
    end_s = time.monotonic() + START_TIMEOUT_S
    while True:
        found = ask("status")[part]
        if not found["on"] or found["listening"] or found["problem"] or time.monotonic() > end_s:
            return found
        time.sleep(_LOOK_S)


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
