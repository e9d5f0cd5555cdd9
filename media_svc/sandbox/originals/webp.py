"""Decide whether a WebP holds nothing but pixels.

It may be one chunk of VP8, and each of its partitions must be used up to its end: a decoder ignores what follows the last
macroblock. Bytes inside a partition cannot be ignored, because they are coded arithmetically: each changes what follows.

Lossless files (VP8L) are never clean. Their palettes and code tables may have entries that no pixel uses. Neither are extended
ones, which may hold more than pixels.
"""

from collections.abc import Iterator

import pyvips

_HEADER_BYTES, _CHUNK_BYTES = 12, 8
_FRAME_BYTES = 10
_START_CODE = b"\x9d\x01\x2a"
_HIGHEST_PROFILE = 3
_SIZE_BITS = 14
# Bytes at the end of a partition that may have no effect. Encoders fill up the last ones, and flat areas may hide a change.
_UNSURE, _FILLING = 8, 3
# The check decodes a picture for each partition. A phone's 9:16 photo is within this limit.
_MOST_PIXELS = 4_000_000
_EVEN = 128


def is_clean_webp(content: bytes) -> bool:
    """Return whether a file can be served unchanged."""
    size = int.from_bytes(content[16:20], "little")
    begin = _HEADER_BYTES + _CHUNK_BYTES
    whole = begin + size + size % 2
    is_one_chunk = content[12:16] == b"VP8 " and len(content) == whole == int.from_bytes(content[4:8], "little") + 8
    if not is_one_chunk or any(content[begin + size :]):
        return False
    partitions = _partitions(content[begin : begin + size])
    if partitions is None:
        return False
    pixels = _pixels(content)
    return all(_is_used(content, begin + at, begin + end, pixels) for at, end in partitions)


def _partitions(frame: bytes) -> list[tuple[int, int]] | None:
    """Return where the partitions of a VP8 frame begin and end; None if the frame is not a plain picture."""
    tag = int.from_bytes(frame[:3], "little")
    is_key, profile, is_shown, first_end = not tag & 1, tag >> 1 & 7, tag >> 4 & 1, _FRAME_BYTES + (tag >> 5)
    sides = [int.from_bytes(frame[at : at + 2], "little") for at in (6, 8)]
    is_plain = is_key and is_shown and profile <= _HIGHEST_PROFILE and frame[3:6] == _START_CODE
    # The upper bits of the sides scale the picture. Decoders ignore them.
    if not is_plain or any(side >> _SIZE_BITS for side in sides) or sides[0] * sides[1] > _MOST_PIXELS:
        return None
    count = _count_of(frame[_FRAME_BYTES:first_end])
    at = first_end + 3 * (count - 1)
    found = [(_FRAME_BYTES, first_end)]
    for size in _sizes(frame[first_end:at]):
        found.append((at, at + size))
        at += size
    return [*found, (at, len(frame))] if at <= len(frame) else None


def _sizes(stated: bytes) -> Iterator[int]:
    """Return the sizes of all partitions but the last."""
    return (int.from_bytes(stated[at : at + 3], "little") for at in range(0, len(stated), 3))


def _count_of(first: bytes) -> int:
    """Return how many partitions follow the first one, as its header says (RFC 6386, 9.2 to 9.5)."""
    coded = _BoolDecoder(first)
    coded.number(2)  # color space and clamping
    if coded.number(1):
        _skip_segments(coded)
    coded.number(10)  # the loop filter's type, level and sharpness
    if coded.number(1) and coded.number(1):
        coded.skip_optional(8, bits=7)
    return 1 << coded.number(2)


def _skip_segments(coded: "_BoolDecoder") -> None:
    has_map, has_features = coded.number(1), coded.number(1)
    if has_features:
        coded.number(1)
        coded.skip_optional(4, bits=8)
        coded.skip_optional(4, bits=7)
    if has_map:
        coded.skip_optional(3, bits=8)


def _is_used(content: bytes, begin: int, end: int, pixels: float | None) -> bool:
    """Return whether a change near the end of a partition changes the picture."""
    # Fewer bytes hold no script.
    return end - begin <= _FILLING or any(
        _pixels(content[:at] + bytes((content[at] ^ 0xFF,)) + content[at + 1 :]) != pixels
        for at in range(end - _FILLING - 1, max(begin, end - _UNSURE) - 1, -1)
    )


def _pixels(content: bytes) -> float | None:
    """Return a number that changes with the pixels, nearly always; None if they cannot be decoded."""
    try:
        average: float = pyvips.Image.webpload_buffer(content, access="sequential").avg()
    except pyvips.Error:
        return None
    return average


class _BoolDecoder:
    """Reads numbers whose bits are zeros and ones equally often (RFC 6386, 7.3)."""

    def __init__(self, coded: bytes) -> None:
        self._coded = iter(coded)
        self._value = next(self._coded, 0) << 8 | next(self._coded, 0)
        self._range, self._shifted = 255, 0

    def number(self, bits: int) -> int:
        """Read an unsigned number."""
        value = 0
        for _ in range(bits):
            value = value << 1 | self._bit()
        return value

    def skip_optional(self, count: int, *, bits: int) -> None:
        """Skip some values of so many bits, each behind a bit that says whether it is there."""
        for _ in range(count):
            if self._bit():
                self.number(bits)

    def _bit(self) -> int:
        split = 1 + ((self._range - 1) * _EVEN >> 8)
        bit = int(self._value >= split << 8)
        self._range = self._range - split if bit else split
        self._value -= (split << 8) * bit
        while self._range < _EVEN:
            self._range <<= 1
            self._value <<= 1
            self._shifted += 1
            if self._shifted == 8:  # noqa: PLR2004 - bits of a byte
                self._shifted = 0
                self._value |= next(self._coded, 0)
        return bit
