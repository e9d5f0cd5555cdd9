"""Home timelines in Redis. Their format is described in `scripts.py`."""

import math
import struct
from collections.abc import Iterator, Sequence
from typing import Any

from feed_svc.model import ENTRY_SIZE, TIMELINE_LENGTH, Cuts, Entry, HomeWindow, LogPosition, Unleased, Window
from feed_svc.store import scripts
from feed_svc.store.builds import BUILD_TTL_SECONDS, new_token, oldest_alive
from feed_svc.store.former_timelines import former_home, remove_former
from feed_svc.store.script import Argument, Script
from meshkit.redis.mux import RedisMux

KEYS = b"timeline:*"
"""A pattern of the keys of home timelines."""

# By how many entries a timeline may exceed its length before it is cut, so that few pushes pay for a cut.
SLACK = 50
# How many timelines one round trip writes: enough to be worth it, and few enough (about 4 ms) not to delay reads.
PUSH_BATCH = 1_000
# A read renews the time to live only once it has shrunk by this share, because each write is replicated.
RENEW_SHARE = 0.1
NO_LIMIT = -1
# How many values a read of a leased timeline returns.
LEASED_SIZE = 2
_LIFE, _SEQ, _CUTS, _PULLED = slice(16, 24), slice(24, 32), slice(40, 64), slice(64, None)
_AUTHOR, _CUTS_FORMAT = struct.Struct(">Q"), struct.Struct(">QQQ")


