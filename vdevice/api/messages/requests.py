"""What can be asked of the running Entrain: queries, which change nothing, and commands."""

from typing import Annotated, ClassVar, Literal, get_args

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
from entrain.vdevice.api.messages.results import Status
from entrain.vdevice.device.applications import ApplicationRules
from entrain.vdevice.head.settings import Axes, Port, Share
from entrain.vdevice.limits import Mode, TrackerPreset, Unplugged
from entrain.vdevice.protocol.fields import Line, Slug
from entrain.vdevice.protocol.model import Protocol
from entrain.vdevice.protocol.names import is_spec
from entrain.vdevice.protocol.values import BlockSource
from entrain.vdevice.protocol.wording import explain


class RequestError(EntrainError):
    """A control message that cannot be understood."""


def _within(low: float, high: float, unit: str) -> AfterValidator:
    def check(value: float) -> float:
        if not low <= value <= high:  # so written, NaN is outside
            raise ValueError(f"is outside {low:g} … {high:g} {unit}")
        return value

    return AfterValidator(check)


DeviceName = Annotated[Line, StringConstraints(min_length=1, max_length=255)]
PreferredOutputs = Annotated[tuple[DeviceName, ...], Field(max_length=32)]
"""Names of real devices, the most wanted first; they need not be connected."""


Spec = Annotated[Line, StringConstraints(max_length=limits.MAX_SPEC_CHARS)]
"""A layer as it is typed: `kind:key=value,...`."""


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

Address = Annotated[str, StringConstraints(max_length=130)]


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    client: Annotated[Line, StringConstraints(max_length=limits.MAX_CLIENT_CHARS)] = ""
    """The name under which events tell others who has caused a change."""


class Query(_Request):
    """A request that changes nothing."""


class Command(_Request):
    """A request that changes something; those who watch look whether it has."""

    status_follows: ClassVar[bool] = True
    """Whether a command without an answer of its own is answered with the `Status` afterwards."""


class Signal(_Request):
    """A request without an answer: only a refused one has one.

    It is neither saved nor told to subscribers, so it costs little.
    """


class TurnHead(Signal):
    """Say how the head is turned: a quaternion from the room to the head, of any length."""

    command: Literal["head"] = "head"
    w: FiniteFloat
    x: FiniteFloat
    y: FiniteFloat
    z: FiniteFloat


class GetStatus(Query):
    """Answered with a `Status`."""

    command: Literal["status"] = "status"


class Stop(Command):
    """Leave the system as it was found and end."""

    status_follows = False
    command: Literal["stop"] = "stop"


class On(Command):
    """Make Entrain the default output."""

    command: Literal["on"] = "on"


class Off(Command):
    """Give the former default output back."""

    command: Literal["off"] = "off"


class Bypass(Command):
    """Let the sound pass untouched, or process it again."""

    command: Literal["bypass"] = "bypass"
    on: bool | None = None
    """None toggles."""
    matched: bool = False
    """Make the untouched sound as loud as what was heard: a fair comparison."""


class Use(Command):
    """Replace the running protocol."""

    command: Literal["use"] = "use"
    protocol: WantedProtocol
    layers: Annotated[tuple[Spec, ...], Field(max_length=limits.MAX_LAYERS)] = ()
    """More layers, in addition to those of `protocol`."""
    standalone: bool = False
    """Let tones be heard without any input too, also where `protocol` does not say so."""
    here: bool | None = None
    """True: whenever sound goes to the present output, and only then; False: forget what was
    remembered for it.  None: in place of what is heard now."""


class Next(Command):
    """Go on to the next protocol of the same category."""

    command: Literal["next"] = "next"


class Save(Command):
    """Make a protocol of the user's own of what is heard."""

    command: Literal["save"] = "save"
    name: Annotated[Line, StringConstraints(min_length=1, max_length=100)]
    replace: bool = False
    """Use it in place of a protocol that comes with Entrain, if that has the same id."""


