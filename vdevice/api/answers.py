"""Types of the control API's answers for clients: plain JSON.

Clients must start fast, so this module does not import pydantic.  The models in `messages`
describe the same answers for the server; a test compares both.
"""

from typing import Literal, TypedDict

from entrain.platform.adapter import Form
from entrain.vdevice.api.midi_answers import MidiLearning as MidiLearning
from entrain.vdevice.api.midi_answers import MidiMapping as MidiMapping
from entrain.vdevice.api.midi_answers import MidiMappings as MidiMappings
from entrain.vdevice.api.midi_answers import MidiStatus as MidiStatus
from entrain.vdevice.limits import (
    Category,
    Grade,
    HeadAxis,
    HotkeysState,
    Mode,
    SpaceMode,
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
    "delete",
    "rename",
    "set",
    "session",
    "adjust",
    "undo",
    "redo",
    "sleep",
    "settings",
    "output",
    "tracking",
    "recentre",
    "audition",
    "osc",
    "midi",
    "midi_learn",
    "midi_forget",
    "midi_map",
    "hotkeys",
]
"""Commands whose answer is a `Status` (`set` only without `values`)."""


class Breakpoint(TypedDict):
    """The value of a parameter at one time of the session."""

    at_s: float
    value: float
    curve: Literal["step", "linear", "exponential", "smooth"]


class Automation(TypedDict):
    """How a parameter moves during the session."""

    points: list[Breakpoint]
    loop_s: float


class Place(TypedDict):
    """The place of a generator around the head."""

    azimuth_deg: float
    elevation_deg: float
    distance_m: float
    path: Literal["still", "orbit", "arc", "eight", "swing", "breathe"]
    path_hz: float
    path_deg: float


class Layer(TypedDict):
    """One block and its values."""

    kind: str
    id: str
    params: dict[str, float]
    automation: dict[str, Automation]
    place: Place | None


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
    """The latency that Entrain adds."""

    added_frames: int
    added_ms: float


class ActiveProtocol(TypedDict):
    """The running protocol."""

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


class Position(TypedDict):
    """The position of the session."""

    elapsed_s: float
    left_s: float | None


class Levels(TypedDict):
    """Meters; None while there is no sound."""

    in_db: float | None
    out_db: float | None
    in_lufs: float | None
    out_lufs: float | None
    integrated_in_lufs: float | None
    integrated_out_lufs: float | None
    in_rms_db: tuple[float | None, float | None]
    in_peak_db: tuple[float | None, float | None]
    out_rms_db: tuple[float | None, float | None]
    out_peak_db: tuple[float | None, float | None]


class Tones(TypedDict):
    """One tone in each ear."""

    left_hz: float
    right_hz: float
    left_db: float
    right_db: float
    beat_hz: float
    beat_error_hz: float


class Modulation(TypedDict):
    """How strongly the music swells and fades."""

    rate_hz: float
    left_index: float
    right_index: float
    floor: float


class Interaural(TypedDict):
    """How fast the music's phase turns between the ears."""

    hz: float
    coherence: float


class Measured(TypedDict):
    """Measurements of the last second of Entrain's output."""

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


class Hotkeys(TypedDict):
    """Keyboard shortcuts of the desktop that steer Entrain."""

    enabled: bool
    state: HotkeysState
    reason: str
    keys: dict[str, str]


class Space(TypedDict):
    """How the music sounds around the head on the present output."""

    mode: SpaceMode
    setting: SpaceMode
    note: str
    hrtf: str
    hrtf_in_use: str
    head_cm: float
    params: dict[str, float]
    sources: int
    yaw_deg: float | None
    pitch_deg: float | None
    roll_deg: float | None


class OscStatus(TypedDict):
    """How other programs steer Entrain by OSC."""

    on: bool
    port: int
    feedback_port: int
    listen: str
    listening: bool
    clients: int
    packets: int
    refused: int
    refusal: str
    problem: str


class Callback(TypedDict):
    """How long the audio thread takes for one block."""

    median_us: float
    p999_us: float
    longest_lately_us: float
    longest_lately_share: float


