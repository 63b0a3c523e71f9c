"""Settings and state that survive a restart.  Called on one thread at a time.

A state that cannot be read or written never stops the sound: it costs one warning.  What can be
read of it is kept, and what is replaced without having been understood is set aside before.
"""

import contextlib
import errno
import logging
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from entrain.platform.files import UnfitFile, followed, read_file
from entrain.platform.whole_file import remove_leftovers, replace_file
from entrain.vdevice.device.applications import ApplicationRules
from entrain.vdevice.device.softened import Softened
from entrain.vdevice.device.unplugged import MOST_ENTRIES
from entrain.vdevice.head.settings import TrackingSettings
from entrain.vdevice.limits import MAX_LATENCY_MS, MIN_LATENCY_MS, Mode, Unplugged
from entrain.vdevice.protocol.document import upgraded_document
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.library import DEFAULT_ID
from entrain.vdevice.protocol.model import Protocol, ProtocolReference
from entrain.vdevice.protocol.wording import plain
from entrain.vdevice.storage import broken_copies, lenient_reading
from entrain.vdevice.storage.stored_protocols import FileName, StoredProtocols

FILE_NAME = "state.json"
NOTE_NAME = "softened.json"
PROTOCOLS_FOLDER = "state-protocols"
"""Not ``protocols``: on some systems the user's own ones lie beside the state."""
MAX_FILE_BYTES = 1 << 20
_ADVICE = "make it readable, then start Entrain again"
_MOST_NAMED = 3
"""How many of the settings that could not be read a warning names."""

_log = logging.getLogger(__name__)


class State(BaseModel):
    """What Entrain goes on with after a restart.  Fields of later versions are kept as they are.

    The version stays 1, so that an older Entrain reads what a newer one has written: it ignores
    fields that it does not know.
    """

    model_config = ConfigDict(frozen=True, extra="allow", strict=True, defer_build=True)

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
    tracking: dict[str, TrackingSettings] = {}
    """Settings of head tracking by the real device's name, those used last at the end."""
    recent: tuple[str, ...] = ()
    """Ids of the protocols used last, the latest first."""
    session_log: bool = True
    latency_ms: float | None = Field(default=None, ge=MIN_LATENCY_MS, le=MAX_LATENCY_MS)
    """See `RunOptions.latency_ms`; None: what the back end begins with."""


class _ProtocolFiles(BaseModel):
    """The names of the files that hold the protocols of a state which are no ids."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, defer_build=True)

    protocol: FileName | None = None
    remembered: dict[str, FileName] = {}

    def not_replaced_in(self, state: State) -> "_ProtocolFiles":
        """Leave out the files in whose place the user has chosen another protocol."""
        # Without a protocol to go on with, Entrain begins with the default one.
        has_chosen = state.protocol not in (None, DEFAULT_ID)
        return _ProtocolFiles(
            protocol=None if has_chosen else self.protocol,
            remembered={
                device: name
                for device, name in self.remembered.items()
                if device not in state.remembered
            },
        )


class _StateFile(State):
    """What is in the state file: protocols that are no ids are in files beside it."""

    protocol_files: _ProtocolFiles = _ProtocolFiles()


class _Note(BaseModel):
    """What is kept elsewhere where the state file cannot be written."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, defer_build=True)

    softened: Annotated[tuple[Softened, ...], Field(max_length=MOST_ENTRIES)]


