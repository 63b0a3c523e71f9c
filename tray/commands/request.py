"""Requests to the running Entrain."""

from typing import Any

import click


def ask(command: str, **fields: object) -> Any:
    """Send one request and return its answer; raises `EntrainError`."""
    from entrain.vdevice.api.client import Client

    with Client() as client:
        return client.ask(command, **fields)


def change(command: str, **fields: object) -> Any:
    """Send one request, print the new state in one line, and return the answer."""
    answer = ask(command, **fields)
    if isinstance(answer, dict):
        from entrain.tray.text import status_text

        click.echo(status_text.summary(answer))
    return answer
