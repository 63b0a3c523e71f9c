"""Senders of head poses: their addresses, order, units and signs.

Every angle is described by its sign against ours: yaw to the left, pitch down and roll to the right
shoulder are positive, as a right-handed rotation about z, y and x has them.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from entrain.vdevice.bridge.osc_reader import MalformedPacket, Message
from entrain.vdevice.limits import HeadAxis, TrackerPreset
from entrain.vdevice.rotation import Rotation, from_angles, normalized

_MOST_TURNS_RAD = 1e4
"""Greatest angle that is meant as an angle."""

Arguments = tuple[float | str, ...]


@dataclass(frozen=True)
class AngleForm:
    """One to three angles."""

    axes: str
    """First letters of the axes, in the order of the arguments."""
    signs: tuple[int, int, int]
    """Signs of yaw, pitch and roll against ours."""
    unit_rad: float = math.radians(1)
    zero: float = 0.0
    """Number that stands for the front."""

    @property
    def is_partial(self) -> bool:
        """Whether the other axes come in messages of their own."""
        return len(self.axes) < 3

    def turned_rad(self, arguments: Arguments) -> dict[str, float]:
        """Return our angles by axis."""
        signs = dict(zip("ypr", self.signs, strict=True))
        numbers = _numbers(arguments, len(self.axes))
        found = {
            axis: signs[axis] * (number - self.zero) * self.unit_rad
            for axis, number in zip(self.axes, numbers, strict=True)
        }
        if not all(abs(angle) <= _MOST_TURNS_RAD for angle in found.values()):  # also NaN
            raise MalformedPacket("angle")
        return found


@dataclass(frozen=True)
class QuaternionForm:
    """A quaternion in axes of the sender's own."""

    places: tuple[int, int, int, int]
    """Arguments that are our w, x, y and z, counted from 0."""
    signs: tuple[int, int, int]
    """Signs of those x, y and z."""
    bone: str = ""
    """Text that the first argument must be."""

    def rotation(self, arguments: Arguments, inverted: Mapping[str, int]) -> Rotation | None:
        """Return our rotation; None if the message is about another bone."""
        if self.bone:
            if not arguments or arguments[0] != self.bone:
                return None
            arguments = arguments[1:]
        numbers = _numbers(arguments, max(self.places) + 1)
        w, x, y, z = (numbers[place] for place in self.places)
        sx, sy, sz = self.signs
        found = normalized(
            w, sx * inverted["r"] * x, sy * inverted["p"] * y, sz * inverted["y"] * z
        )
        if found is None:
            raise MalformedPacket("quaternion")
        return found


Form = AngleForm | QuaternionForm

_OURS = (1, 1, 1)
_SCENE = (-1, -1, -1)  # the scene turns against the head
_RIGHT_UP_RIGHT = (-1, -1, 1)
_RIGHT_UP_LEFT = (-1, -1, -1)
_LEFT_UP_RIGHT = (1, -1, 1)

OPENTRACK = AngleForm("ypr", _RIGHT_UP_LEFT)
"""Signs of opentrack's own angles; its 48 bytes have them."""


def _each_axis(prefix: str, signs: tuple[int, int, int], **units: float) -> dict[str, Form]:
    return {
        f"{prefix}{name}": AngleForm(name[0], signs, **units) for name in ("yaw", "pitch", "roll")
    }


def _yaw_pitch_roll(signs: tuple[int, int, int]) -> dict[str, Form]:
    return {"/ypr": AngleForm("ypr", signs), **_each_axis("/", signs)}


_FORMS: Mapping[str, Form] = {
    # SPARTA
    **_yaw_pitch_roll(_OURS),
    "/quaternion": QuaternionForm((0, 1, 2, 3), _OURS),
    # IEM SceneRotator
    "/scenerotator/ypr": AngleForm("ypr", _SCENE),
    **_each_axis("/scenerotator/", _SCENE),
    "/scenerotator/quaternions": QuaternionForm((0, 1, 2, 3), _SCENE),
    # opentrack: x to the right, y down, z to the front
    "/bridge/quat": QuaternionForm((0, 3, 1, 2), (1, -1, -1)),
    # nvsonic, for the 3D Tune-In Toolkit, Mach1 and SALTE
    "/3dti-osc/receiver/pry": AngleForm("pry", _RIGHT_UP_RIGHT, unit_rad=1.0),
    "/orientation": AngleForm("ypr", _RIGHT_UP_RIGHT),
    "/rendering/htrpy": AngleForm("rpy", _RIGHT_UP_RIGHT),
    # VR, in Unity's left-handed axes: x to the right, y up, z to the front
    "/vmc/ext/bone/pos": QuaternionForm((6, 5, 3, 4), (-1, 1, -1), bone="Head"),
    "/tracking/trackers/head/rotation": AngleForm("pyr", (-1, 1, -1)),
}
"""By address in small letters."""

