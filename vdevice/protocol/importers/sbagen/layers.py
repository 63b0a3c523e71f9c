"""Makes layers from the channels of a sequence."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from entrain.block import Block, Parameter
from entrain.vdevice.protocol.importers.report import Note
from entrain.vdevice.protocol.importers.sbagen.curves import (
    Line,
    automation,
    clipped,
    resting,
    summed,
)
from entrain.vdevice.protocol.importers.sbagen.kinds import (
    COLOURS,
    EFFECTS,
    FOLLOWED,
    REMARKS,
    kind_of,
)
from entrain.vdevice.protocol.importers.sbagen.schedule import Piece, Schedule
from entrain.vdevice.protocol.importers.sbagen.tones import Tone
from entrain.vdevice.protocol.importers.sbagen.voices import Voice, parts_of
from entrain.vdevice.protocol.importers.sbagen.waves import Shape, shape_of
from entrain.vdevice.protocol.model import Layer
from entrain.vdevice.protocol.parts.automation import Automation

MAX_LAYERS = 48
"""Limit for tones; in addition, each channel may have a bell."""

SINE_DB = 20 * math.log10(math.sqrt(0.5))
"""RMS of a sine relative to its peak."""
NOISE_DB = {"pink": -16.3, "white": -4.77, "brown": -22.6}
"""RMS of each noise relative to an amplitude of 100 %.

