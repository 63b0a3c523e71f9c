"""Images in the format of the bus."""

from PIL import Image

from entrain.tray.statusnotifier.pixmap import MAX_SIDE_PIXELS, pixmaps


def test_bytes_are_alpha_red_green_blue_row_by_row():
    image = Image.new("RGBA", (2, 1))
    image.putdata([(1, 2, 3, 4), (5, 6, 7, 8)])
    assert pixmaps(image) == ((2, 1, bytes([4, 1, 2, 3, 8, 5, 6, 7])),)


def test_an_image_without_alpha_is_opaque():
    assert pixmaps(Image.new("L", (1, 1), 9)) == ((1, 1, bytes([255, 9, 9, 9])),)


def test_several_sizes_are_sent_the_smallest_first():
    images = [Image.new("RGBA", (side, side)) for side in (48, 16, 22)]
    assert [width for width, _, _ in pixmaps(images)] == [16, 22, 48]


def test_a_huge_image_is_scaled_down_and_stays_as_it_was():
    image = Image.new("RGBA", (1024, 512))
    ((width, height, data),) = pixmaps(image)

    assert (width, height) == (MAX_SIDE_PIXELS, MAX_SIDE_PIXELS // 2)
    assert len(data) == 4 * width * height
    assert image.size == (1024, 512)
