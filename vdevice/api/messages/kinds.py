"""The kinds of request."""

from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, StringConstraints

from entrain.vdevice import limits
from entrain.vdevice.api.messages.results import Status
from entrain.vdevice.protocol.fields import Line


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    client: Annotated[Line, StringConstraints(max_length=limits.MAX_CLIENT_CHARS)] = ""
    """Name by which a `watch` with `parts` tells others who changed the status."""


class Query(_Request):
    """A request that changes nothing."""

    answer: ClassVar[Any]
    """Type of the answer's `result`."""


class Command(_Request):
    """A request that may change the app; subscribers look for changes afterwards."""

    answer: ClassVar[Any] = Status
    """Type of the answer's `result`.

    None: `result` is null.  With `Status`, the hub answers unless the command does.
    """


class Signal(_Request):
    """A request without an answer: only a refused one has one.

    It is neither saved nor told to subscribers, so it costs little.
    """
