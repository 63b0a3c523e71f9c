"""The stored settings and state: fields, limits and initial values."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from entrain.vdevice.device.applications.rules import ApplicationRules
from entrain.vdevice.device.softened import Softened
from entrain.vdevice.device.unplugged import MOST_ENTRIES
from entrain.vdevice.head.settings import TrackingSettings
from entrain.vdevice.limits import MAX_LATENCY_MS, MIN_LATENCY_MS, Mode, Unplugged
from entrain.vdevice.protocol.library import DEFAULT_ID
from entrain.vdevice.protocol.model import ProtocolReference
from entrain.vdevice.remote.midi_settings import MidiSettings
from entrain.vdevice.remote.osc_settings import OscSettings
from entrain.vdevice.space.settings import SpaceSettings
from entrain.vdevice.storage.stored_protocols import FileName


class State(BaseModel):
    """The state that Entrain restores after a restart.  Fields of later versions are kept.

    The version stays 1, so that an older Entrain can read a newer file: it ignores unknown fields.
    """

    model_config = ConfigDict(frozen=True, extra="allow", strict=True, defer_build=True)

    schema_version: Literal[1] = 1
    on: bool = False
    """Entrain was switched on, and switches on again."""
    bypass: bool = False
    settings: dict[str, float] = {}
    """Parameters of the engine's own layers, by address; invalid ones are left out."""
    protocol: ProtocolReference | None = None
    """An id if the protocol equals the library's, otherwise the whole protocol as changed."""
    output: str | None = None
    """The real device that the user has chosen; None: a preferred device, or the desktop's."""
    preferred_outputs: Annotated[tuple[str, ...], Field(max_length=32)] = ()
    """Real devices to play on whenever they are connected, the most preferred first."""
    former_default: str | None = None
    """The default output that the user had chosen before Entrain was switched on.

    `off` restores it, and so does the next start after a crash.  None: the user had chosen none.
    """
    stand_in: str | None = None
    """The default output that Entrain has configured because the user had chosen none."""
    mode: Mode = "default"
    unplugged: Unplugged = "softer"
    """How a loudspeaker plays that takes over after headphones were unplugged."""
    softened: Annotated[tuple[Softened, ...], Field(max_length=MOST_ENTRIES)] = ()
    """Loudspeakers that Entrain has turned down, with their former volumes."""
    applications: ApplicationRules = ApplicationRules()
    remembered: dict[str, ProtocolReference] = {}
    """Protocols of real devices that have their own, by name of the device."""
    tracking: dict[str, TrackingSettings] = {}
    """Settings of head tracking by name of the device, those used last at the end."""
    osc: OscSettings = OscSettings()
    midi: MidiSettings = MidiSettings()
    recent: tuple[str, ...] = ()
    """Ids of the protocols used last, the latest first."""
    session_log: bool = True
    hotkeys: bool = False
    """Entrain's icon asks the desktop for keyboard shortcuts."""
    hrtf: str = "kemar"
    """Id of the head for outputs that have none of their own."""
    space: dict[str, SpaceSettings] = {}
    """Settings of the space by the real device's name, those used last at the end."""
    latency_ms: float | None = Field(default=None, ge=MIN_LATENCY_MS, le=MAX_LATENCY_MS)
    """See `RunOptions.latency_ms`; None: the back end's default."""


class ProtocolFiles(BaseModel):
    """Names of the files with whole protocols, where the state has no id."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, defer_build=True)

    protocol: FileName | None = None
    remembered: dict[str, FileName] = {}

    def not_replaced_in(self, state: State) -> "ProtocolFiles":
        """Leave out files for which the user has chosen another protocol meanwhile."""
        # A state without a protocol starts with the default protocol.
        has_chosen = state.protocol not in (None, DEFAULT_ID)
        return ProtocolFiles(
            protocol=None if has_chosen else self.protocol,
            remembered={
                device: name
                for device, name in self.remembered.items()
                if device not in state.remembered
            },
        )


class StateFile(State):
    """Content of the state file; whole protocols are in files beside it."""

    protocol_files: ProtocolFiles = ProtocolFiles()


class Note(BaseModel):
    """Content of the note, which is written while the state file cannot be saved."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, defer_build=True)

    softened: Annotated[tuple[Softened, ...], Field(max_length=MOST_ENTRIES)]
