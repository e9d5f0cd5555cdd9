"""What may be uploaded, and in which parts."""

from dataclasses import dataclass
from itertools import count

from media_svc.model import MediaKind

PHOTO_TYPES = frozenset({"image/jpeg", "image/png", "image/webp", "image/avif", "image/heic", "image/gif"})
# Common names that are not registered, and the types they mean.
_ALIASES = {"image/jpg": "image/jpeg"}
VIDEO_TYPES = frozenset({"video/mp4", "video/quicktime", "video/webm"})

# The contract allows 50 MB and 4 GB, in decimal megabytes as phones show them.
MAX_PHOTO_BYTES = 50_000_000
MAX_VIDEO_BYTES = 4_000_000_000

# S3 needs at least 5 MiB per part and allows 10,000 parts. With 8 MiB a broken mobile connection loses little, and 4 GB is 477.
PART_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Part:
    """One PUT of an upload: its number, from 1, and its exact size."""

    number: int
    size_bytes: int


def registered_type(content_type: str) -> str:
    """Return a content type under its registered name."""
    return _ALIASES.get(content_type, content_type)


def kind_of(content_type: str) -> MediaKind | None:
    """Return the kind of a content type, or None if it is not supported."""
    if content_type in PHOTO_TYPES:
        return MediaKind.PHOTO
    return MediaKind.VIDEO if content_type in VIDEO_TYPES else None


def size_allowed(kind: MediaKind, size_bytes: int) -> bool:
    """Return whether a file of this size may be uploaded."""
    return 0 < size_bytes <= (MAX_PHOTO_BYTES if kind is MediaKind.PHOTO else MAX_VIDEO_BYTES)


def plan_parts(size_bytes: int) -> tuple[Part, ...]:
    """Split a file into parts of PART_BYTES, in order; only the last is shorter. A single part is a plain PUT."""
    offsets = range(0, size_bytes, PART_BYTES)
    return tuple(
        Part(number, min(PART_BYTES, size_bytes - offset)) for number, offset in zip(count(1), offsets, strict=False)
    )
