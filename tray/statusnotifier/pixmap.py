"""Converts PIL images to StatusNotifierItem's format: ARGB32 in network byte order."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

Pixmap = tuple[int, int, bytes]
"""Width and height in pixels; alpha, red, green and blue of each pixel, not premultiplied."""

MAX_SIDE_PIXELS = 256


def pixmaps(images: "Image | Iterable[Image]") -> tuple[Pixmap, ...]:
    """Convert one image, or one image in several sizes, the smallest first.

    An image with more than `MAX_SIDE_PIXELS` on a side is scaled down.  This module does not import
    Pillow; the images bring their own methods.
    """
    several = images if isinstance(images, Iterable) else (images,)
    return tuple(sorted(_pixmap(image) for image in several))


def _pixmap(image: "Image") -> Pixmap:
    if max(image.size) > MAX_SIDE_PIXELS:
        image = image.copy()
        image.thumbnail((MAX_SIDE_PIXELS, MAX_SIDE_PIXELS))
    red, green, blue, alpha = image.convert("RGBA").split()
    argb = bytearray(4 * image.width * image.height)
    for place, band in enumerate((alpha, red, green, blue)):
        argb[place::4] = band.tobytes()
    return image.width, image.height, bytes(argb)
