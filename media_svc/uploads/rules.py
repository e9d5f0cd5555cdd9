"""What may be uploaded, and in which parts."""

from dataclasses import dataclass
from itertools import count

from media_svc.model import MediaKind

PHOTO_TYPES = frozenset({"image/jpeg", "image/png", "image/webp", "image/avif", "image/heic"})
VIDEO_TYPES = frozenset({"video/mp4", "video/quicktime", "video/webm"})

# What the contract promises: 50 MB and 4 GB, in the decimal megabytes that phones show.
MAX_PHOTO_BYTES = 50_000_000
MAX_VIDEO_BYTES = 4_000_000_000

# S3 takes parts from 5 MiB on; 8 MiB loses little on a broken mobile connection and cuts 4 GB into 477 of 10,000 parts.
PART_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Part:
    """One PUT of an upload: its number, from 1, and its exact bytes."""

    number: int
    size_bytes: int


def kind_of(content_type: str) -> MediaKind | None:
    """Return what a content type shows, or None for a type that nobody may upload."""
    if content_type in PHOTO_TYPES:
        return MediaKind.PHOTO
    return MediaKind.VIDEO if content_type in VIDEO_TYPES else None


def size_allowed(kind: MediaKind, size_bytes: int) -> bool:
    """Return whether a file of that many bytes may be uploaded."""
    return 0 < size_bytes <= (MAX_PHOTO_BYTES if kind is MediaKind.PHOTO else MAX_VIDEO_BYTES)


def plan_parts(size_bytes: int) -> tuple[Part, ...]:
    """Cut a file into parts of PART_BYTES, in order; only the last is shorter. One part is one plain PUT."""
    offsets = range(0, size_bytes, PART_BYTES)
    return tuple(
        Part(number, min(PART_BYTES, size_bytes - offset)) for number, offset in zip(count(1), offsets, strict=False)
    )
