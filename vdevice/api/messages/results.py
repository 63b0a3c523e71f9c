"""What requests are answered with."""

import math
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, FiniteFloat

from entrain.platform.adapter import Form
from entrain.vdevice.device.applications import ApplicationRules
from entrain.vdevice.limits import (
    Category,
    Grade,
    HeadAxis,
    Mode,
    State,
    TrackerPreset,
    Unplugged,
)
from entrain.vdevice.protocol.model import Layer

Decibels = Annotated[
    float | None,
    BeforeValidator(lambda v: None if isinstance(v, float) and not math.isfinite(v) else v),
]
"""dBFS RMS or LUFS; None where there is nothing to hear (minus infinity becomes None)."""


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Output(_Answer):
    """The real device."""

    name: str
    description: str
    form: Form = "unknown"
    """What it is, as far as the sound server knows."""
    rate_hz: int
    """0 before the first cycle."""
    quantum_frames: int
    """0 before the first cycle."""


class Device(_Answer):
    """A real output device."""

    name: str
    description: str
    current: bool
    """Entrain plays on it."""
    default: bool
    """The desktop's default output."""
    preferred: int | None = None
    """Its place among the preferred outputs, from 1; None: it is none of them."""


class Latency(_Answer):
    """What Entrain adds to the way of the sound."""

    added_frames: int
    added_ms: FiniteFloat


class ActiveProtocol(_Answer):
    """What is running."""

    id: str
    name: str
    elapsed_s: FiniteFloat
    """Of its session; stands still while nothing plays, and while the session is paused."""
    left_s: FiniteFloat | None = None
    """Until the session ends; None: it does not."""
    runs: bool = True
    """False: the session is paused."""
    ended: bool = False
    rate_hz: FiniteFloat | None = None
    """Of what beats, swells or pulses, now; None where nothing does."""
    note: str = ""
    """What the listener should know now, one line."""
    here: bool = False
    """It is remembered for the present output."""
    layers: list[Layer]
    """Those that are heard on this output, with the values that they have, or move to."""


class Levels(_Answer):
    """Meters: the louder ear's RMS, and loudness after ITU-R BS.1770."""

    in_db: Decibels = None
    out_db: Decibels = None
    in_lufs: Decibels = None
    """Short-term, of 3 s."""
    out_lufs: Decibels = None
    integrated_in_lufs: Decibels = None
    """Gated, since the start."""
    integrated_out_lufs: Decibels = None


class Tones(_Answer):
    """One tone in each ear."""

    left_hz: FiniteFloat
    right_hz: FiniteFloat
    left_db: FiniteFloat
    """RMS, dBFS."""
    right_db: FiniteFloat
    beat_hz: FiniteFloat
    """Left minus right."""
    beat_error_hz: FiniteFloat
    """Standard deviation to expect; falls while somebody watches."""


class Modulation(_Answer):
    """How the programme swells and fades."""

    rate_hz: FiniteFloat
    left_index: FiniteFloat
    """m of a gain ``1 + m sin``."""
    right_index: FiniteFloat
    floor: FiniteFloat
    """What the programme alone pretends to."""


class Interaural(_Answer):
    """How the programme's phase turns between the ears, from 150 to 1300 Hz."""

    hz: FiniteFloat
    coherence: FiniteFloat
    """Share of the band that turns so, 0 … 1."""


class Measured(_Answer):
    """What was measured in the last second of what went out."""

    text: str
    """The same in one line."""
    tones: Tones | None = None
    modulation: Modulation | None = None
    interaural: Interaural | None = None


class Head(_Answer):
    """How the head is tracked on the present output, and how it is turned."""

    on: bool = False
    lan: bool = False
    port: int = 0
    preset: TrackerPreset = "standard"
    invert: tuple[HeadAxis, ...] = ()
    follow: FiniteFloat = 1.0
    listening: tuple[int, ...] = ()
    """UDP ports of the tracker's process; empty before it runs."""
    source: str = ""
    """Address and machine of the sender that is heard."""
    packets_per_s: FiniteFloat = 0.0
    age_s: FiniteFloat | None = None
    """Age of the last pose; None: it is older than 10 s."""
    yaw_deg: FiniteFloat | None = None
    """To the left, from straight ahead; None where no pose arrives."""
    pitch_deg: FiniteFloat | None = None
    """Up."""
    roll_deg: FiniteFloat | None = None
    """To the right shoulder."""
    ignored: int = 0
    """Packets of other senders, or without a pose."""
    malformed: int = 0
    """Packets that no known sender should send."""
    problem: str = ""
    """What is wrong with the tracker's process, one line; may be empty."""


