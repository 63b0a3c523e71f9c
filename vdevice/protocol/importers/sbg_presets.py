"""The programs that SBaGen's `-p` makes: a drop into slow beats, and a slide of the carrier."""

import math
import re

ToneSet = tuple[int, list[str], bool]
"""At which millisecond which tones, and whether they slide to the next ones."""

_BEATS_HZ = (4.4, 3.7, 3.1, 2.5, 2.0, 1.5, 1.2, 0.9, 0.7, 0.5, 0.4, 0.3)
_FIRST_HZ = 10.0
_ABOVE_HZ = 5.0  # how much higher the carrier starts
_MOVE_MS = 10_000  # from one step to the next, and to silence
_SLIDE_POINTS = 120
_NUMBER = r"(?:\d+\.?\d*|\.\d+)"
_LEVEL = re.compile(rf"({_NUMBER})([a-lA-L])([sk]?)(\+?)(\^?)(?:/({_NUMBER}))?")
_MINUTES = re.compile(r"t(\d{1,3}),(\d{1,3}),(\d{1,3})")
_SLIDE = re.compile(rf"({_NUMBER})([+-]{_NUMBER})/({_NUMBER})")


def drop(words: list[str]) -> tuple[ToneSet, ...]:
    """Make what `-p drop [t30,30,3] 00d+^/10 tones` plays.

    The beat goes from 10 Hz to that of the letter in equal ratios: in steps of three minutes (of
    one: ``k``), or all the time (``s``); then it may hold (``+``).  All the while the carrier falls
    by 5 Hz in a straight line.  Then both may come back (``^``).  From silence, from step to step
    and to silence it takes 10 s.

    Raises
    ------
    ValueError
        It is not that.

    """
    down, hold, wake = 30, 30, 3
    if words and (match := _MINUTES.fullmatch(words[0])):
        down, hold, wake = (int(part) for part in match.groups())
        words = words[1:]
    match = _LEVEL.fullmatch(words[0]) if words and len(words[0]) < 40 else None
    if match is None or not down or (match[5] and not wake):
        raise ValueError("-p drop needs a level like 00d, 10ds+ or 30ek^/20")
    carrier = 200 - 2 * float(match[1])
    if carrier < 0:
        raise ValueError("-p drop has a level of 100 at most")
    target = _BEATS_HZ[ord(match[2].lower()) - ord("a")]
    amplitude, extra = float(match[6] or 1), words[1:]

    end_ms = down * 60_000
    fall_ms = end_ms + (hold * 60_000 if match[4] else 0)

    def tones(at_ms: float, beat: float) -> list[str]:
        pitch = carrier + _ABOVE_HZ * (1 - at_ms / fall_ms)
        return [f"{pitch:.12f}+{beat:.12f}/{amplitude:.12f}", *extra]

    def beat(share: float) -> float:
        return _FIRST_HZ * math.exp(math.log(target / _FIRST_HZ) * share)

    made = list[ToneSet]()
    if match[3] == "s":
        for k in range(_SLIDE_POINTS):
            at_ms = round(end_ms * k / _SLIDE_POINTS)
            made.append((at_ms, tones(at_ms, beat(at_ms / end_ms)), True))
    else:
        step_ms = 60_000 if match[3] == "k" else 180_000
        steps = math.ceil(end_ms / step_ms)
        for k in range(steps):
            beat_hz = beat(k / (steps - 1)) if steps > 1 else target
            begin_ms, leave_ms = k * step_ms, (k + 1) * step_ms - _MOVE_MS
            made.append((begin_ms, tones(begin_ms, beat_hz), True))
            if k < steps - 1:
                made.append((leave_ms, tones(leave_ms, beat_hz), True))
    made.append((end_ms, tones(end_ms, target), True))
    if fall_ms > end_ms:
        made.append((fall_ms, tones(fall_ms, target), True))
    if match[5]:
        made.append((fall_ms + wake * 60_000, tones(0, _FIRST_HZ), True))
    return _faded(made)


def _faded(made: list[ToneSet]) -> tuple[ToneSet, ...]:
    """From silence and back to it; the first tones are there when they would begin to move."""
    _, first, _ = made[0]
    last_ms = made[-1][0]
    silence = ["-"] * len(first)
    begin: list[ToneSet] = [(0, silence, True), (_MOVE_MS, first, True)]
    later = [each for each in made if each[0] > _MOVE_MS]
    return (*begin, *later, (last_ms + _MOVE_MS, silence, False))


def slide(words: list[str]) -> tuple[ToneSet, ...]:
    """Make what `-p slide [t30] 200+10/20 tones` plays: the carrier sinks to half of the beat.

    Raises
    ------
    ValueError
        It is not that.

    """
    minutes = 30
    if words and (match := re.fullmatch(r"t(\d{1,3})", words[0])):
        minutes, words = int(match[1]), words[1:]
    match = _SLIDE.fullmatch(words[0]) if words and len(words[0]) < 60 else None
    if match is None or not minutes:
        raise ValueError("-p slide needs a tone like 200+10/20")
    beat, extra, end_ms = match[2], words[1:], minutes * 60_000
    lowest = abs(float(beat)) / 2
    lowest_tone = f"{lowest:.12f}{beat}/{match[3]}"
    return _faded([(0, [words[0], *extra], True), (end_ms, [lowest_tone, *extra], True)])
