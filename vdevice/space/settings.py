"""Settings of the space for one output."""

from pydantic import BaseModel, ConfigDict, FiniteFloat

from entrain.vdevice.limits import SpaceMode
from entrain.vdevice.protocol.fields import Slug


class SpaceSettings(BaseModel):
    """How music sounds around the head where the protocol does not say so."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    mode: SpaceMode = "off"
    hrtf: Slug | None = None
    """Id of the head; None: the head that was chosen last for any output."""
    params: dict[Slug, FiniteFloat] = {}
    """Values of the space's parameters; the listener's own belong to every protocol's space."""