class Callback(_Answer):
    """How long the sound thread takes for one block."""

    median_us: FiniteFloat = 0.0
    p999_us: FiniteFloat = 0.0
    """999 of 1000 calls were shorter, since the start; known within 12.5 %, as is the median."""
    longest_lately_us: FiniteFloat = 0.0
    """Of the last minute."""
    longest_lately_share: FiniteFloat = 0.0
    """The longest of the last minute as a share of the time that the block lasts."""


class Status(_Answer):
    """Everything about the running app that a person or a script may want to know."""

    state: State
    reason: str
    """Why, one line; may be empty."""
    on: bool
    """Entrain is the default output."""
    bypass: bool
    mode: Mode = "default"
    """How sound gets to Entrain."""
    icon: bool = True
    """It was not started without an icon; one is shown where the panel has room for it."""
    applications: ApplicationRules = ApplicationRules()
    session_log: bool = True
    sleep_left_s: FiniteFloat | None = None
    """Until the sleep timer switches Entrain off; None: it is not set."""
    settings: dict[str, FiniteFloat] = {}
    """What has been set of the engine's own layers, by address (`pre.gate`)."""
    backend: str
    session_manager: str = ""
    """Who decides what plays where, with its version, if it says so."""
    realtime: bool | None = None
    """Whether the audio thread has real-time priority; None before that is known."""
    sink: str
    """Name of the virtual device; empty while there is none."""
    output: Output | None = None
    outputs: list[Device] = []
    """All real devices."""
    chosen_output: str = ""
    """Name of the real device that was chosen in Entrain; empty: played on is a preferred one,
    else what the desktop would take."""
    preferred_outputs: list[str] = []
    """Names of real devices that are played on whenever they are connected, the most wanted
    first."""
    unplugged: Unplugged = "softer"
    """What a loudspeaker does that takes over because headphones were unplugged."""
    softened: Literal["softer", "silent"] | None = None
    """What it does now for that reason; ends with `output`, also with `chosen_output` again."""
    detour: str = ""
    """What is done about a filter of another program whose sound would come back to Entrain."""
    latency: Latency
    protocol: ActiveProtocol | None = None
    levels: Levels = Levels()
    measured: Measured | None = None
    """Of what the protocol promises, what is in the sound; None while nothing plays."""
    head: Head = Head()
    volume: FiniteFloat | None = None
    """Of the real device as its slider shows it, 1 = 100 %."""
    muted: bool = False
    muffled: str = ""
    """Which volume between Entrain and the real device another app keeps changing, and after a
    semicolon what to do; empty where the sound has the device's volume alone."""
    xruns: int = 0
    """Gaps in the device's clock since the start."""
    missing_buffers: int = 0
    """Cycles since the start in which the sound server gave the engine no room for its sound."""
    nonfinite: int = 0
    """Samples since the start that came in as infinity or as no number, and became silence."""
    cpu_load: FiniteFloat = 0.0
    """Share of one core that the callback took lately, 0 … 1."""
    worst_callback_ms: FiniteFloat = 0.0
    """The callback's longest call of the last minute; the same as in `callback`."""
    callback: Callback = Callback()
    errors: list[str] = []
    """The last few, oldest first, one line each."""
    retry_in_s: FiniteFloat | None = None
    """Time to the next try, while the sound server is gone."""
    version: str


class Values(_Answer):
    """What several parameters were set to."""

    values: dict[str, FiniteFloat]
    """By address: what each parameter is, or moves to."""


class ListedProtocol(_Answer):
    """A protocol of the library, in short."""

    id: str
    name: str
    category: Category
    own: bool
    """The user's, not a shipped one."""
    following: Grade | None
    """How well it is shown that the nervous system follows; None: nothing is said of it."""
    outcome: Grade | None
    """How well it is shown that listeners have the benefit."""
    requires_headphones: bool


class Protocols(_Answer):
    """The library."""

    protocols: list[ListedProtocol]
    """By category and id."""
    recent: list[str] = []
    """Ids of those used last, the latest first."""
    problems: list[str] = []
    """What is wrong with the user's files, one line each."""
