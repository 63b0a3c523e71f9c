"""The sections of the screen, each as rows.  Pure functions."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len

from entrain.tray.terminal import charts
from entrain.tray.terminal.analysis import HIGHEST_HZ, LOWEST_HZ, SILENCE_DB
from entrain.tray.terminal.line import BOLD, DIM, GOOD, PLAIN, SOUND, TROUBLE, Line, Row
from entrain.tray.terminal.scene import Scene
from entrain.tray.terminal.values import amount, named, parameters, present
from entrain.tray.text.text_layout import clean, clock

if TYPE_CHECKING:
    from entrain.tray.terminal.analysis import Meter
    from entrain.vdevice.api.answers import Layer, Status

LABEL_COLUMNS = 10
"""Width of the names of sections, at the left edge."""
_FLOOR_DB = -60.0
"""Level at the left end of a meter."""
_BANDS_DB = (-90.0, -15.0)
"""Levels at the bottom and at the top of the spectrum."""
_READING_COLUMNS = 25
_WAITING = "waiting for sound"
_WHO_COLUMNS = 14
_WORDS = {
    "processing": "processes your music",
    "idle": "on; no app is playing",
    "bypassed": "bypassed: your music passes untouched",
    "off": "off",
    "waiting-for-device": "waits for headphones or speakers",
    "failed": "has trouble with the sound server",
}
_MARKS = {"processing": "●", "failed": "!"}


def header(scene: Scene, width: int) -> Row:
    """Say what Entrain is doing, and where it plays."""
    line = Line(width).add("Entrain", BOLD, LABEL_COLUMNS)
    status = scene.status
    if status is None:
        words = "○ waits for an answer" if scene.is_empty else "○ not running"
        return line.add(words, TROUBLE).row
    state = status["state"]
    style = {"processing": GOOD, "failed": TROUBLE}.get(state, PLAIN)
    words = _WORDS.get(state, str(state))
    if state in ("processing", "idle") and not status["on"]:
        words = "in use, though not on"  # an app plays to Entrain by its own choice
    line.add(f"{_MARKS.get(state, '○')} {words}", style)
    return line.right(_output(status), DIM).row


def reason(scene: Scene, width: int) -> Row:
    """Explain the state, or return an empty row."""
    status, text = scene.status, scene.lost
    if status is not None:
        protocol = status["protocol"]
        notes = (
            status["reason"] if status["state"] != "idle" else "",
            status["muffled"],
            status["detour"],
            protocol["note"] if protocol else "",
        )
        text = next(filter(None, notes), "")
    return Line(width).skip(LABEL_COLUMNS).add(clean(text), DIM).row


def protocol(scene: Scene, width: int) -> Row:
    """Name the running protocol, with its times."""
    line = _labelled("protocol", width)
    status = scene.status
    found = status["protocol"] if status else None
    if status is None or found is None:
        return line.add("none", DIM).row if status else line.row
    key = next((n for n, slot in enumerate(scene.slots, 1) if slot.id == found["id"]), None)
    times = []
    if found["ended"]:
        times.append("has ended")
    else:
        times.append(clock(status["position"]["elapsed_s"]))
        left_s = status["position"]["left_s"]
        if left_s is not None:
            times.append(f"{clock(left_s)} left")
        if not found["runs"]:
            times.append("paused")
    if status["sleep_left_s"] is not None:
        times.append(f"off in {clock(status['sleep_left_s'])}")
    right = " · ".join(times)
    line.add(clean(found["name"]), BOLD, min(cell_len(found["name"]), line.room - len(right) - 2))
    if key is not None:
        line.add(f"  key {key}", DIM)
    return line.right(right).row


# ---- promised and measured -----------------------------------------------------------------


def rhythms(scene: Scene, width: int) -> list[Row]:
    """Show the promised rates beside the measured ones; one row at least, three at most."""
    if scene.status is None:
        return [_labelled("rhythm", width).row]
    rows: list[Row] = []
    for promise, name in (("tones", "beat"), ("modulation", "swell"), ("interaural", "turns")):
        hz = _promised_hz(scene, promise)
        if hz is None:
            continue
        line = _labelled("" if rows else "rhythm", width)
        line.add(name, width=7).add(f"{hz:.4g} Hz".rjust(9)).add(" promised", DIM).skip(4)
        measured = _measured(scene.status, promise)
        if scene.waits_for_sound:
            line.add(_WAITING, DIM)
        elif measured:
            line.add(f"{measured} Hz".rjust(10), BOLD).add(" measured", DIM)
        else:
            bypassed = scene.status["state"] == "bypassed"
            line.add("not measured in bypass" if bypassed else "not measured now", DIM)
        rows.append(line.row)
    if not rows:
        hz = scene.status["protocol"]["rate_hz"] if scene.status["protocol"] else None
        text = "no rhythm" if hz is None else f"{hz:.4g} Hz"
        rows.append(_labelled("rhythm", width).add(text, DIM if hz is None else PLAIN).row)
    return rows


def _promised_hz(scene: Scene, promise: str) -> float | None:
    """Return the present rate of the first layer with this promise."""
    assert scene.status is not None
    for layer in scene.layers:
        block = scene.blocks.get(layer["kind"])
        if block is None or block["promise"] != promise or not amount(layer):
            continue
        parameter = parameters(block).get(block["rate"])
        if parameter is None:
            continue
        value = present(scene.status, layer, parameter)
        return abs(value) / (60 if parameter["unit"] == "1/min" else 1)
    return None


def _measured(status: "Status", promise: str) -> str:
    """Return a measured rate with as many decimals as are certain, or nothing."""
    found = status["measured"]
    if not found or status["state"] == "bypassed":
        return ""
    if promise == "tones" and (tones := found["tones"]):
        error = tones["beat_error_hz"]
        return f"{abs(tones['beat_hz']):.{3 if error < 0.002 else 2 if error < 0.02 else 1}f}"
    if promise == "modulation" and (swell := found["modulation"]):
        return f"{swell['rate_hz']:.2f}"
    if promise == "interaural" and (turning := found["interaural"]):
        return f"{abs(turning['hz']):.2f}"
    return ""


# ---- the sound -----------------------------------------------------------------------------


def meters(scene: Scene, width: int) -> list[Row]:
    """Show peak and RMS of the input and of the output, for each ear."""
    rows: list[Row] = []
    levels = scene.status["levels"] if scene.status and scene.heard else None
    waits = scene.waits_for_sound
    for way in ("in", "out"):
        for ear, side in enumerate(("left", "right")):
            line = _labelled("" if ear else way, width).add(side, DIM, 6)
            bar = line.room - _READING_COLUMNS
            heard = scene.heard and (scene.heard.before if way == "in" else scene.heard.after)[ear]
            if bar >= 4 and waits and not rows:
                line.add(_WAITING, DIM, bar)
            elif bar >= 4:
                line.add(_bar(heard, bar), SOUND)
            rms_db = peak_db = None
            if levels:
                rms_db = (levels["in_rms_db"] if way == "in" else levels["out_rms_db"])[ear]
                peak_db = (levels["in_peak_db"] if way == "in" else levels["out_peak_db"])[ear]
            line.add(f"  {_db(rms_db)} dB").add("  peak ", DIM)
            loud = peak_db is not None and peak_db > -0.5
            rows.append(line.add(f"{_db(peak_db)} dB", TROUBLE if loud else PLAIN).row)
    return rows


def spectrum(bands_db: Sequence[float], width: int, height: int) -> list[Row]:
    """Show which frequencies leave Entrain; the last row has their names."""
    room = width - LABEL_COLUMNS
    low_db, high_db = _BANDS_DB
    shares = [(each - low_db) / (high_db - low_db) for each in bands_db[:room]]
    drawn = charts.columns(shares, height - 1)
    rows = [
        _labelled("" if number else "spectrum", width).add(text.rstrip(), SOUND).row
        for number, text in enumerate(drawn)
    ]
    axis = charts.axis(LOWEST_HZ, HIGHEST_HZ, room)
    return [*rows, _labelled("", width).add(axis, DIM).row]


def _bar(heard: "Meter | None", width: int) -> str:
    if heard is None or heard.peak_db <= SILENCE_DB:
        return " " * width
    rms, peak = ((db - _FLOOR_DB) / -_FLOOR_DB for db in heard)
    return charts.meter(rms, peak, width)


def _db(value: float | None) -> str:
    return "   -" if value is None or value < -99.5 else f"{value:4.0f}"


# ---- layers --------------------------------------------------------------------------------


def layers(scene: Scene, width: int, height: int) -> list[Row]:
    """Show the layers with their present values; of many, those around the selected one."""
    found = scene.layers
    if not found or scene.status is None:
        text = "none" if scene.status else ""
        return [_labelled("layers", width).add(text, DIM).row]
    first = max(0, min(scene.place - height // 2, len(found) - height))
    widest = max(cell_len(clean(each["id"])) for each in found)
    rows = []
    for number, layer in enumerate(found[first : first + height]):
        label = "" if number else "layers"
        if not number and len(found) > height:
            label = f"{scene.place + 1} of {len(found)}"
        is_selected = layer["id"] == scene.selected
        is_muted = not amount(layer)
        line = _labelled(label, width, gap=not is_selected)
        if is_selected:
            line.add("› ", BOLD)
        line.add(clean(layer["id"]), BOLD if is_selected else PLAIN, min(widest, width // 4))
        if is_muted:
            line.add("  muted", TROUBLE)
        text = "  " + " · ".join(_values(scene, layer))
        rows.append(line.add(text, DIM if is_muted else PLAIN).row)
    return rows


def _values(scene: Scene, layer: "Layer") -> Iterator[str]:
    """Yield a layer's kind and values, as they are now, the most important ones first."""
    assert scene.status is not None
    if layer["kind"] != layer["id"]:
        yield clean(layer["kind"])
    if block := scene.blocks.get(layer["kind"]):
        known = parameters(block)
        chief = (block["rate"], block["carrier"], block["level"], block["strength"])
        chosen = layer["params"].keys() | layer["automation"].keys()
        for symbol in dict.fromkeys((*chief, *known)):
            is_usual = symbol == "amount" and amount(layer) in (0.0, 1.0)
            if symbol in known and symbol in chosen and not is_usual:
                yield named(known[symbol], present(scene.status, layer, known[symbol]))
    if place := layer["place"]:
        yield f"at {place['azimuth_deg']:.0f}°"


