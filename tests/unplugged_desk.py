"""Simulated devices that a policy sees plugged and unplugged; they need no server."""

from dataclasses import dataclass, field, replace

from entrain.platform.adapter import Device, Form, Volume
from entrain.platform.null import null_device
from entrain.vdevice.device.softened import Softened
from entrain.vdevice.device.unplugged import AWAY_S, UnpluggedPolicy


def volume(level: float, muted: bool = False) -> Volume:
    return Volume((level, level), muted)


@dataclass
class Desk:
    """Devices, and a policy that observes each change as in the virtual device."""

    policy: UnpluggedPolicy = field(default_factory=UnpluggedPolicy)
    devices: dict[str, Device] = field(default_factory=dict)
    carries: bool = True
    now_s: float = 100.0

    def plug(self, name: str, form: Form, level: float = 0.8) -> None:
        self.devices[name] = null_device(name, form=form, level=level)

    def unplug(self, name: str) -> None:
        del self.devices[name]

    def play_on(self, name: str, *others: str, chosen: bool = False) -> Volume:
        """Carry out the policy's changes, and return the volume at which the first sample plays."""
        found = self.policy.arrive(
            [self.devices[each] for each in (name, *others)],
            list(self.devices.values()),
            carries=self.carries,
            chosen=chosen,
            now_s=self.now_s,
        )
        for each, wanted in found:
            self.set(each, wanted)
        self.playing_on = name
        return self.devices[name].volume

    def look(self, after_s: float = 0.0, default: str = "") -> None:
        self.now_s += after_s
        found = self.policy.observe(self.devices, {self.playing_on, default}, self.now_s)
        for name, wanted in found:
            self.set(name, wanted)
        self.play_on(self.playing_on)

    def look_twice(self, default: str = "") -> None:
        self.look(default=default)
        self.look(AWAY_S, default=default)

    def confirm(self) -> None:
        found = self.policy.confirm(self.devices[self.playing_on], self.now_s)
        if found is not None:
            self.set(self.playing_on, found)

    def set(self, name: str, wanted: Volume) -> None:
        self.devices[name] = replace(self.devices[name], volume=wanted)

    def volume(self, name: str) -> Volume:
        return self.devices[name].volume

    @property
    def softened(self) -> Softened | None:
        return self.policy.in_effect(self.devices[self.playing_on])


@dataclass
class Card(Desk):
    """A device with two sockets; if `keeps`, each has its own volume, as on most servers."""

    keeps: bool = True
    levels: dict[Form, Volume] = field(default_factory=dict)

    def insert(self, form: Form, told: bool | None = None) -> Volume:
        if "card" not in self.devices:
            self.levels = {"headphones": volume(0.3), "speakers": volume(0.8)}
            self.plug("card", form)
        else:
            self.levels[self.devices["card"].form] = self.volume("card")
        kept = self.levels[form] if self.keeps else self.volume("card")
        self.devices["card"] = replace(
            self.devices["card"], form=form, volume=kept, headphones_in=told
        )
        return self.play_on("card")


def headset_and_speakers() -> Desk:
    """Make a desk with a headset and speakers; the headset plays."""
    made = Desk()
    made.plug("headset", "headphones", 0.5)
    made.plug("speakers", "speakers")
    assert made.play_on("headset") == volume(0.5)
    return made
