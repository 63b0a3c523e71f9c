"""Head tracking as text."""

from typing import TYPE_CHECKING

from entrain.tray.text.status_text import pose_source, table
from entrain.tray.text.text_layout import clean
from entrain.vdevice.limits import OPENTRACK_PORT

if TYPE_CHECKING:
    from entrain.vdevice.api.answers import Head


def summary(head: "Head") -> str:
    """Return in one line whether and where the head is tracked, and a problem in another."""
    if not head["on"]:
        return "head tracking is off"
    parts = [f"head tracking is on; {listening(head)}"]
    if head["problem"]:
        parts.append(f"problem: {head['problem']}")
    return "\n".join(map(clean, parts))


def listening(head: "Head") -> str:
    """Return where trackers are heard."""
    if not head["listening"]:
        return "it does not listen yet"
    ports = " and ".join(
        f"{port} ({'opentrack' if port == OPENTRACK_PORT else 'OSC'})"
        for port in sorted(head["listening"], reverse=True)
    )
    where = "of this computer and its whole network" if head["lan"] else "of this computer alone"
    return f"it listens on UDP port {ports} {where}"


def turned(head: "Head") -> str:
    """Return how the head is turned, such as "30° left, 5° up"."""
    parts = []
    for angle, more, less in (
        (head["yaw_deg"], "left", "right"),
        (head["pitch_deg"], "up", "down"),
        (head["roll_deg"], "tilted right", "tilted left"),
    ):
        if angle is not None and abs(angle) >= 0.5:
            parts.append(f"{abs(angle):.0f}° {more if angle > 0 else less}")
    return ", ".join(parts) or "straight ahead"


def status(head: "Head") -> None:
    """Print everything about head tracking, one subject per line."""
    rows = [("tracking", summary(head).splitlines()[0].removeprefix("head tracking is "))]
    if head["problem"]:
        rows.append(("problem", head["problem"]))
    if head["on"]:
        rows.append(("source", pose_source(head)))
        rows.append(("packets", f"{head['packets_per_s']:g} a second"))
    if head["age_s"] is not None:
        rows.append(("last pose", f"{head['age_s']:.2f} s ago"))
    if head["yaw_deg"] is not None:
        rows.append(("head", turned(head)))
    if head["ignored"] or head["malformed"]:
        text = f"{head['malformed']} malformed, {head['ignored']} without a pose of this sender"
        rows.append(("other packets", text))
    rows.append(("preset", head["preset"]))
    if head["invert"]:
        rows.append(("inverted", ", ".join(head["invert"])))
    if head["follow"] != 1:
        rows.append(("follows", f"{head['follow']:.0%} of the head's turn"))
    table(("", ""), rows)
