"""The kinds of request."""

from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, StringConstraints

from entrain.vdevice import limits
from entrain.vdevice.protocol.fields import Line


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    client: Annotated[Line, StringConstraints(max_length=limits.MAX_CLIENT_CHARS)] = ""
    """Name of the client in the `caused_by` of events."""


class Query(_Request):
    """A request that changes nothing."""


class Command(_Request):
    """A request that may change the app; subscribers look for changes afterwards."""

    status_follows: ClassVar[bool] = True
    """Whether the answer is the new `Status`, unless the command has an answer of its own."""


class Signal(_Request):
    """A request without an answer: only a refused one has one.

    It is neither saved nor told to subscribers, so it costs little.
    """
