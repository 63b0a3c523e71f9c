"""The icon in each state: one drawing, from which images and SVG files are made.

The states differ in shape, so that users can tell them apart without colours.  Every state is
visible on light and on dark panels.  Pure functions, any thread; only `image` imports Pillow.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from PIL.Image import Image

IconState = Literal["on", "bypassed", "off", "waiting", "trouble"]
STATES: tuple[IconState, ...] = get_args(IconState)

SIZES_PX = (16, 22, 24, 32, 48, 64)
"""Icon sizes that panels use."""

UNITS = 32
"""Width and height of a drawing, in its own units."""

_LARGE_PX = 512
"""Images are drawn at about this size and then reduced, which smooths the edges."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Disc:
    """A filled circle; all lengths in units, colours as ``#rrggbb``."""

    centre: Point
    radius: float
    colour: str


@dataclass(frozen=True)
class Line:
    """A line through points, with round ends and corners."""

    points: tuple[Point, ...]
    width: float
    colour: str


@dataclass(frozen=True)
class Area:
    """A filled polygon, whose corners are rounded by an outline of its own colour."""

    points: tuple[Point, ...]
    outline: float
    colour: str


Shape = Disc | Line | Area

_TEAL, _AMBER, _GREY, _BLUE, _RED = "#0c8a80", "#b87503", "#7f858c", "#3d7fc9", "#d9483b"
"""Colours of medium lightness: a contrast of at least 3:1 to light and to dark panels."""
_WHITE = "#ffffff"


def drawing(state: IconState) -> tuple[Shape, ...]:
    """Return the shapes of a state, from the back to the front."""
    match state:
        case "on":  # a full disc with a wave in it
            return (Disc((16, 16), 15, _TEAL), Line(_wave(6, 26, 6.5), 3.6, _WHITE))
        case "bypassed":  # a straight line in place of the wave
            return (
                Line(_arc(12.75, 28, 152), 3.5, _AMBER),
                Line(_arc(12.75, 208, 332), 3.5, _AMBER),
                Line(((1.75, 16), (30.25, 16)), 3.5, _AMBER),
            )
        case "off":  # a power sign
            return (
                Line(_arc(12.5, -50, 230), 3.5, _GREY),
                Line(((16, 2.5), (16, 15)), 3.5, _GREY),
            )
        case "waiting":  # a ring of dots
            return tuple(Disc(_on_circle(12, 60 * n - 90), 3.8, _BLUE) for n in range(6))
        case "trouble":
            return (
                Area(((16, 4), (29, 27.5), (3, 27.5)), 5, _RED),
                Line(((16, 11.5), (16, 18.5)), 3.6, _WHITE),
                Disc((16, 24.6), 2.2, _WHITE),
            )


def svg(state: IconState) -> str:
    """Write a drawing as an SVG file."""
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {UNITS} {UNITS}" '
        f'width="{UNITS}" height="{UNITS}">',
        *(f"  {_element(shape)}" for shape in drawing(state)),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def file_name(state: IconState) -> str:
    """Return the name of a state's SVG file in an icon theme."""
    return f"entrain-{state}.svg"


def svg_files() -> dict[str, bytes]:
    """Return the installed icons by file name; ``entrain.svg`` is the icon of the app itself."""
    folder = resources.files("entrain.tray.icon") / "svg"
    names = ("entrain.svg", *(file_name(state) for state in STATES))
    return {name: (folder / name).read_bytes() for name in names}


def image(state: IconState, size_px: int) -> "Image":
    """Draw a state on a transparent background.

    Parameters
    ----------
    state : str
        One of `STATES`.
    size_px : int
        Width and height.

    Returns
    -------
    PIL.Image.Image
        RGBA.

    """
    from PIL import Image, ImageDraw

    large_px = size_px * min(12, max(1, _LARGE_PX // size_px))
    large = Image.new("RGBA", (large_px, large_px))
    draw = ImageDraw.Draw(large)
    scale = large_px / UNITS

    def disc(centre: Point, radius: float, colour: str) -> None:
        (x, y), r = (value * scale for value in centre), radius * scale
        draw.ellipse((x - r, y - r, x + r - 1, y + r - 1), fill=colour)

    def polygon(points: Sequence[Point], colour: str) -> None:
        draw.polygon([(x * scale - 0.5, y * scale - 0.5) for x, y in points], fill=colour)

    def line(points: Sequence[Point], width: float, colour: str) -> None:
        for start, end in pairwise(points):
            polygon(_bar(start, end, width), colour)
        for point in points:
            disc(point, width / 2, colour)

    for shape in drawing(state):
        match shape:
            case Disc(centre, radius, colour):
                disc(centre, radius, colour)
            case Line(points, width, colour):
                line(points, width, colour)
            case Area(points, outline, colour):
                polygon(points, colour)
                line((*points, points[0]), outline, colour)
    return large.resize((size_px, size_px), Image.Resampling.BOX)


# ---- geometry ------------------------------------------------------------------------------


def _on_circle(radius: float, degrees: float) -> Point:
    """Return a point of a centred circle; 0 degrees is on the right, 90 below."""
    angle = math.radians(degrees)
    return (16 + radius * math.cos(angle), 16 + radius * math.sin(angle))


def _arc(radius: float, start: float, end: float) -> tuple[Point, ...]:
    steps = max(2, round(abs(end - start) / 6))
    return tuple(_on_circle(radius, start + (end - start) * n / steps) for n in range(steps + 1))


def _wave(left: float, right: float, height: float) -> tuple[Point, ...]:
    """Return one and a half periods of a sine."""
    steps = 36
    return tuple(
        (left + (right - left) * n / steps, 16 - height * math.sin(3 * math.pi * n / steps))
        for n in range(steps + 1)
    )


def _bar(start: Point, end: Point, width: float) -> tuple[Point, ...]:
    length = math.dist(start, end) or 1.0
    dx = (end[1] - start[1]) / length * width / 2
    dy = (start[0] - end[0]) / length * width / 2
    return (
        (start[0] + dx, start[1] + dy),
        (end[0] + dx, end[1] + dy),
        (end[0] - dx, end[1] - dy),
        (start[0] - dx, start[1] - dy),
    )


# ---- SVG -----------------------------------------------------------------------------------


def _element(shape: Shape) -> str:
    match shape:
        case Disc((x, y), radius, colour):
            return f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}" fill="{colour}"/>'
        case Line(points, width, colour):
            return (
                f'<polyline points="{_list(points)}" fill="none" '
                f'stroke="{colour}" stroke-width="{_n(width)}" '
                'stroke-linecap="round" stroke-linejoin="round"/>'
            )
        case Area(points, outline, colour):
            return (
                f'<polygon points="{_list(points)}" fill="{colour}" stroke="{colour}" '
                f'stroke-width="{_n(outline)}" stroke-linejoin="round"/>'
            )


def _list(points: Sequence[Point]) -> str:
    return " ".join(f"{_n(x)},{_n(y)}" for x, y in points)


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
