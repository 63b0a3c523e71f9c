"""Python interface of a native back end: the sink, its target and the threads between them.

The back end runs by itself; this module starts it, reads its state, and stops it.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from entrain._native import check, ffi, load, path
from entrain.engine import Engine
from entrain.errors import EntrainError
from entrain.threads import ThreadHandle
from entrain.ways import Way, way_of

NAMES = ("pipewire", "pulse", "null")


class Phase(IntEnum):
    """Progress of the back end; see ``entrain_io_phase`` in the native interface."""

    CONNECTING = 0
    WAITING = 1
    READY = 2
    LOST = 3


@dataclass(frozen=True, slots=True)
class BackendState:
    """State of a back end at one time; see ``entrain_io_state`` in the native interface."""

    phase: Phase
    playing: int
    rate_hz: int
    quantum_frames: int
    running: bool
    added_us: int
    realtime: bool | None
    """Whether the audio thread has real-time priority; None while unknown."""
    audio_thread: ThreadHandle | None
    """Thread for which the adapter requests priority; None if the sound system requests it."""
    smart_supported: bool | None
    """Whether `Backend.set_smart` works here; None while unknown."""
    smart: bool
    target: str
    configured_default: str
    effective_default: str
    session_manager: str
    session_managers: int
    """How many session managers have started so far, so that a missed restart is noticed."""
    error: str
    guardian: int = 0
    """Process id of the guardian, which cleans up when this process dies; 0 without one."""
    muffled: str = ""
    """Names a volume between sink and device that another program keeps changing; after a
    semicolon, what to do."""
    ways: int = 0
    """How often the result of `Backend.ways` has changed."""
    default_is_ours: bool | None = None
    """Whether Entrain wrote the configured default; None if the server does not tell."""


def available() -> list[str]:
    """Return the names of the back ends that this machine can load, best first."""
    return [name for name in NAMES if path(f"entrain_{name}").exists() and _loads(name)]


def _loads(name: str) -> bool:
    try:
        load(f"entrain_{name}")
    except EntrainError:
        return False
    return True


class Backend:
    """An open back end.

    Parameters
    ----------
    name : str
        One of `NAMES`.
    engine : Engine
        Must stay open until the back end is closed.
    target : str
        Name of the real device; if empty, the sink waits for `set_target`.
    smart : bool
        See `set_smart`.

    Raises
    ------
    EntrainError
        The library cannot be loaded, or the server does not answer.

    """

    def __init__(self, name: str, engine: Engine, target: str = "", *, smart: bool = False) -> None:
        load("entrain")  # the back end's library links to it
        self._library = load(f"entrain_{name}")
        handle = ffi.new("entrain_io **")
        check(self._library.entrain_io_open(engine.native, target.encode(), handle), name)
        self._io = handle[0]
        self._last: tuple[bytes, BackendState] | None = None
        if smart:
            self.set_smart(True)

    def fileno(self) -> int:
        """Return a descriptor that is readable while `state` has news; see `take_news`."""
        return int(self._library.entrain_io_fd(self._io))

    def take_news(self) -> None:
        """Acknowledge the news, before reading `state`; `fileno` then waits for further news."""
        self._library.entrain_io_take_news(self._io)

    def state(self) -> BackendState:
        """Return the state; the same object while nothing changes."""
        raw = ffi.new("entrain_io_state *")
        self._library.entrain_io_read_state(self._io, raw)
        content = bytes(ffi.buffer(raw))
        if self._last is None or self._last[0] != content:
            self._last = content, _state(raw)
        return self._last[1]

    def set_target(self, target: str) -> None:
        """Play on another device, now or as soon as it is connected."""
        check(self._library.entrain_io_set_target(self._io, target.encode()), target)

    def set_smart(self, smart: bool) -> None:
        """Let players of the default device pass through the sink; that device stays the default.

        Takes effect as soon as sound can flow; `state` then says so.  It also says whether the
        session manager has smart filters, and gives the reason in `error` if it has not.  When
        turned off or closed, the players play on that device directly.
        """
        check(self._library.entrain_io_set_smart(self._io, smart), "smart")

    def set_alone(self, alone: bool) -> None:
        """Keep the device awake while no player runs, so that a standalone protocol is heard."""
        check(self._library.entrain_io_set_alone(self._io, alone), "alone")

    def set_default(self, name: str) -> bool:
        """Configure the server's default device through the back end's connection; ``""``: none.

        Returns whether the server has confirmed it, after one second at most.  False also if the
        sound system sets its default differently.
        """
        status = self._library.entrain_io_set_default(self._io, name.encode())
        return not status

    def set_former(self, name: str) -> None:
        """Name the device that becomes the default again when this process dies.

        With ``""`` the server chooses.  PipeWire restores the default by itself.
        """
        check(self._library.entrain_io_set_former(self._io, name.encode()), name)

    def set_latency(self, added_ms: float) -> None:
        """Set the target for the total added latency, 4 .. 500 ms; no effect with one clock."""
        check(self._library.entrain_io_set_latency(self._io, added_ms), "latency")

    def ways(self) -> list[Way]:
        """Return the nodes of other programs that play a device's sound on another device.

        Empty if the sound system does not tell; then use `SoundServer.ways`.
        """
        needed = ffi.new("uint32_t *")
        size = 4096
        while True:
            text = ffi.new("char[]", size)
            status = self._library.entrain_io_read_ways(self._io, text, size, needed)
            if needed[0] <= size:
                break
            size = 2 * needed[0]
        check(status, "ways")
        return [way_of(line) for line in _text(text).split("\n") if line]

    def pin(self, outlet: int, device: str) -> None:
        """Pin another program's node to a device, or unpin it if the name is ``""``.

        Closing the back end unpins all nodes.
        """
        check(self._library.entrain_io_pin(self._io, outlet, device.encode()), device)

    def close(self) -> None:
        """Fade out and remove the sink."""
        self._library.entrain_io_close(self._io)
        self._io = ffi.NULL


def _state(raw: Any) -> BackendState:
    return BackendState(
        phase=Phase(raw.phase),
        playing=raw.playing,
        rate_hz=raw.rate_hz,
        quantum_frames=raw.quantum_frames,
        running=bool(raw.running),
        added_us=raw.added_us,
        realtime=_known(raw.realtime),
        audio_thread=ThreadHandle(raw.audio_thread) if raw.audio_thread else None,
        smart_supported=_known(raw.smart_supported),
        smart=bool(raw.smart),
        target=_text(raw.target),
        configured_default=_text(raw.configured_default),
        effective_default=_text(raw.effective_default),
        session_managers=raw.session_managers,
        session_manager=_text(raw.session_manager),
        ways=raw.ways,
        default_is_ours=_known(raw.default_is_ours),
        error=_text(raw.error),
        guardian=raw.guardian,
        muffled=_text(raw.muffled),
    )


def _known(number: int) -> bool | None:
    return None if number < 0 else bool(number)


def _text(array: object) -> str:
    return bytes(ffi.string(array)).decode("utf-8", errors="replace")
