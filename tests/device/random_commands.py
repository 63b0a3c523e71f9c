"""Random commands made from the schema of the control API.  Most are valid, some are not."""

import json
import math
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

import entrain
from entrain.block import PATHS, PLACE, Block
from entrain.engine import blocks
from entrain.vdevice.api import messages
from entrain.vdevice.limits import MAX_HEAD_CM, MIN_HEAD_CM, OSC_CONTROL_PORT, OSC_PORT

ENDING = {"stop", "watch"}
"""Commands after which the connection accepts no other command."""
SILENT = ("head",)
"""Commands without an answer; `head_tracker.py` sends them."""
SPACE_SHARE = 0.15
"""Share of commands that change the space or the head beside the other commands."""
ODD_SHARE = 0.1
PRESETS = Path(entrain.__file__).parent / "presets" / "protocols"

_ODD_TEXTS = ("", " ", "\n", "\0", "..", "/", "é", "\u202e", "\ud800", "x" * 300, "null", "-1")
_SPACES = ("speakers", "scene")
_HEADS = ("kemar", "kemar", "sphere", "sphere", "nowhere")
_ODD_NUMBERS = (0, -1, 1e-300, 1e9, 1e308, -1e308, math.nan, math.inf, 2**63)
_NAMES = tuple(f"Random {number}" for number in range(1, 6))
"""Only a few names, because each becomes a file."""
_IDS = tuple(name.lower().replace(" ", "-") for name in _NAMES)
_TARGETS = ("tone.beat_hz", "limiter.ceiling_db", "bypass", "next", "use:focus-16")
_APPLICATIONS = ("player", "pacat", "mpv", "Firefox", "zoom")


