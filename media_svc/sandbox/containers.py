"""Check that a film's file is complete by its outermost structure, before any library reads it.

MP4 and QuickTime are a sequence of boxes, WebM is a header and one segment; each states its length. A file that ends inside
one was cut off, and one that continues with something else has data appended. The check needs only a few reads, however
large the file is.
"""

from pathlib import Path
from typing import BinaryIO

from media_svc.model import FailureReason, MediaRejectedError

# The one demuxer of libav that reads each type.
DEMUXERS = {"video/mp4": "mov", "video/quicktime": "mov", "video/webm": "matroska"}
# Never follow references to other files. That is the demuxer's default, stated explicitly.
DEMUXER_OPTIONS = {"mov": {"enable_drefs": "0", "use_absolute_path": "0"}, "matroska": dict[str, str]()}

_BOX_HEADER, _LARGE_HEADER = 8, 16
# A fragmented film of ten minutes has about a thousand.
MAX_BOXES = 100_000
_EBML_ID_BYTES = 4
_SEGMENT_ID = b"\x18\x53\x80\x67"
_MAX_LENGTH_BYTES = 8


def require_complete(path: Path, content_type: str) -> None:
    """Return if a file of this type is complete. Raises MediaRejectedError (MEDIA_CORRUPT)."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        is_whole = _is_complete_webm(file, size) if content_type == "video/webm" else _is_complete_mp4(file, size)
    if not is_whole:
        raise MediaRejectedError(FailureReason.MEDIA_CORRUPT, "The file is cut off, or has other data appended.")


def _is_complete_mp4(file: BinaryIO, size: int) -> bool:
    at = 0
    names: set[bytes] = set()
    for _ in range(MAX_BOXES):
        if at == size:
            return b"moov" in names
        file.seek(at)
        header = file.read(_LARGE_HEADER)
        length, name = int.from_bytes(header[:4], "big"), header[4:_BOX_HEADER]
        if length == 0 and at:  # the last box may reach to the end of the file; some cameras pad it with zeros
            length = size - at
        elif length == 1:
            length = int.from_bytes(header[_BOX_HEADER:_LARGE_HEADER], "big")
        if length < _BOX_HEADER or at + length > size:
            return False
        names.add(name)
        at += length
    return False


def _is_complete_webm(file: BinaryIO, size: int) -> bool:
    """Check the header and the segment. A segment of unknown length, as browsers record it, ends with the file."""
    file.seek(_EBML_ID_BYTES)
    header_length = _read_length(file)
    if header_length is None:
        return False
    file.seek(header_length, 1)
    if file.read(len(_SEGMENT_ID)) != _SEGMENT_ID:
        return False
    begins = file.tell()
    length = _read_length(file)
    if length is None:
        return file.tell() > begins and file.tell() < size
    return file.tell() + length == size


def _read_length(file: BinaryIO) -> int | None:
    """Return a length of one to eight bytes, or None if it is unknown. Leading zero bits give the number of bytes."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    extra = _MAX_LENGTH_BYTES - first[0].bit_length()
    bits = 7 * (extra + 1)
    value = int.from_bytes(first + file.read(extra), "big") & ((1 << bits) - 1)
    return None if value == (1 << bits) - 1 else value
