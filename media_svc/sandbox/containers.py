"""Whether a film's file is there in full, by its outermost structure alone, before any library reads it.

MP4 and QuickTime are a row of boxes, WebM is one segment behind a header; each tells its length. A file that ends before one
of them does was cut, and one that goes on with what is no box has something else appended. This takes a few reads, however
large the file is.
"""

from pathlib import Path
from typing import BinaryIO

from media_svc.model import FailureReason, MediaRejectedError

# The one demuxer of libav that reads each type.
DEMUXERS = {"video/mp4": "mov", "video/quicktime": "mov", "video/webm": "matroska"}
# References to other files are not followed, which is the demuxer's default, and said here all the same.
DEMUXER_OPTIONS = {"mov": {"enable_drefs": "0", "use_absolute_path": "0"}, "matroska": dict[str, str]()}

_BOX_HEADER, _LARGE_HEADER = 8, 16
# A fragmented film of ten minutes has some thousand.
MAX_BOXES = 100_000
_EBML_ID_BYTES = 4
_SEGMENT_ID = b"\x18\x53\x80\x67"
_MAX_LENGTH_BYTES = 8


def require_whole(path: Path, content_type: str) -> None:
    """Return if a file of that type is there in full. Raises MediaRejectedError (MEDIA_CORRUPT)."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        is_whole = _is_whole_webm(file, size) if content_type == "video/webm" else _is_whole_mp4(file, size)
    if not is_whole:
        raise MediaRejectedError(FailureReason.MEDIA_CORRUPT, "The file is cut, or has something else appended.")


def _is_whole_mp4(file: BinaryIO, size: int) -> bool:
    at = 0
    names: set[bytes] = set()
    for _ in range(MAX_BOXES):
        if at == size:
            return b"moov" in names
        file.seek(at)
        header = file.read(_LARGE_HEADER)
        length, name = int.from_bytes(header[:4], "big"), header[4:_BOX_HEADER]
        if length == 0 and at:  # the last box may end with the file; some cameras end it with zeros
            length = size - at
        elif length == 1:
            length = int.from_bytes(header[_BOX_HEADER:_LARGE_HEADER], "big")
        if length < _BOX_HEADER or at + length > size:
            return False
        names.add(name)
        at += length
    return False


def _is_whole_webm(file: BinaryIO, size: int) -> bool:
    """Look at the header and the segment. One of unknown length is what browsers record, and ends with the file."""
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
    """Return a length of one to eight bytes, the number of leading zeros telling how many; None where it is not known."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    extra = _MAX_LENGTH_BYTES - first[0].bit_length()
    bits = 7 * (extra + 1)
    value = int.from_bytes(first + file.read(extra), "big") & ((1 << bits) - 1)
    return None if value == (1 << bits) - 1 else value
