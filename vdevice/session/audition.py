"""One sound, the same way around the listener through each head, to choose one's own by ear.

The sample is not stored: afterwards, or if Entrain crashes meanwhile, the user's protocol, space
and head are as before.  Runs on the main thread's asyncio loop.
"""

from entrain.engine import Engine
from entrain.errors import EntrainError
from entrain.vdevice.problems import Problems
from entrain.vdevice.protocol.shipped import sample
from entrain.vdevice.session.history import Played
from entrain.vdevice.session.output_protocols import OutputProtocols
from entrain.vdevice.session.output_spaces import OutputSpaces
from entrain.vdevice.session.player import Player

SAMPLE_ID = "hrtf-comparison"


class Audition:
    """Plays the sample through heads, and then what was heard before.

    Parameters
    ----------
    engine, player, protocols, spaces
        The parts that it plays with.
    problems : Problems
        Receives errors that no request can report.

    """

    def __init__(
        self,
        engine: Engine,
        player: Player,
        protocols: OutputProtocols,
        spaces: OutputSpaces,
        problems: Problems,
    ) -> None:
        self._engine = engine
        self._player = player
        self._protocols = protocols
        self._spaces = spaces
        self._problems = problems
        self._former: Played | None = None
        """The sound before the audition; None: there is no audition."""

    @property
    def is_on(self) -> bool:
        """Whether the sample plays."""
        return self._former is not None

    async def hear(self, head: str) -> None:
        """Play the sample from its beginning through a head.

        Raises
        ------
        EntrainError
            The output cannot keep the ears apart, Entrain is bypassed, or there is no such head;
            then nothing has changed.

        """
        self._check()
        await self._spaces.lend(head)
        try:
            self._check()  # again, since preparing a head takes time
            if self._former is None:
                self._protocols.settle()
                former = self._player.played()
                self._player.use(sample(SAMPLE_ID))
                self._former = former
        except EntrainError:
            self._spaces.take_back()
            raise
        self._engine.seek_session(0.0)
        self._engine.run_session(True)

    def end(self) -> None:
        """Play again what was heard before.  Idempotent."""
        former, self._former = self._former, None
        if former is None:
            return
        if self._player.protocol.id == SAMPLE_ID:
            with self._problems.telling("the comparison of HRTFs goes on"):
                self._player.restore(former, session=True)
        self._spaces.take_back()

    def _check(self) -> None:
        if not self._player.hears_both_ears:
            raise EntrainError("comparing HRTFs needs headphones; this output has none")
        if self._engine.bypass:
            raise EntrainError("Entrain is bypassed; `entrain bypass off` ends that")
