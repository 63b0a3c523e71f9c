"""A protocol with the values that were set since.  Knows no engine."""

from collections.abc import Mapping

from entrain.vdevice.protocol.check import block_of, values_of
from entrain.vdevice.protocol.model import Layer, Protocol
from entrain.vdevice.protocol.values import BlockSource
from entrain.vdevice.session.changed_values import with_heard_value
from entrain.vdevice.session.choices import called_as


class EditedProtocol:
    """A protocol and values by address; `protocol` has both.

    A user who drags a slider sets values much more often than any client reads them.  Therefore
    the protocol with the values is made when it is first read.  To its users an object is
    immutable; objects share their parts.

    Parameters
    ----------
    protocol : Protocol
        The protocol before the values were set.
    blocks : callable
        Returns the blocks.
    values : mapping
        Values that were checked against the blocks, the last one set at the end.
    is_replaced : bool
        Whether the layers for loudspeakers were audible when the values were set.

    """

    def __init__(
        self,
        protocol: Protocol,
        blocks: BlockSource,
        values: Mapping[str, float] | None = None,
        is_replaced: bool = False,
    ) -> None:
        self._protocol = protocol
        self._blocks = blocks
        self._values = values or {}
        self._is_replaced = is_replaced

    @property
    def protocol(self) -> Protocol:
        """The protocol with all values."""
        if self._values:
            changed = self._protocol
            for address, value in self._values.items():
                changed = with_heard_value(changed, address, value, self._is_replaced, self._blocks)
            self._protocol, self._values = changed, {}
        return self._protocol

    def value(self, layer: Layer, symbol: str) -> float | None:
        """Return the present value of a parameter of an audible layer; None: it is automated."""
        value = self._values.get(f"{layer.id}.{symbol}")
        if value is not None or symbol in layer.automation:
            return value
        initial = block_of(layer, self._blocks()).parameters[symbol].initial
        return values_of(layer).get(symbol, initial)

    @property
    def frame(self) -> Protocol:
        """The protocol, perhaps without the last values; everything else in it is right."""
        return self._protocol

    def named_as(self, other: Protocol) -> "EditedProtocol":
        """Return this protocol with the id and the name of another one."""
        return EditedProtocol(called_as(other, self.protocol), self._blocks)

    def with_values(self, values: Mapping[str, float], is_replaced: bool) -> "EditedProtocol":
        """Return this protocol with more values, which were checked."""
        if is_replaced != self._is_replaced:
            return EditedProtocol(self.protocol, self._blocks, values, is_replaced)
        # The last value wins over its twin, too, so it must come last.
        others = {each: value for each, value in self._values.items() if each not in values}
        return EditedProtocol(self._protocol, self._blocks, {**others, **values}, is_replaced)