SBaGen's pink noise is the sum of ten random sequences, nine of them linearly interpolated.
SBaGen+'s white noise consists of random numbers; its brown noise of random numbers / 16 through one
pole at 0.9."""

_BELL_DECAY_S = 3.97  # time to lose 60 dB, at 1/12 per 50 ms
_BELL_HEARD_S = 10.0
_STRUCK_S = 0.5
_TILTS = {"pink": -3.01, "white": 0.0, "brown": -6.02}
_BROWN_FLAT_BELOW_HZ = 800.0  # corner of the pole: 740 Hz at 44.1 kHz, 805 Hz at 48 kHz
_WIDEST_SPIN_US = 2880.0  # either way; SBaGen is limited to 127 frames at 44.1 kHz
_ISO_DUTY = 0.40302  # share of the period in which a sine is above 0.3
_COMMON_RATE_HZ = 44_100


class TooMany(ValueError):
    """There are more layers than a protocol can have; the text says how many."""


class Layers:
    """Makes layers, and notes on the parts that they do not keep.

    Parameters
    ----------
    plan : Schedule
        The tones of all channels over the session.
    speed : float
        Factor by which the sequence runs faster than written.
    volume : float
        Factor of all amplitudes.
    waves : mapping
        Samples of the waves, by number.
    blocks : mapping
        The engine's blocks, by kind.

    """

    def __init__(
        self,
        plan: Schedule,
        speed: float,
        volume: float,
        waves: Mapping[int, Sequence[float]],
        blocks: Mapping[str, Block],
    ) -> None:
        self._plan = plan
        self._blocks = blocks
        self._volume = volume
        self._waves = waves
        self._ms_per_s = 1000.0 * speed
        self._end = float(plan.length_ms or 1000)
        self.notes: dict[Note, None] = {}

    def all(self) -> list[Layer]:
        """Return all layers: first the processors of the input, then the generators.

        Raises
        ------
        TooMany
            There are more layers than a protocol can have.

        """
        voices = list(self._voices())
        if len(voices) > MAX_LAYERS:
            raise TooMany(f"it needs {len(voices)} layers; the limit is {MAX_LAYERS}")
        voices = [within for voice in voices if (within := self._within(voice))]
        mixes = [voice.lines("strength") for voice in voices if voice.type == "mix"]
        layers = list(self._gain(mixes, self._line_of(v for v in voices if v.type == "mix")))
        layers += [self._effect(voice) for voice in voices if voice.type in EFFECTS]
        layers += [
            self._generator(voice)
            for voice in voices
            if voice.type not in EFFECTS and voice.type != "mix"
        ]
        for channel, strikes in enumerate(self._plan.bells):
            if rung := [strike for strike in strikes if self._can_ring(strike[1])]:
                layers.append(self._bell(_id(channel, "bell"), rung))
        return layers

    # ---- voices ----------------------------------------------------------------------------

    def _voices(self) -> Iterator[Voice]:
        """Yield the voices that are heard, and the voices of the mix."""
        for channel, pieces in enumerate(self._plan.channels):
            found: dict[str, list[Piece]] = {}
            for piece in pieces:
                found.setdefault(piece.first.type, []).append(piece)
            for type_, own in found.items():
                voice = Voice(_id(channel, type_), type_, own)
                if type_ == "mix" or any(tone.strength > 0 for tone in voice.tones()):
                    yield voice

    def _within(self, voice: Voice) -> Voice | None:
        """Return the voice while its numbers are within its layer's ranges; None: never."""
        kind, pieces = kind_of(voice), voice.pieces
        followed = FOLLOWED.get(kind, ()) if voice.type != "mix" else ()
        if kind == "noise" and voice.type != "noisepulse":
            followed = ()
        for of, symbol, even in followed:
            low, high = self._range(kind, symbol)
            what = symbol.split("_")[-2]
            for tone in voice.tones():
                value = abs(getattr(tone, of)) if even else getattr(tone, of)
                if not low <= value <= high:
                    reach = f"{low:.10g} … {high:.10g} Hz"
                    text = f"a {what} of {value:.10g} Hz is left out: it is outside {reach}"
                    self._note(tone.line, text)
            pieces = [part for piece in pieces for part in parts_of(piece, of, low, high, even)]
        if not pieces:
            return None
        within = Voice(voice.id, voice.type, pieces)
        if kind in ("binaural", "isochronic"):
            self._note_high(within)
        return within

    def _note_high(self, voice: Voice) -> None:
        for tone in voice.tones():
            beat = abs(tone.beat) if voice.type != "iso" else 0.0
            if (top_hz := tone.carrier + beat / 2) > 0.45 * _COMMON_RATE_HZ:
                rate_hz = math.ceil(top_hz / 0.45)
                text = f"a tone of {top_hz:.10g} Hz needs a device at {rate_hz} Hz or more"
                self._note(tone.line, text)

    def _can_ring(self, tone: Tone) -> bool:
        low, high = self._range("bell", "pitch_hz")
        if not low <= tone.carrier <= high:
            reach = f"{low:.10g} … {high:.10g} Hz"
            text = f"a bell of {tone.carrier:.10g} Hz is left out: it is outside {reach}"
            self._note(tone.line, text)
        return low <= tone.carrier <= high

    def _parameter(self, kind: str, symbol: str) -> Parameter:
        return self._blocks[kind].parameters[symbol]

    def _range(self, kind: str, symbol: str) -> tuple[float, float]:
        parameter = self._parameter(kind, symbol)
        return parameter.minimum, parameter.maximum

    def _line_of(self, voices: Iterable[Voice]) -> int:
        return min((t.line for voice in voices for t in voice.tones()), default=0)

    def _note(self, line: int, text: str) -> None:
        self.notes.setdefault(Note(line, text))

    # ---- layers ----------------------------------------------------------------------------

    def _gain(self, mixes: list[list[Line]], line: int) -> Iterator[Layer]:
        """Yield a gain of A %: a mixture of the input and its -90 dB copy, which is linear."""
        if not mixes:
            return
        softest_db = self._parameter("gain", "gain_db").minimum
        total = [
            Line(*each[:2], each.first * self._volume / 100, each.last * self._volume / 100)
            for each in summed(mixes, self._end)
        ]
        if any(max(each.first, each.last) > 1 for each in total):
            self._note(line, "mix is more than 100 % here; the music is not made louder")
        softest = 10 ** (softest_db / 20)
        gains = list(clipped(total, softest, 1.0))
        lowest = min(min(each.first, each.last) for each in gains)
        highest = max(max(each.first, each.last) for each in gains)
        if lowest == softest:
            self._note(line, "the music is silent while the file has no mix, or mix/0")
        if lowest == highest:
            if lowest < 1:
                yield Layer(
                    kind="gain", id="mix", params={"gain_db": round(20 * math.log10(lowest), 4)}
                )
            return
        wet = [
            Line(b, e, (1 - first) / (1 - softest), (1 - last) / (1 - softest))
            for b, e, first, last in gains
        ]
        values = _Values()
        values.put("gain_db", softest_db)
        values.put("amount", automation(wet, self._ms_per_s))
        yield values.layer("gain", "mix")

    def _effect(self, voice: Voice) -> Layer:
        kind, symbol, factor = EFFECTS[voice.type]
        self._remark(voice)
        values = _Values()
        strength = list(voice.lines("strength", factor))
        most = self._parameter(kind, symbol).maximum
        if any(max(line.first, line.last) > most for line in strength):
            self._note(self._line_of([voice]), f"{voice.type} is limited to its greatest strength")
        strength = list(resting(clipped(strength, 0.0, most), self._end))
        values.put(symbol, automation(strength, self._ms_per_s))
        if kind == "am":
            values.put("corner_hz", 0.0)
            values.put("waveform", 0.0 if voice.type == "mixam" else 2.0)
        rate = "beat_hz" if kind == "selfbinaural" else "rate_hz"
        self._follow(values, voice, rate, "beat", even=kind != "selfbinaural")
        return values.layer(kind, voice.id)

    def _generator(self, voice: Voice) -> Layer:
        self._remark(voice)
        values, kind, offset = _Values(), kind_of(voice), SINE_DB
        if colour := COLOURS.get(voice.type):
            offset = NOISE_DB[colour]
            values.put("tilt_db_per_octave", _TILTS[colour])
            if colour == "brown":
                values.put("flat_below_hz", _BROWN_FLAT_BELOW_HZ)
        if kind == "noise":
            values.put("width", 0.0)
            if voice.type == "noisepulse":
                values.put("am_depth", 1.0)
                self._follow(values, voice, "am_rate_hz", "beat", even=True)
        elif kind == "spin":
            self._follow(values, voice, "rate_hz", "beat")
            widest_us = self._parameter(kind, "itd_us").within(2 * _WIDEST_SPIN_US)
            itd_us = clipped(voice.lines("carrier", 2.0), 0.0, widest_us)
            values.put("itd_us", automation(itd_us, self._ms_per_s))
        elif kind == "isochronic":
            self._follow(values, voice, "carrier_hz", "carrier")
            self._follow(values, voice, "rate_hz", "beat", even=True)
        else:
            self._follow(values, voice, "carrier_hz", "carrier")
            self._follow(values, voice, "beat_hz", "beat")
        if voice.type == "iso":
            values.put("shape", 1.0)
            values.put("duty", _ISO_DUTY)
        elif kind == "isochronic":
            self._shape(values, voice)
        level = resting(voice.lines("strength", self._volume), self._end)
        self._level(values, kind, list(level), offset, self._line_of([voice]))
        return values.layer(kind, voice.id)

    def _bell(self, layer_id: str, strikes: list[tuple[float, Tone]]) -> Layer:
        line = min(tone.line for _, tone in strikes)
        self._note(line, REMARKS["bell"])
        for _, tone in strikes:
            for text in tone.remarks:
                self._note(tone.line, text)
        values, struck, level = _Values(), [], []
        pieces = []
        nexts = [at for at, _ in strikes[1:]] + [self._end]
        for (at, tone), after in zip(strikes, nexts, strict=True):
            if after <= at:
                continue
            hit = min(at + _STRUCK_S * self._ms_per_s, (at + after) / 2)
            rung = min(at + _BELL_HEARD_S * self._ms_per_s, after)
            struck.append(Line(at, hit, 1.0, 1.0))
            heard = tone.strength * self._volume
            level.append(Line(at, rung, heard, heard))
            pieces.append(Piece(at, rung, tone, tone))
        if self._plan.length_ms is None:  # the block rings once by itself when it starts
            level = [level[0]._replace(end=self._end)]
        else:
            values.put("strike", automation(resting(struck, self._end), self._ms_per_s))
        values.put("decay_s", _BELL_DECAY_S)
        self._follow(values, Voice(layer_id, "bell", pieces), "pitch_hz", "carrier")
        self._level(values, "bell", list(resting(level, self._end)), SINE_DB, line)
        return values.layer("bell", layer_id)

    # ---- parameters ------------------------------------------------------------------------

    def _remark(self, voice: Voice) -> None:
        first = self._line_of([voice])
        type_ = voice.type.removesuffix("-pulse")
        if text := REMARKS.get("wave" if type_.startswith("wave") else type_, ""):
            self._note(first, text)
        if colour := COLOURS.get(type_):
            self._note(0, f"{colour} noise at A % is {-NOISE_DB[colour]:.1f} dB below A %, in RMS")
        for tone in voice.tones():
            for text in tone.remarks:
                self._note(tone.line, text)

    def _follow(
        self, values: "_Values", voice: Voice, symbol: str, of: str, even: bool = False
    ) -> None:
        """Make a parameter follow the tones; `even` ignores their sign."""
        lines = voice.lines(of)
        if even:
            lines = [Line(b, e, abs(first), abs(last)) for b, e, first, last in lines]
        values.put(symbol, automation(lines, self._ms_per_s))

    def _level(
        self, values: "_Values", kind: str, lines: list[Line], offset_db: float, line: int
    ) -> None:
        """Set the absolute level for the largest amplitude; `amount` scales to the others."""
        levels_db = self._parameter(kind, "floor_db")
        largest = max(max(each.first, each.last) for each in lines)
        most = 100 * 10 ** ((levels_db.maximum - offset_db) / 20)
        least = 100 * 10 ** ((levels_db.minimum - offset_db) / 20)
        if largest > most:
            self._note(line, f"an amplitude of {largest:.4g} % is limited to {most:.4g} %")
        full = min(max(largest, least), most)
        level_db = round(20 * math.log10(full / 100) + offset_db, 4)
        values.put("floor_db", levels_db.within(level_db))
        values.put("ceiling_db", values.params["floor_db"])
        shares = [Line(b, e, first / full, last / full) for b, e, first, last in lines]
        values.put("amount", automation(clipped(shares, 0.0, 1.0), self._ms_per_s))

    def _shape(self, values: "_Values", voice: Voice) -> None:
        shape: Shape = shape_of(self._waves[int(voice.type.removeprefix("wave"))])
        rates = [abs(tone.beat) for tone in voice.tones() if tone.beat]
        period_ms = 1000 / min(max(sum(rates) / len(rates), 0.05), 100.0)
        values.put("duty", round(shape.duty, 4))
        for symbol, share in (("attack_ms", shape.attack), ("release_ms", shape.release)):
            edge = self._parameter("isochronic", symbol)
            values.put(symbol, round(edge.within(share * period_ms), 3))


class _Values:
    """Values and automations of one layer."""

    def __init__(self) -> None:
        self.params: dict[str, float] = {}
        self.moving: dict[str, Automation] = {}

    def put(self, symbol: str, value: Automation | float | None) -> None:
        if isinstance(value, Automation):
            self.moving[symbol] = value
        elif value is not None and (symbol, value) != ("amount", 1.0):
            self.params[symbol] = value

    def layer(self, kind: str, layer_id: str) -> Layer:
        return Layer(kind=kind, id=layer_id, params=self.params, automation=self.moving)


def _id(channel: int, type_: str) -> str:
    return f"ch{channel + 1}" if type_ == "tone" else f"ch{channel + 1}-{type_}"