class ApplicationRules(TypedDict):
    """Rules that decide which apps play through Entrain."""

    include: list[str]
    exclude: list[str]
    calls_pass: bool
    notifications_pass: bool


class Status(TypedDict):
    """The state of the running app, for people and for scripts."""

    state: State
    reason: str
    on: bool
    bypass: bool
    mode: Mode
    icon: bool
    applications: ApplicationRules
    session_log: bool
    hotkeys: Hotkeys
    sleep_left_s: float | None
    settings: dict[str, float]
    backend: str
    session_manager: str
    realtime: bool | None
    sandbox: dict[str, str]
    sink: str
    output: Output | None
    outputs: list[Device]
    chosen_output: str
    preferred_outputs: list[str]
    unplugged: Unplugged
    hrtf: str
    softened: Literal["softer", "silent"] | None
    detour: str
    latency: Latency
    protocol: ActiveProtocol | None
    position: Position
    moving: dict[str, float]
    revision: int
    can_undo: bool
    undo_text: str
    can_redo: bool
    redo_text: str
    levels: Levels
    measured: Measured | None
    head: Head
    space: Space
    osc: OscStatus
    midi: MidiStatus
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
    upgrade: str


class Values(TypedDict):
    """New values of several parameters, by address."""

    values: dict[str, float]


class ListedProtocol(TypedDict):
    """Summary of a protocol in the library."""

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


class Spatial(TypedDict):
    """How a protocol places the music around the head; a `path` is named."""

    mode: Literal["speakers", "scene"]
    params: dict[str, float | str]
    automation: dict[str, Automation]
    fast: bool


class Source(TypedDict):
    """A publication and its finding."""

    authors: str
    year: int
    journal: str
    id: str | None
    finding: str
    contrary: bool


class Evidence(TypedDict):
    """How well a protocol is supported by evidence."""

    following: Grade
    outcome: Grade
    claim: str
    sources: list[Source]
    our_choices: list[str]


class Protocol(TypedDict):
    """A protocol in full."""

    schema_version: Literal[3]
    id: str
    name: str
    description: str
    category: Category
    layers: list[Layer]
    standalone: bool
    spatial: Spatial | Literal["off"] | None
    duration_s: float | None
    ramp_in_s: float
    ramp_out_s: float
    loop: bool
    time_of_day: bool
    evidence: Evidence | None
    requires_headphones: bool
    without_headphones: list[Layer] | None
    speech_safe: bool
    sleep_safe: bool
    max_minutes: int | None
    warnings: list[str]


class WholeProtocol(TypedDict):
    """One protocol in full."""

    document: Protocol
    own: bool


class ListedHead(TypedDict):
    """A head that the space can use."""

    id: str
    title: str
    built_in: bool


class Heads(TypedDict):
    """All heads."""

    heads: list[ListedHead]


class Choice(TypedDict):
    """One value of a parameter that is a choice."""

    name: str
    value: float


class Parameter(TypedDict):
    """A parameter of a block; values are in `unit`."""

    symbol: str
    name: str
    unit: str
    minimum: float
    maximum: float
    initial: float
    step: float
    choices: list[Choice]
    scale: Literal["lin", "log"]
    period: float
    controller: int | None
    knob: list[float] | None


class Substitute(TypedDict):
    """The block that replaces another one on loudspeakers."""

    kind: str
    values: dict[str, float | str]


class Block(TypedDict):
    """A kind of block."""

    kind: str
    group: str
    description: str
    parameters: list[Parameter]
    promise: str
    strength: str
    level: str
    rate: str
    rate_depth: str
    carrier: str
    corner: str
    dichotic: bool
    without_headphones: Substitute | None


class Blocks(TypedDict):
    """All kinds of block."""

    blocks: list[Block]
    place: list[Parameter]


class Samples(TypedDict):
    """Samples that follow the line of the answer: of the input, then of the output."""

    first: int
    frames: int
    rate_hz: int
    bytes: int
