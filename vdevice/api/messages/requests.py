"""Requests to the running Entrain: queries, which change nothing, and commands."""

from typing import Annotated, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    FiniteFloat,
    StringConstraints,
    Tag,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticKnownError

from entrain.errors import EntrainError
from entrain.vdevice import limits
from entrain.vdevice.api.messages.kinds import Command, Query, Signal
from entrain.vdevice.api.messages.remote_requests import (
    ListMidiMappings,
    Midi,
    MidiForget,
    MidiLearn,
    MidiMap,
    Osc,
)
from entrain.vdevice.api.messages.results import Status
from entrain.vdevice.device.applications.rules import ApplicationRules
from entrain.vdevice.head.settings import Axes, Port, Share
from entrain.vdevice.limits import HotkeysState, Mode, SpaceMode, TrackerPreset, Unplugged
from entrain.vdevice.protocol.fields import Line, Slug
from entrain.vdevice.protocol.model import Protocol
from entrain.vdevice.protocol.names import is_spec
from entrain.vdevice.protocol.values import BlockSource
from entrain.vdevice.protocol.wording import explain


class RequestError(EntrainError):
    """A request that Entrain cannot understand."""


def _within(low: float, high: float, unit: str) -> AfterValidator:
    def check(value: float) -> float:
        if not low <= value <= high:  # in this form, NaN is outside
            raise ValueError(f"is outside {low:g} … {high:g} {unit}")
        return value

    return AfterValidator(check)


DeviceName = Annotated[Line, StringConstraints(min_length=1, max_length=255)]
PreferredOutputs = Annotated[tuple[DeviceName, ...], Field(max_length=32)]
"""Names of real devices, the most preferred first; they need not be connected."""


Spec = Annotated[Line, StringConstraints(max_length=limits.MAX_SPEC_CHARS)]
"""A layer as users type it: `kind:key=value,...`."""


def _form(value: object) -> str:
    if not isinstance(value, str):
        return "document"
    return "spec" if is_spec(value) else "id"


WantedProtocol = Annotated[
    Annotated[Slug, Tag("id")]
    | Annotated[Spec, Tag("spec")]
    | Annotated[Protocol, Tag("document")],
    Discriminator(_form),
]
"""The id of a protocol in the library, a SPEC, or a whole protocol."""

ProtocolName = Annotated[Line, StringConstraints(min_length=1, max_length=100)]

Address = Annotated[str, StringConstraints(max_length=130)]


class TurnHead(Signal):
    """Turn the head: the rotation from the room to the head, a quaternion of any length."""

    command: Literal["head"] = "head"
    w: FiniteFloat
    x: FiniteFloat
    y: FiniteFloat
    z: FiniteFloat


class GetStatus(Query):
    """Return a `Status`."""

    command: Literal["status"] = "status"


class Stop(Command):
    """Restore the system's former state, and end the app."""

    status_follows = False
    command: Literal["stop"] = "stop"


class On(Command):
    """Make Entrain the default output."""

    command: Literal["on"] = "on"


class Off(Command):
    """Make the former device the default output again."""

    command: Literal["off"] = "off"


class Bypass(Command):
    """Let the sound pass untouched, or process it again."""

    command: Literal["bypass"] = "bypass"
    on: bool | None = None
    """None: toggle."""
    matched: bool = False
    """Play the untouched sound as loud as the processed sound, for a fair comparison."""


class Use(Command):
    """Replace the running protocol."""

    command: Literal["use"] = "use"
    protocol: WantedProtocol
    layers: Annotated[tuple[Spec, ...], Field(max_length=limits.MAX_LAYERS)] = ()
    """Layers to add to `protocol`."""
    standalone: bool = False
    """Play the tones without any input, too, even if `protocol` does not say so."""
    here: bool | None = None
    """Whether the protocol belongs to the present output.

    True: play it whenever sound goes to this output, and only then.  False: forget the output's
    own protocol.  None: replace the protocol that is playing now.
    """


class Next(Command):
    """Switch to the next protocol of the same category."""

    command: Literal["next"] = "next"


class Save(Command):
    """Save the present sound as a protocol of the user's own."""

    command: Literal["save"] = "save"
    name: ProtocolName
    replace: bool = False
    """If a shipped protocol has the same id, replace it."""


class Sleep(Command):
    """Fade the layers out, and switch Entrain off when the time is over."""

    command: Literal["sleep"] = "sleep"
    minutes: Annotated[float, _within(0, limits.MAX_SLEEP_MINUTES, "minutes")] | None
    """None: cancel the timer."""


