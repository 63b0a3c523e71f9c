"""SBaGen's sequences, `.sbg`, as protocols."""

import math
from collections.abc import Mapping

from pydantic import ValidationError

from entrain.block import Block
from entrain.vdevice.protocol.importers.report import TOO_LONG, Imported, Note, fitting, id_of_file
from entrain.vdevice.protocol.importers.sbagen.layers import Layers, TooMany
from entrain.vdevice.protocol.importers.sbagen.parse import parse, refused
from entrain.vdevice.protocol.importers.sbagen.schedule import Schedule, TooLong, schedule
from entrain.vdevice.protocol.importers.sbagen.sequence import Sequence
from entrain.vdevice.protocol.model import Layer, Protocol
from entrain.vdevice.protocol.speakers import for_speakers, need_headphones
from entrain.vdevice.protocol.wording import explain, quote

_MAX_POINTS = 20_000
"""In all; a file that needs more is no session that anybody wrote."""


def read_sbg(text: bytes, source: str, name: str, blocks: Mapping[str, Block]) -> Imported:
    """Read an SBaGen sequence.

    A channel's tones of one type become one layer, with the amplitudes of the file as absolute
    levels.  With ``-S`` the session begins with the first time-line, and ``-E`` ends it at the
    last one; else it goes around by day.  Without ``-S`` it follows the clock, or begins NOW.
    ``mix`` is the programme: as loud as it is written, and untouched where the file has none.
    Tones sound without a programme, too, as they do in SBaGen.

    Parameters
    ----------
    text : bytes
        UTF-8 or Latin-1, at most about 1 MiB.
    source : str
        Where it came from; begins each line of an error.
    name : str
        Of the protocol, as the file's without its ending; the id is made from it.
    blocks : mapping
        Those that are compiled in, by kind; their ranges are what can be played.

    Returns
    -------
    Imported
        With a note for all that is not kept, by line.

    Raises
    ------
    ImportRefused
        It is not a sequence that can be played; one line for each problem.

    """
    sequence = parse(text, source)
    try:
        plan = schedule(sequence)
    except TooLong as error:
        raise refused(source, {error.line: str(error)}) from None
    options = sequence.options
    maker = Layers(plan, options.speed, options.volume, sequence.waves, blocks)
    try:
        layers = tuple(maker.all())
    except TooMany as error:
        raise refused(source, {0: str(error)}) from None
    if not layers:
        reasons = {note.line: note.text for note in (*maker.notes, *_left_out(sequence))}
        raise refused(source, {0: "plays nothing that Entrain has a layer for", **reasons})
    points = sum(len(a.points) for layer in layers for a in layer.automation.values())
    if points > _MAX_POINTS:
        raise refused(source, {0: f"needs {points} breakpoints; there can be {_MAX_POINTS}"})
    try:
        protocol = _protocol(sequence, plan, layers, name, blocks)
    except ValidationError as error:
        raise refused(source, {0: explain(error)[0]}) from error
    notes = [*maker.notes, *sequence.notes, *_notes(sequence, plan)]
    kept = fitting(protocol, notes)
    if kept is None:
        raise refused(source, {0: TOO_LONG})
    return Imported(kept, tuple(sorted(set(notes), key=lambda note: (note.line, note.text))))


def _protocol(
    sequence: Sequence,
    plan: Schedule,
    layers: tuple[Layer, ...],
    name: str,
    blocks: Mapping[str, Block],
) -> Protocol:
    options = sequence.options
    duration_s = round(plan.length_ms / 1000 / options.speed, 9) if plan.length_ms else None
    if plan.length_ms is None and options.length_ms:
        duration_s = options.length_ms / 1000
    max_minutes = None
    if plan.loop and options.length_ms and not plan.time_of_day:
        max_minutes = math.ceil(options.length_ms / 60_000)
    shown = "".join(c if c.isprintable() else " " for c in name).strip()[:100].strip()
    ears = need_headphones([layer for layer in layers if not _steady(layer)], blocks)
    return Protocol(
        id=id_of_file(name),
        name=shown or "Imported",
        description=sequence.description,
        layers=layers,
        standalone=True,
        duration_s=duration_s,
        loop=plan.loop,
        time_of_day=plan.time_of_day,
        requires_headphones=ears,
        without_headphones=_without(layers, blocks) if ears else None,
        max_minutes=max_minutes,
    )


def _without(layers: tuple[Layer, ...], blocks: Mapping[str, Block]) -> tuple[Layer, ...]:
    return tuple(
        new
        for layer in layers
        for new in ((layer,) if _steady(layer) else for_speakers((layer,), blocks))
    )


def _steady(layer: Layer) -> bool:
    """Whether it is a tone without any beat: the same for both ears."""
    return layer.kind == "binaural" and layer.params.get("beat_hz") == 0.0


def _notes(sequence: Sequence, plan: Schedule) -> list[Note]:
    options, notes = sequence.options, list[Note]()
    if plan.time_of_day and options.ends:
        notes.append(Note(0, "-E without -S: it follows the clock, and does not end"))
    if plan.time_of_day and options.length_ms:
        notes.append(Note(0, "-L without -S: it follows the clock, and does not end"))
    if plan.length_ms is None and (options.ends or options.starts) and not options.length_ms:
        notes.append(Note(0, "nothing in it changes, so it has no end of its own"))
    if options.waveform != "sine":
        notes.append(Note(0, f"-w {quote(options.waveform)}: tones are played as sines"))
    notes += _left_out(sequence)
    if any(sum(_peak(t.type, t.strength) for t in line.tones) > 100 for line in sequence.lines):
        notes.append(Note(0, "tones add up to more than full scale; the limiter holds them"))
    return notes


def _left_out(sequence: Sequence) -> set[Note]:
    """On tones that are played, and have no layer."""
    tones = {tone for line in sequence.lines for tone in line.tones if not tone.type}
    return {Note(tone.line, text) for tone in tones for text in tone.remarks}


def _peak(type_: str, strength: float) -> float:
    return 0.0 if not type_ or type_.startswith("mix") else strength
