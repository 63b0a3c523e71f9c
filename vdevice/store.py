"""Settings and state that survive a restart.  Called on the main thread only.

A state that cannot be read or written never stops the sound: it costs one warning.
"""

import contextlib
import json
import logging
import os
import sys
import tempfile
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from entrain.vdevice.protocol.document import upgraded_document
from entrain.vdevice.protocol.model import ProtocolReference
from entrain.vdevice.protocol.wording import explain

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
    """An id while it is as shipped, else the whole protocol with the values set since."""
    output: str | None = None
    """The real device that the user chose; None: follow the desktop."""
    former_default: str | None = None
    """The default output before `on`; given back by `off`, also after a crash."""
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
            _replace(self.path, state.model_dump_json(indent=2).encode() + b"\n")
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
    protocol = document.get("protocol") if isinstance(document, dict) else None
    if not isinstance(protocol, dict):
        return text
    return json.dumps({**document, "protocol": upgraded_document(protocol)}).encode()


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fd, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
    if sys.platform != "win32":  # folders cannot be synced there
        folder_fd = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder_fd)  # the new name, too, survives a power cut
        finally:
            os.close(folder_fd)
