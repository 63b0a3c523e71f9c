"""Answers to requests.

The docstrings of a model and of its fields are its description in `entrain api --schema` and in
the pages of docs/.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, FiniteFloat

from entrain import readings
from entrain.platform.adapter import Form
from entrain.vdevice.api.messages.measurements import Callback, Levels, Measured
from entrain.vdevice.api.messages.remote_results import MidiStatus, OscStatus
from entrain.vdevice.device.applications.rules import ApplicationRules
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
from entrain.vdevice.protocol.model import Layer, Protocol


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Output(_Answer):
    """The real device."""

    name: str
    description: str
    form: Form = "unknown"
    """Kind of device; a filter, such as an equalizer, has the form of the device behind it."""
    rate_hz: int
    """0 before the first cycle."""
    quantum_frames: int
    """0 before the first cycle."""


class Device(_Answer):
    """A real output device."""

    name: str
    description: str
    """Name for people."""
    current: bool
    """Entrain plays on this device."""
    default: bool
    """The device is the desktop's default output."""
    preferred: int | None = None
    """Place among the preferred outputs, from 1; None: the device is not among them."""


class Latency(_Answer):
    """The latency that Entrain adds, also in bypass.

    On PulseAudio, where sink and device have one clock each, this is the target, or the latency
    that the server enforces for more than some seconds.
    """

    added_frames: int
    added_ms: FiniteFloat


class ActiveProtocol(_Answer):
    """The running protocol."""

    id: str
    name: str
    elapsed_s: FiniteFloat
    """Time of the session; it stands still while no app plays or the session is paused."""
    left_s: FiniteFloat | None = None
    """Time until the session ends; None: it has no end."""
    runs: bool = True
    """False: the session is paused."""
    ended: bool = False
    """The session is over."""
    rate_hz: FiniteFloat | None = None
    """Present rate of the beat, swelling or pulses; None if the protocol has none."""
    note: str = ""
    """Message to the listener, one line, or empty."""
    here: bool = False
    """The protocol belongs to the present output."""
    layers: list[Layer]
    """Layers that play on this output; a parameter that moves has its final value here."""


class Position(_Answer):
    """The position of the session, as in `protocol`."""

    elapsed_s: FiniteFloat = 0.0
    left_s: FiniteFloat | None = None


class Head(_Answer):
    """How the head is tracked on the present output, and how it is turned."""

    on: bool = False
    """Entrain tracks the head on this output."""
    lan: bool = False
    """Trackers on this machine's network are heard, too."""
    port: int = 0
    preset: TrackerPreset = "standard"
    invert: tuple[HeadAxis, ...] = ()
    follow: FiniteFloat = 1.0
    listening: tuple[int, ...] = ()
    """UDP ports on which Entrain hears trackers; empty before it does."""
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
    """One line; may be empty."""


class Space(_Answer):
    """How the music sounds around the head on the present output."""

    mode: SpaceMode = "off"
    """The mode that sounds now."""
    setting: SpaceMode = "off"
    """The user's choice for this output, which protocols without a space of their own follow."""
    note: str = ""
    """Why `mode` is not heard, or differs from `setting`; one line, may be empty."""
    hrtf: str = "kemar"
    """Id of the head for this output."""
    hrtf_in_use: str = ""
    """Id of the head in the engine; empty before a space needs one."""
    head_cm: FiniteFloat = 57.0
    """Circumference of the listener's head."""
    params: dict[str, FiniteFloat] = {}
    """Values of the layer `space`; the others are initial."""
    sources: int = 0
    """Generators that sound from a place."""
    yaw_deg: FiniteFloat | None = None
    """How the ears have the head turned, to the left; None without a space."""
    pitch_deg: FiniteFloat | None = None
    """Up."""
    roll_deg: FiniteFloat | None = None
    """To the right shoulder."""


class Hotkeys(_Answer):
    """Keyboard shortcuts of the desktop that steer Entrain."""

    enabled: bool = False
    """Entrain's icon asks the desktop for the shortcuts, now and after each start."""
    state: HotkeysState = "off"
    """``off``: no app has asked the desktop; ``denied``: by the user; ``missing``: no portal."""
    reason: str = ""
    """Reason of the state, one line; may be empty."""
    keys: dict[str, str] = {}
    """Keys by shortcut, in the desktop's own words; empty text: none are assigned."""


