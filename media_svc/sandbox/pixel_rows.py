"""From what other decoders than libvips' leave in memory to an image. Runs in the render process only."""

import pyvips

_RGB = 3


def from_rows(rows: memoryview, row_bytes: int, width: int, height: int, bands: int) -> pyvips.Image:
    """Return rows of pixels, 8 bits a band, as an image. What stands in a row behind them is left out; nothing is copied."""
    padded = pyvips.Image.new_from_memory(rows, row_bytes, height, 1, "uchar")
    pixels = padded.crop(0, 0, width * bands, height).bandfold(factor=bands)
    return pixels.copy(interpretation="srgb" if bands >= _RGB else "b-w")
