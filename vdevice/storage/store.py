"""Settings and state that survive a restart.  Called on one thread at a time.

If the state cannot be read or written, the sound continues, and the user gets one warning.  The
readable part is used.  Before an unreadable file is replaced, a copy of it is kept.
"""

import contextlib
import errno
import logging
from pathlib import Path
from typing import Any

from entrain.platform.files import UnfitFile, followed, read_file
from entrain.platform.whole_file import remove_leftovers, replace_file
from entrain.vdevice.device.softened import Softened
from entrain.vdevice.protocol.document import upgraded_document
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.model import Protocol
from entrain.vdevice.protocol.wording import plain
from entrain.vdevice.storage import broken_copies, lenient_reading
from entrain.vdevice.storage.state import Note, ProtocolFiles, State, StateFile
from entrain.vdevice.storage.stored_protocols import StoredProtocols

FILE_NAME = "state.json"
NOTE_NAME = "softened.json"
PROTOCOLS_FOLDER = "state-protocols"
"""The name is not ``protocols``, because some systems keep the user's own protocols there."""
MAX_FILE_BYTES = 1 << 20
_ADVICE = "make it readable, then start Entrain again"
_MOST_NAMED = 3
"""Largest number of unreadable settings that a warning names."""

_log = logging.getLogger(__name__)


class Store:
    """The state file, and protocols in files beside it.

    Parameters
    ----------
    path : Path
        Its folder is created at the first save.
    note : Path, optional
        File for the list of loudspeakers that are turned down, for use while the state cannot be
        saved.  It lies in another file system, and may vanish at the end of the user's session.

    """

    def __init__(self, path: Path, note: Path | None = None) -> None:
        self.path = path
        self._note = note
        self._has_note = note is not None  # an earlier run may have left one
        self.warning = ""
        """The last error, one line; empty after a success."""
        self._protocols = StoredProtocols(path.parent / PROTOCOLS_FOLDER)
        self._saved: State | None = None
        self._has_tidied = False
        self.may_be_replaced = True
        """False: the file may become readable later, so it must not be replaced now."""
        self._unread = ProtocolFiles()
        """Protocols that may become readable later: the state file keeps their names."""
        self._to_set_aside: bytes | None = None
        """Unreadable content of the file that must be copied before it is replaced."""

    def load(self) -> State:
        """Read the state, and the note if there is one.

        Unreadable fields are left out; then a copy of the file is kept as ``state.json.broken``.

        Returns
        -------
        State
            The readable fields; defaults for all others.

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
            self._warn(f"{reason}; starting with defaults, saving nothing; {_ADVICE}")
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
            trouble += f"; cannot keep a copy: {error.strerror}"
        self._warn(trouble if state != State() else f"{trouble}; starting with defaults")
        return state

    def save(self, state: State) -> None:
        """Replace the whole file, so that after a crash it is either the old or the new one."""
        if not self._has_tidied:  # from now on, no other process saves
            self._has_tidied = True
            with contextlib.suppress(OSError):
                remove_leftovers(followed(self.path).parent)
        if state == self._saved:
            self.warning = ""
            self._remove_note()
            return
        noted = self._write_note(state)  # first, since the disk may never answer
        if not self.may_be_replaced:
            return
        try:
            self._copied_aside()
            self._write(state)
        except OSError as error:
            advice = "" if noted else _advice_on_volume(state)
            self._warn(f"cannot save {self.path}: {error.strerror}; Entrain tries again{advice}")
            return
        self._saved = state
        self.warning = ""
        self._remove_note()

    def _write_note(self, state: State) -> bool:
        """Write the note if `softened` has changed; returns False if it cannot be written."""
        if state.softened == (self._saved.softened if self._saved else ()):
            self._remove_note()
            return True
        if self._note is None:
            return False
        self._has_note = True
        try:
            replace_file(self._note, Note(softened=state.softened).model_dump_json().encode())
        except OSError as error:
            _log.debug("cannot write %s: %s", self._note, error)
            return False
        return True

    def _noted(self) -> tuple[Softened, ...] | None:
        if self._note is None:
            return None
        try:
            return lenient_reading.read(Note, read_file(self._note, MAX_FILE_BYTES))[0].softened
        except (OSError, ValueError):
            return None

    def _remove_note(self) -> None:
        if self._note is not None and self._has_note:
            self._has_note = False
            with contextlib.suppress(OSError):
                self._note.unlink(missing_ok=True)

    def _read(self, text: bytes) -> tuple[State, list[str], list[str]]:
        """Read a state and its protocols.

        Returns
        -------
        State
            The readable fields.
        list of str
            Fields that are lost, and the reasons, one line each.
        list of str
            Protocols that may become readable later, and the reasons, one line each.

        Raises
        ------
        ValueError
            The file cannot be read at all.

        """
        stored, lost = lenient_reading.read(StateFile, text, _bring_up_to_date)
        unread: dict[str, str] = {}  # reasons by file name
        fields = dict(stored)
        files: ProtocolFiles = fields.pop("protocol_files")

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
        self._unread = ProtocolFiles(
            protocol=files.protocol if files.protocol in unread else None,
            remembered={k: name for k, name in files.remembered.items() if name in unread},
        )
        return State(**fields), lost, list(unread.values())

    def _write(self, state: State) -> None:
        protocol = state.protocol
        unread = self._unread.not_replaced_in(state)
        files = ProtocolFiles(
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
        stored = StateFile(**fields, protocol_files=files)
        content = stored.model_dump_json(indent=2).encode() + b"\n"
        if len(content) > MAX_FILE_BYTES:
            raise OSError(errno.EFBIG, f"it would be larger than {MAX_FILE_BYTES} bytes")
        replace_file(self.path, content)
        self._unread = unread
        names = {files.protocol, *files.remembered.values()}
        self._protocols.keep_only(names, with_spared=broken_copies.is_any(self.path))

    def _copied_aside(self) -> Path | None:
        """Copy the unreadable content, unless that is done already."""
        if self._to_set_aside is None:
            return None
        kept = broken_copies.copy(self.path, self._to_set_aside)
        self._protocols.spare()  # the copy may name any of them
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
        if text != self.warning:  # report a full disk once, not at every change
            _log.warning("%s", text)
        self.warning = text


def _advice_on_volume(state: State) -> str:
    names = ", ".join(entry.device for entry in state.softened)
    return f"; if Entrain is killed, turn the volume of {names} up again" if names else ""


def _bring_up_to_date(document: dict[str, Any]) -> None:
    """Convert whole protocols in the state file of an earlier Entrain, in place."""
    remembered = document.get("remembered")
    for holder in (document, remembered if isinstance(remembered, dict) else {}):
        for key in ("protocol",) if holder is document else list(holder):
            if isinstance(holder.get(key), dict):
                holder[key] = upgraded_document(holder[key])


def _listed(lost: list[str]) -> str:
    more = [f"{len(lost) - _MOST_NAMED} more"] if len(lost) > _MOST_NAMED else []
    return "; ".join([*(plain(line, 200) for line in lost[:_MOST_NAMED]), *more])