class Status(_Answer):
    """The state of the running app, for people and for scripts."""

    state: State
    """Entrain's condition; `idle`: no app is playing."""
    reason: str
    """Reason of the state, one line; may be empty."""
    on: bool
    """Entrain is switched on (in mode `default`, it is the default output)."""
    bypass: bool
    """The sound passes untouched."""
    mode: Mode = "default"
    """How sound gets to Entrain.

    ``default``: it is the default output while on; ``manual``: only sound that is routed to it;
    ``smart``: the real device stays the default.
    """
    icon: bool = True
    """Entrain shows an icon if the desktop has a panel for it; false: it was started without."""
    applications: ApplicationRules = ApplicationRules()
    """The user's rules for apps: which play through Entrain."""
    session_log: bool = True
    """Entrain logs, on this computer only, which protocol was heard for how long."""
    hotkeys: Hotkeys = Hotkeys()
    """Keyboard shortcuts of the desktop."""
    sleep_left_s: FiniteFloat | None = None
    """Time until the sleep timer switches Entrain off; None: no timer is set."""
    settings: dict[str, FiniteFloat] = {}
    """Settings of the engine's own layers, by address (`pre.gate`)."""
    backend: str
    """Sound system in use."""
    session_manager: str = ""
    """Name and version of the program that decides which app plays where, as far as known."""
    realtime: bool | None = None
    """Whether the audio thread has real-time priority; None until that is known."""
    sandbox: dict[str, str] = {}
    """Environment variables that lead apps to Entrain's private sound server; empty without one."""
    sink: str
    """Name of the virtual device; empty while it does not exist."""
    output: Output | None = None
    """The real device."""
    outputs: list[Device] = []
    """All real devices."""
    chosen_output: str = ""
    """Name of the real device that was chosen in Entrain.

    Empty: Entrain plays on a preferred device, or else on the desktop's choice.
    """
    preferred_outputs: list[str] = []
    """Names of real devices to play on whenever they are connected, the most preferred first."""
    unplugged: Unplugged = "softer"
    """How a loudspeaker plays that takes over from unplugged headphones.

    ``softer`` is 20 dB softer.
    """
    hrtf: str = "kemar"
    """Id of the head for the present output."""
    softened: Literal["softer", "silent"] | None = None
    """How the loudspeaker plays now for that reason.

    The command `output` ends this, even with the device chosen already.
    """
    detour: str = ""
    """How Entrain avoids another app's filter whose sound would return to it.

    One line, or empty; also part of `reason`.
    """
    latency: Latency
    """The latency that Entrain adds."""
    protocol: ActiveProtocol | None = None
    """The running protocol."""
    position: Position = Position()
    """The position of the session by itself, for clients that watch `protocol` beside it."""
    moving: dict[str, FiniteFloat] = {}
    """Present values of the parameters that automation or a long glide moves, by address."""
    revision: int = 0
    """Counts the changes of the protocol since the start of Entrain: of values, name, or all."""
    can_undo: bool = False
    """There is a step that `undo` would undo."""
    undo_text: str = ""
    """Description of the step that `undo` would undo, one line; empty: there is none."""
    can_redo: bool = False
    """There is a step that `redo` would make again."""
    redo_text: str = ""
    """Description of the step that `redo` would make again, one line; empty: there is none."""
    levels: Levels = Levels()
    """Meters before and after processing."""
    measured: Measured | None = None
    """Measurements of the effects that the protocol promises; None while no app plays."""
    head: Head = Head()
    """How the head is tracked on this output."""
    space: Space = Space()
    """How the music sounds around the head on this output."""
    osc: OscStatus = OscStatus()
    """How other programs steer Entrain by OSC."""
    midi: MidiStatus = MidiStatus()
    """How MIDI devices steer Entrain."""
    volume: FiniteFloat | None = None
    """Volume of the real device, as its slider shows it; 1 = 100 %."""
    muted: bool = False
    """The real device is muted."""
    muffled: str = ""
    """The volume between Entrain and the real device that another app keeps changing.

    After a semicolon follows what to do.  Empty: only the device's volume has an effect.
    """
    xruns: int = 0
    """Gaps in the device's clock since the start."""
    missing_buffers: int = 0
    """Cycles since the start in which the sound server had no buffer for the engine's output."""
    nonfinite: int = 0
    """Infinite and NaN samples in the input since the start; Entrain replaces them by silence."""
    cpu_load: FiniteFloat = 0.0
    """Share of one core that the callback has used lately, 0 … 1."""
    worst_callback_ms: FiniteFloat = 0.0
    """Longest call of the callback in the last minute; also in `callback`."""
    callback: Callback = Callback()
    """How long the sound thread takes for one block."""
    errors: list[str] = []
    """The last few errors, oldest first, one line each."""
    retry_in_s: FiniteFloat | None = None
    """Time until the next attempt to connect, while the sound server is gone."""
    version: str
    """Version of Entrain."""
    upgrade: str = ""
    """Version that has been installed meanwhile and runs after a restart; empty: there is none."""


