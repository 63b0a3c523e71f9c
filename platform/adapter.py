"""Entrain's interface to an operating system: its sound server, its folders, its desktop.

Every call may wait for the system.  Call from a thread that may wait, never from the audio thread.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, Protocol

from entrain.errors import EntrainError
from entrain.threads import ThreadHandle
from entrain.ways import Way

OWN_DEVICE = "entrain"
"""Name of Entrain's own device.

If a sound system identifies devices in another way, its adapter translates.
"""

CALL_TIMEOUT_S = 3.0
"""Longest time that one call of a `SoundServer` waits for an answer, in seconds."""


Form = Literal["headphones", "speakers", "hands-free", "mono", "unknown"]
"""Form of a device; only ``headphones`` and ``unknown`` are taken to keep both ears apart."""

WITHOUT_HEADPHONES: frozenset[Form] = frozenset({"speakers", "mono", "hands-free"})
"""Forms that do not keep both ears apart."""

Purpose = Literal["call", "notification", "other"]
"""Purpose of an app's sound: a conversation, a short sound of the desktop, or any other."""


class PlatformError(EntrainError):
    """The system cannot do what was asked; the message is one line for the user."""


class NotSupported(PlatformError):
    """Entrain does not support this on this system."""


@dataclass(frozen=True)
class Volume:
    """A device's volume, as desktops show it.

    Parameters
    ----------
    channels : tuple of float
        One value per channel, 1.0 = 100 %; the sound's amplitude is its cube, so 0.5 is -18 dB.
        If a sound system counts in another way, its adapter translates.
    muted : bool
        Whether the device is muted; the channels keep their values.

    """

    channels: tuple[float, ...]
    muted: bool = False

    def fitted(self, channels: int) -> "Volume":
        """Return the same volume for a device with another channel count.

        If the counts differ, channels have no counterparts, so the balance is dropped and every
        channel gets the mean.
        """
        if channels == len(self.channels) or not self.channels:
            return self
        mean = sum(self.channels) / len(self.channels)
        return Volume((mean,) * channels, self.muted)


def level_of(gain_db: float) -> float:
    """Return the value of a `Volume` that changes the sound's level by this gain."""
    return float(10 ** (gain_db / 60))


@dataclass(frozen=True)
class Device:
    """An output of the sound server.  Its name identifies it, even after it was reconnected."""

    name: str
    description: str
    volume: Volume
    own: bool
    """True for Entrain's own sink.  A device of another app may have the same name."""
    state: str
    """``running``, ``idle``, ``suspended`` or ``unknown``."""
    rate_hz: int
    channels: int
    form: Form = "unknown"
    dummy: bool = False
    """True for the server's placeholder while no real device is connected."""
    headphones_in: bool | None = None
    """Whether headphones are plugged into this device; None: it does not report it."""
    owner: int | None = None
    """Entrain's own sink: id of the process that has made it."""

    @property
    def is_real(self) -> bool:
        """Whether this device can be heard: it is not a dummy, nor named like Entrain's."""
        return self.name != OWN_DEVICE and not self.dummy


@dataclass(frozen=True)
class Stream:
    """The sound of an app on its way to an output."""

    index: int
    """Unique during the stream's life."""
    device: str
    """Name of the output, or ``""`` if the stream has no known output."""
    app_id: str = ""
    """For example ``org.mozilla.firefox``; few apps report it."""
    binary: str = ""
    """File name of the app."""
    name: str = ""
    """Name of the app, as desktops show it."""
    purpose: Purpose = "other"
    kind: str = ""
    """Kind in the server's words; the server may treat streams of one app and kind alike."""
    pinned: bool = False
    """The app itself has asked for this device; not every server reports it."""


@dataclass(frozen=True)
class ServerInfo:
    """Name and version of the sound server that answers."""

    name: str
    version: str
    kind: Literal["pipewire", "pulse", "null"]
    default: str
    """Name of the device that the server uses by default, or ``""``."""


@dataclass(frozen=True)
class Paths:
    """Folders for Entrain's files of this user."""

    config: Path
    state: Path
    data: Path
    """Folder for the user's protocols."""
    runtime: Path
    """Folder for the control socket; it exists, and only the user may enter it."""


