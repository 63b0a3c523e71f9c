"""One client's connection to the control socket, with a limit for each wait and each size."""

import asyncio

from entrain.errors import EntrainError
from entrain.vdevice.api.answer_lines import refusal

MAX_LINE_BYTES = 1 << 20  # the limit for protocol files
LINE_TIMEOUT_S = 10.0
"""Longest time to finish a line after its first byte, and to read an answer, in seconds."""


SIGNALS_PER_S = 200.0
"""Requests without an answer that one client can send in a second; more of them wait."""
_MOST_SIGNALS_AT_ONCE = 20


class ControlError(EntrainError):
    """The client's message is too long, too slow or incomplete."""


class Connection:
    """Reads lines from one client and writes lines to it."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str
    ) -> None:
        self.name = name
        """Name of the client in events, unless its requests give one."""
        self.is_busy = False
        self.may_give_way = True
        self.idle_since_s: float | None = None
        """Time since which Entrain waits for the client to begin or finish a line, or to read.

        None: Entrain is working on a request, or the client watches.
        """
        self._reader = reader
        self._writer = writer
        self._begun = bytearray()
        self._signals_due_s = 0.0
        writer.transport.set_write_buffer_limits(high=0)  # drain() waits until all data is sent

    async def line(self) -> bytes | None:
        """Read the next line; returns it without its newline, or None if the client has hung up.

        Raises
        ------
        ControlError
            The line is too long or too slow, or ends without a newline.

        """
        now_s = asyncio.get_running_loop().time
        deadline: float | None = None
        self.idle_since_s = now_s()  # not reset by each byte: some clients never finish a line
        while (end := self._begun.find(b"\n")) < 0:
            if len(self._begun) > MAX_LINE_BYTES:
                raise ControlError(f"message is longer than {MAX_LINE_BYTES} bytes")
            if self._begun and deadline is None:
                deadline = now_s() + LINE_TIMEOUT_S
            if deadline is None:  # no line has begun, so no timer is needed; timers are costly
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
        """Whether the next line has arrived."""
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
        """Wait until the client sends data or hangs up."""
        if not self._begun and not self._reader.at_eof():
            await self._read()

    async def send(self, answer: bytes) -> None:
        """Send one answer; raises TimeoutError if the client does not read it.

        A client that has left gets no answer, but its requests are still carried out.
        """
        if self._writer.transport.is_closing():  # asyncio would log a warning for each answer
            return
        self._writer.write(answer)
        if not self._writer.transport.get_write_buffer_size():  # all of it is sent
            return
        self.idle_since_s = asyncio.get_running_loop().time()
        async with asyncio.timeout(LINE_TIMEOUT_S):
            await self._writer.drain()
        self.idle_since_s = None

    @property
    def is_behind(self) -> bool:
        """Whether the client has not read what Entrain has sent."""
        return bool(self._writer.transport.get_write_buffer_size())

    def offer(self, data: bytes) -> None:
        """Send data without waiting; to be used only while the client is not behind."""
        if not self._writer.transport.is_closing():
            self._writer.write(data)

    def drop(self) -> None:
        """Hang up on a client that does not read."""
        self._writer.transport.abort()

    def say_last(self, error: str) -> None:
        """Send the reason for hanging up, if the client can take it at once."""
        if not self._writer.transport.is_closing():
            self._writer.write(refusal(error))

    async def refuse(self, error: str) -> None:
        """Send the reason as the last line of this connection."""
        await self.send(refusal(error))

    async def _read(self) -> int:
        data = await self._reader.read(MAX_LINE_BYTES)
        self._begun += data
        return len(data)
