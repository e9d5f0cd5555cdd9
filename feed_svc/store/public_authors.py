"""Public authors in Redis, kept for longer than their cards."""

import time
from collections.abc import Callable, Collection

from feed_svc.store.script import Script
from meshkit.redis.mux import RedisMux

# Longer than follow_svc should ever be away. A card that is made renews it.
KEEP_SECONDS = 24 * 60 * 60
# A process renews an author no more often than this. If Redis loses an author, it may be so long until it is remembered again.
RENEW_SECONDS = 600
# The most authors that a process knows to be renewed, about 10 MB.
MAX_RENEWED = 100_000
# Longer than a reader can take between asking follow_svc and remembering its answer.
CHANGED_SECONDS = 600
_PUBLIC = b"p"
_CHANGED = b""
_ADD = """
if redis.call('GET', KEYS[1]) == '' then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1
"""


class RedisPublicAuthors:
    """One string for each author; an empty one keeps readers from remembering what follow_svc said before a change."""

    def __init__(self, mux: RedisMux, now: Callable[[], float] = time.monotonic) -> None:
        self._mux = mux
        self._now = now
        self._renewed: dict[int, float] = {}
        self._add = Script(mux, _ADD)

    async def among(self, authors: Collection[int]) -> set[int]:
        """Read all in one round trip."""
        found = await self._mux.get_many([_key(author).encode() for author in authors])
        return {author for author, value in zip(authors, found, strict=True) if value == _PUBLIC}

    async def add(self, authors: Collection[int]) -> None:
        """Put all that this process has not put lately, in one round trip."""
        now = self._now()
        due = [author for author in authors if now - self._renewed.get(author, float("-inf")) >= RENEW_SECONDS]
        if not due:
            return
        added = await self._add.many([(_key(author), (_PUBLIC, KEEP_SECONDS)) for author in due])
        if len(self._renewed) + len(due) > MAX_RENEWED:
            self._renewed.clear()
        self._renewed.update({author: now for author, is_added in zip(due, added, strict=True) if is_added})

    async def forget(self, authors: Collection[int]) -> None:
        """Put empty strings."""
        for author in authors:
            self._renewed.pop(author, None)
        await self._mux.execute_many([("SET", _key(author), _CHANGED, "EX", CHANGED_SECONDS) for author in authors])


def _key(author: int) -> str:
    return f"public:{{{author}}}"
