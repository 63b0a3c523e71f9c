"""What of Entrain's life is worth a notification: decided on its status alone.

Pure, any thread; the time is passed in.  The texts are made to be read aloud, too.
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
"""Sound servers are restarted in less."""
GONE_AFTER_S = 3.0
"""Where another output takes over, that is done in less."""
WAITING_AFTER_S = 20.0
"""At login, outputs come in less."""


@dataclass(frozen=True)
class Notice:
    """A notification.  A later one of its kind takes its place."""

    kind: Kind
    title: str
    text: str
    urgent: bool = False


def notice_for(
    before: "Status", after: "Status", lasted_s: float = 0.0, present: Collection[str] | None = None
) -> Notice | None:
    """Tell what is to be said of a change.

    Parameters
    ----------
    before : Status
        When sound could last be heard.
    after : Status
        Now.
    lasted_s : float
        How long things have stood as they do now.
    present : collection of str, optional
        The names of the real devices that are there now: one that is left by choice is not
        reported as lost.  None: not known, and nothing is said of such a change.

    """
    if after["state"] == "failed":
        return _no_server(after) if lasted_s >= FAILED_AFTER_S else None
    if after["state"] == "waiting-for-device":
        return _waits(before, lasted_s)
    if not after["on"]:  # the listener has switched it off, or the sleep timer has
        return None
    return _softened(before, after) or _lost(before, after, present) or _ended(before, after)


class Limiter:
    """Lets few pass: neither many in all, nor one kind again and again."""

    def __init__(self, pause_s: float = 60.0, most: int = 5, within_s: float = 3600.0) -> None:
        self._pause_s, self._within_s = pause_s, within_s
        self._passed: deque[float] = deque(maxlen=most)
        self._last: dict[str, float] = {}

    def allows(self, kind: str, now_s: float) -> bool:
        """Tell whether one may pass now; then it has."""
        last_s = self._last.get(kind)
        if last_s is not None and now_s - last_s < self._pause_s:
            return False
        if len(self._passed) == self._passed.maxlen and now_s - self._passed[0] < self._within_s:
            return False
        self._last[kind] = now_s
        self._passed.append(now_s)
        return True


class Notices:
    """Follows the status, and says each thing once."""

    def __init__(self, limiter: Limiter | None = None) -> None:
        self._limiter = limiter or Limiter()
        self._heard: Status | None = None
        self._state = ""
        self._since_s = 0.0
        self._told = False

    def observe(
        self, status: "Status", now_s: float, present: Collection[str] | None = None
    ) -> Notice | None:
        """Look at the next status.

        Parameters
        ----------
        status : Status
            In a status that stays the same, too, something may be due.
        now_s : float
            On a clock that only goes forward.
        present : collection of str, optional
            See `notice_for`.

        """
        if status["state"] != self._state:
            self._state, self._since_s, self._told = status["state"], now_s, False
        notice = notice_for(self._heard or status, status, now_s - self._since_s, present)
        if status["state"] not in ("failed", "waiting-for-device"):
            self._heard = status
        elif notice:  # it is due as long as that state lasts
            notice, self._told = (None if self._told else notice), True
        if notice and self._limiter.allows(notice.kind, now_s):
            return notice
        return None


def already_running(status: "Status | None", no_tray: str = "") -> Notice:
    """Tell somebody who starts Entrain again where to find it.

    Parameters
    ----------
    status : Status or None
        What it says of itself; None: it did not answer.
    no_tray : str
        Why there is nothing that shows icons here, one sentence; empty: there is.

    """
    where = no_tray or "Its icon is in the panel."
    if status is not None and not status["icon"]:
        where = "It was started without an icon."
    where += " In a terminal, entrain --help lists what it can do."
    if status is None:
        return Notice("running", "Entrain is already running", where)
    name = clean(status["protocol"]["name"]) if status["protocol"] else ""
    how = "It is on" if status["on"] else "It is off"
    if status["on"] and name:
        how += f": {name}"
        if status["bypass"]:
            how += ", bypassed"
    if output := _description(status):
        how += f", heard on {output}" if status["on"] else f"; sound goes to {output}"
    return Notice("running", "Entrain is already running", f"{how}. {where}")


def _no_server(after: "Status") -> Notice:
    reason = clean(after["reason"]) or "no sound server answers"
    text = f"{reason[0].upper()}{reason[1:].rstrip('.')}. Entrain tries again by itself."
    return Notice("trouble", "Entrain has no sound server", text, urgent=True)


def _waits(before: "Status", lasted_s: float) -> Notice | None:
    lost = _description(before)
    if lost and before["on"] and lasted_s >= GONE_AFTER_S:
        return Notice(
            "device", f"{lost} is gone", "Entrain goes on as soon as there is an output again."
        )
    if not lost and lasted_s >= WAITING_AFTER_S:
        return Notice(
            "trouble",
            "Entrain waits for an output",
            "There are no headphones or speakers. It goes on by itself when there are.",
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
    return Notice("device", title, f"Entrain is heard on {_description(after)} now.")


def _ended(before: "Status", after: "Status") -> Notice | None:
    was, now = before["protocol"], after["protocol"]
    if not was or not now or was["id"] != now["id"] or was["ended"] or not now["ended"]:
        return None
    text = "What you play goes on unchanged. Switch Entrain on to begin again."
    return Notice("ended", f"{clean(now['name'])} has ended", text)


def _description(status: "Status") -> str:
    """Name the output as people know it; ``""`` while there is none."""
    output = status["output"]
    return clean(output["description"] or output["name"]) if output else ""
