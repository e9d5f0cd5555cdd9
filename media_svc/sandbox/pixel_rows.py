"""Turn pixels from decoders other than libvips into an image. Runs in the render process only."""

import pyvips

_RGB = 3


def from_rows(rows: memoryview, row_bytes: int, width: int, height: int, bands: int) -> pyvips.Image:
    """Return rows of 8-bit pixels as an image without copying. Padding at the end of each row is dropped."""
    padded = pyvips.Image.new_from_memory(rows, row_bytes, height, 1, "uchar")
    pixels = padded.crop(0, 0, width * bands, height).bandfold(factor=bands)
    return pixels.copy(interpretation="srgb" if bands >= _RGB else "b-w")
