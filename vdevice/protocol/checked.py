"""`Layer` and `Protocol` as `import entrain` offers them: checked when they are built.

The models themselves check the shape only, since files are read without the engine, too.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pydantic import ValidationError

from entrain.engine import blocks
from entrain.vdevice.protocol import model
from entrain.vdevice.protocol.check import layer_problems, problems
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.wording import explain


class Layer(model.Layer):
    """A block and its starting values; parameters that are not named have initial values.

    Raises
    ------
    ProtocolError
        There is no such kind of layer, or it has no such parameter or value.

    """

    if not TYPE_CHECKING:  # type checkers know the fields from pydantic

        def __init__(self, /, **values: object) -> None:
            try:
                super().__init__(**values)
            except ValidationError as error:
                lines = [f"Layer: {line}" for line in explain(error)]
                raise ProtocolError("; ".join(lines)) from None
            _refuse(layer_problems(self, blocks(), "Layer"))

        # As with pydantic's own, so that reading JSON does not take the way through here.
        __init__.__pydantic_base_init__ = True

    def __eq__(self, other: object) -> bool:
        """Whether the values are the same, also of a layer that was read from JSON."""
        if not isinstance(other, model.Layer):
            return NotImplemented
        return self.__dict__ == other.__dict__


class Protocol(model.Protocol):
    """Named layers with their course over time and their properties.

    Raises
    ------
    ProtocolError
        A field is missing or wrong, or a layer is not possible.

    """

    if not TYPE_CHECKING:

        def __init__(self, /, **values: object) -> None:
            try:
                super().__init__(**values)
            except ValidationError as error:
                lines = [f"Protocol: {line}" for line in explain(error)]
                raise ProtocolError("; ".join(lines)) from None
            _refuse(f"Protocol: {line}" for line in problems(self, blocks))

        __init__.__pydantic_base_init__ = True

    def __eq__(self, other: object) -> bool:
        """Whether the fields are the same, also of a protocol that was read from JSON."""
        if not isinstance(other, model.Protocol):
            return NotImplemented
        return self.__dict__ == other.__dict__


def _refuse(lines: Iterable[str]) -> None:
    if found := list(lines):
        raise ProtocolError("; ".join(found))
