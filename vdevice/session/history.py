"""The steps that users can undo and redo.  Knows no engine; steps share their parts."""

from collections import deque
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from entrain.vdevice.protocol.model import Protocol
from entrain.vdevice.session.chain import Ways
from entrain.vdevice.session.choices import Choice
from entrain.vdevice.session.edited_protocol import EditedProtocol
from entrain.vdevice.space.settings import SpaceSettings

STEPS = 100
"""Largest number of steps that can be undone."""
JOIN_S = 1.0
"""Moves of one parameter that follow each other faster than this, in seconds, are one step."""

Part = Literal["protocol", "space", "settings"]
"""A part of the sound that a step can change."""


@dataclass(frozen=True, slots=True)
class Played:
    """The protocol that runs at one moment."""

    edited: EditedProtocol
    library_id: str
    ways: Ways
    session_s: float
    """Position of its session."""
    runs: bool
    """False: the session is paused."""
    ended: bool


@dataclass(frozen=True, slots=True)
class Sound:
    """Everything that steps change, at one moment."""

    played: Played
    is_own: bool
    """Whether the output has a protocol of its own."""
    everywhere: Choice
    """The protocol of the other outputs."""
    space: SpaceSettings
    """The user's space on this output."""
    settings: Mapping[str, float]
    """Values of the engine's own layers, by address."""


@dataclass(slots=True)
class Step:
    """A change of the sound."""

    other: Sound
    """The sound before the step or, if the step was undone, after it."""
    parts: set[Part]
    """The parts that the step has changed; the others stay when it is undone."""
    moved_s: dict[str, float]
    """The time of the last move of each value, by address; empty: another protocol was used."""
    last_s: float
    is_open: bool = True
    """Whether further moves of the same values belong to this step."""

    @property
    def replaces(self) -> bool:
        """Whether the step has replaced the protocol, not only its values."""
        return not self.moved_s

    def is_void(self, now: Sound) -> bool:
        """Whether the values that the step has moved are back where they were."""
        other = self.other
        return not self.replaces and (
            ("protocol" not in self.parts or _protocol(other) == _protocol(now))
            and ("space" not in self.parts or other.space == now.space)
            and ("settings" not in self.parts or other.settings == now.settings)
        )


class History:
    """The steps of one output's sound, kept in memory only."""

    def __init__(self) -> None:
        self.done: deque[Step] = deque(maxlen=STEPS)
        """Steps that can be undone, the latest at the end."""
        self.undone: deque[Step] = deque(maxlen=STEPS)
        """Steps that can be made again, the next one at the end."""

    def add(self, step: Step) -> None:
        """Add a new step; steps that were undone cannot be made again from then on.

        Moves of one value within `JOIN_S` are one step.  If other values were moved between them,
        as two users do at the same time, their moves belong to this step, too.
        """
        self.undone.clear()
        joined = self._joined(step.moved_s, step.last_s - JOIN_S)
        for _ in range(joined):
            before = self.done.pop()
            moved_s = {**before.moved_s, **step.moved_s}
            step = replace(step, other=before.other, parts=before.parts | step.parts)
            step.moved_s = moved_s
        self.done.append(step)

    def going_on(self, addresses: Collection[str], now_s: float) -> Step | None:
        """Return the last step if a move of exactly these values continues it, and note the time.

        A dragged slider moves a thousand times a second, so this costs little.
        """
        last = self.done[-1] if self.done else None
        if last is None or not last.is_open or now_s - last.last_s >= JOIN_S:
            return None
        if not addresses or len(last.moved_s) != len(addresses):
            return None
        if any(each not in last.moved_s for each in addresses):
            return None
        last.moved_s = dict.fromkeys(addresses, now_s)
        last.last_s = now_s
        return last

    def close(self) -> None:
        """Let the next move begin a step of its own."""
        if self.done:
            self.done[-1].is_open = False

    def clear(self) -> None:
        """Forget all steps, since another output has another protocol."""
        self.done.clear()
        self.undone.clear()

    def forget_space(self) -> None:
        """Forget the changes of the user's space, since another output has its own."""
        for steps in (self.done, self.undone):
            kept = [step for step in steps if step.parts != {"space"}]
            steps.clear()
            for step in kept:
                step.parts.discard("space")
                steps.append(step)
        self.close()

    def library_ids(self) -> set[str]:
        """Return the ids of all protocols that came from the library."""
        return {step.other.played.library_id for step in self._all()} - {""}

    def renew(self, read: Mapping[str, Protocol | None]) -> None:
        """Note that files were read again; a protocol that now differs no longer is the file's.

        Parameters
        ----------
        read : mapping
            The protocols by library id; None: there is no such protocol any more.

        """

        def renewed(played: Played) -> Played:
            same = read.get(played.library_id, played.edited.protocol) == played.edited.protocol
            return played if same else replace(played, library_id="")

        for step in self._all():
            if step.other.played.library_id in read:
                step.other = replace(step.other, played=renewed(step.other.played))

    def _all(self) -> Iterator[Step]:
        yield from self.done
        yield from self.undone

    def _joined(self, addresses: Collection[str], since_s: float) -> int:
        """Return how many of the last steps a move of these values continues."""
        found = 0
        for number, step in enumerate(reversed(self.done), 1):
            if not step.is_open or step.replaces or step.last_s <= since_s:
                break
            if any(step.moved_s.get(each, since_s) > since_s for each in addresses):
                found = number
        return found


def _protocol(sound: Sound) -> Protocol:
    return sound.played.edited.protocol
