"""Guess a file's content type."""

import mimetypes
import os

HEAD_BYTES = 4096
UNKNOWN = "application/octet-stream"
# How files of the types that lensfeed takes begin: at which byte, and with what.
_BEGINNINGS = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (8, b"WEBP", "image/webp"),
    (0, b"\x1a\x45\xdf\xa3", "video/webm"),
)
# Files of boxes say in their first box what they are, from the general to the particular.
_BRANDS = {
    **dict.fromkeys((b"avif", b"avis"), "image/avif"),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis"), "image/heic"),
    **dict.fromkeys((b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1"), "video/mp4"),
    b"qt  ": "video/quicktime",
}


def guess_type(head: bytes, name: str | os.PathLike[str] = "") -> str:
    """Return a file's type by its first HEAD_BYTES, else by its name, else UNKNOWN.

    The bytes come first because the server judges by them too.
    """
    return _by_beginning(head) or _by_brand(head) or mimetypes.guess_type(os.fspath(name))[0] or UNKNOWN


def _by_beginning(head: bytes) -> str | None:
    return next((found for at, magic, found in _BEGINNINGS if head.startswith(magic, at)), None)


def _by_brand(head: bytes) -> str | None:
    """Return the type that the major brand of a box file names, or else the first brand that names one."""
    if head[4:8] != b"ftyp":
        return None
    end = min(int.from_bytes(head[:4], "big"), len(head))
    brands = (head[8:12], *(head[at : at + 4] for at in range(16, end, 4)))
    return next((_BRANDS[brand] for brand in brands if brand in _BRANDS), None)
