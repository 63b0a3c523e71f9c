"""Settings of head tracking for one output."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from entrain.vdevice.limits import MAX_PORT, MIN_PORT, OSC_PORT, HeadAxis, TrackerPreset

Port = Annotated[int, Field(ge=MIN_PORT, le=MAX_PORT)]
Axes = Annotated[tuple[HeadAxis, ...], Field(max_length=3)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class TrackingSettings(BaseModel):
    """Whether and how the head is tracked while sound goes to an output."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    on: bool = False
    lan: bool = False
    """Whether trackers are heard on this machine's network, too."""
    port: Port = OSC_PORT
    preset: TrackerPreset = "standard"
    invert: Axes = ()
    follow: Share = 1.0
    """Share of the head's turn that is followed."""
