"""Shows each message of a MIDI device and its effect in a line: `entrain midi monitor`."""

import json
import time
from collections.abc import Iterator
from typing import Any

import click

from entrain.errors import EntrainError
from entrain.platform.folders import user_paths
from entrain.platform.local_socket import connect
from entrain.tray.commands.request import ask
from entrain.tray.text import midi_text
from entrain.vdevice.limits import MIDI_MONITOR_SOCKET

_RETRY_S = 0.5
_CONNECT_TIMEOUT_S = 3.0
_MOST_LINE_BYTES = 1 << 16


def run(*, as_json: bool) -> None:
    """Print what arrives until MIDI is switched off; the user ends it with Ctrl-C."""
    for line in _lines():
        if problem := line.get("problem"):
            raise EntrainError(problem)
        click.echo(json.dumps(line) if as_json else midi_text.heard(line))


def _lines() -> Iterator[dict[str, Any]]:
    """Yield the lines of the process that hears MIDI; when it starts anew, connect again."""
    told = ""
    while True:
        midi = ask("status")["midi"]
        if not midi["on"]:
            raise EntrainError("MIDI is off; `entrain midi on` switches it on")
        if (summary := midi_text.summary(midi)) != told:
            told = summary
            click.echo(f"{summary}\nCtrl-C ends the list", err=True)
        yield from _connected_lines()
        time.sleep(_RETRY_S)


def _connected_lines() -> Iterator[dict[str, Any]]:
    found = connect(user_paths().runtime / MIDI_MONITOR_SOCKET, _CONNECT_TIMEOUT_S)
    if found is None:
        return
    with found:
        found.settimeout(None)
        with found.makefile("rb") as stream:
            while (data := stream.readline(_MOST_LINE_BYTES)).endswith(b"\n"):
                yield json.loads(data)
