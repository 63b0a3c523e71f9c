"""The icons stand out on any panel, differ in shape, and are the same as image and as file."""

import re
import xml.etree.ElementTree as ET
from itertools import combinations, pairwise

import numpy as np
import pytest

from entrain.tray.icon import drawing

PANELS = ("#f6f6f6", "#202020")
"""A light and a dark panel."""
SVG = "{http://www.w3.org/2000/svg}"


def luminance(colour: str) -> float:
    """Return the relative luminance according to WCAG 2."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def pixels(state: drawing.IconState, size_px: int) -> np.ndarray:
    return np.asarray(drawing.image(state, size_px), dtype=float)


# ---- an independent SVG renderer, by distances instead of by polygons --------------------------


def to_segment(x: np.ndarray, y: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return the distance of each point to a segment."""
    way = end - start
    along = ((x - start[0]) * way[0] + (y - start[1]) * way[1]) / max(way @ way, 1e-12)
    along = np.clip(along, 0, 1)
    return np.hypot(x - start[0] - along * way[0], y - start[1] - along * way[1])


def inside(x: np.ndarray, y: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Tell for each point whether it is inside a polygon, by the even-odd rule."""
    within = np.zeros(x.shape, bool)
    for (x1, y1), (x2, y2) in zip(corners, np.roll(corners, 1, axis=0), strict=True):
        if y1 != y2:
            within ^= ((y1 > y) != (y2 > y)) & (x < (x2 - x1) * (y - y1) / (y2 - y1) + x1)
    return within


def rendered(text: str, size_px: int) -> np.ndarray:
    """Draw an SVG file of circles, polylines and polygons; RGBA, premultiplied, 0 … 255."""
    root = ET.fromstring(text)
    units = float(root.get("viewBox", "").split()[2])
    oversampling = max(4, 192 // size_px)
    count = size_px * oversampling
    grid = (np.arange(count) + 0.5) * units / count
    x, y = np.meshgrid(grid, grid)
    canvas = np.zeros((count, count, 4))
    for element in root:
        get = element.attrib
        if element.tag == SVG + "circle":
            where = np.hypot(x - float(get["cx"]), y - float(get["cy"])) <= float(get["r"])
            colour = get["fill"]
        else:
            points = np.array([pair.split(",") for pair in get["points"].split()], float)
            where = np.zeros(x.shape, bool)
            if element.tag == SVG + "polygon":
                assert get["fill"] == get["stroke"]
                where = inside(x, y, points)
                points = np.vstack((points, points[:1]))
            else:
                assert get["fill"] == "none"
                assert get["stroke-linecap"] == "round"
            assert get["stroke-linejoin"] == "round"
            for start, end in pairwise(points):
                where |= to_segment(x, y, start, end) <= float(get["stroke-width"]) / 2
            colour = get["stroke"]
        canvas[where] = [*(int(colour[at : at + 2], 16) for at in (1, 3, 5)), 255]
    return canvas.reshape(size_px, oversampling, size_px, oversampling, 4).mean(axis=(1, 3))


# ---- the tests -------------------------------------------------------------------------------


@pytest.mark.parametrize("state", drawing.STATES)
def test_the_installed_file_is_the_drawing(state):
    assert drawing.svg_files()[drawing.file_name(state)].decode() == drawing.svg(state)


def test_the_program_has_the_icon_that_it_has_while_it_is_on():
    assert drawing.svg_files()["entrain.svg"].decode() == drawing.svg("on")


@pytest.mark.parametrize("size_px", [16, 22, 64])
@pytest.mark.parametrize("state", drawing.STATES)
def test_image_and_file_are_the_same_picture(state, size_px):
    image = pixels(state, size_px)
    image[..., :3] *= image[..., 3:] / 255  # premultiplied: transparent pixels have no colour

    difference = np.abs(image - rendered(drawing.svg(state), size_px))

    assert difference.mean() < 3  # of 255
    assert difference.max() < 90  # at an edge: Pillow's polygons are half a pixel wider


@pytest.mark.parametrize("panel", PANELS)
@pytest.mark.parametrize("state", drawing.STATES)
def test_the_outer_shape_stands_out_on_any_panel(state, panel):
    outer = {shape.colour for shape in drawing.drawing(state)} - {"#ffffff"}

    assert outer
    assert all(contrast(colour, panel) >= 3 for colour in outer)


@pytest.mark.parametrize("state", drawing.STATES)
def test_what_is_white_stands_out_on_what_is_below_it(state):
    below, *above = drawing.drawing(state)
    for shape in above:
        if shape.colour == "#ffffff":
            assert contrast(shape.colour, below.colour) >= 3


@pytest.mark.parametrize("size_px", [16, 22])
def test_any_two_states_differ_in_shape_alone(size_px):
    """Without colours, on either panel, at least a quarter of the drawn pixels differ."""
    for panel in (luminance(panel) for panel in PANELS):
        grey = {}
        for state in drawing.STATES:
            image = pixels(state, size_px)
            cover = image[..., 3] / 255
            is_white = image[..., :3].min(axis=2) > 200
            figure = np.where(is_white, 1.0, 0.2)  # all colours become the same grey
            grey[state] = cover * figure + (1 - cover) * panel
        for one, other in combinations(drawing.STATES, 2):
            drawn = np.mean([np.mean(np.abs(grey[each] - panel) > 0.05) for each in (one, other)])
            differs = np.mean(np.abs(grey[one] - grey[other]) > 0.05)
            assert differs > drawn / 4, (one, other)


@pytest.mark.parametrize("size_px", drawing.SIZES_PX)
@pytest.mark.parametrize("state", drawing.STATES)
def test_an_icon_fills_its_place_and_is_not_cut_off(state, size_px):
    cover = pixels(state, size_px)[..., 3] > 127
    rows, columns = np.flatnonzero(cover.any(axis=1)), np.flatnonzero(cover.any(axis=0))

    assert max(np.ptp(rows), np.ptp(columns)) + 1 >= 0.8 * size_px
    numbers = re.findall(r'(?:points|c[xy])="([^"]+)"', drawing.svg(state))
    places = [float(n) for group in numbers for n in re.split("[ ,]", group)]
    assert min(places) > 0
    assert max(places) < drawing.UNITS
