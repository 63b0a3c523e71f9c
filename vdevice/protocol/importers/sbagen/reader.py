"""Imports SBaGen's sequences (`.sbg`)."""

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
"""Limit for all parameters together, far above any file made by hand."""


def read_sbg(text: bytes, source: str, name: str, blocks: Mapping[str, Block]) -> Imported:
    """Convert an SBaGen sequence to a protocol.

    Tones of one type on one channel become one layer, with the amplitudes of the file as absolute
    levels.  With ``-S`` the session begins with the first time-line, and ``-E`` ends it at the
    last one; otherwise it repeats daily.  Without ``-S`` it follows the clock, or begins NOW.
    ``mix`` is the input: it gets the volume in the file, or stays untouched if the file has none.
    Tones are heard without an input, too, as in SBaGen.

    Parameters
    ----------
    text : bytes
        UTF-8 or Latin-1, at most about 1 MiB.
    source : str
        Origin of the file; each line of an error begins with it.
    name : str
        Name of the protocol, such as the file name without suffix; also determines the id.
    blocks : mapping
        The engine's blocks, by kind; their ranges limit what can be imported.

    Returns
    -------
    Imported
        The protocol, and a note for each part that it does not keep.

    Raises
    ------
    ImportRefused
        The file is not a sequence that can be played; has one line for each problem.

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
        raise refused(source, {0: "Entrain has no layer for anything in it", **reasons})
    points = sum(len(a.points) for layer in layers for a in layer.automation.values())
    if points > _MAX_POINTS:
        raise refused(source, {0: f"it needs {points} breakpoints; the limit is {_MAX_POINTS}"})
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
    """Whether a layer is a tone without a beat, which is the same in both ears."""
    return layer.kind == "binaural" and layer.params.get("beat_hz") == 0.0


def _notes(sequence: Sequence, plan: Schedule) -> list[Note]:
    options, notes = sequence.options, list[Note]()
    if plan.time_of_day and options.ends:
        notes.append(Note(0, "-E without -S: it follows the clock, and does not end"))
    if plan.time_of_day and options.length_ms:
        notes.append(Note(0, "-L without -S: it follows the clock, and does not end"))
    if plan.length_ms is None and (options.ends or options.starts) and not options.length_ms:
        notes.append(Note(0, "it never changes, so it does not end"))
    if options.waveform != "sine":
        notes.append(Note(0, f"-w {quote(options.waveform)}: tones are played as sines"))
    notes += _left_out(sequence)
    if any(sum(_peak(t.type, t.strength) for t in line.tones) > 100 for line in sequence.lines):
        notes.append(Note(0, "tones add up to more than full scale; the limiter softens them"))
    return notes


def _left_out(sequence: Sequence) -> set[Note]:
    """Return notes on tones that are played but have no layer."""
    tones = {tone for line in sequence.lines for tone in line.tones if not tone.type}
    return {Note(tone.line, text) for tone in tones for text in tone.remarks}


def _peak(type_: str, strength: float) -> float:
    return 0.0 if not type_ or type_.startswith("mix") else strength
