"""Whether a picture's file can be served as it is: of nothing but pixels, as our own renditions are.

Judged by the outermost structure with a list of what may be there, so that no place is left for metadata, profiles, comments,
second pictures or anything appended. Whether the pixels can be decoded is found out by decoding them.
"""

import re
from pathlib import Path

_EOI, _SOS, _APP0 = 0xD9, 0xDA, 0xE0
# Tables, the frame of a progressive picture, restart intervals; baseline pictures are made progressive.
_JPEG_PARTS = frozenset({0xDB, 0xC4, 0xC2, 0xDD})
_JFIF_WITHOUT_THUMBNAIL = re.compile(rb"JFIF\x00.{7}\x00\x00", re.DOTALL)
# What ends the pixels of a scan: any marker but a stuffed zero and restarts.
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7]")
# libjpeg writes ten. Each has whoever shows the picture go over all of it.
_MOST_SCANS = 16
_WEBP_HEADER_BYTES = 12
_WEBP_PARTS = frozenset({b"VP8 ", b"VP8L"})


def clean_original(path: Path, content_type: str) -> bytes | None:
    """Return a file's bytes if they may be served as they are, else None: any type but JPEG and WebP is made anew."""
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
    """Return whether there is one chunk of pixels and nothing else. An extended file could hold more, and is made anew."""
    size = int.from_bytes(content[16:20], "little")
    whole = _WEBP_HEADER_BYTES + 8 + size + size % 2
    return content[12:16] in _WEBP_PARTS and len(content) == whole == int.from_bytes(content[4:8], "little") + 8
