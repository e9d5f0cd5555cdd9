"""The page tokens of the internal lists. Only our own services see them, so they are not signed."""

import struct
from collections.abc import Sequence

from follow_svc.errors import invalid_page_token

DEFAULT_PAGE_SIZE = 1_000


class PageTokens:
    """Encodes and decodes the tokens of one list. A position is one or more signed 64-bit numbers."""

    def __init__(self, numbers: int) -> None:
        self._format = struct.Struct(f">{numbers}q")

    def encode(self, position: Sequence[int]) -> str:
        """Return the token for a position."""
        return self._format.pack(*position).hex()

    def decode(self, token: str) -> tuple[int, ...]:
        """Return the position. Raises InvalidArgumentError (PAGE_TOKEN_INVALID) for a malformed token."""
        try:
            return self._format.unpack(bytes.fromhex(token))
        except (ValueError, struct.error):
            raise invalid_page_token() from None
