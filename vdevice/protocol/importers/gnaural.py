"""Imports Gnaural's schedules (`.gnaural`)."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from entrain.block import Block
from entrain.vdevice.limits import MAX_SESSION_S
from entrain.vdevice.protocol.importers.gnaural_curves import Point, loudest, merged, starts_of
from entrain.vdevice.protocol.importers.gnaural_voices import Session, Sound, sound_of, title
from entrain.vdevice.protocol.importers.gnaural_xml import (
    Schedule,
    Text,
    Voice,
    number,
    read_schedule,
)
from entrain.vdevice.protocol.importers.report import (
    TOO_LONG,
    Imported,
    ImportRefused,
    Note,
    fitting,
    id_of_file,
)
from entrain.vdevice.protocol.model import Automation, Breakpoint, Layer, Protocol

MAX_LAYERS = 64
MAX_POINTS = 20_000
"""Of one parameter."""

_FITTING_POINTS = 10_000  # of all together: no more fit into a file of the library
_FEW_POINTS = 500
_THINNINGS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
_LOOSER = {"balance": 40.0}
"""Where it moves in each of thousands of entries, it does so by chance."""


def read_gnaural(text: bytes, source: str, name: str, blocks: Mapping[str, Block]) -> Imported:
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
    blocks : mapping
        Those that are compiled in, by kind; their ranges are what can be played.

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
    swapped = _flag(schedule.texts, "stereoswap", source)
    session = Session(end_s, _volume(schedule, source, notes), swapped, blocks, notes)
    sounds: list[Sound] = []
    for place, voice in voices:
        if _flag(voice.texts, "voice_mute", source):
            notes.append(Note(voice.line, f"{title(voice, place)} is muted; left out"))
            continue
        kind = number(voice.texts, "type", 0, source)
        if sound := sound_of(voice, place, kind, _flag(voice.texts, "voice_mono", source), session):
            sounds.append(sound)
    if not sounds:
        lines = [f"{source}:{note.line}: {note.text}" for note in notes]
        raise ImportRefused("\n".join([f"{source}:1: none of its voices can be played", *lines]))
    if len(sounds) > MAX_LAYERS:
        raise ImportRefused(
            f"{source}:{sounds[MAX_LAYERS].line}: {len(sounds)} voices; {MAX_LAYERS} can be played"
        )
    times = _times(schedule, source, notes, end_s)
    builder = _LayerBuilder(source, blocks, times.loop_s, _too_loud_db(sounds, notes))
    sounds = _thinned(sounds, notes)
    needs_headphones = any(sound.speakers for sound in sounds)
    protocol = Protocol(
        id=id_of_file(name),
        name=_text(schedule, "title", 100) or _one_line(name, 100) or "Imported",
        description=_description(schedule),
        layers=builder.of(sounds),
        standalone=True,
        duration_s=times.duration_s,
        loop=times.endless,
        requires_headphones=needs_headphones,
        without_headphones=builder.of([sound.speakers or sound for sound in sounds])
        if needs_headphones
        else None,
    )
    kept = fitting(protocol, notes)
    if kept is None:
        raise ImportRefused(f"{source}:1: {TOO_LONG}")
    return Imported(kept, tuple(sorted(notes, key=lambda note: note.line)))


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
    return ears[0], ears[1]


def _flag(texts: Mapping[str, Text], symbol: str, source: str) -> bool:
    return number(texts, symbol, 0, source) == 1


class _Times(NamedTuple):
    duration_s: float
    endless: bool
    loop_s: float
    """Of the automations."""


def _times(schedule: Schedule, source: str, notes: list[Note], end_s: float) -> _Times:
    passes = math.floor(number(schedule.texts, "loops", 1, source))
    if passes < 1:
        return _Times(end_s, True, 0.0)
    if passes * end_s > MAX_SESSION_S:
        line = schedule.texts["loops"].line if passes > 1 else 0
        notes.append(Note(line, f"{passes} passes are more than 7 days; they do not end"))
        return _Times(end_s, True, 0.0)
    return _Times(round(passes * end_s, 6), False, end_s if passes > 1 else 0.0)


def _too_loud_db(sounds: list[Sound], notes: list[Note]) -> float:
    """By how much all voices together exceed full scale."""
    highest = max(
        loudest(
            [[(at_s, v * each.rms * each.crest) for at_s, v in each.ears[e]] for each in sounds]
        )
        for e in (0, 1)
    )
    too_loud_db = max(0.0, 20 * math.log10(highest))
    if too_loud_db > 0.05:
        text = f"together the voices are too loud; each is {too_loud_db:.1f} dB quieter"
        notes.append(Note(0, text))
    return too_loud_db


def _thinned(sounds: list[Sound], notes: list[Note]) -> list[Sound]:
    """The same with as few breakpoints as a file of the library can hold."""
    thinned = sounds
    for thinning in (0.0, *_THINNINGS):
        if thinning:
            thinned = [_with_less_points(sound, thinning) for sound in sounds]
        both = [*thinned, *(sound.speakers or sound for sound in thinned)]
        curves = [points for each in both for points in (each.volume, *each.curves.values())]
        if sum(map(len, curves)) <= _FITTING_POINTS:
            break
    if thinning:
        text = f"long curves have less breakpoints, within {thinning:.2%} of full volume"
        notes.append(Note(0, text))
    return thinned


def _with_less_points(sound: Sound, thinning: float) -> Sound:
    """The same, whose long curves may be off by that part of full volume, or twice as many Hz."""
    curves = {
        s: _with_less(points, _LOOSER.get(s, 2) * thinning) for s, points in sound.curves.items()
    }
    volume = _with_less(sound.volume, thinning)
    speakers = _with_less_points(sound.speakers, thinning) if sound.speakers else None
    return replace(sound, volume=volume, curves=curves, speakers=speakers)


def _with_less(points: list[Point], tolerance: float) -> list[Point]:
    return merged(points, tolerance) if len(points) > _FEW_POINTS else points


class _LayerBuilder:
    """Makes layers of sounds that live as long as it does."""

    def __init__(
        self, source: str, blocks: Mapping[str, Block], loop_s: float, quieter_db: float
    ) -> None:
        self._source, self._blocks = source, blocks
        self._loop_s, self._quieter_db = loop_s, quieter_db
        self._made: dict[int, Automation] = {}  # by its curve: layers for speakers have the same

    def of(self, sounds: list[Sound]) -> tuple[Layer, ...]:
        result: list[Layer] = []
        kinds: list[str] = []
        for sound in sounds:
            kinds.append(sound.kind)
            count = kinds.count(sound.kind)
            result.append(self._layer(sound, sound.kind + (f"-{count}" if count > 1 else "")))
        return tuple(result)

    def _layer(self, sound: Sound, layer_id: str) -> Layer:
        most = max(value for _, value in sound.volume)
        level_db = 20 * math.log10(most * sound.rms) - self._quieter_db
        levels = self._blocks[sound.kind].parameters["floor_db"]
        level_db = round(levels.within(level_db), 2)
        params = {**sound.params, "floor_db": level_db, "ceiling_db": level_db}
        automation: dict[str, Automation] = {}
        for symbol, points in (sound.curves | {"amount": sound.volume}).items():
            unit = most if symbol == "amount" else 1.0
            if any(value != points[0][1] for _, value in points):
                automation[symbol] = self._automation(points, unit, sound.line)
            elif symbol != "amount":
                params[symbol] = points[0][1]
        return Layer(kind=sound.kind, id=layer_id, params=params, automation=automation)

    def _automation(self, points: list[Point], unit: float, line: int) -> Automation:
        if id(points) not in self._made:
            if len(points) > MAX_POINTS:
                raise ImportRefused(f"{self._source}:{line}: the voice has over {MAX_POINTS} turns")
            self._made[id(points)] = Automation(
                points=tuple(Breakpoint(at_s=at_s, value=round(v / unit, 6)) for at_s, v in points),
                loop_s=self._loop_s,
            )
        return self._made[id(points)]


def _description(schedule: Schedule) -> str:
    text = _text(schedule, "schedule_description", 1800)
    author = _text(schedule, "author", 150)
    return f"{text} (author: {author})".strip() if author else text


def _text(schedule: Schedule, symbol: str, most: int) -> str:
    found = schedule.texts.get(symbol)
    return _one_line(found.text, most) if found else ""


def _one_line(text: str, most: int) -> str:
    words = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return words if len(words) <= most else words[: most - 1].rstrip() + "…"
