"""Followees in Redis, kept for walks of pages below the cached timeline."""

import struct
from collections.abc import Sequence

from meshkit.redis.mux import RedisMux

KEEP_SECONDS = 60
# Longer than a reader can take between reading the graph and keeping what it read.
CHANGED_SECONDS = 30
_CHANGED = b""


class RedisFollowees:
    """One string for each viewer; an empty one says that followees are changing, and keeps readers from storing old ones."""

    def __init__(self, mux: RedisMux) -> None:
        self._mux = mux

    async def get(self, viewer: int) -> list[int] | None:
        """Read followees."""
        [packed] = await self._mux.get_many([_key(viewer)])
        return list(struct.unpack(f">{(len(packed) - 1) // 8}Q", packed[1:])) if packed else None

    async def put(self, viewer: int, followees: Sequence[int]) -> None:
        """Keep followees. With NX, because an existing value is newer."""
        packed = b"f" + struct.pack(f">{len(followees)}Q", *followees)
        await self._mux.execute("SET", _key(viewer), packed, "EX", KEEP_SECONDS, "NX")

    async def forget(self, viewer: int) -> None:
        """Put the empty string."""
        await self._mux.execute("SET", _key(viewer), _CHANGED, "EX", CHANGED_SECONDS)


def _key(viewer: int) -> bytes:
    return f"followees:{{{viewer}}}".encode()
