"""How fast a source moves around the head.

Fast movement makes some listeners dizzy, so a protocol has to ask for it.
"""

import math
from collections.abc import Iterable, Mapping
from itertools import pairwise

from entrain.vdevice.protocol.parts.automation import Automation, Breakpoint
from entrain.vdevice.protocol.parts.places import PATHS

MAX_DEG_PER_S = 60.0
MAX_SWING_HZ = 2.0
"""Rate up to which a swing may be faster than `MAX_DEG_PER_S`: a pendulum turns round in time."""

PATH_SYMBOLS = frozenset({"path", "path_hz", "path_deg"})
"""Parameters whose values decide how fast a source moves."""

_SHARES = {
    **dict.fromkeys(("azimuth_deg", "elevation_deg", "yaw_deg", "pitch_deg", "roll_deg"), 1.0),
    "width_deg": 0.5,  # each of the two speakers moves half of it
}
"""Angles that automation can move, and their shares in the movement of a source."""


def movement_problem(
    name: str, values: Mapping[str, float], automation: Mapping[str, Automation]
) -> str:
    """Return why a source moves too fast, one line, or ``""``.

    Parameters
    ----------
    name : str
        The source's name, with which the line begins.
    values : mapping
        Values of the parameters that automation does not move.
    automation : mapping
        Automation by parameter.

    """
    speed = fastest_deg_per_s(values, automation)
    if speed <= MAX_DEG_PER_S * (1 + 1e-9):
        return ""
    return (
        f"{name} moves by up to {speed:.4g} degrees per second; more than {MAX_DEG_PER_S:g} "
        'needs "fast": true in spatial'
    )


def fastest_deg_per_s(values: Mapping[str, float], automation: Mapping[str, Automation]) -> float:
    """Return an upper bound of a source's speed; jumps and swings up to 2 Hz do not count."""
    moved = sum(
        share * max((_slope(*pair) for pair in pairwise(automation[symbol].points)), default=0.0)
        for symbol, share in _SHARES.items()
        if symbol in automation
    )

    def possible(symbol: str, initial: float) -> Iterable[float]:
        if symbol in automation:
            return [point.value for point in automation[symbol].points]
        return [values.get(symbol, initial)]

    hz = max(possible("path_hz", 0.05))
    width_deg = max(map(abs, possible("path_deg", 90.0)))
    paths = (round(number) for number in possible("path", 0.0))
    known = [PATHS[number] for number in paths if number in range(len(PATHS))]
    return moved + max((_path_speed(path, hz, width_deg) for path in known), default=0.0)


def _path_speed(path: str, hz: float, width_deg: float) -> float:
    """Return the highest speed along a path, in degrees per second."""
    match path:
        case "orbit":
            return 360.0 * hz
        case "arc":  # to and fro in each period
            return 2.0 * width_deg * hz
        case "eight":  # equally fast in azimuth and in elevation where it crosses itself
            return math.sqrt(2.0) * math.pi * width_deg * hz
        case "swing" if hz > MAX_SWING_HZ:
            return math.pi * width_deg * hz
    return 0.0


def _slope(one: Breakpoint, other: Breakpoint) -> float:
    """Return the steepest slope between two breakpoints, per second; 0 for a jump."""
    seconds = other.at_s - one.at_s
    rise = abs(other.value - one.value)
    match one.curve:
        case "step":
            return 0.0
        case "smooth":
            return 1.5 * rise / seconds
        case "exponential" if rise:
            ratio = math.log(other.value / one.value)
            return abs(ratio) * max(abs(one.value), abs(other.value)) / seconds
    return rise / seconds
