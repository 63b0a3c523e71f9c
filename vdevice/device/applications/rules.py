"""The user's rules for apps: which play through Entrain, and which never do."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from entrain.platform.adapter import Stream
from entrain.vdevice.device.applications.known_programs import is_call, is_named, is_notification
from entrain.vdevice.protocol.fields import Line

_Name = Annotated[Line, StringConstraints(min_length=1, max_length=255)]
_Names = Annotated[tuple[_Name, ...], Field(max_length=200)]
"""The length is limited, since each status contains all names."""


class ApplicationRules(BaseModel):
    """The user's rules; an entry is an app's application id, binary or name, in any case.

    `exclude` wins over `include`, and `include` wins over the rules for calls and notifications.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    include: _Names = ()
    """Apps to play through Entrain in `manual` mode."""
    exclude: _Names = ()
    """Apps that never play through Entrain."""
    calls_pass: bool = True
    """Calls bypass Entrain."""
    notifications_pass: bool = True
    """Short sounds of the desktop bypass Entrain."""

    def includes(self, stream: Stream) -> bool:
        """Whether the user wants to hear this stream through Entrain."""
        return is_named(stream, self.include) and not is_named(stream, self.exclude)

    def passes(self, stream: Stream) -> bool:
        """Whether this stream bypasses Entrain."""
        if is_named(stream, self.exclude):
            return True
        if is_named(stream, self.include):
            return False
        return (self.calls_pass and is_call(stream)) or (
            self.notifications_pass and is_notification(stream)
        )
