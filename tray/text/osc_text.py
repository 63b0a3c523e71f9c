"""OSC as text."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from entrain.platform import networks
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
    """Return what a user should know while the port is open to a network; may be empty."""
    if not osc["listening"] or is_loopback(osc["listen"]):
        return ""
    return "OSC knows no password: every device in your network can steer Entrain now"


def deaf(osc: "OscStatus") -> str:
    """Return in one line why Entrain does not listen, and what to do."""
    why = osc["problem"] or f"Entrain does not listen yet on UDP port {osc['port']}"
    other = "; `entrain osc on --port N` takes another port" if "another app" in why else ""
    return f"{why}; OSC stays on, and Entrain tries again{other}"


def reached(osc: "OscStatus") -> Iterator[str]:
    """Yield what to type into a phone that is to reach this computer, one line per address."""
    if not osc["listening"] or is_loopback(osc["listen"]):
        return
    address = osc["listen"]
    if address == "::":
        return  # a phone needs one of many addresses, most of which last for hours only
    found = networks.addresses() if address == networks.ANY else {address: ""}
    for host, network in found.items():
        where = f"{host} ({network})" if network else host
        ports = f"send to port {osc['port']}, receive at port {osc['feedback_port']}"
        yield clean(f"on your phone: host {where}, {ports}")


def heard(line: Mapping[str, Any]) -> str:
    """Return what has arrived and its effect in one line, as `monitor` shows it."""
    arguments = (
        f'"{each}"' if isinstance(each, str) else f"{each:g}" for each in line["arguments"]
    )
    message = " ".join((line["address"], *arguments))
    refused = line["refused"]
    effect = f"refused: {refused}" if refused else line["effect"]
    return clean("  ".join(each for each in (line["sender"], message, f"→ {effect}") if each))


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
