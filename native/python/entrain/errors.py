"""Errors whose text is one clear line for the user."""


class EntrainError(Exception):
    """An error that the user should read; its text is one line."""


class EngineError(EntrainError):
    """A native call failed.

    Parameters
    ----------
    what : str
        The attempted action or its object.
    status : int
        The native status.
    reason : str
        The native library's description of the status.

    """

    def __init__(self, what: str, status: int, reason: str) -> None:
        super().__init__(f"{what}: {reason}")
        self.status = status
