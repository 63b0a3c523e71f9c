"""What can be wrong with a protocol."""

from entrain.errors import EntrainError


class ProtocolError(EntrainError):
    """A protocol, SPEC, address or value that cannot be used; one line per problem."""
