"""A made-up sound and device for tests of MIDI."""

from collections.abc import Mapping, Sequence
from typing import Any

from entrain.vdevice.bridge.app_mirror import Parameter
from entrain.vdevice.bridge.midi.mapping import Mapping as MidiMapping
from entrain.vdevice.bridge.midi.sound import Sound
from entrain.vdevice.bridge.midi.surface import Act, SetValue, Surface, Wish

KNOBS = "Knobs"


def parameter(
    symbol: str, low: float, high: float, initial: float, step: float = 0.001, **more: Any
) -> Parameter:
    common = {"name": symbol, "unit": "1", "scale": "lin", "choices": (), "period": 0.0}
    fields = {"controller": None, "value": initial, **common, **more}
    return Parameter(symbol=symbol, minimum=low, maximum=high, initial=initial, step=step, **fields)


SHAPES = (0.0, 1.0, 2.0)
LAYER = (
    parameter("beat_hz", 0.05, 50, 10, scale="log", controller=20),
    parameter("level_db", -24, -6, -15, 0.1, controller=103),
    parameter("shape", 0, 2, 0, 1, choices=SHAPES),
    parameter("azimuth_deg", -360, 360, 0, 1, period=360.0),
)


def layer(**values: float) -> dict[str, Parameter]:
    return {each.symbol: each._replace(value=values.get(each.symbol, each.value)) for each in LAYER}


class MadeUpMirror:
    """Stands for what Entrain does."""

    def __init__(self, **layers: dict[str, Parameter]) -> None:
        self.layers: Mapping[str, Mapping[str, Parameter]] = layers
        self.status: dict[str, Any] = {
            "protocol": {"id": "evening"},
            "moving": {},
            "bypass": False,
            "on": True,
        }

    def present(self, name: str, symbol: str) -> float:
        moving: dict[str, float] = self.status["moving"]
        return moving.get(f"{name}.{symbol}", self.layers[name][symbol].value)


class Desk:
    """A surface in front of a made-up Entrain that does each wish after a while."""

    def __init__(self, *mappings: MidiMapping, lag_s: float = 0.0) -> None:
        self.mirror = MadeUpMirror(tone=layer())
        self.sound = Sound(self.mirror)
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
        for movement in self.surface.read(device, data, after_s):
            found += self.surface.take(device, movement, self.now_s)
        self._do(found)
        self._work()
        return found

    def wait(self, seconds: float) -> None:
        """Let time pass, in the steps in which the part looks for messages."""
        end_s = self.now_s + seconds
        while self.now_s < end_s:
            self.now_s = min(self.now_s + 0.005, end_s)
            self._work()
            self._do(self.surface.glide(self.now_s))

    def _do(self, wishes: list[Wish]) -> None:
        for wish in wishes:
            match wish:
                case SetValue(address, value):
                    self.path.append((address, value))
                    self._due.append((self.now_s + self.lag_s, address, value))
                case Act(request):
                    self.acts.append(request)

    def _work(self) -> None:
        due = [each for each in self._due if each[0] <= self.now_s]
        if due:
            self._due = self._due[len(due) :]
            self.change(**{address.partition(".")[2]: value for _, address, value in due})

    def change(self, **values: float) -> None:
        """Change values of the layer `tone`, as any client can."""
        self.values |= values
        self.mirror.layers = {"tone": layer(**self.values)}

    def value(self, symbol: str) -> float:
        found = self.sound.value(f"tone.{symbol}")
        assert found is not None
        return found

    def shown(self, device: str = KNOBS) -> list[list[int]]:
        found: list[Sequence[int]] = []

        def send(to: str, messages: Sequence[Sequence[int]]) -> bool:
            assert to == device
            found.extend(messages)
            return True

        self.surface.feedback({device}, self.now_s, send)
        return [list(each) for each in found]
