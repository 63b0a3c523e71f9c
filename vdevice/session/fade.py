"""Fades to silence, and protocols that begin within one."""

from dataclasses import dataclass

from entrain.vdevice.protocol.model import Layer, Protocol
from entrain.vdevice.protocol.parts.places import Spatial
from entrain.vdevice.protocol.timeline import end_s, value_at
from entrain.vdevice.protocol.values import BlockSource


@dataclass(frozen=True)
class Fade:
    """A moment of a fade of all layers to silence."""

    left_s: float
    """Time until silence."""
    length_s: float
    of_sleep_timer: bool
    """Whether the fade also concerns the next protocol; a loop's own fade does not."""

    @property
    def share(self) -> float:
        """The present share of each layer's strength, 0 … 1."""
        return self.left_s / self.length_s


def loop_fade(protocol: Protocol, session_s: float) -> Fade | None:
    """Return the final fade of a looped protocol, whose automation cannot contain it, or None."""
    end = end_s(protocol)
    if end is None or not protocol.loop or not 0 < end - session_s <= protocol.ramp_out_s:
        return None
    return Fade(end - session_s, protocol.ramp_out_s, of_sleep_timer=False)


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
    loop_s = protocol.duration_s if protocol.loop else None
    layers = tuple(
        layer_within(fade, layer, session_s, blocks, loop_s) for layer in protocol.layers
    )
    update: dict[str, object] = {"layers": layers}
    if (space := protocol.space) and isinstance(protocol.spatial, Spatial):
        space = layer_within(fade, space, session_s, blocks, loop_s)
        values = {"params": space.params, "automation": space.automation}
        update["spatial"] = protocol.spatial.model_copy(update=values)
    return protocol.model_copy(update=update)


def layer_within(
    fade: Fade, layer: Layer, session_s: float, blocks: BlockSource, loop_s: float | None = None
) -> Layer:
    """Return one layer as it sounds within a fade; see `within`.

    The protocol's automation begins again each `loop_s`.
    """
    block = blocks()[layer.kind]
    automation = dict(layer.automation)
    value = layer.params.get(block.strength, block.parameters[block.strength].initial)
    if own := automation.pop(block.strength, None):
        round_s = own.loop_s or loop_s
        value = value_at(own, session_s % round_s if round_s else session_s)
    params = {**layer.params, block.strength: fade.share * value}
    return layer.model_copy(update={"params": params, "automation": automation})