class SoundServer(Protocol):
    """One connection to the sound server.

    Calls come from one thread at a time.  Each call answers within `CALL_TIMEOUT_S` or raises
    `PlatformError`.  After such an error the connection is dead: `close` it and connect again.
    """

    def info(self) -> ServerInfo:
        """Return the server's name, version and effective default."""

    def session_manager(self) -> str | None:
        """Return the name of the running session manager.

        Without a session manager, return ``""`` if the server needs one, and None if it does not.
        """

    def devices(self) -> list[Device]:
        """Return all outputs, in the server's order of preference.

        Entrain's own sink is among them, marked by `Device.own`.
        """

    def default(self) -> str:
        """Return the name of the effective default output, or ``""``."""

    def stored_default(self) -> str | None:
        """Return the configured default output from the server's file.

        The answer may be some seconds old.  ``""``: no default is configured; None: the server has
        no such file, or reports the default in another way.
        """

    def set_default(self, name: str) -> None:
        """Configure the default output.

        Raises
        ------
        PlatformError
            The device does not exist, or the server does not answer.

        """

    def set_volume(self, name: str, volume: Volume) -> None:
        """Set volume and mute of a device, `Volume.fitted` to its channel count.

        Raises
        ------
        PlatformError
            The device does not exist, or the server does not answer.

        """

    def streams(self) -> list[Stream]:
        """Return the streams of all apps, except Entrain's own."""

    def move_stream(self, index: int, device: str) -> None:
        """Play a stream on another device; on the default device, let it follow the default.

        Servers remember the device of a moved stream, and put the app's next stream there.  On
        PulseAudio this call clears that memory; elsewhere only a move to the default does.

        Raises
        ------
        PlatformError
            The stream or the device does not exist, the stream must not be moved, or the server
            does not answer.

        """

    def reroute(self, outlet: int, device: str) -> None:
        """Play the stream of one of the `ways` on another device.

        The move looks as if the server had made it, so it need not be undone.  Raises errors like
        `move_stream`.
        """

    def ways(self) -> list[Way]:
        """Return the ways on which other apps carry sound from their devices to other devices.

        The result is empty if the native back end knows more about them.
        """

    def watch(self, callback: Callable[[], None], streams: bool = False) -> None:
        """Call back after each change of an output or of the default.

        Parameters
        ----------
        callback : callable
            Runs on a thread of this object and must return at once.  The last call follows the
            loss of the connection, but there is no call after `close`.  It replaces the former
            callback.
        streams : bool
            Call back also when a stream starts, ends or moves, but not for changes of its volume.

        """

    def close(self) -> None:
        """Disconnect and stop the watching thread.  Idempotent; not from its callback."""


class PrivateServer(Protocol):
    """A private sound server with a virtual speaker."""

    @property
    def environment(self) -> Mapping[str, str]:
        """Environment variables that lead an app to this server."""

    def close(self) -> None:
        """Stop it and remove its files.  Idempotent."""


@dataclass(frozen=True)
class AutostartStatus:
    """Whether Entrain starts at login.

    Parameters
    ----------
    enabled : bool
        Entrain starts at login.
    reason : str
        Why it does not start, unless the user has never enabled it; one line, may be empty.
    program : Path or None
        Path of the command.

    """

    enabled: bool
    reason: str = ""
    program: Path | None = None


class Autostart(Protocol):
    """Starts Entrain when the user logs in.

    All methods raise `PlatformError` if the entry belongs to another app, or cannot be read or
    written.  Then it is unchanged.
    """

    def status(self) -> AutostartStatus:
        """Return whether Entrain starts at login."""

    def enable(self) -> None:
        """Start the installed Entrain at each login.  Repairs a broken entry."""

    def disable(self) -> None:
        """Stop starting at login.  Idempotent."""

    def refresh(self) -> None:
        """Update an enabled entry after an upgrade, so that it starts this Entrain."""


class Launcher(Protocol):
    """Entrain's entry in the application menu.  Raises errors like `Autostart`."""

    def install(self, icons: Mapping[str, bytes]) -> list[Path]:
        """Add or update the entry; returns the files that were written.

        Parameters
        ----------
        icons : mapping of bytes
            SVG files: ``entrain.svg`` is the app's icon, ``entrain-….svg`` are its states.

        """

    def undo(self) -> list[Path]:
        """Remove the entry; returns the files that were removed."""


class PlatformAdapter(Protocol):
    """One operating system."""

    can_sandbox: ClassVar[bool]
    """Whether `sandbox` can work on this system, provided that its packages are installed."""

    def connect(self) -> SoundServer:
        """Connect to the sound server.

        Raises
        ------
        PlatformError
            No server answers.

        """

    def has_sound_server(self) -> bool:
        """Return whether a sound server answers at its socket.  Fast; starts no process."""

    def default_backend(self) -> str:
        """Return the name of the native back end that fits this machine.

        Raises
        ------
        PlatformError
            No back end fits; the message says what is missing.

        """

    def paths(self) -> Paths:
        """Return Entrain's folders, and create the runtime folder with mode 0700.

        Raises
        ------
        PlatformError
            The runtime folder cannot be created, or belongs to another user.

        """

    def make_realtime(self, thread: ThreadHandle) -> None:
        """Get real-time priority for a thread of this process.

        Raises
        ------
        PlatformError
            The system refuses; the message says why.

        """

    def move_to_own_group(self, process_id: int) -> None:
        """Let a process survive when the system ends Entrain's whole process group.

        Raises
        ------
        PlatformError
            The system cannot do this; the message says why.

        """

    def sandbox(self) -> PrivateServer:
        """Start a private sound server with a virtual speaker.

        Raises
        ------
        PlatformError
            Packages are missing, the server does not start, or `can_sandbox` is false.

        """

    def autostart(self) -> Autostart:
        """Return the object that starts Entrain at login; raises `NotSupported`."""

    def launcher(self) -> Launcher:
        """Return the object for the application menu; raises `NotSupported`."""
