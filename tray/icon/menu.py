"""Turns a status into a description of the tray: icon, tooltip and menu.

Pure functions, any thread.  This module knows the control API's answers, but no desktop.  Every
line explains itself in words, for screen readers.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from entrain.tray.icon.drawing import IconState
from entrain.tray.icon.menu_items import Ask, Do, Item, MenuDescription, line
from entrain.tray.icon.space_menu import space
from entrain.tray.text.text_layout import clean

if TYPE_CHECKING:
    from entrain.vdevice.api.answers import ListedProtocol, Protocols, Status

SLEEP_MINUTES = (15, 30, 45, 60, 90)


def describe(
    status: "Status | None",
    library: "Protocols | None" = None,
    autostart: bool | None = None,
    hrtfs: Sequence[tuple[str, str]] = (),
) -> MenuDescription:
    """Describe icon, tooltip and menu.

    Parameters
    ----------
    status : mapping or None
        The control API's `Status`; None if Entrain is not running.
    library : mapping or None
        The control API's `Protocols`; None if not known yet.
    autostart : bool or None
        Whether Entrain starts at login; None if this system cannot start it.
    hrtfs : sequence of (str, str)
        Ids and titles of the heads that the space can use.

    """
    if status is None:
        return MenuDescription(
            icon="off",
            title="Entrain: not running",
            items=(
                Item("state", "Entrain is not running", enabled=False),
                None,
                *_autostart(autostart),
                Item("help", "Help", Do("help")),
                Item("quit", "Remove this icon", Do("quit")),
            ),
        )
    state = in_words(status)
    notes = _notes(status)
    return MenuDescription(
        icon=icon_state(status),
        title="\n".join(filter(None, ("Entrain: " + _short(status), _details(status), *notes))),
        items=(
            Item("state", line(state), enabled=False),
            *(
                Item(key, line(text), enabled=False)
                for key, text in zip(("note", "advice"), notes, strict=False)
            ),
            *_softened(status),
            None,
            Item(
                "on",
                "On: all sound goes through Entrain",
                Ask("off" if status["on"] else "on"),
                mark="check",
                checked=status["on"],
            ),
            Item(
                "bypass",
                "Bypass: hear the sound untouched",
                Ask("bypass", {"on": not status["bypass"], "matched": True}),
                mark="check",
                checked=status["bypass"],
                default=True,
            ),
            None,
            _protocols(status, library),
            _rate(status),
            _level(status),
            _step("undo", "Undo", status["undo_text"]),
            _step("redo", "Redo", status["redo_text"]),
            _sleep(status),
            _outputs(status),
            space(status, hrtfs),
            Item("measured", line(measured(status)), enabled=False),
            None,
            Item("dashboard", "Open the dashboard…", Do("dashboard")),
            *_autostart(autostart),
            Item(
                "help-menu",
                "Help",
                items=(
                    Item("help", "How to use Entrain", Do("help")),
                    Item("about", f"About Entrain {status['version']}", Do("about")),
                ),
            ),
            *_upgrade(status),
            Item("quit", "Quit Entrain", Ask("stop")),
        ),
    )


# ---- the state -----------------------------------------------------------------------------


def icon_state(status: "Status") -> IconState:
    """Return the icon for a status."""
    match status["state"]:
        case "failed":
            return "trouble"
        case "waiting-for-device":
            return "waiting"
        case "off":
            return "off"
        case "bypassed":
            return "bypassed"
    return "on"


def in_words(status: "Status") -> str:
    """Describe in one line what Entrain is doing."""
    protocol = status["protocol"]
    runs = _running(status)
    match status["state"]:
        case "failed":
            # The menu leaves out advice to use a terminal.
            why = status["reason"].partition(" (entrain")[0]
            return f"Trouble: {clean(why) or 'no sound server answers'}"
        case "waiting-for-device":
            return "Waiting for headphones or speakers"
        case "off":
            return "Off" + (f" ({clean(status['reason'])})" if status["reason"] else "")
        case "bypassed":
            return f"Bypassed: {runs}" if runs else "Bypassed"
    if protocol and protocol["ended"]:
        return f"{clean(protocol['name'])} has ended"
    if not runs:
        return "On, without a protocol"
    return f"{runs} · no app is playing" if status["state"] == "idle" else runs


def measured(status: "Status") -> str:
    """Describe the measurements, rounded so that a steady sound gives a steady text."""
    if status["state"] == "waiting-for-device":
        return "Measured: no output"  # a server may let apps play on meanwhile
    found = status["measured"]
    parts = []
    if found and (tones := found["tones"]):
        parts.append(f"beat {abs(tones['beat_hz']):.1f} Hz")
    if found and (swell := found["modulation"]):
        depth = (swell["left_index"] + swell["right_index"]) / 2
        parts.append(f"swelling {swell['rate_hz']:.1f} Hz, depth {depth:.0%}")
    if found and (turning := found["interaural"]):
        parts.append(f"turning {abs(turning['hz']):.1f} Hz")
    if not parts:
        quiet = status["levels"]["out_db"] is None
        parts.append("silence" if quiet else "no rhythm found")
    return "Measured: " + "; ".join(parts)


def left(seconds: float) -> str:
    """Return the time left as text, which changes once a minute."""
    minutes = math.ceil(seconds / 60)
    if minutes <= 1:
        return "under 1 min left"
    hours, rest = divmod(minutes, 60)
    parts = [f"{hours} h"] * (hours > 0) + [f"{rest} min"] * (rest > 0)
    return " ".join(parts) + " left"


def _short(status: "Status") -> str:
    """Name the state in a few words."""
    if status["state"] in ("processing", "idle") and not status["on"]:
        return "in use, though not on"  # an app plays to Entrain by its own choice
    if status["state"] == "idle":
        return "on, no app is playing"
    words = {
        "failed": "trouble",
        "waiting-for-device": "waiting",
        "off": "off",
        "bypassed": "bypassed",
        "processing": "on",
    }
    return words.get(status["state"], str(status["state"]))


def _details(status: "Status") -> str:
    """Return the details that `_short` leaves out."""
    ended = status["protocol"] and status["protocol"]["ended"]
    if status["state"] in ("processing", "idle", "bypassed") and not ended:
        return _running(status)
    return clean(status["reason"]) if status["state"] == "off" else in_words(status)


def _running(status: "Status") -> str:
    """Return name, rate and time left of the running protocol; "" without a protocol."""
    protocol = status["protocol"]
    if not protocol:
        return ""
    parts = [clean(protocol["name"])]
    if protocol["rate_hz"] is not None:
        parts.append(_hertz(protocol["rate_hz"]))
    if not protocol["runs"]:
        parts.append("paused")
    if protocol["left_s"] is not None:
        parts.append(left(protocol["left_s"]))
    return " · ".join(parts)


def _notes(status: "Status") -> tuple[str, ...]:
    """Return a note for the listener, and perhaps a second line with advice."""
    protocol = status["protocol"]
    if status["muffled"]:
        return tuple(clean(status["muffled"]).split("; ", 1))
    if status["state"] in ("processing", "idle", "bypassed") and status.get("detour"):
        return (clean(status["detour"]),)
    if status["state"] in ("failed", "off") or not protocol or protocol["ended"]:
        return ()
    return (clean(protocol["note"]),) if protocol["note"] else ()


def _hertz(rate_hz: float) -> str:
    return f"{round(rate_hz, 1):g} Hz" if rate_hz >= 0.1 else f"{60 * rate_hz:.1f} a minute"


# ---- submenus ------------------------------------------------------------------------------


def _protocols(status: "Status", library: "Protocols | None") -> Item:
    now = status["protocol"]["id"] if status["protocol"] else ""
    found = library["protocols"] if library else ()
    by_id = {each["id"]: each for each in found}
    items: list[Item | None] = [
        _protocol(by_id[recent], now) for recent in (library["recent"] if library else ())
    ]
    if items:
        items.append(None)
    categories: dict[str, list[Item | None]] = {}
    for each in found:
        categories.setdefault(each["category"], []).append(_protocol(each, now))
    running = by_id[now]["category"] if now in by_id else ""
    for category, members in categories.items():
        name = "Your own" if category == "own" else category.capitalize()
        label = f"{name} (running)" if category == running else name
        items.append(Item(f"category {category}", label, items=tuple(members)))
    items += [None, Item("next", "Next of the same category", Ask("next"), enabled=bool(found))]
    return Item("protocols", "Protocols", enabled=bool(found), items=tuple(items))


def _protocol(listed: "ListedProtocol", now: str) -> Item:
    grade = listed["outcome"]
    evidence = {None: "", "none": " (no evidence)", "tradition": " (tradition only)"}.get(
        grade, f" ({grade} evidence)"
    )
    return Item(
        f"protocol {listed['id']}",
        line(clean(listed["name"]), evidence),
        Ask("use", {"protocol": listed["id"]}),
        mark="radio",
        checked=listed["id"] == now,
    )


def _rate(status: "Status") -> Item:
    protocol = status["protocol"]
    rate_hz = protocol["rate_hz"] if protocol else None
    return Item(
        "rate",
        "Rate" if rate_hz is None else f"Rate: {_hertz(rate_hz)}",
        enabled=rate_hz is not None,
        items=(
            Item("faster", "Faster", Ask("adjust", {"rate_steps": 1})),
            Item("slower", "Slower", Ask("adjust", {"rate_steps": -1})),
        ),
    )


def _level(status: "Status") -> Item:
    protocol = status["protocol"]
    return Item(
        "level",
        "Level",
        enabled=bool(protocol and protocol["layers"] and not protocol["ended"]),
        items=tuple(
            Item(f"level {steps}", label, Ask("adjust", {"level_steps": steps}))
            for label, steps in (
                ("Much stronger (6 dB)", 2),
                ("Stronger (3 dB)", 1),
                ("Weaker (3 dB)", -1),
                ("Much weaker (6 dB)", -2),
            )
        ),
    )


def _step(command: Literal["undo", "redo"], label: str, text: str) -> Item:
    """Return the line that undoes the last change of the sound, or makes it again."""
    label = line(f"{label}: {clean(text)}") if text else label
    return Item(command, label, Ask(command), enabled=bool(text))


def _sleep(status: "Status") -> Item:
    left_s = status["sleep_left_s"]
    return Item(
        "sleep",
        "Sleep timer" if left_s is None else f"Sleep timer: {left(left_s)}",
        items=(
            *(
                Item(
                    f"sleep {minutes}", f"Off in {minutes} min", Ask("sleep", {"minutes": minutes})
                )
                for minutes in SLEEP_MINUTES
            ),
            None,
            Item(
                "sleep off",
                "No sleep timer",
                Ask("sleep", {"minutes": None}),
                enabled=left_s is not None,
            ),
        ),
    )


def _outputs(status: "Status") -> Item:
    output = status["output"]
    name = clean(output["description"] or output["name"]) if output else "none"
    return Item(
        "output",
        line(f"Output device: {name}"),
        enabled=bool(status["outputs"]),
        items=(
            Item(
                "automatic output",
                "Automatic: a preferred device, else the desktop's choice"
                if status["preferred_outputs"]
                else "Automatic: the desktop's choice",
                Ask("output", {"name": None}),
                mark="radio",
                checked=not status["chosen_output"],
            ),
            *(
                Item(
                    f"output {device['name']}",
                    line(clean(device["description"] or device["name"])),
                    Ask("output", {"name": device["name"]}),
                    mark="radio",
                    checked=device["name"] == status["chosen_output"],
                )
                for device in status["outputs"]
            ),
            None,
            _unplugged(status),
        ),
    )


def _softened(status: "Status") -> tuple[Item, ...]:
    """Return the line that restores the speakers' volume after headphones were unplugged."""
    if status["softened"] is None:
        return ()
    return (
        Item(
            "softened",
            "Headphones disconnected: play at the former volume",
            Ask("output", {"name": status["chosen_output"] or None}),
        ),
    )


def _unplugged(status: "Status") -> Item:
    labels = {
        "softer": "Play 20 dB softer on speakers",
        "silent": "Keep speakers silent",
        "same": "Play on speakers at their own volume",
    }
    return Item(
        "unplugged",
        "When headphones are disconnected",
        items=tuple(
            Item(
                f"unplugged {setting}",
                label,
                Ask("settings", {"unplugged": setting}),
                mark="radio",
                checked=status["unplugged"] == setting,
            )
            for setting, label in labels.items()
        ),
    )


def _upgrade(status: "Status") -> tuple[Item, ...]:
    if not status["upgrade"]:
        return ()
    text = line(f"Restart to use Entrain {clean(status['upgrade'])}")
    return (Item("upgrade", text, enabled=False),)


def _autostart(autostart: bool | None) -> tuple[Item, ...]:
    if autostart is None:
        return ()
    return (
        Item(
            "autostart",
            "Start at login",
            Do("autostart-off" if autostart else "autostart-on"),
            mark="check",
            checked=autostart,
        ),
    )