# ---- log, message, keys --------------------------------------------------------------------


def log(scene: Scene, width: int, height: int) -> list[Row]:
    """Show the newest entries, the last one below."""
    rows = []
    for number, entry in enumerate([*scene.log][-height:]):
        line = _labelled("" if number else "log", width).add(entry.time, DIM).skip(2)
        line.add(entry.who, DIM, _WHO_COLUMNS)
        is_trouble = entry.text.startswith("error:")
        rows.append(line.add(entry.text, TROUBLE if is_trouble else PLAIN).row)
    return rows or [_labelled("log", width).row]


def message(scene: Scene, width: int) -> Row:
    """Show the effect of the last key."""
    line = _labelled("", width)
    if scene.message:
        line.add(scene.message, TROUBLE if scene.is_error else BOLD)
    return line.row


def key_row(scene: Scene, width: int) -> Row:
    """Name the keys that fit; the help page has them all."""
    line = Line(width)
    is_on = scene.status is not None and scene.status["on"]
    keys = {
        "←→": "rate",
        "↑↓": "level",
        "space": "bypass",
        "n": "next",
        "u": "undo",
        "t": "timer",
        "m": "mute",
        "o": "off" if is_on else "on",
        "?": "help",
        "q": "quit",
    }
    for expendable in ("t", "m", "n", "u"):
        if sum(len(key) + len(effect) + 3 for key, effect in keys.items()) - 2 > width:
            del keys[expendable]
    for key, effect in keys.items():
        if line.room > len(key) + len(effect):
            line.add(key, BOLD).add(f" {effect}", DIM).skip(2)
    return line.row


def _labelled(name: str, width: int, gap: bool = True) -> Line:
    """Begin a row with the name of its section."""
    return Line(width).add(name, DIM, LABEL_COLUMNS if gap else LABEL_COLUMNS - 2)


def _output(status: "Status") -> str:
    output = status["output"]
    if not output:
        return ""
    parts = [clean(output["description"] or output["name"])]
    if status["softened"]:
        parts.append({"softer": "20 dB softer", "silent": "silent"}[status["softened"]])
    elif status["muted"]:
        parts.append("muted")
    elif status["volume"] is not None:
        parts.append(f"{status['volume']:.0%}")
    return ", ".join(parts)
