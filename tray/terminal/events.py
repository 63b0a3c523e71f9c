"""Describes the changes between two statuses, for the log.  Pure functions."""

from typing import TYPE_CHECKING

from entrain.tray.text.text_layout import clean, clock

if TYPE_CHECKING:
    from entrain.vdevice.api.answers import Status

_TIMER_S = 5.0
"""A sleep timer that differs by more than this has been set anew."""


class Steps:
    """Follows the steps of the sound that can be undone."""

    def __init__(self) -> None:
        self._older: str | None = None
        """Text of the step before the newest one, if known."""

    def told(self, before: "Status", after: "Status") -> list[str]:
        """Describe the newest step, or that a step was undone or made again."""
        undo, redo = after["undo_text"], after["redo_text"]
        former, older = before["undo_text"], self._older
        if (undo, redo) == (former, before["redo_text"]):
            return []
        if redo and redo == former:
            self._older = None
            return [clean(f"undone: {redo}")]
        if undo and undo == before["redo_text"]:
            self._older = former
            return [clean(f"made again: {undo}")]
        if former and undo == (older or ""):
            # Moves of one value within a second are one step; here they have led back.
            self._older = None
            return [clean(f"back again: {former}")]
        if undo.partition(" → ")[0] != former.partition(" → ")[0]:  # not one step with the former
            self._older = former
        return [clean(undo)] if undo and undo != former else []


def changes(before: "Status", after: "Status") -> list[str]:
    """Return a line for each change that a listener may want to know of."""
    found = [
        *_switches(before, after),
        *_session(before, after),
        *_outputs(before, after),
    ]
    return [clean(line) for line in found]


def troubles(before: "Status", after: "Status") -> list[str]:
    """Return a line for each new fault, which no client has caused."""
    found = []
    if before["state"] != after["state"] and after["state"] in ("failed", "waiting-for-device"):
        found.append(after["reason"] or after["state"])
    known = set(before["errors"])
    found += [f"error: {line}" for line in after["errors"] if line not in known]
    gaps = after["xruns"] - before["xruns"]
    if gaps > 0:
        found.append("1 gap in the sound" if gaps == 1 else f"{gaps} gaps in the sound")
    return [clean(line) for line in found]


def person(client: str, own: str) -> str:
    """Return who has sent a command, by the name of the client."""
    if client == own:
        return "you"
    if client.startswith("client-"):  # a name that Entrain gives to clients without one
        return "a program"
    if client.startswith("terminal-"):
        return "a terminal"
    return clean(client)


def _switches(before: "Status", after: "Status") -> list[str]:
    found = []
    if before["on"] != after["on"]:
        found.append("on" if after["on"] else "off")
    if before["bypass"] != after["bypass"]:
        found.append("bypass on" if after["bypass"] else "bypass off")
    if before["mode"] != after["mode"]:
        found.append(f"mode {after['mode']}")
    was_s, is_s = before["sleep_left_s"], after["sleep_left_s"]
    if is_s is None and was_s is not None:
        found.append("no sleep timer")
    elif is_s is not None and (was_s is None or abs(is_s - was_s) > _TIMER_S):
        found.append(f"off in {clock(round(is_s))}")
    return found


def _session(before: "Status", after: "Status") -> list[str]:
    was, now = before["protocol"], after["protocol"]
    if not was or not now or was["id"] != now["id"]:
        return []
    if now["ended"] and not was["ended"]:
        return [f"{now['name']} has ended"]
    if now["runs"] != was["runs"]:
        return ["session goes on" if now["runs"] else "session paused"]
    return []


def _outputs(before: "Status", after: "Status") -> list[str]:
    found = []
    was, now = before["output"], after["output"]
    if now and (was is None or was["name"] != now["name"]):
        found.append(f"plays on {now['description'] or now['name']}")
    if before["softened"] != after["softened"]:
        words = {"softer": "20 dB softer", "silent": "silent", None: "at their own volume"}
        found.append(f"speakers play {words[after['softened']]}")
    if before["muted"] != after["muted"]:
        found.append("muted" if after["muted"] else "no longer muted")
    return found
