"""What the control API answers with, as its clients have it: JSON, with types.

Clients start fast, so this module imports no pydantic.  The models in `messages` are the same on
the other side of the socket; a test holds the one to the other.
"""

from typing import Literal, TypedDict

from entrain.platform.adapter import Form
from entrain.vdevice.limits import (
    Category,
    Grade,
    HeadAxis,
    Mode,
    State,
    TrackerPreset,
    Unplugged,
)

StatusCommand = Literal[
    "status",
    "on",
    "off",
    "bypass",
    "use",
    "next",
    "save",
    "set",
    "session",
    "adjust",
    "sleep",
    "settings",
    "output",
    "tracking",
    "recentre",
]
"""What is answered with a `Status`; `set` without `values`."""


class Breakpoint(TypedDict):
    """Where a parameter is at a time of the session."""

    at_s: float
    value: float
    curve: Literal["step", "linear", "exponential", "smooth"]


class Automation(TypedDict):
    """What a parameter does over the session."""

    points: list[Breakpoint]
    loop_s: float


class Layer(TypedDict):
    """One block and its values."""

    kind: str
    id: str
    params: dict[str, float]
    automation: dict[str, Automation]


class Output(TypedDict):
    """The real device."""

    name: str
    description: str
    form: Form
    rate_hz: int
    quantum_frames: int


class Device(TypedDict):
    """A real output device."""

    name: str
    description: str
    current: bool
    default: bool
    preferred: int | None


class Latency(TypedDict):
    """What Entrain adds to the way of the sound."""

    added_frames: int
    added_ms: float


class ActiveProtocol(TypedDict):
    """What is running."""

    id: str
    name: str
    elapsed_s: float
    left_s: float | None
    runs: bool
    ended: bool
    rate_hz: float | None
    note: str
    here: bool
    layers: list[Layer]


class Levels(TypedDict):
    """Meters; None where there is nothing to hear."""

    in_db: float | None
    out_db: float | None
    in_lufs: float | None
    out_lufs: float | None
    integrated_in_lufs: float | None
    integrated_out_lufs: float | None


class Tones(TypedDict):
    """One tone in each ear."""

    left_hz: float
    right_hz: float
    left_db: float
    right_db: float
    beat_hz: float
    beat_error_hz: float


class Modulation(TypedDict):
    """How the music swells and fades."""

    rate_hz: float
    left_index: float
    right_index: float
    floor: float


class Interaural(TypedDict):
    """How the music's phase turns between the ears."""

    hz: float
    coherence: float


class Measured(TypedDict):
    """What was measured in the last second of what went out."""

    text: str
    tones: Tones | None
    modulation: Modulation | None
    interaural: Interaural | None


class Head(TypedDict):
    """How the head is tracked on the present output, and how it is turned."""

    on: bool
    lan: bool
    port: int
    preset: TrackerPreset
    invert: list[HeadAxis]
    follow: float
    listening: list[int]
    source: str
    packets_per_s: float
    age_s: float | None
    yaw_deg: float | None
    pitch_deg: float | None
    roll_deg: float | None
    ignored: int
    malformed: int
    problem: str


class Callback(TypedDict):
    """How long the sound thread takes for one block."""

    median_us: float
    p999_us: float
    longest_lately_us: float
    longest_lately_share: float


class ApplicationRules(TypedDict):
    """Which programs are heard through Entrain."""

    include: list[str]
    exclude: list[str]
    calls_pass: bool
    notifications_pass: bool


class Status(TypedDict):
    """Everything about the running app that a person or a script may want to know."""

    state: State
    reason: str
    on: bool
    bypass: bool
    mode: Mode
    icon: bool
    applications: ApplicationRules
    session_log: bool
    sleep_left_s: float | None
    settings: dict[str, float]
    backend: str
    session_manager: str
    realtime: bool | None
    sink: str
    output: Output | None
    outputs: list[Device]
    chosen_output: str
    preferred_outputs: list[str]
    unplugged: Unplugged
    softened: Literal["softer", "silent"] | None
    detour: str
    latency: Latency
    protocol: ActiveProtocol | None
    levels: Levels
    measured: Measured | None
    head: Head
    volume: float | None
    muted: bool
    muffled: str
    xruns: int
    missing_buffers: int
    nonfinite: int
    cpu_load: float
    worst_callback_ms: float
    callback: Callback
    errors: list[str]
    retry_in_s: float | None
    version: str


class Values(TypedDict):
    """What several parameters were set to, by address."""

    values: dict[str, float]


class ListedProtocol(TypedDict):
    """A protocol of the library, in short."""

    id: str
    name: str
    category: Category
    own: bool
    following: Grade | None
    outcome: Grade | None
    requires_headphones: bool


class Protocols(TypedDict):
    """The library."""

    protocols: list[ListedProtocol]
    recent: list[str]
    problems: list[str]
