"""The steps that users can undo and redo.  Knows no engine; steps share their parts."""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from entrain.vdevice.protocol.model import Protocol
from entrain.vdevice.session.chain import Ways
from entrain.vdevice.session.choices import Choice, Prepared, followed, renewed, without
from entrain.vdevice.session.edited_protocol import EditedProtocol
from entrain.vdevice.space.settings import SpaceSettings

STEPS = 100
"""Largest number of steps that can be undone."""
MAX_BREAKPOINTS = 200_000
"""Most breakpoints in the steps' protocols, about 40 MB; protocols of the usual size have few."""
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
        as two users do at the same time, their moves belong to this step, too.  A closed step, such
        as a switch, joins no other.
        """
        self.undone.clear()
        joined = self._joined(step.moved_s, step.last_s - JOIN_S) if step.is_open else 0
        for _ in range(joined):
            before = self.done.pop()
            moved_s = {**before.moved_s, **step.moved_s}
            step = replace(step, other=before.other, parts=before.parts | step.parts)
            step.moved_s = moved_s
        self.done.append(step)
        while not joined and len(self.done) > 1 and _breakpoints(self.done) > MAX_BREAKPOINTS:
            self.done.popleft()

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
        played = {step.other.played.library_id for step in self._all()} - {""}
        others = (step.other.everywhere.reference for step in self._all())
        return played.union(each for each in others if isinstance(each, str))

    def renew(self, read: Mapping[str, Choice]) -> None:
        """Note what the library has now; a protocol that differs no longer is the library's.

        Parameters
        ----------
        read : mapping
            What was found for library ids.

        """

        def kept(played: Played) -> Played:
            found = read.get(played.library_id)
            if found is None or (
                isinstance(found, Prepared) and found.protocol == played.edited.protocol
            ):
                return played
            return replace(played, library_id="")

        for step in self._all():
            sound = step.other
            others = renewed(sound.everywhere, read)
            step.other = replace(sound, played=kept(sound.played), everywhere=others)
        self.close()  # the running protocol may have changed without a step

    def delete(self, protocol_id: str) -> None:
        """Keep the sound of a protocol that is not in the library any more."""
        for step in self._all():
            sound, played = step.other, step.other.played
            if played.library_id == protocol_id:
                played = replace(played, library_id="")
            others = without(sound.everywhere, protocol_id)
            step.other = replace(sound, played=played, everywhere=others)

    def rename(self, protocol_id: str, renamed: Prepared) -> None:
        """Follow a protocol to its new name; values that differ from the library's are kept."""

        def named(played: Played) -> Played:
            protocol = played.edited.protocol
            if protocol.id != protocol_id:
                return played
            edited = played.edited.named_as(renamed.protocol)
            return replace(
                played, edited=edited, library_id=played.library_id and renamed.library_id
            )

        for step in self._all():
            sound = step.other
            others = followed(sound.everywhere, protocol_id, renamed)
            step.other = replace(sound, played=named(sound.played), everywhere=others)
        self.close()

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


def _breakpoints(steps: Iterable[Step]) -> int:
    """Return the number of breakpoints in the steps' protocols; most protocols are shared."""
    found: dict[int, int] = {}
    for step in steps:
        protocol = step.other.played.edited.frame
        for layer in (*protocol.all_layers, *(protocol.without_headphones or ())):
            for automation in layer.automation.values():
                found[id(automation)] = len(automation.points)
    return sum(found.values())


def _protocol(sound: Sound) -> Protocol:
    return sound.played.edited.protocol