_PRESETS: Mapping[TrackerPreset, Mapping[str, Form]] = {
    "standard": {},
    # x to the right, y to the front, z up
    "supperware": {
        **_yaw_pitch_roll(_LEFT_UP_RIGHT),
        "/quaternion": QuaternionForm((0, 2, 1, 3), (1, -1, 1)),
    },
    # Its presets "Ambi Head HD" and "OHTI.xyz"
    "nvsonic": {
        **_each_axis("/", (1, -1, -1), unit_rad=math.tau, zero=0.5),
        "/scenerotator/quaternions": QuaternionForm((0, 1, 2, 3), _OURS),
    },
    "opentrack": _yaw_pitch_roll(_RIGHT_UP_LEFT),
    "librepods": _yaw_pitch_roll(_RIGHT_UP_RIGHT),
}
"""The addresses that a sender uses in another way."""


@dataclass(frozen=True)
class Pose:
    """How a sender says that the head is turned."""

    rotation: Rotation
    form: str
    """The sender's address, or its group of addresses."""
    angles_rad: Mapping[str, float] = field(default_factory=dict)
    """Our angles so far by axis, of a sender that has a message for each axis; empty for others."""

    @property
    def is_partial(self) -> bool:
        """Whether messages about the other axes belong to it."""
        return bool(self.angles_rad)


class Senders:
    """Reads what senders send.  It keeps nothing from packet to packet: senders may be mixed.

    Parameters
    ----------
    preset : TrackerPreset
        Name of the sender, where its order or signs are others than its addresses'.
    inverted : collection of HeadAxis
        Axes whose sign is the other one.

    """

    def __init__(self, preset: TrackerPreset, inverted: Collection[HeadAxis] = ()) -> None:
        self._forms = {**_FORMS, **_PRESETS[preset]}
        self._inverted = {
            axis[0]: -1 if axis in inverted else 1 for axis in ("yaw", "pitch", "roll")
        }

    def pose(self, messages: Collection[Message]) -> Pose | None:
        """Return the last pose among these messages; None if there is none.

        Raises
        ------
        MalformedPacket
            An address of a sender with other arguments than the sender's.

        """
        found = None
        for message in messages:
            form = self._forms.get(message.address.lower())
            if form and (pose := self._read(form, message)):
                found = self.completed(pose, found)
        return found

    def completed(self, pose: Pose, former: Pose | None) -> Pose:
        """Return a pose with the axes that only the sender's former pose has."""
        if former is None or not pose.is_partial or former.form != pose.form:
            return pose
        angles_rad = {**former.angles_rad, **pose.angles_rad}
        return Pose(self._rotation(angles_rad), pose.form, angles_rad)

    def _read(self, form: Form, message: Message) -> Pose | None:
        if isinstance(form, QuaternionForm):
            rotation = form.rotation(message.arguments, self._inverted)
            return Pose(rotation, message.address) if rotation else None
        turned_rad = form.turned_rad(message.arguments)
        if not form.is_partial:
            return Pose(self._rotation(turned_rad), message.address)
        group = message.address.rpartition("/")[0] + "/…"
        return Pose(self._rotation(turned_rad), group, turned_rad)

    def opentrack(self, numbers: tuple[float, ...]) -> Pose:
        """Read opentrack's angles: yaw, pitch and roll in degrees."""
        return Pose(self._rotation(OPENTRACK.turned_rad(numbers)), "opentrack")

    def _rotation(self, turned_rad: Mapping[str, float]) -> Rotation:
        return from_angles(*(self._inverted[axis] * turned_rad.get(axis, 0.0) for axis in "ypr"))


def _numbers(arguments: Arguments, count: int) -> list[float]:
    """Return the arguments, which must be so many numbers."""
    numbers = [each for each in arguments if not isinstance(each, str)]
    if len(numbers) != count or len(arguments) != count:
        raise MalformedPacket("arguments")
    return numbers
