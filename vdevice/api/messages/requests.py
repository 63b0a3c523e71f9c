"""Requests to the running Entrain: queries, which change nothing, and commands.

The docstrings of a model and of its fields are the description of the request in `entrain api` and
in docs/control-api.md.
"""

from typing import Annotated, Literal, get_args

from pydantic import (
    AfterValidator,
    Field,
    FiniteFloat,
    StringConstraints,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticKnownError

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
from entrain.vdevice.api.messages.request_fields import (
    Address,
    DeviceName,
    HotkeysReport,
    PreferredOutputs,
    ProtocolName,
    SpaceWishes,
    Spec,
    WantedProtocol,
    Within,
)
from entrain.vdevice.api.messages.results import (
    Blocks,
    Device,
    Heads,
    Protocols,
    Samples,
    Status,
    Values,
    WholeProtocol,
)
from entrain.vdevice.device.applications.rules import ApplicationRules
from entrain.vdevice.head.settings import Axes, Port, Share
from entrain.vdevice.limits import Mode, TrackerPreset, Unplugged
from entrain.vdevice.protocol.fields import Slug


class TurnHead(Signal):
    """Turn the head: a quaternion from the room to the head, of any length but 0.

    It has no answer unless it is refused.
    """

    command: Literal["head"] = "head"
    w: FiniteFloat
    """Real part."""
    x: FiniteFloat
    """To the front."""
    y: FiniteFloat
    """To the left."""
    z: FiniteFloat
    """Up."""


class GetStatus(Query):
    """Return the status."""

    answer = Status
    command: Literal["status"] = "status"


class Stop(Command):
    """Restore the system's former state, and end the app.

    After the answer, Entrain hangs up when it has ended.
    """

    answer = None
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
    """Bypass or process; null: toggle."""
    matched: bool = False
    """Play the untouched sound as loud as the processed sound, for a fair comparison."""


class Use(Command):
    """Replace the running protocol.

    Layers of the same id and kind glide to their new values.
    """

    command: Literal["use"] = "use"
    protocol: WantedProtocol
    """The id of a protocol in the library, a SPEC, or a whole protocol.

    A SPEC is `kind:key=value,...` or `id=kind:key=value,...`.
    """
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
    """Save the present sound as a protocol of the user's own.

    It replaces an own protocol of that name, whose file stays as `.bak`.
    """

    command: Literal["save"] = "save"
    name: ProtocolName
    """One line."""
    replace: bool = False
    """If a shipped protocol has the same id, hide it."""


class Sleep(Command):
    """Switch Entrain off when the time is over.

    The layers fade out within the last 5 minutes.
    """

    command: Literal["sleep"] = "sleep"
    minutes: Annotated[float, Within(0, limits.MAX_SLEEP_MINUTES, "minutes")] | None
    """None: cancel the timer."""


class Settings(Command):
    """Change settings; omitted settings stay as they are."""

    command: Literal["settings"] = "settings"
    session_log: bool | None = None
    """Whether Entrain logs, on this computer only, which protocols were heard, and for how long."""
    mode: Mode | None = None
    """The sound that Entrain processes."""
    applications: ApplicationRules | None = None
    """The rules for apps; omitted fields stay as they are, too."""
    preferred_outputs: PreferredOutputs | None = None
    """Names as in `devices`, connected or not, the most wanted first."""
    unplugged: Unplugged | None = None
    """How a loudspeaker plays that takes over after headphones were unplugged."""
    hrtf: Slug | None = None
    """Id as in `heads`, for this output and for outputs without one of their own."""
    space: SpaceWishes | None = None
    """How music sounds around the head on the present output."""


class Set(Command):
    """Set one parameter, or several: then all or none.

    A value moves in a straight line.  With `values`, the answer is these values alone, which costs
    little and suits sliders.
    """

    answer = Status | Values
    command: Literal["set"] = "set"
    values: (
        Annotated[dict[Address, float], Field(min_length=1, max_length=limits.MAX_VALUES)] | None
    ) = None
    """Numbers by address, each in the parameter's own unit."""
    address: Annotated[Address | None, Field(validate_default=True)] = None
    """`layer.parameter`; `pre.`… and `limiter.`… for the engine's own, `space.`… for the space."""
    value: Annotated[float | None, Field(validate_default=True)] = None
    """In the parameter's own unit."""  # NaN passes, so that `check_value` can name the range
    over_s: Annotated[float, Within(0, limits.MAX_OVER_S, "s")] = 0.0
    """Duration of the glide; 0 means 20 ms, too short to notice and too long to click."""

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
    """Whether the clock runs; null: no change."""
    position_s: Annotated[float, Within(0, limits.MAX_SESSION_S, "s")] | None = None
    """The clock's new position; null: no change."""


class Adjust(Command):
    """Change the running protocol in steps: faster or slower, stronger or weaker.

    All rates change in the same ratio, and levels as well as depths by the same step.
    """

    command: Literal["adjust"] = "adjust"
    rate_steps: Annotated[int, Field(ge=-limits.MAX_STEPS, le=limits.MAX_STEPS)] = 0
    """Steps to the next round rate; the first rate decides how large a step is."""
    level_steps: Annotated[int, Field(ge=-limits.MAX_STEPS, le=limits.MAX_STEPS)] = 0
    """Steps of 3 dB for all layers."""


class Undo(Command):
    """Undo the last step of the sound; the `redo_text` of the status describes it."""

    command: Literal["undo"] = "undo"


class Redo(Command):
    """Make the step again that was undone last; the `undo_text` of the status describes it."""

    command: Literal["redo"] = "redo"


class ListDevices(Query):
    """Return the real output devices."""

    answer = list[Device]
    command: Literal["devices"] = "devices"


class ListProtocols(Query):
    """Return the library: protocols, the last used ones, and problems of the user's files."""

    answer = Protocols
    command: Literal["protocols"] = "protocols"


class ListBlocks(Query):
    """Return all kinds of layer, with their parameters."""

    answer = Blocks
    command: Literal["blocks"] = "blocks"


class GetProtocol(Query):
    """Return one protocol in full."""

    answer = WholeProtocol
    command: Literal["protocol"] = "protocol"
    id: Slug
    """Id in the library."""


class ListHeads(Query):
    """Return the heads that the space can use."""

    answer = Heads
    command: Literal["heads"] = "heads"


class GetSamples(Query):
    """Return the newest sound; the samples follow the line of the answer."""

    answer = Samples
    command: Literal["tap"] = "tap"
    first: Annotated[int | None, Field(ge=0)] = None
    """Number of the first frame; None: the newest frames."""
    frames: Annotated[int, Field(ge=1, le=limits.MAX_TAP_FRAMES)] = 1600
    """Highest number of frames; with `interval_s`, in the first answer."""
    interval_s: Annotated[float, Within(limits.MIN_TAP_S, limits.MAX_TAP_S, "s")] | None = None
    """Send all further samples, too: each time after this interval, if there are new ones.

    It ends when the client sends a message or hangs up.
    """


class Delete(Command):
    """Delete a protocol of the user's own; its file stays, with `.bak` after its name.

    Where the protocol is in use, its sound goes on, after a restart, too, until you use another.
    """

    command: Literal["delete"] = "delete"
    id: Slug
    """Id of one of the user's own protocols."""


class Rename(Command):
    """Rename a protocol of the user's own; its id and its file follow the name.

    The outputs that have the protocol follow, too.  Refused if another protocol has the new id.
    """

    command: Literal["rename"] = "rename"
    id: Slug
    """Id of one of the user's own protocols."""
    name: ProtocolName
    """One line."""


class SetOutput(Command):
    """Play on another real device.

    After headphones were unplugged, the loudspeaker gets its volume back, also if you repeat the
    present `chosen_output` (null for an empty one).
    """

    command: Literal["output"] = "output"
    name: DeviceName | None
    """As in `devices`.

    Null: the first connected one of `preferred_outputs`, else the device that the desktop would
    choose.
    """


class Tracking(Command):
    """Change how the head is tracked on the present output; a field left out keeps its value."""

    command: Literal["tracking"] = "tracking"
    on: bool | None = None
    """Track the head."""
    lan: bool | None = None
    """Hear trackers on this machine's network, too."""
    port: Port | None = None
    """UDP port."""
    preset: TrackerPreset | None = None
    """Kind of sender, which decides the order and the signs of the angles."""
    invert: Axes | None = None
    """Axes that the sender counts the other way."""
    follow: Share | None = None
    """Share of the head's turn that is followed."""


class Recentre(Command):
    """Count the head's present pose as straight ahead."""

    command: Literal["recentre"] = "recentre"


class Audition(Command):
    """Play a sample from its beginning, moving around the listener, through this head.

    Null, any other command, another output, or the end of the connection brings back the former
    sound.  Entrain stores none of this.  One client at a time can do this.
    """

    command: Literal["audition"] = "audition"
    hrtf: Slug | None
    """Id of a head, as in `heads`."""


class SetHotkeys(Command):
    """Ask the desktop for keyboard shortcuts, or give them back; or report what came of it."""

    command: Literal["hotkeys"] = "hotkeys"
    enabled: bool | None = None
    """Whether Entrain's icon asks, now and after each start; null: no change."""
    report: HotkeysReport | None = None
    """From Entrain's icon, which talks to the desktop; ``denied`` gives the shortcuts back."""


def _part(name: str) -> str:
    if name not in Status.model_fields:
        raise ValueError("is not a field of the status")
    return name


Part = Annotated[str, StringConstraints(max_length=64), AfterValidator(_part)]


class Watch(Query):
    """Return the status at an interval, until the client sends a line or hangs up."""

    answer = Status
    command: Literal["watch"] = "watch"
    interval_s: Annotated[float, Within(limits.MIN_WATCH_S, limits.MAX_WATCH_S, "s")] = 1.0
    """Shortest time between two lines."""
    changes_only: bool = False
    """Send only a status that differs from the last one; while nothing changes, no work is done."""
    parts: Annotated[tuple[Part, ...], Field(min_length=1, max_length=64)] | None = None
    """Send these fields of the `Status`, later only the changed ones among them.

    Beside `position`, `protocol` counts as changed only if more than its position has changed.
    """
    prompt: bool = False
    """Send what a command has changed within 0.05 s, whatever the interval."""


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

COMMANDS: tuple[str, ...] = tuple(
    cls.model_fields["command"].default for cls in get_args(get_args(Request)[0])
)