class Store:
    """The state file, and protocols in files beside it.

    Parameters
    ----------
    path : Path
        Its folder is made when something is saved.
    note : Path, optional
        Where it is noted which loudspeakers are turned down, while the state cannot be saved: a
        file in another file system, which need not outlive the session.

    """

    def __init__(self, path: Path, note: Path | None = None) -> None:
        self.path = path
        self._note = note
        self._has_note = note is not None  # perhaps, of an earlier run
        self.warning = ""
        """What went wrong last, one line; empty while all is well."""
        self._protocols = StoredProtocols(path.parent / PROTOCOLS_FOLDER)
        self._saved: State | None = None
        self._has_tidied = False
        self.may_be_replaced = True
        """False: the file could not be read, but perhaps another time; until then none is saved."""
        self._unread = _ProtocolFiles()
        """Protocols that cannot be read, but perhaps another time: the file goes on naming them."""
        self._to_set_aside: bytes | None = None
        """What is in the file, where it has not been understood, nor set aside yet."""

    def load(self) -> State:
        """Read the state, and what was noted of it while it could not be saved.

        What cannot be read is left out, and then the file is kept as ``state.json.broken`` too.

        Returns
        -------
        State
            The defaults where there is no file, and for what cannot be read.

        """
        state = self._load()
        noted = self._noted()
        return state if noted is None else state.model_copy(update={"softened": noted})

    def _load(self) -> State:
        try:
            text = read_file(self.path, MAX_FILE_BYTES)
        except (FileNotFoundError, NotADirectoryError):
            return State()
        except UnfitFile as error:
            self._warn(f"{self.path} {error.strerror}{self._moved_aside()}; starting with defaults")
            return State()
        except OSError as error:
            self.may_be_replaced = False
            reason = f"cannot read {self.path}: {error.strerror}"
            self._warn(f"{reason}; starting with defaults, and saving nothing; {_ADVICE}")
            return State()
        try:
            state, lost, unread = self._read(text)
        except ValueError as error:
            state = State()
            trouble = f"{self.path} is broken ({plain(str(error), 200)})"
        else:
            if not lost:
                if unread:
                    self._warn(f"{_listed(unread)}; {_ADVICE}")
                else:
                    self._saved = state
                return state
            trouble = f"{self.path}: left out: {_listed([*lost, *unread])}"
        self._to_set_aside = text
        try:
            trouble += f"; kept as {self._copied_aside()}"
        except OSError as error:
            trouble += f"; cannot be kept aside: {error.strerror}"
        self._warn(trouble if state != State() else f"{trouble}; starting with defaults")
        return state

    def save(self, state: State) -> None:
        """Replace the file as a whole, so that a crash leaves the old or the new one."""
        if not self._has_tidied:  # nobody else saves from now on
            self._has_tidied = True
            with contextlib.suppress(OSError):
                remove_leftovers(followed(self.path).parent)
        if state == self._saved:
            self.warning = ""
            self._remove_note()
            return
        noted = self._write_note(state)  # first: the disk may never answer
        if not self.may_be_replaced:
            return
        try:
            self._copied_aside()
            self._write(state)
        except OSError as error:
            advice = "" if noted else _advice_on_volume(state)
            self._warn(f"cannot save {self.path}: {error.strerror}; going on without{advice}")
            return
        self._saved = state
        self.warning = ""
        self._remove_note()

    def _write_note(self, state: State) -> bool:
        """Note elsewhere what undoes a change outside this process; tells whether that is done."""
        if state.softened == (self._saved.softened if self._saved else ()):
            self._remove_note()
            return True
        if self._note is None:
            return False
        self._has_note = True
        try:
            replace_file(self._note, _Note(softened=state.softened).model_dump_json().encode())
        except OSError as error:
            _log.debug("cannot write %s: %s", self._note, error)
            return False
        return True

    def _noted(self) -> tuple[Softened, ...] | None:
        if self._note is None:
            return None
        try:
            return lenient_reading.read(_Note, read_file(self._note, MAX_FILE_BYTES))[0].softened
        except (OSError, ValueError):
            return None

    def _remove_note(self) -> None:
        if self._note is not None and self._has_note:
            self._has_note = False
            with contextlib.suppress(OSError):
                self._note.unlink(missing_ok=True)

    def _read(self, text: bytes) -> tuple[State, list[str], list[str]]:
        """Read a state, and the protocols that it names.

        Returns
        -------
        State
            What can be read.
        list of str
            What is lost, and why, one line each.
        list of str
            The protocols that cannot be read, but perhaps another time, and why, one line each.

        Raises
        ------
        ValueError
            Nothing can be read.

        """
        stored, lost = lenient_reading.read(_StateFile, text, _bring_up_to_date)
        unread: dict[str, str] = {}  # why, by the names of the files
        fields = dict(stored)
        files: _ProtocolFiles = fields.pop("protocol_files")

        def load(name: str) -> Protocol | None:
            try:
                return self._protocols.load(name)
            except ProtocolError as error:
                lost.append(str(error).splitlines()[0])
            except OSError as error:
                unread[name] = f"cannot read {error.filename}: {error.strerror}"
            return None

        if files.protocol and (protocol := load(files.protocol)):
            fields["protocol"] = protocol
        remembered = {device: load(name) for device, name in files.remembered.items()}
        fields["remembered"] = stored.remembered | {k: v for k, v in remembered.items() if v}
        self._unread = _ProtocolFiles(
            protocol=files.protocol if files.protocol in unread else None,
            remembered={k: name for k, name in files.remembered.items() if name in unread},
        )
        return State(**fields), lost, list(unread.values())

    def _write(self, state: State) -> None:
        protocol = state.protocol
        unread = self._unread.not_replaced_in(state)
        files = _ProtocolFiles(
            protocol=unread.protocol
            if isinstance(protocol, str | None)
            else self._protocols.save(protocol),
            remembered=unread.remembered
            | {
                device: self._protocols.save(wanted)
                for device, wanted in state.remembered.items()
                if not isinstance(wanted, str)
            },
        )
        ids = {
            device: wanted for device, wanted in state.remembered.items() if isinstance(wanted, str)
        }
        fields = dict(state) | {
            "protocol": protocol if isinstance(protocol, str) else None,
            "remembered": ids,
        }
        stored = _StateFile(**fields, protocol_files=files)
        content = stored.model_dump_json(indent=2).encode() + b"\n"
        if len(content) > MAX_FILE_BYTES:
            raise OSError(errno.EFBIG, f"it would be larger than {MAX_FILE_BYTES} bytes")
        replace_file(self.path, content)
        self._unread = unread
        names = {files.protocol, *files.remembered.values()}
        self._protocols.keep_only(names, with_spared=broken_copies.is_any(self.path))

    def _copied_aside(self) -> Path | None:
        """Set aside what has not been understood, if that is still to be done."""
        if self._to_set_aside is None:
            return None
        kept = broken_copies.copy(self.path, self._to_set_aside)
        self._protocols.spare()  # whichever of them it names
        self._to_set_aside = None
        return kept

    def _moved_aside(self) -> str:
        try:
            kept = broken_copies.move(self.path)
        except OSError as error:
            return f", cannot be moved away ({error.strerror})"
        self._protocols.spare()
        return f", kept as {kept}"

    def _warn(self, text: str) -> None:
        if text != self.warning:  # a full disk is told once, not at every change
            _log.warning("%s", text)
        self.warning = text


def _advice_on_volume(state: State) -> str:
    names = ", ".join(entry.device for entry in state.softened)
    return f"; if Entrain is killed, turn the volume of {names} up again" if names else ""


def _bring_up_to_date(document: dict[str, Any]) -> None:
    """An earlier Entrain kept whole protocols in the state file, in an earlier version."""
    remembered = document.get("remembered")
    for holder in (document, remembered if isinstance(remembered, dict) else {}):
        for key in ("protocol",) if holder is document else list(holder):
            if isinstance(holder.get(key), dict):
                holder[key] = upgraded_document(holder[key])


def _listed(lost: list[str]) -> str:
    more = [f"{len(lost) - _MOST_NAMED} more"] if len(lost) > _MOST_NAMED else []
    return "; ".join([*(plain(line, 200) for line in lost[:_MOST_NAMED]), *more])