class Values(_Answer):
    """New values of several parameters."""

    values: dict[str, FiniteFloat]
    """By address; a parameter that moves has its final value here."""


class ListedProtocol(_Answer):
    """Summary of a protocol in the library."""

    id: str
    name: str
    category: Category
    own: bool
    """The protocol is the user's own, not a shipped one."""
    following: Grade | None
    """Evidence that the nervous system follows the rhythm; None: the protocol claims nothing."""
    outcome: Grade | None
    """Evidence that listeners have the benefit."""
    requires_headphones: bool


class Protocols(_Answer):
    """The library."""

    protocols: list[ListedProtocol]
    """Sorted by category and id."""
    recent: list[str] = []
    """Ids of the protocols used last, the latest first."""
    problems: list[str] = []
    """Errors in the user's files, one line each."""


class WholeProtocol(_Answer):
    """One protocol in full."""

    document: Protocol
    own: bool
    """The protocol is the user's own, not a shipped one."""


class ListedHead(_Answer):
    """A head that the space can use."""

    id: str
    title: str
    built_in: bool
    """The head comes with Entrain; it is not from a SOFA file."""


class Heads(_Answer):
    """All heads."""

    heads: list[ListedHead]
    """The built-in ones, then the others by id."""


class Choice(_Answer):
    """One value of a parameter that is a choice."""

    name: str
    value: FiniteFloat


class Parameter(_Answer):
    """A parameter of a block; values are in `unit`."""

    symbol: str
    name: str
    unit: str
    minimum: FiniteFloat
    maximum: FiniteFloat
    initial: FiniteFloat
    step: FiniteFloat
    choices: Sequence[Choice]
    """Empty: any value in the range is possible."""
    scale: Literal["lin", "log"]
    """``log``: a listener hears equal ratios as equal steps."""
    period: FiniteFloat
    """Two values that differ by this are the same; 0: none."""
    controller: int | None
    """MIDI controller that moves the parameter unless the user chooses another."""
    knob: Sequence[FiniteFloat] | None
    """The two ends of a knob's way unless the user chooses others; null: the ends of the range."""


class Substitute(_Answer):
    """The block that replaces another one on loudspeakers."""

    kind: str
    values: dict[str, FiniteFloat | str]
    """By parameter: a number, or the parameter of the replaced block whose value is used."""


class Block(_Answer):
    """A kind of block; the names of its roles are symbols of its parameters, or empty."""

    kind: str
    group: str
    description: str
    parameters: Sequence[Parameter]
    promise: str
    strength: str
    level: str
    rate: str
    rate_depth: str
    carrier: str
    corner: str
    dichotic: bool
    without_headphones: Substitute | None


class Blocks(_Answer):
    """All kinds of block."""

    blocks: Sequence[Block]
    """Sorted by kind."""
    place: Sequence[Parameter]
    """Parameters that a generator has in addition while it has a place around the head."""


class Samples(_Answer):
    """Samples that follow the line of the answer: of the input, then of the output."""

    first: int
    """Number of the first frame."""
    frames: int
    """Number of frames; perhaps 0."""
    rate_hz: int
    """Sample rate."""
    bytes: int
    """Length of the samples: 16 bytes for each frame."""


Tap = Callable[[int, int], readings.Samples]
"""Returns samples from the frame with this number on, at most so many frames."""


@dataclass(frozen=True, slots=True)
class WithContent:
    """An answer whose line is followed by bytes."""

    result: BaseModel
    content: bytearray
    more: Tap | None = None
    """Returns the samples that follow."""
