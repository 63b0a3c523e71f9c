"""OSC as text."""

from typing import TYPE_CHECKING

from entrain.tray.text.status_text import table
from entrain.tray.text.text_layout import clean
from entrain.vdevice.limits import is_loopback

if TYPE_CHECKING:
    from entrain.vdevice.api.answers import OscStatus


def summary(osc: "OscStatus") -> str:
    """Return in one line whether and where Entrain listens, and a problem in another."""
    if not osc["on"]:
        return "OSC is off"
    where = f"UDP port {osc['port']} of {_machine(osc)}"
    parts = [f"OSC is on; it {'listens' if osc['listening'] else 'does not listen yet'} on {where}"]
    if osc["problem"]:
        parts.append(f"problem: {osc['problem']}")
    return "\n".join(map(clean, parts))


def warning(osc: "OscStatus") -> str:
    """Return what a user should know who opens the port to a network; may be empty."""
    if not osc["on"] or is_loopback(osc["listen"]):
        return ""
    return "OSC knows no password: every device in your network can steer Entrain now"


def status(osc: "OscStatus") -> None:
    """Print everything about OSC, one subject per line."""
    rows = [("OSC", summary(osc).splitlines()[0].removeprefix("OSC is "))]
    if osc["problem"]:
        rows.append(("problem", osc["problem"]))
    if text := warning(osc):
        rows.append(("warning", text))
    rows.append(("answers", f"go to UDP port {osc['feedback_port']} of the other program"))
    if osc["on"]:
        rows.append(("clients", f"{osc['clients']} with xmit"))
        rows.append(("packets", f"{osc['packets']}, {osc['refused']} refused"))
    if osc["refusal"]:
        rows.append(("last refusal", osc["refusal"]))
    table(("", ""), rows)


def _machine(osc: "OscStatus") -> str:
    if is_loopback(osc["listen"]):
        return "this computer alone"
    if osc["listen"] in ("0.0.0.0", "::"):
        return "this computer, open to its whole network"
    return f"this computer, open to the network of {osc['listen']}"
