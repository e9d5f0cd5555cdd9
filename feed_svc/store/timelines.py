"""Home timelines in Redis. Their format is described in `scripts.py`."""

import math
from collections.abc import Iterator, Sequence

from redis.asyncio import Redis

from feed_svc.model import ENTRY_SIZE, TIMELINE_LENGTH, Entry, HomeWindow, LogPosition, Window
from feed_svc.store import scripts
from feed_svc.store.builds import BUILD_TTL_SECONDS, new_token, oldest_alive
from feed_svc.store.script import Argument, Script
from meshkit.redis.mux import RedisMux

# By how many entries a timeline may exceed its length before it is cut. Both together, with some pulled authors, stay below the
# listpack limit of 1,024.
SLACK = 50
# How many timelines one round trip writes: enough to be worth it, and few enough (about 15 ms) not to delay reads.
PUSH_BATCH = 1_000
# A read renews the time to live only once it has shrunk by this share, because each write is replicated.
RENEW_SHARE = 0.1
NO_LIMIT = -1
LIVE_MARKER_SIZE = 41
_FLOOR, _LIFE, _SEQ = slice(9, 9 + ENTRY_SIZE), slice(25, 33), slice(33, 41)


class RedisTimelines:
    """Home timelines over the multiplexed connection. Pushes to a single server use redis-py, as they keep it busy."""

    def __init__(
        self,
        mux: RedisMux,
        redis: "Redis",
        *,
        ttl_seconds: int,
        length: int = TIMELINE_LENGTH,
        slack: int = SLACK,
    ) -> None:
        self._mux = mux
        self._redis = redis
        self._ttl = ttl_seconds
        self._length = length
        self._slack = slack
        self._read = Script(mux, scripts.READ)
        self._push = redis.register_script(scripts.PUSH)
        self._push_one = Script(mux, scripts.PUSH)
        self._backfill = Script(mux, scripts.BACKFILL)
        self._pull = Script(mux, scripts.PULL)
        self._integrate = Script(mux, scripts.INTEGRATE)
        self._begin_build = Script(mux, scripts.BEGIN_BUILD)
        self._finish_build = Script(mux, scripts.FINISH_BUILD)
        self._renew_build = Script(mux, scripts.RENEW_BUILD)
        self._abandon_build = Script(mux, scripts.ABANDON_BUILD)
        self._remove_author = Script(mux, scripts.REMOVE_AUTHOR)

    async def read(self, viewer: int, below: Entry | None, limit: int) -> HomeWindow | None:
        """Read a live timeline and renew its time to live."""
        renew_below = math.ceil(self._ttl * (1 - RENEW_SHARE))
        return _home(*await self._read(_key(viewer), upper_bound(below), limit, renew_below, self._ttl))

    async def whole(self, viewer: int) -> HomeWindow | None:
        """Read a timeline from end to end."""
        return _home(*await self._read(_key(viewer), upper_bound(None), NO_LIMIT, 0, 0))

    async def drop(self, viewer: int) -> None:
        """Delete the key."""
        await self._mux.execute("DEL", _key(viewer))

    async def begin_build(self, viewer: int, position: LogPosition, lowest_seq: int) -> bytes | None:
        """Start a build unless somebody else is building."""
        token = new_token()
        is_mine = await self._begin_build(
            _key(viewer), token, oldest_alive(), BUILD_TTL_SECONDS, _packed(position), lowest_seq.to_bytes(8)
        )
        return token if is_mine else None

    async def finish_build(self, viewer: int, token: bytes, window: Window, pulled: Sequence[int]) -> None:
        """Make a timeline live."""
        authors = [author.to_bytes(8) for author in pulled]
        await self._finish_build(
            _key(viewer), token, self._length, window.floor, self._ttl, len(authors), *authors, *window.entries
        )

    async def renew_build(self, viewer: int, token: bytes) -> bytes:
        """Replace the token of a build."""
        new = new_token()
        await self._renew_build(_key(viewer), token, new, BUILD_TTL_SECONDS)
        return new

    async def abandon_build(self, viewer: int, token: bytes) -> None:
        """Give up a build."""
        await self._abandon_build(_key(viewer), token)

    async def push(self, viewers: Sequence[int], entry: Entry) -> None:
        """Push to timelines: many per script call, or in a cluster, where each has its own slot, per round trip."""
        for keys in _batches(viewers):
            if self._mux.is_cluster:
                await self._push_one.many([(key, (entry, self._length, self._slack)) for key in keys])
            else:
                await self._push(keys=keys, args=[entry, self._length, self._slack])

    async def backfill(self, viewer: int, window: Window) -> None:
        """Add an author's entries."""
        await self._backfill(_key(viewer), self._length, window.floor, *window.entries)

    async def pull(self, viewer: int, author_id: int) -> None:
        """Add a pulled author."""
        await self._pull(_key(viewer), author_id.to_bytes(8))

    async def integrate(
        self, viewer: int, known: LogPosition, seq: int, pulled: Sequence[int], pushed: Sequence[int], window: Window
    ) -> None:
        """Bring a timeline up to a change of the log."""
        authors = [author.to_bytes(8) for author in (*pulled, *pushed)]
        head: list[Argument] = [_packed(known), seq.to_bytes(8), self._length, window.floor, len(pulled), len(pushed)]
        await self._integrate(_key(viewer), *head, *authors, *window.entries)

    async def remove(self, viewers: Sequence[int], entry: Entry) -> None:
        """Remove an entry from many timelines per round trip."""
        for keys in _batches(viewers):
            await self._mux.execute_many([("ZREM", key, entry) for key in keys])

    async def remove_author(self, viewer: int, author_id: int) -> None:
        """Remove an author's entries, and the author from the pulled ones."""
        await self._remove_author(_key(viewer), author_id.to_bytes(8))

    async def check(self) -> None:
        """Ask Redis."""
        await self._mux.execute("PING")


def upper_bound(below: Entry | None) -> bytes:
    """Return the upper bound of a read below an entry (None: from the top)."""
    return b"+" if below is None else b"(" + below


def _batches(viewers: Sequence[int]) -> Iterator[list[str]]:
    for start in range(0, len(viewers), PUSH_BATCH):
        yield [_key(viewer) for viewer in viewers[start : start + PUSH_BATCH]]


def _home(entries: list[Entry], heads: list[bytes]) -> HomeWindow | None:
    """Return a timeline's members as a window, or None if it is not live."""
    if not heads or len(heads[0]) != LIVE_MARKER_SIZE:
        return None
    marker = heads[0]
    pulled = [int.from_bytes(head[9:]) for head in heads[1:]]
    return HomeWindow(entries, marker[_FLOOR], pulled, LogPosition(marker[_LIFE], int.from_bytes(marker[_SEQ])))


def _packed(position: LogPosition) -> bytes:
    return position.life + position.seq.to_bytes(8)


def _key(viewer: int) -> str:
    return f"tl:{{{viewer}}}"
