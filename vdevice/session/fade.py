"""Fades to silence, and protocols that begin within one."""

from dataclasses import dataclass

from entrain.vdevice.protocol.model import Layer, Protocol
from entrain.vdevice.protocol.parts.places import Spatial
from entrain.vdevice.protocol.timeline import value_at
from entrain.vdevice.protocol.values import BlockSource


@dataclass
class Fade:
    """A fade of all layers to silence."""

    length_s: float
    left_s: float
    """Time until silence, as of the last look."""
    of_sleep_timer: bool
    """Whether the fade also concerns the next protocol; a loop's own fade does not."""

    @property
    def share(self) -> float:
        """The present share of each layer's strength, 0 … 1."""
        return self.left_s / self.length_s


def within(fade: Fade, protocol: Protocol, session_s: float, blocks: BlockSource) -> Protocol:
    """Return a protocol as it sounds within a fade.

    Parameters
    ----------
    fade : Fade
        The fade, whose moves also replace the protocol's ramps.
    protocol : Protocol
        A protocol that has been checked against the blocks.
    session_s : float
        Time in the protocol's session, for strengths with automation.
    blocks : callable
        Returns the blocks.

    """
    layers = tuple(layer_within(fade, layer, session_s, blocks) for layer in protocol.layers)
    update: dict[str, object] = {"layers": layers}
    if (space := protocol.space) and isinstance(protocol.spatial, Spatial):
        space = layer_within(fade, space, session_s, blocks)
        values = {"params": space.params, "automation": space.automation}
        update["spatial"] = protocol.spatial.model_copy(update=values)
    return protocol.model_copy(update=update)


def layer_within(fade: Fade, layer: Layer, session_s: float, blocks: BlockSource) -> Layer:
    """Return one layer as it sounds within a fade; see `within`."""
    block = blocks()[layer.kind]
    automation = dict(layer.automation)
    value = layer.params.get(block.strength, block.parameters[block.strength].initial)
    if own := automation.pop(block.strength, None):
        value = value_at(own, session_s)
    params = {**layer.params, block.strength: fade.share * value}
    return layer.model_copy(update={"params": params, "automation": automation})