class RedisTimelines:
    """Home timelines over the multiplexed connection."""

    def __init__(self, mux: RedisMux, *, ttl_seconds: int, length: int = TIMELINE_LENGTH, slack: int = SLACK) -> None:
        self._mux = mux
        self._ttl = ttl_seconds
        self._length = length
        self._slack = slack
        self._read = Script(mux, scripts.READ_HOME)
        self._renew_lease = Script(mux, scripts.RENEW_LEASE)
        self._push = Script(mux, scripts.PUSH)
        self._backfill = Script(mux, scripts.BACKFILL)
        self._pull = Script(mux, scripts.PULL)
        self._integrate = Script(mux, scripts.INTEGRATE)
        self._begin_build = Script(mux, scripts.BEGIN_BUILD)
        self._finish_build = Script(mux, scripts.FINISH_BUILD)
        self._renew_build = Script(mux, scripts.RENEW_BUILD)
        self._abandon_build = Script(mux, scripts.ABANDON_BUILD)
        self._remove_authors = Script(mux, scripts.REMOVE_AUTHORS)

    async def read(self, viewer: int, below: Entry | None, limit: int) -> HomeWindow | None:
        """Read a live timeline. Renew its time to live if it has no lease."""
        renew_below = math.ceil(self._ttl * (1 - RENEW_SHARE))
        keys = (key_of(viewer), lease_key_of(viewer))
        return self._home(await self._read.on(keys, upper_bound(below), limit, renew_below, self._ttl))

    async def whole(self, viewer: int) -> HomeWindow | None:
        """Read a timeline from end to end."""
        keys = (key_of(viewer), lease_key_of(viewer))
        return self._home(await self._read.on(keys, upper_bound(None), NO_LIMIT, 0, 0))

    async def drop(self, viewer: int) -> None:
        """Delete the key."""
        await self._mux.execute("DEL", key_of(viewer))

    async def begin_build(self, viewer: int, position: LogPosition, lowest_seq: int) -> bytes | None:
        """Start a build unless somebody else is building."""
        token = new_token()
        arguments = (
            token,
            oldest_alive(),
            BUILD_TTL_SECONDS,
            _packed(position),
            lowest_seq.to_bytes(8),
            _packed_cuts(Cuts()),
        )
        is_mine = await self._begin_build(key_of(viewer), *arguments)
        if not is_mine:
            return None
        await remove_former(self._mux, [former_home(viewer)])
        return token

    async def finish_build(
        self, viewer: int, token: bytes, window: Window, pulled: Sequence[int], cut: int = 0
    ) -> None:
        """Make a timeline live."""
        authors = [author.to_bytes(8) for author in pulled]
        head: list[Argument] = [token, self._length, window.floor, self._ttl, cut.to_bytes(8), len(authors)]
        await self._finish_build(key_of(viewer), *head, *authors, *window.entries)

    async def renew_build(self, viewer: int, token: bytes) -> bytes:
        """Replace the token of a build."""
        new = new_token()
        await self._renew_build(key_of(viewer), token, new, BUILD_TTL_SECONDS)
        return new

    async def abandon_build(self, viewer: int, token: bytes) -> None:
        """Give up a build."""
        await self._abandon_build(key_of(viewer), token)

    async def push(self, viewers: Sequence[int], entry: Entry) -> None:
        """Push to many timelines per round trip."""
        for keys in _batches(viewers):
            await self._push.for_each(keys, entry, self._length, self._slack)

    async def backfill(self, viewer: int, window: Window) -> None:
        """Add an author's entries."""
        await self._backfill(key_of(viewer), self._length, window.floor, *window.entries)

    async def pull(self, viewer: int, author_id: int) -> None:
        """Add a pulled author."""
        await self._pull(key_of(viewer), author_id.to_bytes(8))

    async def integrate(
        self, viewer: int, known: LogPosition, seq: int, pulled: Sequence[int], pushed: Sequence[int], window: Window
    ) -> None:
        """Bring a timeline up to a change of the log."""
        authors = [author.to_bytes(8) for author in (*pulled, *pushed)]
        head: list[Argument] = [_packed(known), seq.to_bytes(8), self._length, window.floor, len(pulled), len(pushed)]
        await self._integrate(key_of(viewer), *head, *authors, *window.entries)

    async def remove(self, viewers: Sequence[int], entry: Entry) -> None:
        """Remove an entry from many timelines per round trip."""
        for keys in _batches(viewers):
            await self._mux.execute_many([("LREM", key, 1, entry) for key in keys])

    async def remove_authors(self, viewer: int, author_ids: Sequence[int]) -> None:
        """Remove authors' entries, and the authors from the pulled ones."""
        await self._remove_authors(key_of(viewer), *(author.to_bytes(8) for author in author_ids))

    async def renew_lease(self, viewer: int, known: Cuts, new: Cuts, until_ms: int) -> bool:
        """Lease a timeline unless its cuts have changed."""
        keys = (key_of(viewer), lease_key_of(viewer))
        return bool(await self._renew_lease.on(keys, _packed_cuts(known), _packed_cuts(new), until_ms))

    async def check(self) -> None:
        """Ask Redis."""
        await self._mux.execute("PING")

    def _home(self, answer: Sequence[Any]) -> HomeWindow | None:
        """Return what a read found as a window, or None if the timeline is not live."""
        if not answer:
            return None
        marker = answer[1]
        pulled = [author for (author,) in _AUTHOR.iter_unpack(marker[_PULLED])]
        position = LogPosition(marker[_LIFE], int.from_bytes(marker[_SEQ]))
        window = HomeWindow(answer[0], marker[:ENTRY_SIZE], pulled, position)
        return window if len(answer) == LEASED_SIZE else self._unleased(window, marker, answer[2])

    def _unleased(self, window: HomeWindow, marker: bytes, now_ms: int) -> HomeWindow:
        return window._replace(unleased=Unleased(Cuts(*_CUTS_FORMAT.unpack(marker[_CUTS])), now_ms))


def upper_bound(below: bytes | None) -> bytes:
    """Return the upper bound of a read below an entry (None: from the top)."""
    return b"+" if below is None else below


def key_of(viewer: int) -> str:
    """Return the key of a viewer's timeline."""
    return f"timeline:{{{viewer}}}"


def lease_key_of(viewer: int) -> str:
    """Return the key of the lease of a viewer's timeline, in the same slot."""
    return f"ok:{{{viewer}}}"


def viewer_of(key: bytes) -> int:
    """Return the viewer of a key."""
    return int(key[len(KEYS) : -1])  # KEYS is as long as the prefix and its brace


def _batches(viewers: Sequence[int]) -> Iterator[list[str]]:
    for start in range(0, len(viewers), PUSH_BATCH):
        yield [key_of(viewer) for viewer in viewers[start : start + PUSH_BATCH]]


def _packed(position: LogPosition) -> bytes:
    return position.life + position.seq.to_bytes(8)


def _packed_cuts(cuts: Cuts) -> bytes:
    return _CUTS_FORMAT.pack(*cuts)
