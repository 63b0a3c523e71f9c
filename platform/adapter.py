"""What Entrain asks of an operating system: the sound server, and where files go.

Everything here may wait for the system, so it is called from a thread that may wait and
never from the audio thread.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, Protocol

from entrain.errors import EntrainError
from entrain.threads import ThreadHandle
from entrain.ways import Way

OWN_DEVICE = "entrain"
"""Name of our own device.

An adapter translates where its sound system knows devices by something else than such a name.
"""

CALL_TIMEOUT_S = 3.0
"""Longest time that one call of a `SoundServer` waits for an answer."""


Form = Literal["headphones", "speakers", "hands-free", "mono", "unknown"]
"""What a device is to the ears; only ``headphones`` and ``unknown`` keep them apart for sure."""

Purpose = Literal["call", "notification", "other"]
"""Purpose of an app's sound: a conversation, a short sound of the desktop, or any other."""


class PlatformError(EntrainError):
    """The system cannot do what was asked; one line for the user."""


class NotSupported(PlatformError):
    """Entrain does not do this on this system."""


@dataclass(frozen=True)
class Volume:
    """A device's volume as desktops show it.

    Parameters
    ----------
    channels : tuple of float
        One value per channel, 1.0 = 100 %; the sound's amplitude is its cube, so 0.5 is -18 dB.
        An adapter translates where its sound system counts in another way.
    muted : bool
        Whether the device is silenced; the channels keep their values.

    """

    channels: tuple[float, ...]
    muted: bool = False

    def fitted(self, channels: int) -> "Volume":
        """Return the same volume for a device of another channel count.

        Channel by channel where the counts agree.  Otherwise left and right have no
        counterpart, so the balance is dropped and every channel gets the mean.
        """
        if channels == len(self.channels) or not self.channels:
            return self
        mean = sum(self.channels) / len(self.channels)
        return Volume((mean,) * channels, self.muted)


def level_of(gain_db: float) -> float:
    """Return the value of a `Volume` that makes sound louder by this, or softer."""
    return float(10 ** (gain_db / 60))


@dataclass(frozen=True)
class Device:
    """An output of the sound server.  Its name is what identifies it, also after a replug."""

    name: str
    description: str
    volume: Volume
    own: bool
    """True for Entrain's own sink; one of its name may be another program's."""
    state: str
    """``running``, ``idle``, ``suspended`` or ``unknown``."""
    rate_hz: int
    channels: int
    form: Form = "unknown"
    dummy: bool = False
    """True for the server's own stand-in while no real device is there."""
    headphones_in: bool | None = None
    """Whether headphones are plugged into a socket of this device; None: it does not tell."""
    owner: int | None = None
    """For Entrain's own sink: the number of the process that has made it."""

    @property
    def is_real(self) -> bool:
        """Whether sound can be heard on this device: Entrain's name and dummies do not count."""
        return self.name != OWN_DEVICE and not self.dummy


@dataclass(frozen=True)
class Stream:
    """A program's sound on its way to an output."""

    index: int
    """Its own for its life only."""
    device: str
    """Name of the output, or ``""`` while it is on no known one."""
    app_id: str = ""
    """As ``org.mozilla.firefox``; few programs tell."""
    binary: str = ""
    """File name of the program."""
    name: str = ""
    """Name of the program as desktops show it."""
    purpose: Purpose = "other"
    kind: str = ""
    """In words of the server's own: it may treat a program's streams of one kind alike."""
    pinned: bool = False
    """The program itself asked for this device; not every server tells."""


@dataclass(frozen=True)
class ServerInfo:
    """Which sound server answers."""

    name: str
    version: str
    kind: Literal["pipewire", "pulse", "null"]
    default: str
    """Name of the device that the server uses by default, or ``""``."""


@dataclass(frozen=True)
class Paths:
    """Entrain's own folders of this user."""

    config: Path
    state: Path
    data: Path
    """For what the user makes: protocols."""
    runtime: Path
    """For the control socket; exists, and only the user may enter it."""


