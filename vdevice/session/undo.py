"""Undo and redo of the changes that users make in the sound.  Called on the main thread only."""

import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager

from entrain.errors import EntrainError
from entrain.vdevice.protocol.address import parse_address
from entrain.vdevice.protocol.values import BlockSource
from entrain.vdevice.session import step_text
from entrain.vdevice.session.history import History, Part, Sound, Step
from entrain.vdevice.session.output_protocols import OutputProtocols
from entrain.vdevice.session.output_spaces import OutputSpaces
from entrain.vdevice.session.player import Player


class Undo:
    """Turns changes of the sound into steps, undoes them, and makes them again.

    Parameters
    ----------
    history : History
        Holds the steps.
    player, protocols, spaces
        The parts of the sound that users change.
    settings : callable
        Returns the values of the engine's own layers, by address: a new mapping after each change.
    keep_settings : callable
        Receives such a mapping to store it.
    blocks : callable
        Returns the blocks.
    clock : callable
        Returns a time in seconds.

    """

    def __init__(
        self,
        history: History,
        player: Player,
        protocols: OutputProtocols,
        spaces: OutputSpaces,
        settings: Callable[[], Mapping[str, float]],
        keep_settings: Callable[[Mapping[str, float]], None],
        blocks: BlockSource,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._history = history
        self._player = player
        self._protocols = protocols
        self._spaces = spaces
        self._settings = settings
        self._keep_settings = keep_settings
        self._blocks = blocks
        self._clock = clock

    @property
    def undo_text(self) -> str:
        """Describes the step that `undo` would undo, in one line; empty: there is none."""
        now = self._sound()
        step = _last(self._history.done, now)
        return self._text(step, step.other, now) if step else ""

    @property
    def redo_text(self) -> str:
        """Describes the step that `redo` would make again, in one line; empty: there is none."""
        now = self._sound()
        step = _last(self._history.undone, now)
        return self._text(step, now, step.other) if step else ""

    @contextmanager
    def step(self, addresses: Collection[str] = ()) -> Iterator[None]:
        """Make one step of the changes in this block, unless it fails or changes nothing.

        Parameters
        ----------
        addresses : collection of str
            The values that the block moves; empty: it replaces the protocol.

        """
        now_s = self._clock()
        if going_on := self._history.going_on(addresses, now_s):
            yield
            going_on.parts |= self._changed_parts(going_on.other)
            return
        before = self._sound()
        yield
        if parts := self._changed_parts(before):
            moved_s = dict.fromkeys(addresses, now_s)
            is_switch = step_text.MODE in addresses
            self._history.add(Step(before, parts, moved_s, now_s, is_open=not is_switch))

    def undo(self) -> None:
        """Undo the last step; raises `EntrainError`."""
        self._turn(self._history.done, self._history.undone, "nothing to undo")

    def redo(self) -> None:
        """Make the step again that was undone last; raises `EntrainError`."""
        self._turn(self._history.undone, self._history.done, "nothing to redo")

    def _turn(self, steps: deque[Step], others: deque[Step], refusal: str) -> None:
        now = self._sound()
        step = _last(steps, now)
        if step is None:
            raise EntrainError(refusal)
        self._restore(step, now)
        steps.pop()
        step.other = now
        others.append(step)
        self._history.close()

    def _restore(self, step: Step, now: Sound) -> None:
        former = step.other
        if "protocol" in step.parts:
            self._player.restore(former.played, session=step.replaces)
            self._protocols.put_back(former.everywhere, here=former.is_own)
        if "space" in step.parts:
            self._spaces.restore(former.space)
        if "settings" in step.parts:
            for address in {**now.settings, **former.settings}:
                value = self._setting(former, address)
                if value != self._setting(now, address):
                    self._player.set_own(address, value, 0.0)
            self._keep_settings(former.settings)

    def _setting(self, sound: Sound, address: str) -> float:
        layer_id, symbol = parse_address(address)
        initial = self._blocks()[layer_id].parameters[symbol].initial
        return sound.settings.get(address, initial)

    def _changed_parts(self, before: Sound) -> set[Part]:
        """Return the parts of the sound that have been set since."""
        found: set[Part] = set()
        if self._player.edited is not before.played.edited:
            found.add("protocol")
        space, settings = self._spaces.settings, self._settings()
        if space is not before.space and space != before.space:
            found.add("space")
        if settings is not before.settings and settings != before.settings:
            found.add("settings")
        return found

    def _sound(self) -> Sound:
        return Sound(
            self._player.played(),
            self._protocols.is_own,
            self._protocols.chosen_everywhere,
            self._spaces.settings,
            self._settings(),
        )

    def _text(self, step: Step, before: Sound, after: Sound) -> str:
        return step_text.describe(step, before, after, self._player.layers_of, self._blocks)


def _last(steps: deque[Step], now: Sound) -> Step | None:
    """Return the last step, without steps that have led back to their beginning."""
    while steps and steps[-1].is_void(now):
        steps.pop()
    return steps[-1] if steps else None
