"""How many pixels a picture may have. Kept light: a sandboxed process starts for each picture."""

import math
from typing import NamedTuple

# The best phones take 50-megapixel pictures; their pixels need 200 MB.
MAX_PIXELS = 50_000_000
# Above this, a picture takes a worker so long that it is rendered apart from others.
LARGE_PIXELS = 25_000_000


class PictureLimits(NamedTuple):
    """What a picture may have by its header: the bytes that its decoder keeps, and its pixels."""

    decoder_bytes: float = math.inf
    pixels: float = math.inf


NO_LIMITS = PictureLimits()
