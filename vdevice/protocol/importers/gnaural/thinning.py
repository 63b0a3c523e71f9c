"""Curves of so many points that no file could hold them get fewer."""

from dataclasses import replace

from entrain.vdevice.protocol.importers.gnaural.curves import Point, merged
from entrain.vdevice.protocol.importers.gnaural.sound import Sound
from entrain.vdevice.protocol.importers.report import Note

_FITTING_POINTS = 10_000  # of all together: no more fit into a file of the library
_FEW_POINTS = 500
_THINNINGS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
_LOOSER = {"balance": 40.0}
"""Where it moves in each of thousands of entries, it does so by chance."""


def thinned(sounds: list[Sound], notes: list[Note]) -> list[Sound]:
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
