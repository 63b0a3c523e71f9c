"""Decides which protocol plays: one for all outputs, and for some outputs one of their own.

Runs on the main thread's asyncio loop.  The library is read on a thread of its own, since a disk
may answer late, or never.  No other thread uses the library after the start.
"""

import logging
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TypeVar

from entrain.platform.adapter import Form
from entrain.platform.folder_watch import ContentWatch
from entrain.vdevice.problems import Problems
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.library import DEFAULT_ID, NOTHING, Library, by_id
from entrain.vdevice.protocol.model import ProtocolReference
from entrain.vdevice.protocol.user_folder import slug
from entrain.vdevice.session.choices import (
    Choice,
    Choices,
    Missing,
    Prepared,
    called_as,
    find,
    look_up,
    with_layers,
)
from entrain.vdevice.session.history import History
from entrain.vdevice.session.player import Player
from entrain.vdevice.worker_thread import WorkerThread

MAX_RECENT = 5

_T = TypeVar("_T")

_log = logging.getLogger(__name__)


class OutputProtocols:
    """Starts the right protocol when the user or the output changes.

    Parameters
    ----------
    library : Library
        The shipped protocols and the user's own.
    player : Player
        Plays the protocols.
    everywhere : ProtocolReference
        The protocol of outputs that have none of their own.
    remembered : mapping
        The protocols of outputs that have their own, by name.
    recent : sequence of str
        Ids of the protocols used last, the latest first.
    problems : Problems
        Receives errors that no request can report.
    history : History
        Holds the steps of the present output's sound.

    """

    def __init__(
        self,
        library: Library,
        player: Player,
        everywhere: ProtocolReference,
        remembered: Mapping[str, ProtocolReference],
        recent: Sequence[str],
        problems: Problems,
        history: History,
    ) -> None:
        self._library = library
        self._history = history
        self._player = player
        self._problems = problems
        self._choices = Choices(
            look_up(library, everywhere),
            {output: look_up(library, wanted) for output, wanted in remembered.items()},
        )
        self._seen = library.signature()
        self._reading = WorkerThread()
        self._output = ""
        self._has_values = False
        """Whether values were set that the choice for the present output does not contain yet."""
        self.recent = tuple(recent)
        """Ids of the protocols used last, the latest first."""
        self._resume()

    # ---- state to store ------------------------------------------------------------------------

    @property
    def is_own(self) -> bool:
        """Whether the present output has a protocol of its own."""
        return self._choices.has_own(self._output)

    @property
    def chosen_everywhere(self) -> Choice:
        """The protocol of other outputs, while the present output has its own."""
        return self._choices.everywhere

    @property
    def everywhere(self) -> ProtocolReference:
        """The protocol of outputs that have none of their own."""
        self._take_values()
        return self._choices.everywhere.reference

    @property
    def remembered(self) -> dict[str, ProtocolReference]:
        """The protocols of outputs that have their own, by name."""
        self._take_values()
        return self._choices.remembered

    # ---- requests of users ---------------------------------------------------------------------

    async def find(
        self, wanted: ProtocolReference, layers: Sequence[str] = (), *, standalone: bool = False
    ) -> Prepared:
        """Find a protocol and prepare it for `use`.

        Parameters
        ----------
        wanted : ProtocolReference
            Its id, a SPEC, or the whole protocol.
        layers : sequence of str
            Layers to add, as SPECs.
        standalone : bool
            Play the tones without any input, too.

        Raises
        ------
        ProtocolError
            The protocol cannot play.

        """
        return await self.ask(
            lambda library: find(library, with_layers(library, wanted, layers, standalone))
        )

    async def find_next(self) -> Prepared:
        """Find the next protocol of the same category; raises `ProtocolError`."""
        now = self._player.protocol
        return await self.ask(lambda library: find(library, library.next_after(now).id))

    def use(self, found: Prepared, here: bool | None = None) -> None:
        """Start another protocol: output, sound and stored state change together.

        Parameters
        ----------
        found : Prepared
            The protocol.
        here : bool or None
            For the present output alone, or for all; see `Choices.choose`.

        Raises
        ------
        ProtocolError, EngineError
            The protocol cannot play; then the former one continues.

        """
        if here and not self._output:
            raise ProtocolError("there is no output yet to remember a protocol for; connect one")
        self._take_values()
        self._player.use(found.protocol, found.library_id, found.ways)
        self._choices.choose(found, self._output, here)
        self.recent = used_lately(found.library_id, self.recent)

    def put_back(self, everywhere: Choice, *, here: bool) -> None:
        """Choose the protocol that the player has gone back to.

        Parameters
        ----------
        everywhere : Prepared or Missing
            The protocol of the other outputs then, if this output had its own.
        here : bool
            Whether this output had its own.

        """
        if here and not self.is_own:
            self._choices.everywhere = everywhere
        self._has_values = False
        self._choices.choose(self._now(), self._output, here)

    def settle(self) -> None:
        """Take over the values that were set, before the player plays for a while."""
        self._take_values()

    async def save(self, name: str, replace: bool) -> None:
        """Save the present sound as a protocol of the user's own; raises `ProtocolError`."""
        player, now = self._player, self._player.protocol
        heard = player.as_heard()

        def save(library: Library) -> Prepared:
            library.save(heard, name, replace=replace)
            return find(library, slug(name))

        found = await self.ask(save)
        self._history.renew({found.library_id: found})
        if player.protocol is not now:  # a request has changed the protocol meanwhile
            return
        if heard is not now:  # values that glide continue to their targets
            goal = {
                name: getattr(now, name) for name in ("layers", "without_headphones", "spatial")
            }
            going_on = found.protocol.model_copy(update=goal)
            found = Prepared(going_on, going_on, player.ways)
        self._take_values()
        player.rename(found.protocol, found.library_id, found.ways)
        self._choices.choose(found, self._output, None)
        self.recent = used_lately(found.library_id, self.recent)

    async def delete(self, protocol_id: str) -> None:
        """Delete a protocol of the user's own; where it is in use, it goes on playing.

        Raises `ProtocolError`.
        """
        await self.ask(lambda library: library.delete(protocol_id))
        self._take_values()
        self._history.delete(protocol_id)
        if self._player.library_id == protocol_id:
            self._player.library_id = ""
        self.recent = tuple(each for each in self.recent if each != protocol_id)
        if using := self._choices.delete(protocol_id):
            self._problems.tell(
                f"{protocol_id} was deleted; {', '.join(using)} "
                f"{'keeps' if len(using) == 1 else 'keep'} it until you use another protocol there"
            )

    async def rename(self, protocol_id: str, name: str) -> None:
        """Rename a protocol of the user's own, also where it is in use; raises `ProtocolError`."""

        def rename(library: Library) -> Prepared:
            return find(library, library.rename(protocol_id, name))

        found = await self.ask(rename)
        self._take_values()
        player = self._player
        if player.protocol.id == protocol_id:  # perhaps with other values than in the library
            now_id = found.library_id if player.library_id else ""
            player.rename(called_as(found.protocol, player.protocol), now_id, player.ways)
        self._choices.rename(protocol_id, found)
        self._history.rename(protocol_id, found)
        self.recent = tuple(
            found.library_id if each == protocol_id else each for each in self.recent
        )

    def note_values(self) -> None:
        """Note that values were set; the present choice takes them over later."""
        self._has_values = True

    # ---- other changes -------------------------------------------------------------------------

    def play_on(self, output: str, form: Form) -> None:
        """Start an output's own protocol, or continue if it is the present one."""
        self._take_values()
        before, self._output = self._output, output
        own = self._choices.has_own(output) or self._choices.has_own(before)
        going_on = "continuing with the former protocol"
        if own and output != before:
            self._history.clear()  # no other output's protocol may come back here
            with self._problems.telling(going_on):
                self._change_to(self._choices.on(output), form)
        elif output != before:
            self._history.forget_space()
        with self._problems.telling(going_on):
            self._player.listen_on(form)

    async def reload(self, watch: ContentWatch) -> bool:
        """Reload changed files of protocols in use; returns whether any file has changed.

        From then on, `watch` watches these files.
        """

        def look(library: Library) -> Hashable:
            library.watch(watch)  # first, so that no change is missed
            return library.signature()

        seen = await self.ask(look)
        if seen == self._seen:
            return False
        ids, former_ids = self._ids(), self._history.library_ids()
        read, former = await self.ask(
            lambda library: (
                {each: look_up(library, each) for each in ids if library.is_own(each)},
                {each: look_up(library, each) for each in former_ids},
            )
        )
        self._seen = seen
        self._history.renew(former)
        self._take_values()
        self._choices.renew(read)
        for choice in read.values():
            if isinstance(choice, Missing):
                self._problems.tell(f"{choice.problem}; continuing with its former content")
        running = read.get(self._player.library_id)  # a request may have changed it meanwhile
        if isinstance(running, Prepared) and running.protocol != self._player.protocol:
            self._player.refresh(running.protocol, running.ways)
        return True

    async def are_files(self) -> bool:
        """Return whether any protocol in use is a file of the user's, which may change."""
        ids = self._ids()
        return await self.ask(lambda library: any(map(library.is_own, ids)))

    # ---- the library's thread ------------------------------------------------------------------

    async def ask(self, work: Callable[[Library], _T]) -> _T:
        """Run `work` on the library's thread."""
        return await self._reading.do(lambda: work(self._library))

    def close(self) -> None:
        """Stop using the library.  Idempotent."""
        self._reading.close()

    # ---- internals -----------------------------------------------------------------------------

    def _take_values(self) -> None:
        """Take over the values since `note_values`; they are set more often than they are read."""
        if self._has_values:
            self._has_values = False
            self._choices.choose(self._now(), self._output, None)

    def _now(self) -> Prepared:
        player = self._player
        return Prepared(player.library_id or player.protocol, player.protocol, player.ways)

    def _ids(self) -> set[str]:
        self._take_values()
        return {self._player.library_id, *self._choices.library_ids}

    def _change_to(self, choice: Choice, form: Form) -> None:
        if isinstance(choice, Missing):
            raise ProtocolError(choice.problem)
        self._player.use(choice.protocol, choice.library_id, choice.ways, form)

    def _resume(self) -> None:
        """Start the stored protocol, perhaps of another version of Entrain."""
        choice = self._choices.everywhere
        if isinstance(choice, Missing):
            _log.warning("%s; using the default protocol", choice.problem)
            self._player.use(by_id(DEFAULT_ID), DEFAULT_ID)
        else:
            self._player.use(choice.protocol, choice.library_id, choice.ways)


def used_lately(protocol_id: str, before: Sequence[str]) -> tuple[str, ...]:
    """Move an id to the front of the recent ids; without an id, change nothing."""
    if protocol_id in ("", NOTHING.id):
        return tuple(before)
    others = (each for each in before if each != protocol_id)
    return (protocol_id, *others)[:MAX_RECENT]
