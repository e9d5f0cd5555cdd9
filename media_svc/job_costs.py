"""What jobs cost their owners' turns: thousands of pixels for photos, and those times seconds for films."""

from media_svc.model import Media, MediaKind
from media_svc.sandbox.picture_limits import MAX_PIXELS

# Making the renditions takes about as long as decoding this many pixels.
_RENDITIONS = 4_000
LARGEST_PHOTO = _RENDITIONS + MAX_PIXELS // 1_000
# A photo whose header was read and that went to another queue.
HEADER = 500
# What cameras write: a third of a byte for a pixel, and a byte for a pixel of a second of film.
_PHOTO_PIXELS_PER_BYTE = 3
# A second of work on a film makes the rungs of about this much of it.
_FILM_PER_SECOND = 1_000


def estimated_cost(media: Media) -> int:
    """Estimate the cost of a medium by its size in bytes, until its pixels are known."""
    if media.kind is MediaKind.VIDEO:
        return film_cost_by_size(media)
    return min(LARGEST_PHOTO, _RENDITIONS + media.size_bytes * _PHOTO_PIXELS_PER_BYTE // 1_000)


def film_cost_by_size(media: Media) -> int:
    """Estimate the cost of a film, or of an animated picture."""
    return 1 + media.size_bytes // 1_000


def photo_cost(pixels: int) -> int:
    """Return the cost of a photo."""
    return _RENDITIONS + pixels // 1_000


def film_cost(media: Media, seconds: float) -> int:
    """Return the cost of a processed film. One that was rejected costs the seconds that it took."""
    if not media.duration_ms:
        return 1 + round(seconds * _FILM_PER_SECOND)
    return 1 + media.width * media.height * media.duration_ms // 1_000_000