class Sleep(Command):
    """Let the layers go down, and switch off when the time is over."""

    command: Literal["sleep"] = "sleep"
    minutes: Annotated[float, _within(0, limits.MAX_SLEEP_MINUTES, "minutes")] | None
    """None: not after all."""


class Settings(Command):
    """Change how Entrain behaves; what is left out stays as it is."""

    command: Literal["settings"] = "settings"
    session_log: bool | None = None
    """Whether it is noted, on this machine only, which protocol was heard how long."""
    mode: Mode | None = None
    applications: ApplicationRules | None = None
    """A field of it that is left out stays as it is, too."""
    preferred_outputs: PreferredOutputs | None = None
    """Real devices that are played on whenever they are connected."""
    unplugged: Unplugged | None = None
    """What a loudspeaker does that takes over because headphones were unplugged."""


class Set(Command):
    """Move one parameter, or several of them: then all or none."""

    command: Literal["set"] = "set"
    values: (
        Annotated[dict[Address, float], Field(min_length=1, max_length=limits.MAX_VALUES)] | None
    ) = None
    """By address, each in the parameter's own unit; such a request is answered with `Values`."""
    address: Annotated[Address | None, Field(validate_default=True)] = None
    value: Annotated[float | None, Field(validate_default=True)] = None
    """In the parameter's own unit.  NaN comes through: `check_value` can name the range."""
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
    """Hold the session's clock, let it run, or move it."""

    command: Literal["session"] = "session"
    runs: bool | None = None
    """None: as it is."""
    position_s: Annotated[float, _within(0, limits.MAX_SESSION_S, "s")] | None = None
    """None: where it is."""


class Adjust(Command):
    """Move what runs by steps: faster or slower, stronger or weaker."""

    command: Literal["adjust"] = "adjust"
    rate_steps: Annotated[int, Field(ge=-limits.MAX_STEPS, le=limits.MAX_STEPS)] = 0
    """Of all rates together, by what one step is at the first of them; see `adjust`."""
    level_steps: Annotated[int, Field(ge=-limits.MAX_STEPS, le=limits.MAX_STEPS)] = 0
    """Of 3 dB each, of all layers together."""


class ListDevices(Query):
    """Answered with a list of `Device`."""

    command: Literal["devices"] = "devices"


class ListProtocols(Query):
    """Answered with `Protocols`."""

    command: Literal["protocols"] = "protocols"


class SetOutput(Command):
    """Play on this real device; null: on a preferred one, else on the desktop's choice."""

    command: Literal["output"] = "output"
    name: DeviceName | None


class Tracking(Command):
    """Change how the head is tracked on the present output; what is left out stays as it is."""

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


def _part(name: str) -> str:
    if name not in Status.model_fields:
        raise ValueError("is not a field of the status")
    return name


Part = Annotated[str, StringConstraints(max_length=64), AfterValidator(_part)]


class Watch(Query):
    """Answered with a `Status` now and after each interval, until the client sends or closes."""

    command: Literal["watch"] = "watch"
    interval_s: Annotated[float, _within(limits.MIN_WATCH_S, limits.MAX_WATCH_S, "s")] = 1.0
    changes_only: bool = False
    """Only with one that says something new; while nothing moves, nothing is done."""
    parts: Annotated[tuple[Part, ...], Field(min_length=1, max_length=64)] | None = None
    """Answered with these fields of the `Status`, then with those of them that have changed."""


Request = Annotated[
    GetStatus
    | Stop
    | On
    | Off
    | Bypass
    | Use
    | Next
    | Save
    | Set
    | Session
    | Adjust
    | Sleep
    | Settings
    | ListDevices
    | ListProtocols
    | SetOutput
    | Watch
    | TurnHead
    | Tracking
    | Recentre,
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
        One JSON object; a newline at its end does not matter.
    blocks : callable, optional
        Gives the blocks whose ranges an error can name.

    Raises
    ------
    RequestError
        One line that names the field.

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
    line = explain(error, skip=1)[0]  # the first part of a place is the command
    for tag in ("protocol.document", "protocol.spec", "protocol.id"):
        line = line.replace(tag, "protocol", 1) if line.startswith(tag) else line
    return line
