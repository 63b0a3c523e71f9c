"""Which programs are heard through Entrain."""

from pydantic import BaseModel, ConfigDict

from entrain.vdevice.protocol.fields import Line


class ApplicationRules(BaseModel):
    """The user's wishes; a program is named by its application id, binary or name."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    include: tuple[Line, ...] = ()
    """Heard through Entrain in `manual` mode."""
    exclude: tuple[Line, ...] = ()
    """Never heard through Entrain."""
    calls_pass: bool = True
    """Calls go past Entrain."""
    notifications_pass: bool = True
    """Short sounds of the desktop do."""
