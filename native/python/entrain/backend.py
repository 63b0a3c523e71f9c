"""Python face of a native back end: the sink, its target and the threads between them.

The back end works by itself; this module starts it, asks how it is, and stops it.
"""

from dataclasses import dataclass
from enum import IntEnum

from entrain._native import check, ffi, load, path
from entrain.engine import Engine
from entrain.errors import EntrainError
from entrain.threads import ThreadHandle
from entrain.ways import Way, way_of

NAMES = ("pipewire", "pulse", "null")


class Phase(IntEnum):
    """How far the back end is; see ``entrain_io_phase`` in the native interface."""

    CONNECTING = 0
    WAITING = 1
    READY = 2
    LOST = 3


@dataclass(frozen=True, slots=True)
class BackendState:
    """A snapshot; see ``entrain_io_state`` in the native interface."""

    phase: Phase
    playing: int
    rate_hz: int
    quantum_frames: int
    running: bool
    added_us: int
    realtime: bool | None
    """Whether the audio thread has real-time priority; None before that is known."""
    audio_thread: ThreadHandle | None
    """For whom the adapter is to ask for priority; None where that is not our task."""
    smart_supported: bool | None
    """Whether `Backend.set_smart` works here; None before that is known."""
    smart: bool
    target: str
    configured_default: str
    effective_default: str
    session_manager: str
    session_managers: int
    """How many have come, one after the other; who looks late sees no time without one."""
    error: str
    guardian: int = 0
    """Number of the process that cleans up when this one dies; 0: there is none."""
    muffled: str = ""
    """Which volume between sink and device somebody keeps changing; after a semicolon what to
    do about it."""
    ways: int = 0
    """How often the answer of `Backend.ways` has changed."""
    default_is_ours: bool | None = None
    """Whether Entrain has written the configured default; None: the server does not tell."""


def available() -> list[str]:
    """Name the back ends that this machine can load, best first."""
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
        Must stay open until this is closed.
    target : str
        Name of the real device; empty: the sink waits for `set_target`.
    smart : bool
        See `set_smart`.

    Raises
    ------
    EntrainError
        Its library cannot be loaded, or the server does not answer.

    """

    def __init__(self, name: str, engine: Engine, target: str = "", *, smart: bool = False) -> None:
        load("entrain")  # the back end's library finds the engine in it
        self._library = load(f"entrain_{name}")
        handle = ffi.new("entrain_io **")
        check(self._library.entrain_io_open(engine.native, target.encode(), handle), name)
        self._io = handle[0]
        if smart:
            self.set_smart(True)

    def fileno(self) -> int:
        """Return a descriptor that is readable while `state` has news; see `take_news`."""
        return int(self._library.entrain_io_fd(self._io))

    def take_news(self) -> None:
        """Take the news, before `state` is asked; `fileno` waits for others from then on."""
        self._library.entrain_io_take_news(self._io)

    def state(self) -> BackendState:
        """Copy the state."""
        raw = ffi.new("entrain_io_state *")
        self._library.entrain_io_read_state(self._io, raw)
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

    def set_target(self, target: str) -> None:
        """Play on another device, now or as soon as it is there."""
        check(self._library.entrain_io_set_target(self._io, target.encode()), target)

    def set_smart(self, smart: bool) -> None:
        """Let players of the default device pass the sink, while that device stays the default.

        Takes effect as soon as sound can flow; `state` says when it has, whether the session
        manager can do this, and in `error` if it cannot.  Turned off, or closed, the players
        play on that device directly.
        """
        check(self._library.entrain_io_set_smart(self._io, smart), "smart")

    def set_alone(self, alone: bool) -> None:
        """Keep the device awake for what a standalone protocol adds, while nothing plays."""
        check(self._library.entrain_io_set_alone(self._io, alone), "alone")

    def set_default(self, name: str) -> bool:
        """Configure the server's default device by the back end's own connection; ``""``: none.

        Returns whether the server has got it.  False also where the sound system has other ways to
        do this.  Waits a second at most.
        """
        status = self._library.entrain_io_set_default(self._io, name.encode())
        return not status

    def set_former(self, name: str) -> None:
        """Say which device is to be the default again when this process dies.

        With ``""`` the server chooses.  PipeWire sees to that by itself.
        """
        check(self._library.entrain_io_set_former(self._io, name.encode()), name)

    def set_latency(self, added_ms: float) -> None:
        """Aim at this added delay where sink and device have a clock each; 4 .. 500 ms."""
        check(self._library.entrain_io_set_latency(self._io, added_ms), "latency")

    def ways(self) -> list[Way]:
        """Tell where other programs carry on what is played to their sinks.

        Empty where the sound system does not tell; see `SoundServer.ways` for those.
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
        """Play another program's node on this device, or, with ``""``, no longer.

        When this is closed, all of them are free again.
        """
        check(self._library.entrain_io_pin(self._io, outlet, device.encode()), device)

    def close(self) -> None:
        """Fade out and remove the sink."""
        self._library.entrain_io_close(self._io)
        self._io = ffi.NULL


def _known(number: int) -> bool | None:
    return None if number < 0 else bool(number)


def _text(array: object) -> str:
    return bytes(ffi.string(array)).decode("utf-8", errors="replace")
