"""The cursors of the public lists: each is bound to its viewer, to its list, and to the account whose list it is."""

import struct
from collections.abc import Sequence

from meshkit.cursors import Cursors, invalid_cursor


class ListCursors:
    """Encodes and decodes the cursors of one list, whose positions are some signed 64-bit numbers."""

    def __init__(self, cursors: Cursors, numbers: int) -> None:
        self._cursors = cursors
        self._format = struct.Struct(f">{1 + numbers}q")

    def encode(self, viewer_id: int, owner_id: int, position: Sequence[int]) -> str:
        """Return the cursor of a position in `owner_id`'s list."""
        return self._cursors.encode(viewer_id, self._format.pack(owner_id, *position))

    def decode(self, viewer_id: int, owner_id: int, cursor: str) -> tuple[int, ...]:
        """Return the position. Raises InvalidArgumentError (CURSOR_INVALID) for a cursor of anything else."""
        packed = self._cursors.decode(viewer_id, cursor)
        if len(packed) != self._format.size:
            raise invalid_cursor()
        owner, *position = self._format.unpack(packed)
        if owner != owner_id:
            raise invalid_cursor()
        return tuple(position)