class Commands:
    """Generates random requests; the same seed gives the same requests.

    Parameters
    ----------
    chance : random.Random
        The generator; no other code may use it.
    devices : sequence of str
        Names of real devices, connected or not.

    """

    def __init__(self, chance: random.Random, devices: Sequence[str]) -> None:
        self._random = chance
        self._devices = [*devices, "nowhere"]
        schema = TypeAdapter(messages.Request).json_schema()
        self._definitions: dict[str, Any] = schema["$defs"]
        self._kinds = {
            command: self._resolve({"$ref": place})
            for command, place in sorted(schema["discriminator"]["mapping"].items())
            if command not in (*ENDING, *SILENT)
        }
        self._blocks = blocks()
        self._presets = [
            json.loads(file.read_text(encoding="utf-8")) for file in sorted(PRESETS.glob("*.json"))
        ]
        self._layers: dict[str, Block] = {}
        """The layers of the last protocol that was used."""

    def next(self) -> dict[str, Any]:
        """Return the next request."""
        command = self._random.choice(list(self._kinds))
        request = {"command": command, **self._fields(self._kinds[command])}
        if self._random.random() < SPACE_SHARE:
            command, request = "settings", {"command": "settings", **self._surround()}
        if command == "set":
            request.update(self._move())
        if command == "osc" and "port" in request:
            request["port"] = OSC_CONTROL_PORT
        if command == "use":
            self._note(request["protocol"])
        if self._random.random() < ODD_SHARE:
            self._spoil(request)
        return request

    # ---- valid requests --------------------------------------------------------------------

    def _fields(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        required = schema.get("required", ())
        return {
            name: self._value(name, of)
            for name, of in schema.get("properties", {}).items()
            if name != "command" and (name in required or self._random.random() < 0.5)
        }

    def _value(self, name: str, schema: Mapping[str, Any]) -> Any:
        schema = self._resolve(schema)
        if choices := schema.get("anyOf") or schema.get("oneOf"):
            return self._value(name, self._random.choice(choices))
        if "enum" in schema:
            return self._random.choice(schema["enum"])
        if name == "protocol":
            return self._protocol()
        if name == "id":
            return self._random.choice([*(preset["id"] for preset in self._presets), *_IDS])
        match schema.get("type"):
            case "boolean":
                return self._random.random() < 0.5
            case "integer" if name == "port" and self._random.random() < 0.7:
                return OSC_PORT
            case "integer":
                return self._random.randint(schema.get("minimum", -9), schema.get("maximum", 9))
            case "number":
                return self._number(name)
            case "string":
                return self._text(name)
            case "array":
                return [
                    self._value(name, schema["items"]) for _ in range(self._random.randrange(4))
                ]
            case "object":
                return self._fields(schema)
        return None

    def _number(self, name: str) -> float:
        if name == "head_cm":
            return self._random.uniform(MIN_HEAD_CM, MAX_HEAD_CM)
        most = {"timeout_s": 120.0, "position_s": 86400.0, "minutes": 1440.0, "over_s": 10.0}.get(
            name, 1.0
        )
        return most * 10 ** self._random.uniform(-6, 0)

    def _text(self, name: str) -> str:
        if name == "hrtf":
            return self._random.choice(_HEADS)
        if name in ("name", "preferred_outputs"):
            # `save` and `output` both have a field `name`; each may get the other's names.
            return self._random.choice([*self._devices, *_NAMES])
        if name == "target":
            return self._random.choice(_TARGETS)
        if name == "listen":
            return self._random.choice(("127.0.0.1", "::1"))
        return self._random.choice(_APPLICATIONS)

    def _protocol(self) -> str | dict[str, Any]:
        preset = self._random.choice(self._presets)
        return self._random.choice((preset["id"], preset, self._made_up()))

    def _made_up(self) -> dict[str, Any]:
        kinds = sorted(k for k, b in self._blocks.items() if b.group in ("generator", "processor"))
        layers = []
        for number in range(self._random.randrange(6)):
            block = self._blocks[self._random.choice(kinds)]
            names = sorted(block.parameters)
            layers.append(
                {
                    "kind": block.kind,
                    "id": f"layer-{number}",
                    "params": {n: self._within(block, n) for n in self._some(names)},
                    "automation": {n: self._automation(block, n) for n in self._some(names)[:2]},
                }
            )
            if block.group == "generator" and not block.dichotic:
                layers[-1]["place"] = self._random.choice((None, self._place()))
        duration_s = self._random.choice((None, 2.0, 600.0))
        return {
            "schema_version": 3,
            "id": "made-up",
            "name": "Made up",
            "layers": layers,
            "standalone": self._random.random() < 0.5,
            "duration_s": duration_s,
            "loop": duration_s is not None and self._random.random() < 0.5,
            "spatial": self._random.choice((None, "off", self._spatial())),
        }

    def _place(self) -> dict[str, Any]:
        place = {each.symbol: self._random.uniform(each.minimum, each.maximum) for each in PLACE}
        return {**place, "path": self._random.choice(PATHS)}

    def _spatial(self) -> dict[str, Any]:
        block = self._blocks[self._random.choice(_SPACES)]
        names = sorted(set(block.parameters) - {"head_cm"})
        params = {name: self._within(block, name) for name in self._some(names)}
        moved = [name for name in self._some(names) if name not in params]
        return {
            "mode": block.kind,
            "params": params,
            "automation": {name: self._automation(block, name) for name in moved[:3]},
            "fast": self._random.random() < 0.8,
        }

    def _surround(self) -> dict[str, Any]:
        """Return settings that switch the space, or use another head."""
        if self._random.random() < 0.3:
            return {"hrtf": self._random.choice(_HEADS)}
        return {"space": {"mode": self._random.choice((*_SPACES, "off"))}}

    def _automation(self, block: Block, symbol: str) -> dict[str, Any]:
        points = [
            {"at_s": 0.3 * at, "value": self._within(block, symbol)}
            for at in range(self._random.randint(1, 4))
        ]
        for point in points:
            point["curve"] = self._random.choice(("linear", "smooth", "step"))
        return {"points": points, "loop_s": self._random.choice((0, 2))}

    def _move(self) -> dict[str, Any]:
        if not self._layers or self._random.random() < 0.1:
            return {
                "address": self._random.choice(("pre.gate", "limiter.gain", "x.y", "x", ".")),
                "value": self._random.choice(_ODD_NUMBERS),
            }
        layer = self._random.choice([*sorted(self._layers), "space"])
        block = self._layers.get(layer) or self._blocks[self._random.choice(_SPACES)]
        symbol = self._random.choice(sorted(block.parameters))
        return {"address": f"{layer}.{symbol}", "value": self._within(block, symbol)}

    def _note(self, protocol: str | dict[str, Any]) -> None:
        named = {preset["id"]: preset for preset in self._presets}
        document = named[protocol] if isinstance(protocol, str) else protocol
        self._layers = {
            layer.get("id", layer["kind"]): self._blocks[layer["kind"]]
            for layer in document["layers"]
            if self._blocks[layer["kind"]].parameters
        }

    def _within(self, block: Block, symbol: str) -> float:
        parameter = block.parameters[symbol]
        return self._random.choice(
            (
                parameter.minimum,
                parameter.maximum,
                self._random.uniform(parameter.minimum, parameter.maximum),
            )
        )

    def _some(self, names: Sequence[str]) -> list[str]:
        return [name for name in names if self._random.random() < 0.4]

    # ---- invalid requests ------------------------------------------------------------------

    def _spoil(self, request: dict[str, Any]) -> None:
        fields = [name for name in request if name != "command"]
        odd = self._random.choice((*_ODD_TEXTS, *_ODD_NUMBERS, None, [], {}, [[]], {"id": None}))
        if fields and self._random.random() < 0.7:
            field = self._random.choice(fields)
            if self._random.random() < 0.2:
                del request[field]
            else:
                request[field] = odd
        else:
            request[self._random.choice(("fly", "on", "name", "value"))] = odd

    def _resolve(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            schema = self._definitions[schema["$ref"].rpartition("/")[2]]
        return dict(schema)
