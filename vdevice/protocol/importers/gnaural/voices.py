"""Gnaural's voices as layers."""

import math
from collections.abc import Callable, Sequence

from entrain.vdevice.protocol.importers.gnaural.curves import (
    Point,
    clipped,
    merged,
    mirrored,
    points_of,
    starts_of,
)
from entrain.vdevice.protocol.importers.gnaural.document import Entry, Voice
from entrain.vdevice.protocol.importers.gnaural.ears import louder
from entrain.vdevice.protocol.importers.gnaural.sound import Session, Sound
from entrain.vdevice.protocol.importers.report import Note
from entrain.vdevice.protocol.wording import quote

# Levels as RMS in each ear at volume 1, full scale = 1: a tone's peak is half of full scale.
_TONE = 0.5 / math.sqrt(2)
_NOISE = 0.29 * 0.5
_DROP_ENERGY_S = {5: 1.69e-5, 6: 2.68e-7}
"""Mean of a drop's square, integrated, if it is as loud in both ears; calculated from the shape."""

_DROPS = {5: "water drops", 6: "rain"}
_DROP_FRAMES = {5: 185, 6: 3}
"""How long a drop sounds on average, at 44.1 kHz."""

_EDGE_MS = 2.3  # 100 frames at 44.1 kHz
_SLOPE_DB = -4.0
"""Gnaural's noise is flat below 223 Hz and falls by 6 dB per octave above: this straight slope is
as loud at the same RMS, to the ear too (A-weighted within 0.5 dB)."""
_BURST_MS = {"burst_ms": 10.0, "edge_ms": 4.0}
_BURST_POWER_S = 0.00513  # a burst's square, integrated: 2 ms, and 0.392 of the edges
_SILENCE = 1e-4
_LEAST_DROPS_HZ = 0.005
_MOST_DROPS_HZ = 30.0  # more of them run together


def sound_of(voice: Voice, number: int, kind: float, mono: bool, session: Session) -> Sound | None:
    """Make a sound of a voice, or note why there is none.

    Parameters
    ----------
    voice : Voice
        Longer than nothing.
    number : int
        Its place in the file, from 1.
    kind : float
        Gnaural's voice type, a whole number.
    mono : bool
        Both ears hear the mean of both channels.
    session : Session
        Gets the notes.

    """
    if kind == 2:
        session.notes.append(
            Note(voice.line, f"{title(voice, number)} plays a sound file; left out")
        )
        return None
    if kind not in range(7):
        session.notes.append(
            Note(voice.line, f"{title(voice, number)} has the unknown type {kind:g}; left out")
        )
        return None
    reader = _VoiceReader(voice, number, "binaural" if kind == 0 else "isochronic", session)
    if max(value for _, value in reader.volume) <= _SILENCE:
        reader.note("is never heard; left out")
        return None
    if kind == 1:
        return reader.noise(mono)
    if kind in (0, 3, 4):
        if not reader.in_reach():
            return None
        return reader.binaural(mono) if kind == 0 else reader.isochronic(kind == 4, mono)
    return reader.drops(int(kind), mono)


def title(voice: Voice, number: int) -> str:
    """What notes call a voice."""
    found = voice.texts.get("description")
    words = " ".join(found.text.split()) if found else ""
    return f"voice {number} ({quote(words)})" if words else f"voice {number}"


