"""The content of a made-up Entrain: blocks, protocols, and a status."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import entrain
from entrain import engine

ROOT = Path(entrain.__file__).parent
Json = dict[str, Any]


def blocks() -> Json:
    """Return the answer to the command `blocks`."""

    def parameter(each: Any) -> Json:
        choices = [{"name": name, "value": value} for name, value in each.choices]
        return {**dataclasses.asdict(each), "choices": choices}

    def block(each: Any) -> Json:
        parameters = [parameter(one) for one in each.parameters.values()]
        return {**dataclasses.asdict(each), "parameters": parameters}

    all_blocks = engine.blocks()
    place = {"azimuth_deg", "elevation_deg", "distance_m", "path", "path_hz", "path_deg"}
    return {
        "blocks": [block(each) for each in all_blocks.values()],
        "place": [
            parameter(each)
            for each in all_blocks["scene"].parameters.values()
            if each.symbol in place
        ],
    }


def documents() -> dict[str, Json]:
    """Return the shipped protocols by id, sorted by category."""
    files = (ROOT / "presets/protocols").glob("*.json")
    found = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    order = ["focus", "calm", "sleep", "meditation", "pain", "breath", "bilateral", "spatial"]
    order += ["experimental", "own"]
    found.sort(key=lambda each: (order.index(each["category"]), each["id"]))
    return {each["id"]: each for each in found}


def first_status() -> Json:
    """Return the status of an Entrain that processes music."""
    return {
        "state": "processing",
        "reason": "",
        "on": True,
        "bypass": False,
        "mode": "default",
        "icon": True,
        "applications": {
            "include": [],
            "exclude": [],
            "calls_pass": True,
            "notifications_pass": True,
        },
        "session_log": True,
        "sleep_left_s": None,
        "settings": {},
        "backend": "pipewire",
        "session_manager": "WirePlumber 0.5.8",
        "realtime": True,
        "sandbox": {},
        "sink": "entrain",
        "output": {
            "name": "headphones",
            "description": "Headphones",
            "form": "headphones",
            "rate_hz": 48000,
            "quantum_frames": 1024,
        },
        "outputs": [
            {
                "name": "headphones",
                "description": "Headphones",
                "current": True,
                "default": True,
                "preferred": None,
            },
            {
                "name": "speakers",
                "description": "Built-in speakers",
                "current": False,
                "default": False,
                "preferred": None,
            },
        ],
        "chosen_output": "",
        "preferred_outputs": [],
        "unplugged": "softer",
        "hrtf": "kemar",
        "softened": None,
        "detour": "",
        "latency": {"added_frames": 70, "added_ms": 1.4583333},
        "protocol": None,
        "levels": {
            "in_db": -21.4,
            "out_db": -20.9,
            "in_lufs": -19.8,
            "out_lufs": -19.2,
            "integrated_in_lufs": -20.1,
            "integrated_out_lufs": -19.6,
            "in_rms_db": [-21.4, -22.0],
            "in_peak_db": [-9.3, -10.1],
            "out_rms_db": [-20.9, -21.5],
            "out_peak_db": [-8.7, -9.4],
        },
        "position": {"elapsed_s": 0.0, "left_s": None},
        "moving": {},
        "measured": None,
        "osc": {"on": False, "port": 5510, "listen": "127.0.0.1", "clients": 0, "problem": ""},
        "midi": {
            "on": False,
            "devices": [],
            "mappings": 0,
            "revision": 0,
            "learning": None,
            "learned": None,
            "problem": "",
        },
        "head": {
            "on": False,
            "lan": False,
            "port": 9000,
            "preset": "standard",
            "invert": [],
            "follow": 1.0,
            "listening": [],
            "source": "",
            "packets_per_s": 0.0,
            "age_s": None,
            "yaw_deg": None,
            "pitch_deg": None,
            "roll_deg": None,
            "ignored": 0,
            "malformed": 0,
            "problem": "",
        },
        "space": {
            "mode": "off",
            "setting": "off",
            "note": "",
            "hrtf": "kemar",
            "hrtf_in_use": "",
            "head_cm": 57.0,
            "params": {},
            "sources": 0,
            "yaw_deg": None,
            "pitch_deg": None,
            "roll_deg": None,
        },
        "volume": 0.6,
        "muted": False,
        "muffled": "",
        "xruns": 0,
        "missing_buffers": 0,
        "nonfinite": 0,
        "cpu_load": 0.0081,
        "worst_callback_ms": 0.41,
        "callback": {
            "median_us": 229.4,
            "p999_us": 410.0,
            "longest_lately_us": 412.2,
            "longest_lately_share": 0.0193,
        },
        "errors": [],
        "retry_in_s": None,
        "version": entrain.__version__,
        "revision": 0,
        "can_undo": False,
        "undo_text": "",
        "can_redo": False,
        "redo_text": "",
    }
