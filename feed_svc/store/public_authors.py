"""Public authors in Redis, kept for longer than their cards."""

from collections.abc import Collection

from feed_svc.store.script import Script
from meshkit.redis.mux import RedisMux

# Longer than follow_svc should ever be away. Each card that is made renews it.
KEEP_SECONDS = 24 * 60 * 60
# Longer than a reader can take between asking follow_svc and remembering its answer.
CHANGED_SECONDS = 600
_PUBLIC = b"p"
_CHANGED = b""
_ADD = "if redis.call('GET', KEYS[1]) ~= '' then redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2]) end"


class RedisPublicAuthors:
    """One string for each author; an empty one keeps readers from remembering what follow_svc said before a change."""

    def __init__(self, mux: RedisMux) -> None:
        self._mux = mux
        self._add = Script(mux, _ADD)

    async def among(self, authors: Collection[int]) -> set[int]:
        """Read all in one round trip."""
        found = await self._mux.get_many([_key(author).encode() for author in authors])
        return {author for author, value in zip(authors, found, strict=True) if value == _PUBLIC}

    async def add(self, authors: Collection[int]) -> None:
        """Put all in one round trip."""
        await self._add.many([(_key(author), (_PUBLIC, KEEP_SECONDS)) for author in authors])

    async def forget(self, authors: Collection[int]) -> None:
        """Put empty strings."""
        await self._mux.execute_many([("SET", _key(author), _CHANGED, "EX", CHANGED_SECONDS) for author in authors])


def _key(author: int) -> str:
    return f"public:{{{author}}}"
