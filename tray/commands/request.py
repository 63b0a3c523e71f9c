"""Requests to the running Entrain."""

from typing import TYPE_CHECKING, Any, Literal, overload

import click

if TYPE_CHECKING:
    from entrain.vdevice.api import answers


@overload
def ask(command: "answers.StatusCommand", **fields: object) -> "answers.Status": ...


@overload
def ask(command: Literal["devices"]) -> "list[answers.Device]": ...


@overload
def ask(command: Literal["protocols"]) -> "answers.Protocols": ...


def ask(command: Any, **fields: object) -> Any:
    """Send one request and return its answer; raises `EntrainError`."""
    from entrain.vdevice.api.client import Client

    with Client() as client:
        return client.ask(command, **fields)


def change(command: "answers.StatusCommand", **fields: object) -> "answers.Status":
    """Send one request, print the new state in one line, and return the answer."""
    from entrain.tray.text import status_text

    answer = ask(command, **fields)
    click.echo(status_text.summary(answer))
    return answer
