"""Ids: 64 bits that order by time, and the public id of a thing that has an owner.

An id is 42 bits of milliseconds since 2024-01-01T00:00:00Z and 22 random bits. It needs no leased worker numbers, because
it must only be unique beside its owner: two posts of one author in one millisecond collide once in four million times. Whoever
writes under a new id writes only if it is free. Among all that a service does in a millisecond ids are not unique.
Ids stay below 2**63 until the year 2093, so that they fit the signed 64-bit integers of stores and protos.
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
# 16 bytes are 26 characters of base32 and 6 of padding, which public ids leave out.
TEXT_SIZE = 26
_PAIR = struct.Struct(">QQ")


def new_id(now_ms: int | None = None) -> int:
    """Make an id of this moment, or of `now_ms` (milliseconds since 1970)."""
    return first_id(time.time_ns() // 1_000_000 if now_ms is None else now_ms) | secrets.randbits(RANDOM_BITS)


def first_id(now_ms: int) -> int:
    """Return the lowest id of a moment in milliseconds since 1970; keyset scans by time begin there."""
    return (now_ms - EPOCH_MS) << RANDOM_BITS


def id_millis(value: int) -> int:
    """Return when an id was made, in milliseconds since 1970."""
    return (value >> RANDOM_BITS) + EPOCH_MS


class MalformedIdError(ValueError):
    """A text is no public id. To a caller that is the same as an id of nothing."""


@dataclass(frozen=True, slots=True, order=True)
class PublicId:
    """What an app sees of a post or a medium: its id and its owner's, so that any reader can go straight to the partition."""

    local: int
    owner: int

    def pack(self) -> bytes:
        """Return 16 bytes, big-endian, that order as the ids do."""
        return _PAIR.pack(self.local, self.owner)

    @classmethod
    def unpack(cls, packed: bytes) -> Self:
        """Return the id of 16 bytes from `pack`."""
        return cls(*_PAIR.unpack(packed))

    def __str__(self) -> str:
        """Return 26 characters of lower-case base32."""
        return base64.b32encode(self.pack()).decode()[:TEXT_SIZE].lower()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the id that a text from `str` names. Raises MalformedIdError for every other text."""
        try:
            parsed = cls.unpack(base64.b32decode(text.upper() + "======"))
        except (ValueError, struct.error):
            raise MalformedIdError(text) from None
        # Base32 leaves two bits of the last character unused: only one spelling of an id is valid.
        if str(parsed) != text or max(parsed.local, parsed.owner) > MAX_ID:
            raise MalformedIdError(text)
        return parsed
