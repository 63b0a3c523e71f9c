"""Imports Gnaural's schedules (`.gnaural`)."""

import math
import re

from entrain.vdevice.protocol.fields import SLUG
from entrain.vdevice.protocol.importers.gnaural_curves import Point, loudest, starts_of
from entrain.vdevice.protocol.importers.gnaural_voices import Session, Sound, sound_of, title
from entrain.vdevice.protocol.importers.gnaural_xml import Schedule, Voice, number, read_schedule
from entrain.vdevice.protocol.importers.report import Imported, ImportRefused, Note
from entrain.vdevice.protocol.model import MAX_SESSION_S, Automation, Breakpoint, Layer, Protocol

MAX_LAYERS = 64
MAX_POINTS = 20_000

_LEVELS_DB = (-90.0, -6.0)  # that a block can have


def read_gnaural(text: bytes, source: str, name: str) -> Imported:
    """Make a protocol of a schedule.

    Parameters
    ----------
    text : bytes
        The file; the caller limits its size.
    source : str
        Where it came from; begins each line of an error.
    name : str
        What the protocol is to be called: its id is made of it, and it stands in for a title
        that is not there.

    Returns
    -------
    Imported
        Levels are absolute, as in the file: they do not follow the programme.

    Raises
    ------
    ImportRefused
        It is no schedule, or nothing of it can be heard.

    """
    schedule = read_schedule(text, source)
    voices, notes = _with_length(schedule)
    if not voices:
        raise ImportRefused(f"{source}:1: no voice in it has any length")
    end_s = min(_length_s(voice) for _, voice in voices)
    if not 0.001 <= end_s <= MAX_SESSION_S:
        raise ImportRefused(f"{source}:1: it is {end_s:.10g} s long; 1 ms to 7 days can be played")
    session = Session(end_s, _volume(schedule, source, notes), _flag(schedule, source), notes)
    sounds: list[Sound] = []
    for place, voice in voices:
        if number(voice.texts, "voice_mute", 0, source) == 1:
            notes.append(Note(voice.line, f"{title(voice, place)} is muted; left out"))
            continue
        kind = int(number(voice.texts, "type", 0, source))
        mono = number(voice.texts, "voice_mono", 0, source) == 1
        if sound := sound_of(voice, place, kind, mono, session):
            sounds.append(sound)
    if not sounds:
        lines = [f"{source}:{note.line}: {note.text}" for note in notes]
        raise ImportRefused("\n".join([f"{source}:1: none of its voices can be played", *lines]))
    if len(sounds) > MAX_LAYERS:
        raise ImportRefused(
            f"{source}:{sounds[MAX_LAYERS].line}: {len(sounds)} voices; {MAX_LAYERS} can be played"
        )
    times = _times(schedule, source, notes, end_s)
    protocol = _protocol(schedule, source, name, sounds, times, notes)
    return Imported(protocol, tuple(sorted(notes, key=lambda note: note.line)))


def slug(name: str) -> str:
    """Make a protocol's id of any name."""
    text = re.sub(r"[^a-z0-9_]+", "-", name.lower()).strip("-_")[:64]
    return text if re.fullmatch(SLUG, text) else "imported"


def _with_length(schedule: Schedule) -> tuple[list[tuple[int, Voice]], list[Note]]:
    """Those voices that take time, with their places in the file."""
    voices: list[tuple[int, Voice]] = []
    notes: list[Note] = []
    for place, voice in enumerate(schedule.voices, 1):
        if _length_s(voice) > 0:
            voices.append((place, voice))
        else:
            notes.append(Note(voice.line, f"{title(voice, place)} has no length; left out"))
    return voices, notes


def _length_s(voice: Voice) -> float:
    return starts_of(entry.duration_s for entry in voice.entries)[-1]


def _volume(schedule: Schedule, source: str, notes: list[Note]) -> tuple[float, float]:
    ears: list[float] = []
    for symbol in ("overallvolume_left", "overallvolume_right"):
        value = number(schedule.texts, symbol, 1.0, source)
        if not 0 <= value <= 1:
            line = schedule.texts[symbol].line
            notes.append(Note(line, f"{symbol} = {value:.10g} is outside 0 … 1; held there"))
        ears.append(min(max(value, 0.0), 1.0))
    if abs(ears[0] - ears[1]) > 1e-3:
        line = min(found.line for key, found in schedule.texts.items() if "volume" in key)
        notes.append(Note(line, "the ears have different volumes; their mean is taken"))
    return ears[0], ears[1]


