"""Decide whether a picture's file can be served unchanged, because it holds nothing but pixels.

The outermost structure may hold only listed parts. That leaves no place for metadata, profiles, comments, second pictures
or appended data. Decoding the pixels shows whether they are valid.
"""

import re
from pathlib import Path

_EOI, _SOS, _APP0 = 0xD9, 0xDA, 0xE0
# Tables, the frame of a progressive picture, restart intervals. Baseline pictures are re-encoded as progressive.
_JPEG_PARTS = frozenset({0xDB, 0xC4, 0xC2, 0xDD})
_JFIF_WITHOUT_THUMBNAIL = re.compile(rb"JFIF\x00.{7}\x00\x00", re.DOTALL)
# The end of a scan's pixels: any marker except a stuffed zero and restarts.
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7]")
# libjpeg writes ten. A viewer goes over the whole picture for each.
_MOST_SCANS = 16
_WEBP_HEADER_BYTES = 12
_WEBP_PARTS = frozenset({b"VP8 ", b"VP8L"})


def clean_original(path: Path, content_type: str) -> bytes | None:
    """Return a file's bytes if they can be served unchanged, else None. Only JPEG and WebP can."""
    is_clean = {"image/jpeg": _is_clean_jpeg, "image/webp": _is_clean_webp}.get(content_type)
    if is_clean is None:
        return None
    content = path.read_bytes()
    return content if is_clean(content) else None


def _is_clean_jpeg(content: bytes) -> bool:
    at, scans = 2, 0
    while content[at : at + 1] == b"\xff" and at + 4 <= len(content):
        marker, end = content[at + 1], at + 2 + int.from_bytes(content[at + 2 : at + 4], "big")
        if marker == _SOS:
            following = _NEXT_MARKER.search(content, end)
            scans += 1
            if following is None or scans > _MOST_SCANS:
                return False
            end = following.start()
        elif marker == _APP0:
            if not _JFIF_WITHOUT_THUMBNAIL.fullmatch(content, at + 4, end):
                return False
        elif marker not in _JPEG_PARTS:
            return False
        at = end
    return scans > 0 and content[at:] == bytes((0xFF, _EOI))


def _is_clean_webp(content: bytes) -> bool:
    """Return whether there is exactly one chunk of pixels. Extended files may hold more and are re-encoded."""
    size = int.from_bytes(content[16:20], "little")
    whole = _WEBP_HEADER_BYTES + 8 + size + size % 2
    return content[12:16] in _WEBP_PARTS and len(content) == whole == int.from_bytes(content[4:8], "little") + 8