class SpaceWishes(BaseModel):
    """Settings of the space on the present output; omitted ones stay as they are."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    mode: SpaceMode | None = None
    head_cm: float | None = None
    """Circumference of the listener's head."""


class Settings(Command):
    """Change settings; omitted settings stay as they are."""

    command: Literal["settings"] = "settings"
    session_log: bool | None = None
    """Whether Entrain logs, on this computer only, which protocols were heard, and for how long."""
    mode: Mode | None = None
    applications: ApplicationRules | None = None
    """Omitted fields stay as they are, too."""
    preferred_outputs: PreferredOutputs | None = None
    """Real devices to play on whenever they are connected."""
    unplugged: Unplugged | None = None
    """How a loudspeaker plays that takes over after headphones were unplugged."""
    hrtf: Slug | None = None
    """Id of the head that the space uses, as in `entrain hrtf list`."""
    space: SpaceWishes | None = None
    """How music sounds around the head on the present output."""


class Set(Command):
    """Set one parameter, or several: then all or none."""

    command: Literal["set"] = "set"
    values: (
        Annotated[dict[Address, float], Field(min_length=1, max_length=limits.MAX_VALUES)] | None
    ) = None
    """By address, each in the parameter's own unit; the answer is `Values`."""
    address: Annotated[Address | None, Field(validate_default=True)] = None
    value: Annotated[float | None, Field(validate_default=True)] = None
    """In the parameter's own unit.  NaN passes here, so that `check_value` can name the range."""
    over_s: Annotated[float, _within(0, limits.MAX_OVER_S, "s")] = 0.0

    @field_validator("address", "value")
    @classmethod
    def _one_or_several(cls, value: object, info: ValidationInfo) -> object:
        several = info.data.get("values") is not None
        if value is None and not several:
            raise PydanticKnownError("missing")
        if value is not None and several:
            raise ValueError("does not belong beside values")
        return value


class Session(Command):
    """Pause the session's clock, let it run, or move it."""

    command: Literal["session"] = "session"
    runs: bool | None = None
    """None: no change."""
    position_s: Annotated[float, _within(0, limits.MAX_SESSION_S, "s")] | None = None
    """None: no change."""


class Adjust(Command):
    """Change the running protocol in steps: faster or slower, stronger or weaker."""

    command: Literal["adjust"] = "adjust"
    rate_steps: Annotated[int, Field(ge=-limits.MAX_STEPS, le=limits.MAX_STEPS)] = 0
    """Steps for all rates; the first rate decides how large a step is (see `adjust`)."""
    level_steps: Annotated[int, Field(ge=-limits.MAX_STEPS, le=limits.MAX_STEPS)] = 0
    """Steps of 3 dB for all layers."""


class Undo(Command):
    """Undo the last step of the sound; the status says what was undone, as `redo_text`."""

    command: Literal["undo"] = "undo"


class Redo(Command):
    """Make the step again that was undone last."""

    command: Literal["redo"] = "redo"


class ListDevices(Query):
    """Return a list of `Device`."""

    command: Literal["devices"] = "devices"


class ListProtocols(Query):
    """Return `Protocols`."""

    command: Literal["protocols"] = "protocols"


class ListBlocks(Query):
    """Return `Blocks`."""

    command: Literal["blocks"] = "blocks"


class GetProtocol(Query):
    """Return a `WholeProtocol`."""

    command: Literal["protocol"] = "protocol"
    id: Slug


class ListHeads(Query):
    """Return `Heads`."""

    command: Literal["heads"] = "heads"


class GetSamples(Query):
    """Return `Samples`, followed by the samples themselves."""

    command: Literal["tap"] = "tap"
    first: Annotated[int | None, Field(ge=0)] = None
    """Number of the first frame; None: the newest frames."""
    frames: Annotated[int, Field(ge=1, le=limits.MAX_TAP_FRAMES)] = 1600
    interval_s: Annotated[float, _within(limits.MIN_TAP_S, limits.MAX_TAP_S, "s")] | None = None
    """Send all further samples, too: each time after this interval, if there are new ones.

    It ends when the client sends a message or hangs up.
    """


class Delete(Command):
    """Delete a protocol of the user's own."""

    command: Literal["delete"] = "delete"
    id: Slug


class Rename(Command):
    """Rename a protocol of the user's own; its id follows the name."""

    command: Literal["rename"] = "rename"
    id: Slug
    name: ProtocolName


class SetOutput(Command):
    """Play on this real device; null: on a preferred device, or else on the desktop's choice."""

    command: Literal["output"] = "output"
    name: DeviceName | None


