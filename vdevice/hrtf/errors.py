"""The error of this package."""

from entrain.errors import EntrainError


class HrtfError(EntrainError):
    """A SOFA file or a prepared head cannot be used; one line for the user."""
