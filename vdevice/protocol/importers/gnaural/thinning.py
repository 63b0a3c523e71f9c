"""Thins curves with more points than a file can hold."""

from dataclasses import replace

from entrain.vdevice.protocol.importers.gnaural.curves import Point, merged
from entrain.vdevice.protocol.importers.gnaural.sound import Sound
from entrain.vdevice.protocol.importers.report import Note

_FITTING_POINTS = 10_000  # limit for all parameters together, from the library's file size
_FEW_POINTS = 500
_THINNINGS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
_LOOSER = {"balance": 40.0}
"""Factors of the tolerance.  A balance that moves in thousands of entries moves at random."""


def thinned(sounds: list[Sound], notes: list[Note]) -> list[Sound]:
    """Return the sounds, thinned so that a file of the library can hold their breakpoints."""
    thinned = sounds
    for thinning in (0.0, *_THINNINGS):
        if thinning:
            thinned = [_with_less_points(sound, thinning) for sound in sounds]
        both = [*thinned, *(sound.speakers or sound for sound in thinned)]
        curves = [points for each in both for points in (each.volume, *each.curves.values())]
        if sum(map(len, curves)) <= _FITTING_POINTS:
            break
    if thinning:
        text = f"long curves have fewer breakpoints, within {thinning:.2%} of full volume"
        notes.append(Note(0, text))
    return thinned


def _with_less_points(sound: Sound, thinning: float) -> Sound:
    """Return the sound with thinned long curves.

    `thinning` is the tolerance, as a share of full volume; in Hz it is twice as large.
    """
    curves = {
        s: _with_less(points, _LOOSER.get(s, 2) * thinning) for s, points in sound.curves.items()
    }
    volume = _with_less(sound.volume, thinning)
    speakers = _with_less_points(sound.speakers, thinning) if sound.speakers else None
    return replace(sound, volume=volume, curves=curves, speakers=speakers)


def _with_less(points: list[Point], tolerance: float) -> list[Point]:
    return merged(points, tolerance) if len(points) > _FEW_POINTS else points