class Tracking(Command):
    """Change how the head is tracked on the present output; a field left out keeps its value."""

    command: Literal["tracking"] = "tracking"
    on: bool | None = None
    lan: bool | None = None
    """Hear trackers on this machine's network, too."""
    port: Port | None = None
    preset: TrackerPreset | None = None
    invert: Axes | None = None
    follow: Share | None = None


class Recentre(Command):
    """Count the head's present pose as straight ahead."""

    command: Literal["recentre"] = "recentre"


class Audition(Command):
    """Play a sample from its beginning, moving around the listener, through this head.

    Entrain plays what it played before after null, after any other command, and when the client
    hangs up.  None of this is stored.
    """

    command: Literal["audition"] = "audition"
    hrtf: Slug | None
    """Id of a head, as in `entrain hrtf list`."""


class HotkeysReport(BaseModel):
    """The portal's answer to the wish for keyboard shortcuts, as Entrain's icon reports it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    state: HotkeysState = "off"
    reason: Annotated[Line, StringConstraints(max_length=300)] = ""
    keys: Annotated[
        dict[Slug, Annotated[Line, StringConstraints(max_length=limits.MAX_KEY_CHARS)]],
        Field(max_length=limits.MAX_HOTKEYS),
    ] = {}


class SetHotkeys(Command):
    """Ask the desktop for keyboard shortcuts, or give them back; or report what came of it."""

    command: Literal["hotkeys"] = "hotkeys"
    enabled: bool | None = None
    """None: no change."""
    report: HotkeysReport | None = None
    """From Entrain's icon, which talks to the desktop; ``denied`` gives the shortcuts back."""


def _part(name: str) -> str:
    if name not in Status.model_fields:
        raise ValueError("is not a field of the status")
    return name


Part = Annotated[str, StringConstraints(max_length=64), AfterValidator(_part)]


class Watch(Query):
    """Send a `Status` now and after each interval, until the client sends a message or hangs up."""

    command: Literal["watch"] = "watch"
    interval_s: Annotated[float, _within(limits.MIN_WATCH_S, limits.MAX_WATCH_S, "s")] = 1.0
    changes_only: bool = False
    """Send only a status that differs from the last one; while nothing changes, no work is done."""
    parts: Annotated[tuple[Part, ...], Field(min_length=1, max_length=64)] | None = None
    """Send these fields of the `Status`, later only the changed ones among them.

    Beside `position`, `protocol` counts as changed only if more than its position has changed.
    """
    prompt: bool = False
    """Send what a command has changed at once, not after the interval."""


Request = Annotated[
    GetStatus
    | Stop
    | On
    | Off
    | Bypass
    | Use
    | Next
    | Save
    | Delete
    | Rename
    | Set
    | Session
    | Adjust
    | Undo
    | Redo
    | Sleep
    | Settings
    | ListDevices
    | ListProtocols
    | GetProtocol
    | ListBlocks
    | ListHeads
    | GetSamples
    | SetOutput
    | Watch
    | TurnHead
    | Tracking
    | Recentre
    | Audition
    | Osc
    | Midi
    | MidiLearn
    | MidiForget
    | MidiMap
    | ListMidiMappings
    | SetHotkeys,
    Field(discriminator="command"),
]

_REQUEST: TypeAdapter[Request] = TypeAdapter(Request, config=ConfigDict(defer_build=True))
COMMANDS: tuple[str, ...] = tuple(
    cls.model_fields["command"].default for cls in get_args(get_args(Request)[0])
)


def parse_request(line: bytes, blocks: BlockSource | None = None) -> Request:
    """Read one message.

    Parameters
    ----------
    line : bytes
        One JSON object; a newline at its end is allowed.
    blocks : callable, optional
        Returns the blocks, so that an error can name a parameter's range.

    Raises
    ------
    RequestError
        The request is invalid; the error is one line that names the field.

    """
    try:
        return _REQUEST.validate_json(line, context=blocks)
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        if detail["type"].startswith("union_tag") and not detail["loc"]:
            known = ", ".join(COMMANDS)
            raise RequestError(f"command must be one of {known}") from error
        raise RequestError(_untagged(error)) from error


def _untagged(error: ValidationError) -> str:
    line = explain(error, skip=1)[0]  # skip the command, the first part of the location
    for tag in ("protocol.document", "protocol.spec", "protocol.id"):
        line = line.replace(tag, "protocol", 1) if line.startswith(tag) else line
    return line
