"""Decide whether a JPEG holds nothing but pixels.

It may hold only listed segments, and only the tables that its scans use. That leaves no place for metadata, profiles,
comments, second pictures, scripts or appended data. Decoding the pixels shows whether they are valid.
"""

import re
from collections.abc import Callable

import pyvips

_EOI, _SOS, _APP0, _SOF2, _DQT, _DHT, _DRI = 0xD9, 0xDA, 0xE0, 0xC2, 0xDB, 0xC4, 0xDD
_JFIF_WITHOUT_THUMBNAIL = re.compile(rb"JFIF\x00.{7}\x00\x00", re.DOTALL)
# The end of a scan's pixels: any marker except a stuffed zero and restarts.
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7]")
# libjpeg writes ten. A viewer goes over the whole picture for each.
_MOST_SCANS = 16
_INTERVAL_BYTES, _FRAME_BYTES = 2, 6
_CODE_LENGTHS = 16
# The largest symbols in the tables of 8-bit pictures: bits of a DC difference, and the lower half byte of an AC symbol.
_MOST_DC_BITS, _MOST_AC_BITS = 11, 10


def is_clean_jpeg(content: bytes) -> bool:
    """Return whether a file can be served unchanged."""
    jpeg = _Jpeg()
    return jpeg.reads(content) and jpeg.has_used_all() and _decodes_without_warning(content)


def _decodes_without_warning(content: bytes) -> bool:
    """Return whether the decoder needs every byte: it warns about some that it skips before the end of a scan."""
    try:
        pyvips.Image.jpegload_buffer(content, access="sequential", fail_on="warning").avg()
    except pyvips.Error:
        return False
    return True


class _Jpeg:
    """Reads the segments of a progressive JPEG, and notes which of its tables are used. Baseline ones are not kept."""

    def __init__(self) -> None:
        self._quantizers: set[int] = set()
        self._components: dict[int, int] = {}
        # Huffman tables by class (0: DC, 1: AC) and number, and whether a scan has used them.
        self._huffman: dict[tuple[int, int], bool] = {}
        self._scans = 0

    def has_used_all(self) -> bool:
        """Return whether every table is used."""
        return self._quantizers == set(self._components.values()) and all(self._huffman.values())

    def reads(self, content: bytes) -> bool:
        """Return whether the file consists of known segments without extra bytes."""
        at = 2
        while content[at : at + 1] == b"\xff" and at + 4 <= len(content):
            marker, end = content[at + 1], at + 2 + int.from_bytes(content[at + 2 : at + 4], "big")
            if not self._takes(marker, content[at + 4 : end]):
                return False
            if marker == _SOS:
                following = _NEXT_MARKER.search(content, end)
                end = following.start() if following else len(content)
            at = end
        return self._scans > 0 and content[at:] == bytes((0xFF, _EOI))

    def _takes(self, marker: int, data: bytes) -> bool:
        takers: dict[int, Callable[[bytes], bool]] = {
            _DQT: self._takes_quantizers,
            _DHT: self._takes_huffman,
            _SOF2: self._takes_frame,
            _SOS: self._takes_scan,
            _DRI: lambda data: len(data) == _INTERVAL_BYTES,
            _APP0: lambda data: bool(_JFIF_WITHOUT_THUMBNAIL.fullmatch(data)),
        }
        return marker in takers and takers[marker](data)

    def _takes_quantizers(self, data: bytes) -> bool:
        while data:
            precision, number = divmod(data[0], 16)
            size = 1 + 64 * (precision + 1)
            if precision > 1 or number in self._quantizers or len(data) < size:
                return False
            self._quantizers.add(number)
            data = data[size:]
        return True

    def _takes_huffman(self, data: bytes) -> bool:
        while data:
            key = divmod(data[0], 16)
            size = 1 + _CODE_LENGTHS + sum(data[1 : 1 + _CODE_LENGTHS])
            symbols = data[1 + _CODE_LENGTHS : size]
            is_replaced_unused = not self._huffman.get(key, True)
            if is_replaced_unused or len(data) < size or not _are_symbols(symbols, is_dc=key[0] == 0):
                return False
            self._huffman[key] = False
            data = data[size:]
        return True

    def _takes_frame(self, data: bytes) -> bool:
        """Take the frame: precision, height, width, and identity, sampling and quantizer of each component."""
        if self._components or len(data) < _FRAME_BYTES or len(data) != _FRAME_BYTES + 3 * data[5]:
            return False
        self._components = {data[at]: data[at + 2] for at in range(_FRAME_BYTES, len(data), 3)}
        return len(self._components) == data[5] and data[5] in {1, 3}

    def _takes_scan(self, data: bytes) -> bool:
        """Take a scan: identity and tables of each component, and which coefficients and bits it refines."""
        self._scans += 1
        if not data or len(data) != 4 + 2 * data[0] or self._scans > _MOST_SCANS:
            return False
        first, refined = data[-3], data[-1] >> 4
        for at in range(1, len(data) - 3, 2):
            dc, ac = divmod(data[at + 1], 16)
            if first == 0 and not refined:
                self._huffman[0, dc] = True
            if first > 0:
                self._huffman[1, ac] = True
        return True


def _are_symbols(symbols: bytes, *, is_dc: bool) -> bool:
    """Return whether the symbols of a Huffman table can occur in a picture, each once."""
    are_small = all(each <= _MOST_DC_BITS if is_dc else each % 16 <= _MOST_AC_BITS for each in symbols)
    return are_small and len(set(symbols)) == len(symbols)