class SoundServer(Protocol):
    """One connection to the sound server.

    Calls come from one thread at a time.  Each answers within `CALL_TIMEOUT_S` or raises
    `PlatformError`; after such an error the connection is dead: `close` it and connect anew.
    """

    def info(self) -> ServerInfo:
        """Return the server's name, version and effective default."""

    def devices(self) -> list[Device]:
        """Return all outputs, in the order in which the server prefers them.

        Entrain's own sink is among them, marked by `Device.own`.
        """

    def default(self) -> str:
        """Return the name of the effective default output, or ``""``."""

    def stored_default(self) -> str | None:
        """Return the configured default output, as the server has written it down.

        The answer may be some seconds old.  ``""`` means that no default is configured; None, that
        the server does not tell, or tells it in another way.
        """

    def set_default(self, name: str) -> None:
        """Configure the default output.

        Raises
        ------
        PlatformError
            There is no such device, or the server does not answer.

        """

    def set_volume(self, name: str, volume: Volume) -> None:
        """Set volume and mute of a device, `Volume.fitted` to its channel count.

        Raises
        ------
        PlatformError
            There is no such device, or the server does not answer.

        """

    def streams(self) -> list[Stream]:
        """Return what programs play, without Entrain's own streams."""

    def move_stream(self, index: int, device: str) -> None:
        """Play a stream on another device, and if that is the default one, let it follow that.

        Servers remember where a program was moved to and put its next stream there.  That is
        undone where it can be (PulseAudio); elsewhere only a move to the default undoes it.

        Raises
        ------
        PlatformError
            There is no such stream or device, it may not be moved, or the server does not
            answer.

        """

    def reroute(self, outlet: int, device: str) -> None:
        """Play the stream of one of the `ways` on another device.

        As if the server had put it there: nothing is left of it that would have to be undone.
        Raises as `move_stream`.
        """

    def ways(self) -> list[Way]:
        """Tell where other programs carry on what is played to their devices.

        Empty where the native back end knows more of that.
        """

    def watch(self, callback: Callable[[], None], streams: bool = False) -> None:
        """Call back after each change of an output or of the default.

        Parameters
        ----------
        callback : callable
            Runs on a thread of this object and must return at once.  It is also called,
            for the last time, when the connection is lost; not after `close`.  It takes the
            place of the one before.
        streams : bool
            Call back as well when a stream comes, goes, or is moved; its volume is no news.

        """

    def close(self) -> None:
        """Disconnect and stop the watching thread.  Idempotent; not from its callback."""


class PrivateServer(Protocol):
    """A sound server of our own, with a virtual speaker, that nothing else uses."""

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables with which a program reaches it."""

    def close(self) -> None:
        """Stop it and remove its files.  Idempotent."""


@dataclass(frozen=True)
class AutostartStatus:
    """Whether Entrain starts at login.

    Parameters
    ----------
    enabled : bool
        It does.
    reason : str
        Why it does not, where that is not just because nobody wants it; one line, may be empty.
    program : Path or None
        What is started.

    """

    enabled: bool
    reason: str = ""
    program: Path | None = None


class Autostart(Protocol):
    """Starting Entrain when the user logs in.

    All of it raises `PlatformError` where what is there belongs to another program, or cannot be
    read or written; then nothing has been changed.
    """

    def status(self) -> AutostartStatus:
        """Tell how things stand."""

    def enable(self) -> None:
        """Start the installed Entrain at each login.  Mends an entry that does not work."""

    def disable(self) -> None:
        """Do not start at login any more.  Idempotent."""

    def refresh(self) -> None:
        """After an upgrade: what is enabled is written anew, and starts this Entrain."""


class Launcher(Protocol):
    """Entrain among the programs that the desktop offers.  Raises as `Autostart`."""

    def install(self, icons: Mapping[str, bytes]) -> list[Path]:
        """Add it, or bring it up to date; returns the files that were written.

        Parameters
        ----------
        icons : mapping of bytes
            SVG files: ``entrain.svg`` is the program's own icon, ``entrain-….svg`` its states.

        """

    def undo(self) -> list[Path]:
        """Remove it; returns the files that were removed."""


class PlatformAdapter(Protocol):
    """One operating system."""

    can_sandbox: ClassVar[bool]
    """Whether `sandbox` can work on this system, if what it needs is installed."""

    def connect(self) -> SoundServer:
        """Connect to the sound server.

        Raises
        ------
        PlatformError
            No server answers.

        """

    def has_sound_server(self) -> bool:
        """Tell whether a sound server answers at its socket.  Cheap; starts nothing."""

    def default_backend(self) -> str:
        """Return the name of the native back end that fits this machine.

        Raises
        ------
        PlatformError
            None does; the message says what is missing.

        """

    def paths(self) -> Paths:
        """Return Entrain's folders; makes the runtime folder, mode 0700.

        Raises
        ------
        PlatformError
            The runtime folder cannot be made or belongs to somebody else.

        """

    def make_realtime(self, thread: ThreadHandle) -> None:
        """Get real-time priority for a thread of this process.

        Raises
        ------
        PlatformError
            The system does not give it; the message says why.

        """

    def move_to_own_group(self, process_id: int) -> None:
        """Have a process survive what ends all processes of this program's group at once.

        Raises
        ------
        PlatformError
            The system cannot do that; the message says why.

        """

    def sandbox(self) -> PrivateServer:
        """Start a private sound server with a virtual speaker.

        Raises
        ------
        PlatformError
            Programs that it needs are not installed, it does not start, or `can_sandbox`
            is false.

        """

    def autostart(self) -> Autostart:
        """Return what starts Entrain at login; raises `NotSupported`."""

    def launcher(self) -> Launcher:
        """Return what puts Entrain into the application menu; raises `NotSupported`."""
