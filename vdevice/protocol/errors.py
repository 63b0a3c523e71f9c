"""The error of this package."""

from entrain.errors import EntrainError


class ProtocolError(EntrainError):
    """A protocol, SPEC, address or value is unusable; the text has one line for each problem."""
