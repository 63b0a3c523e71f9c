"""The user's space on each output, and the head through which it is heard.

Runs on the main thread's asyncio loop.  Sound continues while a head is prepared or read; the space
begins when the head is there.
"""

import asyncio
from collections.abc import Callable, Mapping

from entrain.block import Block
from entrain.errors import EntrainError
from entrain.vdevice.hrtf.head_keeper import HeadKeeper
from entrain.vdevice.limits import SpaceMode
from entrain.vdevice.problems import Problems
from entrain.vdevice.protocol.address import parse_address
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.model import Layer
from entrain.vdevice.protocol.parts.movement import PATH_SYMBOLS, movement_problem
from entrain.vdevice.protocol.parts.places import HEAD_SIZE, SPACE_ID
from entrain.vdevice.protocol.values import BlockSource, check_value, value_problem
from entrain.vdevice.session.player import Player
from entrain.vdevice.space.settings import SpaceSettings
from entrain.vdevice.space.users_space import LISTENER, UsersSpace

MOST_OUTPUTS = 64
"""Outputs whose settings are kept, those used last."""
KEPT_S = 30.0
"""Time after the end of a space for which the engine keeps its head, 10 MB, in seconds."""

_INITIAL = SpaceSettings()


class OutputSpaces:
    """Gives the player the space of the present output, and the engine its head.

    Parameters
    ----------
    stored : mapping
        Settings by the output's name.
    hrtf : str
        Id of the head for outputs that have none of their own.
    player : Player
        Plays the space.
    heads : HeadKeeper
        Prepares heads and gives them to the engine.
    problems : Problems
        Receives errors that no request can report.
    blocks : callable
        Returns the blocks.
    changed : callable
        Called when the head has changed by itself.

    """

    def __init__(
        self,
        stored: Mapping[str, SpaceSettings],
        hrtf: str,
        player: Player,
        heads: HeadKeeper,
        problems: Problems,
        blocks: BlockSource,
        changed: Callable[[], None],
    ) -> None:
        self.by_output = dict(stored)
        """Settings by the output's name, those used last at the end."""
        self.hrtf = hrtf
        """Id of the head for outputs that have none of their own."""
        self._player = player
        self._heads = heads
        self._problems = problems
        self._blocks = blocks
        self._changed = changed
        self._output = ""
        self._has_begun = False
        self._refused = ("", "")
        """Id of a head that could not be used, and of the head that stands in, or ""."""
        self._lent = ""
        """Id of a head that is heard instead of the user's for a while."""
        self._coming = ""
        """Id of the head that `_bringing` brings."""
        self._bringing: asyncio.Task[None] | None = None
        self._choices = 0
        """Heads that the user has chosen and that are not ready yet; no other head is brought."""
        self._dropping: asyncio.TimerHandle | None = None

    # ---- facts -------------------------------------------------------------------------------

    @property
    def settings(self) -> SpaceSettings:
        """Settings for the present output."""
        return self.by_output.get(self._output, _INITIAL)

    @property
    def head(self) -> str:
        """Id of the head for the present output."""
        return self._lent or self.settings.hrtf or self.hrtf

    @property
    def head_in_use(self) -> str:
        """Id of the head in the engine; empty: none yet."""
        return self._heads.in_use

    @property
    def head_cm(self) -> float:
        """Size of the listener's head, as far as the block knows it."""
        return self._listener().get(HEAD_SIZE, self._size().parameters[HEAD_SIZE].initial)

    @property
    def note(self) -> str:
        """Why the space is not heard as the user has set it; one line, may be empty."""
        player = self._player
        if not player.hears_both_ears:
            wanted = self.settings.mode != "off" or player.protocol.space is not None
            return "the space needs headphones; this output has none" if wanted else ""
        if player.space is not None and not self._heads.in_use:
            return f"the HRTF {self.head} is being prepared"
        if player.space is not None and self._heads.in_use != self.head:
            return f"the HRTF {self.head} cannot be used; {self._heads.in_use} stands in"
        if not player.space_is_own:
            return (
                f"{player.protocol.name} has its own space; your setting is heard with protocols "
                "that have none"
            )
        if player.space is None and any(layer.place for layer in player.layers):
            return "placed sounds need a space; `entrain space scene` switches it on"
        return ""

    def owns(self, address: str) -> bool:
        """Return whether an address belongs to the user's space instead of the protocol's."""
        layer_id, symbol = parse_address(address)
        if layer_id != SPACE_ID:
            return False
        return symbol == HEAD_SIZE or self._player.space_is_own

    # ---- requests ----------------------------------------------------------------------------

    def change(self, mode: SpaceMode | None = None, head_cm: float | None = None) -> None:
        """Change settings of the present output; None leaves a setting as it is.

        Raises
        ------
        EntrainError
            There is no output, it lacks headphones, or a value is out of its range.

        """
        settings = self.settings
        if not self._output:
            raise EntrainError("there is no output yet to set the space for; connect one")
        if mode not in (None, "off") and not self._player.hears_both_ears:
            raise EntrainError("the space needs headphones; this output has none")
        params = dict(settings.params)
        if head_cm is not None:
            check_value(self._size(), HEAD_SIZE, head_cm, SPACE_ID)
            params[HEAD_SIZE] = head_cm
        self._keep(settings.model_copy(update={"mode": mode or settings.mode, "params": params}))
        self._apply()

    async def use_head(self, name: str) -> None:
        """Use another head, on this output and on outputs without one of their own.

        Raises
        ------
        EntrainError
            There is no such head, or it cannot be prepared; then the former one stays.

        """
        output = self._output  # it may change meanwhile
        self._stop_bringing()
        self._choices += 1
        try:
            if self._player.space is not None or self._heads.in_use:
                await self._heads.use(name)
            else:  # it is read when a space needs it
                await self._heads.prepare(name)
        finally:
            self._choices -= 1
        self.hrtf = name
        if output:
            settings = self.by_output.get(output, SpaceSettings())
            self._keep(settings.model_copy(update={"hrtf": name}), output)

    async def lend(self, name: str) -> None:
        """Use another head until `take_back`, without storing it; raises errors as `use_head`."""
        await self._heads.use(name)
        self._lent = name

    def take_back(self) -> None:
        """Use the user's head again.  Idempotent."""
        self._lent = ""
        self.look()

    def check(self, values: Mapping[str, float]) -> None:
        """Refuse values for the user's space; raises `ProtocolError`."""
        mode = self.settings.mode
        for address, value in values.items():
            symbol = parse_address(address).symbol
            if symbol == HEAD_SIZE:
                check_value(self._size(), symbol, value, SPACE_ID)
            elif mode == "off":
                raise ProtocolError("there is no space; `entrain space speakers` switches it on")
            else:
                check_value(self._blocks()[mode], symbol, value, SPACE_ID)
        if not self._output:
            raise ProtocolError("there is no output yet to set the space for; connect one")
        params = self._with(values)
        if any(parse_address(address).symbol in PATH_SYMBOLS for address in values) and (
            problem := movement_problem(SPACE_ID, params, {})
        ):
            raise ProtocolError(problem.partition(";")[0])

    def set(self, values: Mapping[str, float], over_s: float) -> None:
        """Move values of the user's space; `check` has accepted them."""
        self._keep(self.settings.model_copy(update={"params": self._with(values)}))
        self._player.move_space(self._users_space(), values, over_s)

    def restore(self, former: SpaceSettings) -> None:
        """Go back to former settings of the present output, but keep its head."""
        self._keep(self.settings.model_copy(update={"mode": former.mode, "params": former.params}))
        self._apply()

    # ---- other changes -----------------------------------------------------------------------

    def play_on(self, output: str) -> None:
        """Use the settings of another output."""
        self._output = output
        self._apply()

    def begin(self) -> None:
        """Bring heads from now on."""
        self._has_begun = True
        self.look()

    def look(self) -> None:
        """Bring the head if there is a space without it; drop a head that no space needs.

        Call it when the sound or the sample rate has changed.
        """
        if not self._has_begun:
            return
        if self._player.space is None:
            self._stop_bringing()
            if self._heads.in_use and not self._dropping:
                loop = asyncio.get_running_loop()
                self._dropping = loop.call_later(KEPT_S, self._drop)
            return
        self._stop_dropping()
        wanted = self.head
        if self._choices or wanted == self._coming:
            return
        self._stop_bringing()
        in_use = self._heads.in_use
        if wanted == in_use or (wanted, in_use) == self._refused:
            return  # a refused head is not tried again and again
        self._coming = wanted
        self._bringing = asyncio.create_task(self._bring(wanted))

    async def close(self) -> None:
        """Do not wait for a head.  Idempotent."""
        self._has_begun = False
        self._stop_dropping()
        if bringing := self._bringing:
            self._stop_bringing()
            await asyncio.gather(bringing, return_exceptions=True)

    # ---- internals ---------------------------------------------------------------------------

    async def _bring(self, name: str) -> None:
        problem = await self._heads.bring(name)
        self._coming = ""
        if problem:
            self._refused = name, self._heads.in_use
            self._problems.tell(problem)
        self._changed()

    def _stop_bringing(self) -> None:
        """Do not use the head that is being brought; it is brought again where it is needed."""
        self._coming = ""
        if self._bringing:
            self._bringing.cancel()
            self._bringing = None

    def _drop(self) -> None:
        self._dropping = None
        if self._player.space is None:
            self._refused = "", ""
            self._heads.drop()
            self._changed()

    def _stop_dropping(self) -> None:
        if self._dropping:
            self._dropping.cancel()
            self._dropping = None

    def _size(self) -> Block:
        """Return the block that knows the size of the head."""
        return self._blocks()["speakers"]

    def _with(self, values: Mapping[str, float]) -> dict[str, float]:
        new = {parse_address(address).symbol: float(value) for address, value in values.items()}
        return {**self.settings.params, **new}

    def _keep(self, settings: SpaceSettings, output: str = "") -> None:
        self.by_output.pop(output or self._output, None)
        self.by_output[output or self._output] = settings
        while len(self.by_output) > MOST_OUTPUTS:
            del self.by_output[next(iter(self.by_output))]

    def _listener(self) -> dict[str, float]:
        """Return the listener's own values, without values that no block accepts."""
        params, block = self.settings.params, self._size()
        return {
            name: params[name]
            for name in LISTENER
            if name in params and not value_problem(block, name, params[name])
        }

    def _users_space(self) -> UsersSpace:
        settings = self.settings
        listener = self._listener()
        if settings.mode == "off":
            return UsersSpace(None, listener)
        block = self._blocks()[settings.mode]
        params = {  # another mode, or another version of Entrain, may have stored others
            symbol: value
            for symbol, value in settings.params.items()
            if not value_problem(block, symbol, value)
        }
        return UsersSpace(Layer(kind=settings.mode, id=SPACE_ID, params=params), listener)

    def _apply(self) -> None:
        self._player.surround(self._users_space())
        self.look()
