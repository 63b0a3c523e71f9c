"""A made-up Entrain, as the screen sees it."""

from typing import Any

from entrain.engine import blocks
from entrain.tray.terminal.analysis import Heard, Meter
from entrain.tray.terminal.scene import Entry, Scene, Slot
from entrain.vdevice.api.listed.blocks import described

METER = Meter(-24.0, -12.0)


def layer(id_: str, kind: str = "binaural", **params: float) -> dict[str, Any]:
    found: dict[str, Any] = {"kind": kind, "id": id_, "params": params}
    return found | {"automation": {}, "place": None}


def status(**changes: Any) -> dict[str, Any]:
    """Return the parts of a status that the screen watches."""
    protocol = {
        "id": "default",
        "name": "Alpha 10",
        "elapsed_s": 62.0,
        "left_s": 600.0,
        "runs": True,
        "ended": False,
        "rate_hz": 10.0,
        "note": "",
        "here": False,
        "layers": [layer("tone", carrier_hz=200.0, beat_hz=10.0, level_db=-15.0)],
    }
    tones = {
        **{"left_hz": 205.0, "right_hz": 195.0, "left_db": -45.0, "right_db": -45.0},
        **{"beat_hz": 9.9998, "beat_error_hz": 0.001},
    }
    found = {
        "state": "processing",
        "reason": "",
        "on": True,
        "bypass": False,
        "mode": "default",
        "sleep_left_s": None,
        "output": {"name": "speakers", "description": "Virtual speaker", "form": "unknown"},
        "softened": None,
        "detour": "",
        "muffled": "",
        "protocol": protocol,
        "position": {"elapsed_s": 62.0, "left_s": 600.0},
        "moving": {},
        "undo_text": "",
        "redo_text": "",
        "levels": {
            "in_rms_db": [-24.0, -25.0],
            "in_peak_db": [-12.0, -13.0],
            "out_rms_db": [-23.0, None],
            "out_peak_db": [0.0, None],
        },
        "measured": {"text": "", "tones": tones, "modulation": None, "interaural": None},
        "volume": 0.8,
        "muted": False,
        "xruns": 0,
        "errors": [],
    }
    return found | changes


def scene(bands: int = 70, **changes: Any) -> Scene:
    """Return a scene with sound, three entries in the log and two protocols with a key."""
    found = Scene()
    found.status = status(**changes)  # type: ignore[assignment]
    listed = described(blocks().values()).model_dump()
    found.blocks = {each["kind"]: each for each in listed["blocks"]}
    found.slots = [Slot("default", "Alpha 10"), Slot("focus-16", "Focus 16")]
    bands_db = tuple(-90.0 + 75.0 * band / max(bands - 1, 1) for band in range(bands))
    found.heard = Heard((METER, METER), (METER, METER), bands_db)
    for text in ("on", "bypass on", "error: no sound"):
        found.log.append(Entry("12:00:00", "tray", text))
    return found
