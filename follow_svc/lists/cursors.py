"""The cursors of the public lists. Each is bound to its viewer, its list and the list's owner."""

import struct
from collections.abc import Sequence

from meshkit.cursors import Cursors, invalid_cursor


class ListCursors:
    """Encodes and decodes the cursors of one list. A position is one or more signed 64-bit numbers."""

    def __init__(self, cursors: Cursors, numbers: int) -> None:
        self._cursors = cursors
        self._format = struct.Struct(f">{1 + numbers}q")

    def encode(self, viewer_id: int, owner_id: int, position: Sequence[int]) -> str:
        """Return the cursor for a position in `owner_id`'s list."""
        return self._cursors.encode(viewer_id, self._format.pack(owner_id, *position))

    def decode(self, viewer_id: int, owner_id: int, cursor: str) -> tuple[int, ...]:
        """Return the position. Raises InvalidArgumentError (CURSOR_INVALID) if the cursor is not of this list."""
        packed = self._cursors.decode(viewer_id, cursor)
        if len(packed) != self._format.size:
            raise invalid_cursor()
        owner, *position = self._format.unpack(packed)
        if owner != owner_id:
            raise invalid_cursor()
        return tuple(position)
