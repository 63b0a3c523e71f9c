"""The programs that SBaGen's `-p` makes: a drop into slow beats, and a slide of the carrier."""

import math
import re

ToneSet = tuple[int, list[str], bool]
"""At which millisecond which tones, and whether they slide to the next ones."""

_BEATS_HZ = (4.4, 3.7, 3.1, 2.5, 2.0, 1.5, 1.2, 0.9, 0.7, 0.5, 0.4, 0.3)
_FIRST_HZ = 10.0
_ABOVE_HZ = 5.0  # how much higher the carrier starts
_IN_MS = 5_000  # from silence to the first tones; the clock of the rest begins after it
_OUT_MS = 10_000
_NUMBER = r"(?:\d+\.?\d*|\.\d+)"
_LEVEL = re.compile(rf"({_NUMBER})([a-lA-L])([sk]?)(\+?)(\^?)(@?)(?:/({_NUMBER}))?")
_MINUTES = re.compile(r"t(\d{1,3})(?:\.\d*)?,(\d{1,3})(?:\.\d*)?,(\d{1,3})(?:\.\d*)?")
_SLIDE = re.compile(rf"({_NUMBER})([+-]{_NUMBER})/({_NUMBER})")


def drop(words: list[str]) -> tuple[ToneSet, ...]:
    """Make what `-p drop [t30,30,3] 00d+^/10 tones` plays.

    The beat goes from 10 Hz to that of the letter in equal ratios: in steps of three minutes (of
    one: ``k``), or in straight lines from minute to minute (``s``); then it may hold (``+``).  The
    carrier falls by 5 Hz, in the same way.  Then both may come back (``^``).  ``@`` makes pulses
    of the beats, as in SBaGen+.

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
    amplitude, extra = float(match[7] or 1), words[1:]

    sliding = match[3] == "s"
    step_s = 60 if match[3] else 180
    steps = math.ceil(down * 60 / step_s)
    down_s, hold_s = steps * step_s, hold * 60
    if not sliding:
        hold_s = max(math.ceil(hold_s / step_s), 1) * step_s
    end_s = down_s + (hold_s if match[4] else 0)

    def tones(at_s: float, step: int) -> list[str]:
        pitch = carrier + _ABOVE_HZ * (1 - at_s / end_s)
        share = min(step / (steps - 1), 1.0) if steps > 1 else 1.0
        beat = _FIRST_HZ * math.exp(math.log(target / _FIRST_HZ) * share)
        return [f"{pitch:.12f}{match[6] or '+'}{beat:.12f}/{amplitude:.12f}", *extra]

    made = list[ToneSet]()
    if sliding:
        for k in range(steps):
            at_s = k * down_s // max(steps - 1, 1)
            made.append((1000 * at_s, tones(at_s, k), True))
        if end_s > made[-1][0] // 1000:
            made.append((1000 * end_s, tones(end_s, steps), True))
    else:
        move_s = 5 if step_s < 90 else 10  # to the next step
        for k in range(end_s // step_s):
            held = tones((k + 1) * step_s, k)
            made.append((1000 * k * step_s, held, True))
            made.append((1000 * ((k + 1) * step_s - move_s), held, True))
    if match[5]:
        made.append((made[-1][0] + wake * 60_000, tones(0, 0), True))
    return _faded(made)


def _faded(made: list[ToneSet]) -> tuple[ToneSet, ...]:
    """From silence before the first tones, and to silence after the last ones."""
    silence = ["-"] * len(made[0][1])
    last_ms = made[-1][0]
    shifted = [(at_ms + _IN_MS, tones, slides) for at_ms, tones, slides in made]
    return ((0, silence, True), *shifted, (_IN_MS + last_ms + _OUT_MS, silence, False))


def slide(words: list[str]) -> tuple[ToneSet, ...]:
    """Make what `-p slide [t30] 200+10/20 tones` plays: the carrier sinks to half of the beat.

    Raises
    ------
    ValueError
        It is not that.

    """
    end_s = 1800
    if words and (match := re.fullmatch(r"t(\d{1,3}(?:\.\d{0,6})?)", words[0])):
        end_s, words = int(60 * float(match[1])), words[1:]
    match = _SLIDE.fullmatch(words[0]) if words and len(words[0]) < 60 else None
    if match is None or not end_s:
        raise ValueError("-p slide needs a tone like 200+10/20")
    beat, extra, end_ms = match[2], words[1:], end_s * 1000
    lowest = abs(float(beat)) / 2
    lowest_tone = f"{lowest:.12f}{beat}/{match[3]}"
    return _faded([(0, [words[0], *extra], True), (end_ms, [lowest_tone, *extra], True)])
