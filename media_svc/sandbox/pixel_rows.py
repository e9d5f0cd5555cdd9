"""Turn pixels from decoders other than libvips into an image. Runs in the render process only."""

import pyvips

_RGB = 3
# By whether there are colours, and 16 bits.
_INTERPRETATIONS = {(True, False): "srgb", (True, True): "rgb16", (False, False): "b-w", (False, True): "grey16"}


def from_rows(
    rows: memoryview, row_bytes: int, width: int, height: int, bands: int, *, is_deep: bool = False
) -> pyvips.Image:
    """Return rows of pixels as an image without copying: 8 bits a band, or 16. Padding at the end of each row is dropped."""
    depth, kind = (2, "ushort") if is_deep else (1, "uchar")
    padded = pyvips.Image.new_from_memory(rows, row_bytes // depth, height, 1, kind)
    pixels = padded.crop(0, 0, width * bands, height).bandfold(factor=bands)
    return pixels.copy(interpretation=_INTERPRETATIONS[bands >= _RGB, is_deep])
