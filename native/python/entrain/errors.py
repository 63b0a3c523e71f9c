"""Errors whose text is one clear line for the person who runs into them."""


class EntrainError(Exception):
    """Something that the user should be told, in one line."""


class EngineError(EntrainError):
    """A native call failed.

    Parameters
    ----------
    what : str
        What was being done.
    status : int
        The native status.
    reason : str
        The native library's sentence for it.

    """

    def __init__(self, what: str, status: int, reason: str) -> None:
        super().__init__(f"{what}: {reason}")
        self.status = status
