"""Steer Entrain with the keys of a small keyboard: a key's name a line on stdin, a label back.

Macro pads and button boxes can send such lines.  For a Stream Deck, call `press` from the library's
callback, and show the returned label on the key.
"""

import sys
from collections.abc import Callable

from entrain import Client, EntrainError

KEYS: dict[str, Callable[[Client], object]] = {
    "1": lambda entrain: entrain.ask("bypass"),
    "2": lambda entrain: entrain.ask("use", protocol="focus-16"),
    "3": lambda entrain: entrain.ask("use", protocol="none"),
    "4": lambda entrain: entrain.ask("next"),
    "5": lambda entrain: entrain.ask("adjust", rate_steps=1),
    "6": lambda entrain: entrain.ask("adjust", rate_steps=-1),
    "7": lambda entrain: entrain.ask("adjust", level_steps=1),
    "8": lambda entrain: entrain.ask("adjust", level_steps=-1),
    "9": lambda entrain: entrain.ask("undo"),
    "0": lambda entrain: entrain.ask("sleep", minutes=30),
}


def press(key: str) -> str:
    """Send the command of a key, and return a label: the protocol that sounds now, or an error."""
    if key not in KEYS:
        return f"no command for {key!r}"
    try:
        with Client() as entrain:
            KEYS[key](entrain)
            status = entrain.ask("status")  # plain JSON, since a key must react at once
    except EntrainError as error:
        return str(error)
    name = status["protocol"]["name"] if status["protocol"] else "no protocol"
    return f"{name} (bypassed)" if status["bypass"] else name


for line in sys.stdin:
    print(press(line.strip()), flush=True)
