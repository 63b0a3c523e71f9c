"""Settings and state that survive a restart.  Called on the main thread only.

A state that cannot be read or written never stops the sound: it costs one warning.
"""

import contextlib
import json
import logging
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from entrain.platform.files import replace_file
from entrain.vdevice.applications import ApplicationRules
from entrain.vdevice.default_policy import Mode
from entrain.vdevice.protocol.document import upgraded_document
from entrain.vdevice.protocol.model import ProtocolReference
from entrain.vdevice.protocol.wording import explain
from entrain.vdevice.unplugged import MOST_ENTRIES, Softened, Unplugged

FILE_NAME = "state.json"
MAX_FILE_BYTES = 1 << 20

_log = logging.getLogger(__name__)


class State(BaseModel):
    """What Entrain goes on with after a restart.  Fields of later versions are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    schema_version: Literal[1] = 1
    on: bool = False
    """Entrain was the default output, and becomes it again."""
    bypass: bool = False
    settings: dict[str, float] = {}
    """Parameters of the engine's own layers, by address; what cannot be set is left out."""
    protocol: ProtocolReference | None = None
    """An id while it is as in the library, else the whole protocol with the values set since."""
    output: str | None = None
    """The real device that the user chose; None: a preferred one, else follow the desktop."""
    preferred_outputs: Annotated[tuple[str, ...], Field(max_length=32)] = ()
    """Real devices that are played on whenever they are connected, the most wanted first."""
    former_default: str | None = None
    """The default output that somebody had chosen before `on`; given back by `off`, also after a
    crash.  None: nobody has chosen one."""
    stand_in: str | None = None
    """The default output that Entrain has configured because nobody had chosen one."""
    mode: Mode = "default"
    unplugged: Unplugged = "softer"
    """What a loudspeaker does that takes over because headphones were unplugged."""
    softened: Annotated[tuple[Softened, ...], Field(max_length=MOST_ENTRIES)] = ()
    """Loudspeakers that Entrain has turned down, with their volumes before."""
    applications: ApplicationRules = ApplicationRules()
    remembered: dict[str, ProtocolReference] = {}
    """What is used whenever sound goes to that real device, by its name."""
    recent: tuple[str, ...] = ()
    """Ids of the protocols used last, the latest first."""
    session_log: bool = True
    latency_ms: float | None = Field(default=None, ge=4, le=500)
    """See `RunOptions.latency_ms`; None: what the back end begins with."""


class Store:
    """The state file.

    Parameters
    ----------
    path : Path
        Its folder is made when something is saved.

    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.warning = ""
        """What went wrong last, one line; empty while all is well."""
        self._saved: State | None = None

    def load(self) -> State:
        """Read the state; what cannot be read is kept aside as ``state.json.broken``.

        Returns
        -------
        State
            The defaults where there is no file or a broken one.

        """
        with contextlib.suppress(OSError):
            for left in self.path.parent.glob(f".{self.path.name}.*"):  # by one killed in a save
                left.unlink()
        try:
            with self.path.open("rb") as file:
                text = file.read(MAX_FILE_BYTES + 1)
            if len(text) > MAX_FILE_BYTES:
                raise ValueError(f"larger than {MAX_FILE_BYTES} bytes")
            self._saved = State.model_validate_json(_upgraded(text))
            return self._saved
        except FileNotFoundError:
            pass
        except ValidationError as error:
            self._keep_aside(explain(error)[0])
        except ValueError as error:
            self._keep_aside(str(error))
        except OSError as error:
            self._warn(f"cannot read {self.path}: {error.strerror}; starting with defaults")
        return State()

    def save(self, state: State) -> None:
        """Replace the file as a whole, so that a crash leaves the old or the new one."""
        if state == self._saved:
            return
        try:
            replace_file(self.path, state.model_dump_json(indent=2).encode() + b"\n")
        except OSError as error:
            self._warn(f"cannot save {self.path}: {error.strerror}; going on without")
            return
        self._saved = state
        self.warning = ""

    def _keep_aside(self, reason: str) -> None:
        aside = self.path.with_name(self.path.name + ".broken")
        try:
            self.path.replace(aside)
            kept = f"kept as {aside}"
        except OSError as error:
            kept = f"cannot be kept aside: {error.strerror}"
        self._warn(f"{self.path} is broken ({reason}), {kept}; starting with defaults")

    def _warn(self, text: str) -> None:
        if text != self.warning:  # a full disk is told once, not at every change
            _log.warning("%s", text)
        self.warning = text


def _upgraded(text: bytes) -> bytes:
    """Bring a protocol of an earlier Entrain up to date."""
    try:
        document = from_json(text)
    except ValueError:  # found again, and told, by the validation
        return text
    if not isinstance(document, dict):
        return text
    remembered = document.get("remembered")
    for place, key in [(document, "protocol"), *((remembered, name) for name in remembered or ())]:
        if isinstance(place, dict) and isinstance(place.get(key), dict):
            place[key] = upgraded_document(place[key])
    return json.dumps(document).encode()