def _flag(schedule: Schedule, source: str) -> bool:
    return number(schedule.texts, "stereoswap", 0, source) == 1


def _times(
    schedule: Schedule, source: str, notes: list[Note], end_s: float
) -> tuple[float, bool, float]:
    """Duration of the session, whether it begins again after that, and the automations' loop."""
    passes = math.floor(number(schedule.texts, "loops", 1, source))
    if passes < 1:
        return end_s, True, 0.0
    if passes * end_s > MAX_SESSION_S:
        line = schedule.texts["loops"].line
        notes.append(Note(line, f"{passes} passes are more than 7 days; they do not end"))
        return end_s, True, 0.0
    return round(passes * end_s, 6), False, end_s if passes > 1 else 0.0


def _protocol(
    schedule: Schedule,
    source: str,
    name: str,
    sounds: list[Sound],
    times: tuple[float, bool, float],
    notes: list[Note],
) -> Protocol:
    duration_s, loop, loop_s = times
    quieter_db = _too_loud_db(sounds)
    if quieter_db > 0:
        notes.append(
            Note(0, f"together the voices are too loud; all are {quieter_db:.1f} dB quieter")
        )
    builder = _Builder(source, loop_s, quieter_db)
    layers = builder.layers(sounds)
    needs_headphones = any(sound.speakers for sound in sounds)
    title_line = _line(schedule, "title", 100)
    description = _line(schedule, "schedule_description", 1800)
    if author := _line(schedule, "author", 150):
        description = f"{description} (author: {author})".strip()
    return Protocol(
        id=slug(name),
        name=title_line or _one_line(name, 100) or "Imported",
        description=description,
        layers=layers,
        duration_s=duration_s,
        loop=loop,
        requires_headphones=needs_headphones,
        without_headphones=builder.layers([sound.speakers or sound for sound in sounds])
        if needs_headphones
        else None,
    )


def _too_loud_db(sounds: list[Sound]) -> float:
    """By how much all voices together exceed full scale."""
    peak = loudest(
        [
            [(at_s, value * sound.rms * sound.crest) for at_s, value in sound.volume]
            for sound in sounds
        ]
    )
    return max(0.0, 20 * math.log10(peak))


class _Builder:
    def __init__(self, source: str, loop_s: float, quieter_db: float) -> None:
        self._source, self._loop_s, self._quieter_db = source, loop_s, quieter_db
        self._made: dict[int, Automation] = {}  # by the curve: both sets of layers share them

    def layers(self, sounds: list[Sound]) -> tuple[Layer, ...]:
        result: list[Layer] = []
        kinds: list[str] = []
        for sound in sounds:
            kinds.append(sound.kind)
            count = kinds.count(sound.kind)
            layer_id = sound.kind if count == 1 else f"{sound.kind}-{count}"
            result.append(self._layer(sound, layer_id))
        return tuple(result)

    def _layer(self, sound: Sound, layer_id: str) -> Layer:
        most = max(value for _, value in sound.volume)
        level_db = 20 * math.log10(most * sound.rms) - self._quieter_db
        level_db = round(min(max(level_db, _LEVELS_DB[0]), _LEVELS_DB[1]), 2)
        params = {**sound.params, "floor_db": level_db, "ceiling_db": level_db}
        curves = {
            **sound.curves,
            "amount": [(at_s, value / most) for at_s, value in sound.volume],
        }
        automation: dict[str, Automation] = {}
        for symbol, points in curves.items():
            if all(value == points[0][1] for _, value in points):
                if symbol != "amount":
                    params[symbol] = points[0][1]
            else:
                automation[symbol] = self._automation(points, sound.line)
        return Layer(kind=sound.kind, id=layer_id, params=params, automation=automation)

    def _automation(self, points: list[Point], line: int) -> Automation:
        if len(points) > MAX_POINTS:
            raise ImportRefused(f"{self._source}:{line}: the voice has over {MAX_POINTS} turns")
        return Automation(
            points=tuple(Breakpoint(at_s=at_s, value=round(value, 6)) for at_s, value in points),
            loop_s=self._loop_s,
        )


def _line(schedule: Schedule, symbol: str, most: int) -> str:
    found = schedule.texts.get(symbol)
    return _one_line(found.text, most) if found else ""


def _one_line(text: str, most: int) -> str:
    words = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return words if len(words) <= most else words[: most - 1].rstrip() + "…"
