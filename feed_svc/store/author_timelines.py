"""Authors' own timelines in Redis: of the form of home timelines."""

from feed_svc.model import Entry, author_of
from feed_svc.store import scripts
from feed_svc.store.script import Script
from meshkit.redis_mux import RedisMux

# How many of an author's newest posts are kept, and how far that may be exceeded between two cuts.
LENGTH, SLACK = 200, 20


class RedisAuthorTimelines:
    """Timelines over the multiplexed connection."""

    def __init__(self, mux: RedisMux) -> None:
        self._mux = mux
        self._push = Script(mux, scripts.PUSH)

    async def push(self, entry: Entry) -> None:
        """Push to a timeline that is there."""
        await self._push(_key(author_of(entry)), entry, LENGTH, SLACK)

    async def remove(self, entry: Entry) -> None:
        """Remove from a timeline."""
        await self._mux.execute("ZREM", _key(author_of(entry)), entry)


def _key(author_id: int) -> str:
    return f"at:{{{author_id}}}"
