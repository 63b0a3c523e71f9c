"""The space that the user has chosen, beside the space that a protocol asks for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from entrain.vdevice.protocol.model import Layer, Protocol
from entrain.vdevice.protocol.parts.places import HEAD_SIZE, Spatial
from entrain.vdevice.protocol.values import BlockSource

LISTENER = (HEAD_SIZE, "follow")
"""Parameters that belong to the listener in every space."""


@dataclass(frozen=True)
class UsersSpace:
    """The user's choice for one output."""

    layer: Layer | None = None
    """Places the music where the protocol does not say how; None: no space."""
    listener: Mapping[str, float] = field(default_factory=dict)
    """Values of `LISTENER` for the space of a protocol that does not give them."""

    def of(self, protocol: Protocol) -> Layer | None:
        """Return the space of a protocol that leaves it to the user."""
        return self.layer if protocol.spatial is None else None

    def completed(
        self, spatial: Spatial | Literal["off"] | None, blocks: BlockSource
    ) -> Spatial | Literal["off"]:
        """Return the space that a protocol describes, with the listener's values."""
        if spatial is None or spatial == "off":
            return "off"
        known = blocks()[spatial.mode].parameters
        listener = {symbol: value for symbol, value in self.listener.items() if symbol in known}
        return spatial.model_copy(update={"params": {**listener, **spatial.params}})
