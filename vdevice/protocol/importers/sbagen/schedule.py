"""From time-lines to what each channel does at every moment of the session.

SBaGen's day is a circle: each time-line starts a steady period, and between two of them lies a
transition; the last one leads to the first.  A session is a window on that circle.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from entrain.vdevice.protocol.importers.sbagen.sequence import Sequence, TimeLine
from entrain.vdevice.protocol.importers.sbagen.times import DAY_MS
from entrain.vdevice.protocol.importers.sbagen.tones import OFF, Tone

_EFFECTS = ("spin", "bspin", "wspin", "pink", "white", "brown", "mix")
"""Types that slide whatever changes in them; others dip where their pitch jumps."""


class Piece(NamedTuple):
    """A channel between two times in ms: from one state to another in a straight line."""

    begin: float
    end: float
    first: Tone
    last: Tone


@dataclass
class Schedule:
    """What a session plays, in ms of the sequence's own clock from its start."""

    length_ms: int | None = None
    """None: it never changes."""
    loop: bool = False
    time_of_day: bool = False
    channels: list[list[Piece]] = field(default_factory=list)
    """In the order of time; where there is no piece, the channel is off."""
    bells: list[list[tuple[float, Tone]]] = field(default_factory=list)
    """When they are struck, for each channel."""


class TooLong(ValueError):
    """The time-lines take more than 24 hours; the text says where that comes from."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line


def schedule(sequence: Sequence) -> Schedule:
    """Lay out the session.

    What plays when, as SBaGen has it: with ``-S`` the session begins at the first time-line, with
    ``-T`` at that time; else it follows the clock, or begins NOW.  With ``-E`` it ends at the last
    time-line; else it goes around, day by day.  ``-L`` ends it after that time.

    Raises
    ------
    TooLong
        The lines are out of order.

    """
    lines = sequence.lines
    starts = _unrolled(lines)
    width = max(len(line.tones) for line in lines)
    if starts[-1] == starts[0]:  # all at the same time: the last one wins
        return _constant(lines[-1], width)
    plan = Schedule(*_window(sequence))
    assert plan.length_ms is not None
    plan.channels = [[] for _ in range(width)]
    plan.bells = [[] for _ in range(width)]
    begins, leaves = _periods(lines, starts, sequence.options.fade_ms)
    origin = _origin(sequence)
    for number, line in enumerate(lines):
        _lay(plan, line, lines[(number + 1) % len(lines)], begins, leaves, number, origin)
        if starts[number + 1] > starts[number]:
            _strike(plan, line, starts[number] - origin)
    for channel in plan.channels:
        channel.sort(key=lambda piece: piece.begin)
    for bells in plan.bells:
        bells.sort(key=lambda strike: strike[0])
    return plan


def _unrolled(lines: list[TimeLine]) -> list[int]:
    """Times that only grow, from the first line on; the first line's next turn at the end."""
    times = [lines[0].at_ms]
    for one, after in zip(lines, [*lines[1:], lines[0]], strict=True):
        times.append(times[-1] + (after.at_ms - one.at_ms) % DAY_MS)
        if times[-1] - times[0] > DAY_MS:
            raise TooLong(
                after.line, "the time-lines take more than 24 hours: their times are out of order"
            )
    return times


def _constant(line: TimeLine, width: int) -> Schedule:
    plan = Schedule(channels=[[] for _ in range(width)], bells=[[] for _ in range(width)])
    for channel, tone in enumerate(line.tones):
        if tone.type == "bell":
            plan.bells[channel] = [(0, tone)]
        elif tone.type:
            plan.channels[channel] = [Piece(0, DAY_MS, tone, tone)]
    return plan


def _origin(sequence: Sequence) -> int:
    """Where the session's clock begins, in ms of the day."""
    if sequence.options.start_ms is not None:
        return sequence.options.start_ms
    return sequence.first_ms if sequence.options.starts else 0


def _window(sequence: Sequence) -> tuple[int, bool, bool]:
    options = sequence.options
    by_clock = not (options.starts or sequence.from_now or options.start_ms is not None)
    length, loop = DAY_MS, True
    if options.ends and not by_clock:
        length, loop = (sequence.last_ms - _origin(sequence)) % DAY_MS or DAY_MS, False
    if options.length_ms is not None and not by_clock:
        asked = options.length_ms * options.speed
        if asked <= length:
            length, loop = asked, False
    return length, loop, by_clock


