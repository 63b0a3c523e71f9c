"""Imports Gnaural's schedules (`.gnaural`)."""

import math
from collections.abc import Mapping
from typing import NamedTuple

from entrain.block import Block
from entrain.vdevice.limits import MAX_SESSION_S
from entrain.vdevice.protocol.importers.gnaural.curves import loudest, starts_of
from entrain.vdevice.protocol.importers.gnaural.document import (
    Schedule,
    Text,
    Voice,
    number,
    read_schedule,
)
from entrain.vdevice.protocol.importers.gnaural.layers import LayerBuilder
from entrain.vdevice.protocol.importers.gnaural.sound import Session, Sound
from entrain.vdevice.protocol.importers.gnaural.thinning import thinned
from entrain.vdevice.protocol.importers.gnaural.voices import sound_of, title
from entrain.vdevice.protocol.importers.report import (
    TOO_LONG,
    Imported,
    ImportRefused,
    Note,
    fitting,
    id_of_file,
)
from entrain.vdevice.protocol.model import Protocol

MAX_LAYERS = 64


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
    builder = LayerBuilder(source, blocks, times.loop_s, _too_loud_db(sounds, notes))
    sounds = thinned(sounds, notes)
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
