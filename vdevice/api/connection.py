"""Lines from and to one client of the control socket: every wait and every size is bounded."""

import asyncio

from entrain.errors import EntrainError
from entrain.vdevice.api.answer_lines import refusal

MAX_LINE_BYTES = 1 << 20  # as a protocol file
LINE_TIMEOUT_S = 10.0
"""To finish a line once it has begun, and to read an answer."""


SIGNALS_PER_S = 200.0
"""Requests without an answer that one client can send in a second; more of them wait."""
_MOST_SIGNALS_AT_ONCE = 20


class ControlError(EntrainError):
    """A message that cannot be taken."""


class Connection:
    """Lines from and to one client."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str
    ) -> None:
        self.name = name
        """What its commands are known by, where it has not given itself a name."""
        self.is_busy = False
        self.may_give_way = True
        self.idle_since_s: float | None = None
        """Since when it is its turn: to say something, to finish it, or to read an answer.

        None: something is done for it, or it watches.
        """
        self._reader = reader
        self._writer = writer
        self._begun = bytearray()
        self._signals_due_s = 0.0
        writer.transport.set_write_buffer_limits(high=0)  # drain() means: all is handed over

    async def line(self) -> bytes | None:
        """Read the next line; returns it without its end, or None when the client has hung up.

        Raises
        ------
        ControlError
            Too long, too slow, or hung up in its middle.

        """
        now_s = asyncio.get_running_loop().time
        deadline: float | None = None
        self.idle_since_s = now_s()  # and not since its last byte: some finish no line at all
        while (end := self._begun.find(b"\n")) < 0:
            if len(self._begun) > MAX_LINE_BYTES:
                raise ControlError(f"message is longer than {MAX_LINE_BYTES} bytes")
            if self._begun and deadline is None:
                deadline = now_s() + LINE_TIMEOUT_S
            if deadline is None:  # there is nothing yet that could be slow; a timer costs much
                if not await self._read():
                    return None
                continue
            try:
                async with asyncio.timeout_at(deadline):
                    if not await self._read():
                        raise ControlError("message ends without a newline")
            except TimeoutError:
                raise ControlError(f"message is not complete after {LINE_TIMEOUT_S:g} s") from None
        self.idle_since_s = None
        if end > MAX_LINE_BYTES:
            raise ControlError(f"message is longer than {MAX_LINE_BYTES} bytes")
        line = bytes(self._begun[:end])
        del self._begun[: end + 1]
        return line

    @property
    def has_line(self) -> bool:
        """Whether the next line is here already."""
        return b"\n" in self._begun

    async def pace(self) -> None:
        """Wait where the client sends requests without an answer too fast.

        The wait for an answer holds up other requests; these would keep the loop busy.
        """
        now_s = asyncio.get_running_loop().time()
        due_s = max(self._signals_due_s, now_s - _MOST_SIGNALS_AT_ONCE / SIGNALS_PER_S)
        self._signals_due_s = due_s + 1 / SIGNALS_PER_S
        if due_s > now_s:
            self.idle_since_s = now_s
            await asyncio.sleep(due_s - now_s)
            self.idle_since_s = None

    async def news(self) -> None:
        """Wait until the client has sent something, or hung up."""
        if not self._begun and not self._reader.at_eof():
            await self._read()

    async def send(self, answer: bytes) -> None:
        """Write one answer; raises TimeoutError when the client does not read."""
        self._writer.write(answer)
        if not self._writer.transport.get_write_buffer_size():  # all of it is handed over
            return
        self.idle_since_s = asyncio.get_running_loop().time()
        async with asyncio.timeout(LINE_TIMEOUT_S):
            await self._writer.drain()
        self.idle_since_s = None

    def say_last(self, error: str) -> None:
        """Say why we hang up, if the client can take it at once."""
        self._writer.write(refusal(error))

    async def refuse(self, error: str) -> None:
        """Say why, as the last thing on this connection."""
        await self.send(refusal(error))

    async def _read(self) -> int:
        data = await self._reader.read(MAX_LINE_BYTES)
        self._begun += data
        return len(data)