def _periods(lines: list[TimeLine], starts: list[int], fade_ms: int) -> tuple[list[int], list[int]]:
    """When each line's steady period begins, and when it leaves for the next one.

    A transition lies around the boundary of two lines, and is shorter where they are; one that
    comes first takes first.
    """
    count = len(lines)
    begins = list(starts[:count])
    leaves = [starts[k] if lines[k].slides else starts[k + 1] for k in range(count)]
    half = fade_ms // 2
    for k in range(count):
        if lines[k].slides:
            continue
        after = (k + 1) % count
        ahead = min(half, leaves[after] - begins[after])
        leaves[k] -= min(half, leaves[k] - begins[k])
        begins[after] += ahead
    return begins, leaves


def _lay(
    plan: Schedule,
    line: TimeLine,
    after: TimeLine,
    begins: list[int],
    leaves: list[int],
    number: int,
    origin: int,
) -> None:
    """Add a line's steady period and the transition to the next one, for all channels."""
    begin, leave = begins[number], leaves[number]
    arrive = begins[number + 1] if number + 1 < len(begins) else begins[0] + DAY_MS
    for channel in range(len(plan.channels)):
        tone, next_tone = _tone(line, channel), _tone(after, channel)
        pieces = []
        if tone.type != "bell":
            pieces.append(Piece(begin, leave, tone, tone))
        pieces += _transition(leave, arrive, tone, next_tone, line, after)
        for piece in pieces:
            if piece.end > piece.begin and piece.first.type not in ("", "bell"):
                plan.channels[channel] += _seen(piece, origin, plan.length_ms or DAY_MS)


def _transition(
    leave: int, arrive: int, tone: Tone, after: Tone, line: TimeLine, next_line: TimeLine
) -> list[Piece]:
    if line.slides:
        after = OFF if after.type == "bell" else after
        if not tone.type:
            tone = after.silent()
        elif not after.type:
            after = tone.silent()
    else:
        tone = OFF if tone.type == "bell" else tone
    if tone.type == after.type and (line.slides or _agree(tone, after, line, next_line)):
        return [Piece(leave, arrive, tone, after)]
    middle = leave + (arrive - leave) // 2
    return [
        Piece(leave, middle, tone, tone.silent()),
        Piece(middle, arrive, after.silent(), after),
    ]


def _agree(tone: Tone, after: Tone, line: TimeLine, next_line: TimeLine) -> bool:
    """Whether a tone goes on into the next one without silence between them."""
    if line.fade_out == ">" or next_line.fade_in == "<":
        return False
    same = (tone.carrier, tone.beat) == (after.carrier, after.beat)
    if same or (line.fade_out == "=" and next_line.fade_in == "="):
        return True
    return tone.type in _EFFECTS


def _tone(line: TimeLine, channel: int) -> Tone:
    return line.tones[channel] if channel < len(line.tones) else OFF


def _strike(plan: Schedule, line: TimeLine, at_ms: int) -> None:
    """Ring the bells of a line when it begins, in the middle of what leads to it."""
    at_ms %= DAY_MS
    if at_ms >= (plan.length_ms or DAY_MS):
        return
    for channel, tone in enumerate(line.tones):
        if tone.type == "bell" and tone.strength > 0:
            plan.bells[channel].append((at_ms, tone))


def _seen(piece: Piece, origin: int, length: int) -> Iterator[Piece]:
    """What a window sees of a piece: nothing, a part, or two, at its end and its beginning."""
    turns = math.floor((piece.begin - origin) / DAY_MS)
    for shift in (turns * DAY_MS, (turns + 1) * DAY_MS):
        begin, end = piece.begin - origin - shift, piece.end - origin - shift
        left, right = max(begin, 0), min(end, length)
        if right > left:
            yield Piece(
                left,
                right,
                between(piece.first, piece.last, (left - begin) / (end - begin)),
                between(piece.first, piece.last, (right - begin) / (end - begin)),
            )


def between(first: Tone, last: Tone, share: float) -> Tone:
    """A tone on the way from one to another."""
    if share <= 0 or first == last:
        return first
    if share >= 1:
        return last
    return Tone(
        first.type,
        first.carrier + (last.carrier - first.carrier) * share,
        first.beat + (last.beat - first.beat) * share,
        first.strength + (last.strength - first.strength) * share,
        first.line,
        first.remarks,
    )
