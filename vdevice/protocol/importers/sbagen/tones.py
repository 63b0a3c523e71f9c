"""The tones of an SBaGen tone-set: what is written as `200+10/30`, `pink/40` or `bell+528/20`."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from entrain.vdevice.protocol.wording import quote

MAX_TONES = 16
_MOST = 1e6
_SWING_DEG_PER_US = 360 * 450 / 1e6  # at the block's reference, 450 Hz


class BadTone(ValueError):
    """Not a tone; the text says why."""


@dataclass(frozen=True, slots=True)
class Tone:
    """What one channel of a tone-set plays."""

    type: str = ""
    """Empty: nothing.  Channels slide only between tones of one type."""
    carrier: float = 0.0
    """Hz; spin: microseconds."""
    beat: float = 0.0
    """Hz."""
    strength: float = 0.0
    """Amplitude in % of full scale; of effects on the mix what their layer says."""
    line: int = 0
    remarks: tuple[str, ...] = ()
    """What is not kept of it."""

    def silent(self) -> "Tone":
        """The same tone at amplitude 0."""
        return replace(self, strength=0.0)


OFF = Tone()

WAVEFORMS = ("sine", "square", "triangle", "sawtooth")
_U = r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_N = rf"[+-]?{_U}"
_PREFIX = re.compile(r"(sine|square|triangle|sawtooth|custom\d\d|noise\d\d|spin\d\d):(.+)")
_TONE = re.compile(rf"({_N})([+-]{_U})/({_N})")
_SINE = re.compile(rf"({_N})/({_N})")
_PULSED = re.compile(rf"({_N})@({_N})/({_N})")
_PLAIN = re.compile(rf"(pink|white|brown|mix)/({_N})")
_BELL = re.compile(rf"bell({_N})/({_N})")
_SPIN = re.compile(rf"(spin|bspin|wspin|mixspin):({_N})([+-]{_U})/({_N})")
_WAVE = re.compile(rf"wave(\d\d):({_N})([+-]{_U})/({_N})")
_RATED = re.compile(rf"(mixpulse|mixbeat|noisepulse):({_N})/({_N})")
_AM = re.compile(rf"(?:mixam:({_N}|beat)|mixpulse:(beat))((?::[a-zA-Z]=[\w.+-]+)*)")
_UNFIT = re.compile(r"(orbitbeat|noisebeat|noise\d\d|custom\d\d|spin\d\d)[:/]")
_SHAPES = {"custom": "its envelope", "spin": "its own movement", "noise": "the colour of its noise"}
"""What SBaGenX's numbered definitions give a tone."""

OF_THE_BEAT = math.inf
"""The `beat` of a mixam whose rate is that of the tone beside it."""


def read_tone(text: str, line: int, waves: Mapping[int, object]) -> Tone:
    """Read one word of a tone-set.

    Parameters
    ----------
    text : str
        Without white space.
    line : int
        Where it stands.
    waves : mapping
        The numbers of the waves that have been defined.

    Raises
    ------
    BadTone
        It is none, or its numbers make no sense.

    """
    if text == "-":
        return OFF
    tone = _read(text, line, waves)
    if any(math.isfinite(x) and abs(x) > _MOST for x in (tone.carrier, tone.beat, tone.strength)):
        raise BadTone("has a number that is too large")
    if tone.strength < 0:
        raise BadTone("has a negative amplitude")
    if tone.carrier < 0:  # sin(-x): the same tone, with the ears swapped
        tone = replace(tone, carrier=-tone.carrier, beat=-tone.beat)
    return tone


def _read(text: str, line: int, waves: Mapping[int, object]) -> Tone:
    number = _number
    if match := _TONE.fullmatch(text):
        return Tone("tone", number(match[1]), number(match[2]), number(match[3]), line)
    if match := _SINE.fullmatch(text):
        return Tone("tone", number(match[1]), 0.0, number(match[2]), line)
    if match := _PLAIN.fullmatch(text):
        return Tone(match[1], 0.0, 0.0, number(match[2]), line)
    if match := _PULSED.fullmatch(text):
        return Tone("iso", number(match[1]), number(match[2]), number(match[3]), line)
    if match := _BELL.fullmatch(text):
        return Tone("bell", number(match[1]), 0.0, number(match[2]), line)
    if match := _SPIN.fullmatch(text):
        width, rate, strength = (number(match[k]) for k in (2, 3, 4))
        if match[1] == "mixspin":
            swing = abs(width) * _SWING_DEG_PER_US * strength / 100
            return Tone("mixspin", 0.0, abs(rate), swing, line)
        # The way is width * sin(2 pi rate t): of two signs one is enough.
        return Tone(match[1], abs(width), math.copysign(rate, width * rate), strength, line)
    if match := _WAVE.fullmatch(text):
        if int(match[1]) not in waves:
            raise BadTone(f"wave{match[1]} is not defined above it")
        carrier, beat, strength = (number(match[k]) for k in (2, 3, 4))
        return Tone(f"wave{match[1]}", carrier, beat, strength, line)
    if match := _RATED.fullmatch(text):
        return Tone(match[1], 0.0, number(match[2]), number(match[3]), line)
    if match := _AM.fullmatch(text):
        return _read_am(match[1] or match[2], match[3], line)
    return _read_other(text, line, waves)


def _read_am(rate: str, options: str, line: int) -> Tone:
    """Of the dialect's envelopes: `f` is the least gain, `m` the form."""
    values = dict(option.split("=") for option in options.split(":")[1:])
    try:
        floor = float(values.get("f", "0.45"))
    except ValueError:
        floor = math.nan
    if not 0 <= floor <= 1:
        raise BadTone("has a floor that is not a number from 0 to 1")
    pulsed = values.get("m") == "pulse"
    remarks = ("of mixam only rate, form and floor are kept",) if set(values) - set("mf") else ()
    beat = OF_THE_BEAT if rate == "beat" else _number(rate)
    # From floor to 1 is k (1 - m) to k (1 + m).
    strength = 100 * (1 - floor) / (1 + floor)
    return Tone("mixam-pulse" if pulsed else "mixam", 0.0, beat, strength, line, remarks)


def _read_other(text: str, line: int, waves: Mapping[int, object]) -> Tone:
    match = _PREFIX.fullmatch(text)
    if match and match[1] in WAVEFORMS:
        tone = _read(match[2], line, waves)
        if match[1] == "sine":
            return tone
        remark = f"{match[1]} is played as a sine"
        kind = match[1] if tone.type == "tone" else tone.type
        return replace(tone, type=kind, remarks=(*tone.remarks, remark))
    if match:
        what = _SHAPES[match[1][:-2]]
        tone = _read(match[2], line, waves)
        if tone.type:
            remark = f"{what}, {match[1]}, is not kept"
            return replace(tone, remarks=(*tone.remarks, remark))
        return tone
    if _UNFIT.match(text):
        return Tone(line=line, remarks=(f"{quote(text)} has no layer like it; it is left out",))
    raise BadTone("is not a tone like 200+10/30, 200/30, pink/40, bell+528/20 or mix/80")


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise BadTone("has a number that is too large")
    return value
