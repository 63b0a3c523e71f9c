"""A made-up sound and device for tests of MIDI."""

from typing import Any

from entrain.vdevice.bridge.midi.mapping import Mapping
from entrain.vdevice.bridge.midi.sound import Sound
from entrain.vdevice.bridge.midi.surface import Act, SetValue, Surface, Wish

KNOBS = "Knobs"


def parameter(symbol: str, low: float, high: float, initial: float, **more: Any) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "minimum": low,
        "maximum": high,
        "initial": initial,
        "step": 0.001,
        "choices": [],
        "scale": "lin",
        "period": 0.0,
        "controller": None,
    } | more


SHAPES = [{"name": name, "value": float(value)} for value, name in enumerate(("a", "b", "c"))]
BLOCKS = {
    "place": [parameter("azimuth_deg", -360, 360, 0, step=1, period=360.0)],
    "blocks": [
        {
            "kind": "hum",
            "group": "generator",
            "parameters": [
                parameter("beat_hz", 0.05, 50, 10, scale="log", controller=20),
                parameter("level_db", -24, -6, -15, step=0.1, controller=103),
                parameter("shape", 0, 2, 0, step=1, choices=SHAPES),
            ],
        },
        {
            "kind": "end",
            "group": "output",
            "parameters": [parameter("ceiling_db", -12, 0, -1, step=0.1)],
        },
        {"kind": "room", "group": "space", "parameters": [parameter("wet", 0, 1, 0.2)]},
    ],
}


def layer(name: str, **values: float) -> dict[str, Any]:
    return {"kind": "hum", "id": name, "params": values, "automation": {}, "place": None}


def news(*layers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "protocol": {"id": "evening", "layers": list(layers or (layer("tone"),))},
        "space": {"mode": "off", "params": {}},
        "settings": {},
        "moving": {},
        "bypass": False,
        "on": True,
    } | more


class Desk:
    """A surface in front of a made-up Entrain that does each wish after a while."""

    def __init__(self, *mappings: Mapping, lag_s: float = 0.0) -> None:
        self.sound = Sound(BLOCKS)
        self.sound.take(news())
        self.surface = Surface(self.sound, mappings)
        self.now_s = 100.0
        self.lag_s = lag_s
        self.values: dict[str, float] = {}
        self.path: list[tuple[str, float]] = []
        """All values that were wished."""
        self.acts: list[dict[str, object]] = []
        self._due: list[tuple[float, str, float]] = []

    def send(self, *data: int, device: str = KNOBS, after_s: float = 0.01) -> list[Wish]:
        """Let the device send one message."""
        self.wait(after_s)
        found: list[Wish] = []
        for movement in self.surface.read(device, data):
            found += self.surface.take(device, movement, self.now_s)
        for wish in found:
            match wish:
                case SetValue(address, value):
                    self.path.append((address, value))
                    self._due.append((self.now_s + self.lag_s, address, value))
                case Act(request):
                    self.acts.append(request)
        self.wait(0.0)
        return found

    def wait(self, seconds: float) -> None:
        self.now_s += seconds
        due = [each for each in self._due if each[0] <= self.now_s]
        if due:
            self._due = self._due[len(due) :]
            self.change(**{address.partition(".")[2]: value for _, address, value in due})

    def change(self, **values: float) -> None:
        """Change values of the layer `tone`, as any client can."""
        self.values |= values
        self.sound.take(news(layer("tone", **self.values)))

    def value(self, symbol: str) -> float:
        found = self.sound.value(f"tone.{symbol}")
        assert found is not None
        return found

    def shown(self, device: str = KNOBS) -> list[list[int]]:
        return [message for _, message in self.surface.feedback({device}, self.now_s)]