class _VoiceReader:
    """Reads one voice: its volume at once, the rest as what it is to become.

    Parameters
    ----------
    voice : Voice
        Longer than nothing.
    number : int
        Its place in the file, from 1.
    tone : str
        The kind of layer that would play its tone, if it is one.
    session : Session
        Gets the notes.

    """

    def __init__(self, voice: Voice, number: int, tone: str, session: Session) -> None:
        self._voice, self._session = voice, session
        block = session.blocks[tone]
        self._carriers, self._rates = (block.parameters[s] for s in ("carrier_hz", block.rate))
        # A block whose ears take turns counts the pulses of both ears.
        self._most_beat_hz = self._rates.maximum / (2 if tone == "isochronic" else 1)
        self._title = title(voice, number)
        self._starts = starts_of(entry.duration_s for entry in voice.entries)
        self._heard = [
            entry
            for entry, start_s in zip(voice.entries, self._starts, strict=False)
            if start_s < session.end_s
        ]
        if self._starts[-1] - session.end_s > 0.05:
            self.note(
                f"ends after {self._starts[-1]:.10g} s, but is cut at {session.end_s:.10g} s:"
                " the schedule ends with its shortest voice"
            )
        self._ears = self._read_ears()
        self.volume, self._balance = louder(*self._ears)

    def note(self, text: str, line: int = 0) -> None:
        self._session.notes.append(Note(line or self._voice.line, f"{self._title} {text}"))

    def binaural(self, mono: bool) -> Sound:
        sign = -1.0 if self._session.swapped else 1.0
        beat = self._points([sign * e.beat_hz for e in self._voice.entries])
        if not any(value for _, value in beat):  # the same in both ears, with headphones or without
            return self._steady(_TONE)
        curves = {
            "carrier_hz": self._carrier(),
            "beat_hz": merged(clipped(beat, self._rates.minimum, self._rates.maximum)),
        }
        # Mixed to one channel, two tones of half the amplitude: 3 dB less than one whole tone.
        monaural = self._sound("monaural", {}, curves, _TONE * (math.sqrt(0.5) if mono else 1), 2)
        if mono:
            return monaural
        sound = self._sound("binaural", {}, curves, _TONE, math.sqrt(2))
        sound.speakers = monaural
        return sound

    def isochronic(self, alternate: bool, mono: bool) -> Sound:
        if alternate and mono:
            self.note("takes turns in one channel, which makes a steady tone; imported as that")
            return self._steady(_TONE / 2)
        pulses = mirrored(self._points([entry.beat_hz for entry in self._voice.entries]))
        if not any(value for _, value in pulses):
            if alternate:
                self.note("never lets the ears take turns; imported as a steady tone in both")
            return self._steady(_TONE)
        carrier = self._carrier()
        least_hz = self._rates.minimum
        self._note_lines(
            f"has pulses slower than {least_hz:g} Hz, or a steady tone;"
            f" imported as pulses of {least_hz:g} Hz",
            lambda entry: abs(entry.beat_hz) < least_hz,
        )
        rate = merged(clipped(pulses, least_hz, self._most_beat_hz))
        edges = {"attack_ms": _EDGE_MS, "release_ms": _EDGE_MS}
        together = self._sound(
            "isochronic",
            {"duty": 0.5, **edges},
            {"carrier_hz": carrier, "rate_hz": rate},
            _TONE,
            math.sqrt(2),
        )
        if not alternate:
            return together
        if self._session.swapped:
            self.note("begins in the left ear, although the ears are swapped")
        # The block's rate counts the pulses of both ears; each takes the whole of its turn.
        in_turns = self._sound(
            "isochronic",
            {"duty": 1.0, "alternate": 1.0, **edges},
            {"carrier_hz": carrier, "rate_hz": [(at_s, 2 * value) for at_s, value in rate]},
            _TONE,
            math.sqrt(2),
        )
        in_turns.speakers = together
        return in_turns

    def _steady(self, rms: float) -> Sound:
        curves = {"carrier_hz": self._carrier()}
        return self._sound("binaural", {"beat_hz": 0.0}, curves, rms, math.sqrt(2))

    def noise(self, mono: bool) -> Sound:
        self.note("has Gnaural's own noise; imported as noise of a straight slope, as loud")
        return self._noise(_NOISE, mono)

    def drops(self, kind: int, mono: bool) -> Sound | None:
        first = self._voice.entries[0]
        slots = min(max(int(first.beat_hz), 0), 100) or 2
        chance = min(first.base_hz, 1.0)  # that a slot starts a drop, for each frame at 44.1 kHz
        rate_hz = slots * 44100 * chance / (1 + chance * _DROP_FRAMES[kind]) if chance > 0 else 0.0
        if rate_hz < _LEAST_DROPS_HZ:
            self.note(f"plays {_DROPS[kind]} without a drop; left out", first.line)
            return None
        # In stereo each drop has a place of its own: a third of its energy in each ear, on average.
        energy_s = _DROP_ENERGY_S[kind] / (1 if mono else 3)
        what = f"plays {_DROPS[kind]}, {rate_hz:.3g} drops per second; imported as"
        if rate_hz > _MOST_DROPS_HZ:
            self.note(f"{what} noise")
            return self._noise(math.sqrt(energy_s * rate_hz), mono, stereo=1.0)
        self.note(f"{what} even bursts of noise in both ears")
        rate = self._session.blocks["pulse"].parameters["rate_hz"]
        params = {
            "rate_hz": rate.within(round(rate_hz, 3)),
            **_BURST_MS,
            "centre_hz": 1100.0,
        }
        return self._sound("pulse", params, {}, math.sqrt(energy_s / _BURST_POWER_S), 3)

    def _noise(self, rms: float, mono: bool, stereo: float = math.sqrt(2)) -> Sound:
        """Noise; the mean of two independent ones is by `stereo` quieter than each."""
        params = {"tilt_db_per_octave": _SLOPE_DB, "width": 0.0 if mono else 1.0}
        return self._sound("noise", params, {}, rms / stereo if mono else rms, 3)

    def _sound(
        self,
        kind: str,
        params: dict[str, float],
        curves: dict[str, list[Point]],
        rms: float,
        crest: float,
    ) -> Sound:
        balance = {"balance": self._balance} if self._balance else {}
        return Sound(
            self._voice.line, kind, params, curves | balance, self.volume, self._ears, rms, crest
        )

    def _read_ears(self) -> tuple[list[Point], list[Point]]:
        """Each ear's volume; the ears are exchanged after all that the file sets for them."""
        self._note_lines(
            "has a volume outside 0 … 1; held there",
            lambda e: not all(-1e-6 <= v <= 1 for v in (e.volume_left, e.volume_right)),
        )
        left, right = self._session.volume
        ears = (
            self._points([_gain(e.volume_left) * left for e in self._voice.entries]),
            self._points([_gain(e.volume_right) * right for e in self._voice.entries]),
        )
        return ears[::-1] if self._session.swapped else ears

    def in_reach(self) -> bool:
        """Whether layers can play all of it; notes what they cannot."""
        most_hz, most_beat_hz = self._carriers.maximum, self._most_beat_hz
        reach: list[tuple[str, Callable[[Entry], bool]]] = [
            (f"has a carrier above {most_hz:g} Hz", lambda e: e.base_hz > most_hz),
            (
                f"has a beat of more than {most_beat_hz:g} Hz",
                lambda e: abs(e.beat_hz) > most_beat_hz,
            ),
        ]
        approached = self._voice.entries[: len(self._heard) + 1]  # the last one as a line's end
        missed = False
        for text, concerns in reach:
            if lines := [entry.line for entry in approached if concerns(entry)]:
                self.note(f"{text}; left out ({_listed(lines)})", lines[0])
                missed = True
        return not missed

    def _carrier(self) -> list[Point]:
        least_hz = self._carriers.minimum
        self._note_lines(
            f"has a carrier below {least_hz:g} Hz, which nobody hears; held there",
            lambda entry: entry.base_hz < least_hz,
        )
        bases = [entry.base_hz for entry in self._voice.entries]
        return merged(clipped(self._points(bases), least_hz, self._carriers.maximum))

    def _points(self, values: Sequence[float]) -> list[Point]:
        return points_of(self._starts, values, self._session.end_s)

    def _note_lines(self, text: str, concerns: Callable[[Entry], bool]) -> None:
        lines = [entry.line for entry in self._heard if concerns(entry)]
        if lines:
            self.note(f"{text} ({_listed(lines)})", lines[0])


def _gain(volume: float) -> float:
    return min(max(volume, 0.0), 1.0)


def _listed(lines: Sequence[int]) -> str:
    if len(lines) == 1:
        return f"line {lines[0]}"
    shown = ", ".join(str(line) for line in lines[:5])
    return f"lines {shown}" + (f" and {len(lines) - 5} more" if len(lines) > 5 else "")
