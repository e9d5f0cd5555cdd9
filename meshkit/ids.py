"""Time-ordered 64-bit ids, and the public id of a resource with its owner.

An id is 42 bits of milliseconds since 2024-01-01T00:00:00Z and 22 random bits. It needs no worker numbers,
because it must only be unique per owner: two posts of one author in one millisecond collide once in four million times. Writers
therefore insert a new id only if it is free. Across a whole service, ids of one millisecond are not unique.
Until the year 2093 ids stay below 2**63 and fit the signed 64-bit integers of stores and protos.
"""

import base64
import secrets
import struct
import time
from dataclasses import dataclass
from typing import Self

EPOCH_MS = 1_704_067_200_000
RANDOM_BITS = 22
MAX_ID = 2**63 - 1
PACKED_SIZE = 16
# 16 bytes are 26 characters of base32. Public ids omit the 6 characters of padding.
TEXT_SIZE = 26
_PAIR = struct.Struct(">QQ")


def new_id(now_ms: int | None = None) -> int:
    """Create an id for now, or for `now_ms` (milliseconds since 1970)."""
    return first_id(time.time_ns() // 1_000_000 if now_ms is None else now_ms) | secrets.randbits(RANDOM_BITS)


def first_id(now_ms: int) -> int:
    """Return the lowest id of a moment (milliseconds since 1970), where a scan by time begins."""
    return (now_ms - EPOCH_MS) << RANDOM_BITS


def id_millis(value: int) -> int:
    """Return when an id was created, in milliseconds since 1970."""
    return (value >> RANDOM_BITS) + EPOCH_MS


class MalformedIdError(ValueError):
    """A text is not a public id. Callers should treat it like the id of a missing resource."""


@dataclass(frozen=True, slots=True, order=True)
class PublicId:
    """The id that apps see. It holds the owner's id too, so that a reader knows the partition."""

    local: int
    owner: int

    def pack(self) -> bytes:
        """Return 16 big-endian bytes that sort like the ids."""
        return _PAIR.pack(self.local, self.owner)

    @classmethod
    def unpack(cls, packed: bytes) -> Self:
        """Return the id from 16 bytes of `pack`."""
        return cls(*_PAIR.unpack(packed))

    def __str__(self) -> str:
        """Return 26 characters of lower-case base32."""
        return base64.b32encode(self.pack()).decode()[:TEXT_SIZE].lower()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the id from a text of `str`. Raises MalformedIdError for any other text."""
        try:
            parsed = cls.unpack(base64.b32decode(text.upper() + "======"))
        except (ValueError, struct.error):
            raise MalformedIdError(text) from None
        # Base32 leaves two bits of the last character unused. Only one spelling of an id is valid.
        if str(parsed) != text or max(parsed.local, parsed.owner) > MAX_ID:
            raise MalformedIdError(text)
        return parsed
