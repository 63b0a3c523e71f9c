"""Decides which changes of the status are worth a notification.

Pure, any thread; the caller passes the time.  A screen reader may read the texts aloud.
"""

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from entrain.tray.text.text_layout import clean

if TYPE_CHECKING:
    from entrain.vdevice.api.answers import Status

Kind = Literal["ended", "device", "trouble", "running"]

FAILED_AFTER_S = 10.0
"""Time without a sound server before a notification; a restart takes less."""
GONE_AFTER_S = 3.0
"""Time without an output before a notification; a switch to another output takes less."""
WAITING_AFTER_S = 20.0
"""Time without an output after login before a notification; outputs usually appear sooner."""


@dataclass(frozen=True)
class Notice:
    """A notification; it replaces the former notification of its kind."""

    kind: Kind
    title: str
    text: str
    urgent: bool = False


def notice_for(
    before: "Status", after: "Status", lasted_s: float = 0.0, present: Collection[str] | None = None
) -> Notice | None:
    """Return the notification for a change, or None.

    Parameters
    ----------
    before : Status
        The last status in which sound was audible.
    after : Status
        The present status.
    lasted_s : float
        Age of the present state, in seconds.
    present : collection of str, optional
        The names of the connected devices.  A device that is still connected was left by choice
        and is not reported as lost.  None if unknown: then no device is reported as lost.

    """
    if after["state"] == "failed":
        return _no_server(after) if lasted_s >= FAILED_AFTER_S else None
    if after["state"] == "waiting-for-device":
        return _waits(before, lasted_s)
    if not after["on"]:  # the listener or the sleep timer has switched Entrain off
        return None
    return _softened(before, after) or _lost(before, after, present) or _ended(before, after)


class Limiter:
    """Limits notifications: few in all, and each kind only after a pause."""

    def __init__(self, pause_s: float = 60.0, most: int = 5, within_s: float = 3600.0) -> None:
        self._pause_s, self._within_s = pause_s, within_s
        self._passed: deque[float] = deque(maxlen=most)
        self._last: dict[str, float] = {}

    def allows(self, kind: str, now_s: float) -> bool:
        """Return whether a notification may pass now, and count it if so."""
        last_s = self._last.get(kind)
        if last_s is not None and now_s - last_s < self._pause_s:
            return False
        if len(self._passed) == self._passed.maxlen and now_s - self._passed[0] < self._within_s:
            return False
        self._last[kind] = now_s
        self._passed.append(now_s)
        return True


class Notices:
    """Follows the status and returns each notification once."""

    def __init__(self, limiter: Limiter | None = None) -> None:
        self._limiter = limiter or Limiter()
        self._heard: Status | None = None
        self._state = ""
        self._since_s = 0.0
        self._told = False

    def observe(
        self, status: "Status", now_s: float, present: Collection[str] | None = None
    ) -> Notice | None:
        """Take the next status and return a notification if one is due.

        Parameters
        ----------
        status : Status
            The present status.  An unchanged status may make a notification due, too.
        now_s : float
            Time on a monotonic clock.
        present : collection of str, optional
            See `notice_for`.

        """
        if status["state"] != self._state:
            self._state, self._since_s, self._told = status["state"], now_s, False
        notice = notice_for(self._heard or status, status, now_s - self._since_s, present)
        if status["state"] not in ("failed", "waiting-for-device"):
            self._heard = status
        elif notice:  # it stays due for as long as the state lasts
            notice, self._told = (None if self._told else notice), True
        if notice and self._limiter.allows(notice.kind, now_s):
            return notice
        return None


def already_running(status: "Status | None", no_tray: str = "") -> Notice:
    """Return the notification that tells a user where to find the running Entrain.

    Parameters
    ----------
    status : Status or None
        The status of the running Entrain; None if it did not answer.
    no_tray : str
        Why the desktop shows no icons, in one sentence; empty if it shows them.

    """
    where = no_tray or "Its icon is in the panel."
    if status is not None and not status["icon"]:
        where = "It was started without an icon."
    where += " In a terminal, entrain --help lists its commands."
    if status is None:
        return Notice("running", "Entrain is already running", where)
    name = clean(status["protocol"]["name"]) if status["protocol"] else ""
    how = "It is on" if status["on"] else "It is off"
    if status["on"] and name:
        how += f": {name}"
        if status["bypass"]:
            how += ", bypassed"
    if output := _description(status):
        how += f", playing on {output}" if status["on"] else f"; sound goes to {output}"
    return Notice("running", "Entrain is already running", f"{how}. {where}")


def _no_server(after: "Status") -> Notice:
    reason = clean(after["reason"]) or "no sound server answers"
    text = f"{reason[0].upper()}{reason[1:].rstrip('.')}. Entrain tries again by itself."
    return Notice("trouble", "Entrain cannot reach a sound server", text, urgent=True)


def _waits(before: "Status", lasted_s: float) -> Notice | None:
    lost = _description(before)
    if lost and before["on"] and lasted_s >= GONE_AFTER_S:
        return Notice(
            "device", f"{lost} is gone", "Entrain continues as soon as an output is connected."
        )
    if not lost and lasted_s >= WAITING_AFTER_S:
        return Notice(
            "trouble",
            "Entrain is waiting for an output",
            "No headphones or speakers are connected. Entrain continues as soon as some are.",
        )
    return None


def _softened(before: "Status", after: "Status") -> Notice | None:
    if not after["softened"] or before["softened"]:
        return None
    how = "Silent" if after["softened"] == "silent" else "Playing softly"
    text = f"{how} on {_description(after)}; Entrain's menu or `entrain output` changes that."
    return Notice("device", "Headphones disconnected", text)


def _lost(before: "Status", after: "Status", present: Collection[str] | None) -> Notice | None:
    was, now = before["output"], after["output"]
    if present is None or not was or not now or was["name"] in (now["name"], *present):
        return None
    title = f"{_description(before)} is gone"
    return Notice("device", title, f"Entrain now plays on {_description(after)}.")


def _ended(before: "Status", after: "Status") -> Notice | None:
    was, now = before["protocol"], after["protocol"]
    if not was or not now or was["id"] != now["id"] or was["ended"] or not now["ended"]:
        return None
    text = "Your music plays on unchanged. Switch Entrain on to begin again."
    return Notice("ended", f"{clean(now['name'])} has ended", text)


def _description(status: "Status") -> str:
    """Return the output's readable name, or "" without an output."""
    output = status["output"]
    return clean(output["description"] or output["name"]) if output else ""
