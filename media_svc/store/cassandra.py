"""Media in Cassandra. `cassandra_steps.py` implements a medium's steps and their events."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from media_svc.model import Media, MediaKind
from media_svc.state_counts import count_state
from media_svc.store.cassandra_bytes import StoredBytes
from media_svc.store.cassandra_steps import Steps
from media_svc.store.port import shard_of
from media_svc.store.rows import FIELDS, fields_of
from meshkit.cassandra import Cassandra, claim, sure_read, write, write_with_events
from meshkit.events.outbox import OutboxRecord
from meshkit.idempotency import Claim
from meshkit.idempotency.cassandra_keys import CassandraKeys, key_statements
from meshkit.ids import PublicId

MIGRATIONS = Path(__file__).parent / "migrations"
_READ_KEY, _BIND_KEY = key_statements("media_id")
# Below every id.
_BEFORE_ALL = b""
# A lightweight transaction, like all later writes of the row: two uploads of one owner in one millisecond may get the same id,
# and the second must not overwrite the first.
_ADD = claim(
    f"INSERT INTO media (media_id, {', '.join(FIELDS)}) VALUES (?, {', '.join('?' * len(FIELDS))}) IF NOT EXISTS"  # noqa: S608 - ours
)
_PLAN = write("INSERT INTO uploads_by_minute (minute, shard, media_id) VALUES (?, ?, ?)")
_VIDEO_PROGRESS = sure_read("SELECT percent FROM media_progress WHERE media_id = ? LIMIT 1")
_SET_VIDEO_PROGRESS = write("INSERT INTO media_progress (media_id, percent) VALUES (?, ?)")
_CHECKS = sure_read("SELECT media_id FROM uploads_by_minute WHERE minute = ? AND shard = ? AND media_id > ? LIMIT ?")
_PROGRESS = sure_read("SELECT done_before FROM uploads_progress WHERE id = 0 LIMIT 1")
# Its own value is the write time, so that it never moves back, whoever writes last.
_SET_PROGRESS = write("INSERT INTO uploads_progress (id, done_before) VALUES (0, ?) USING TIMESTAMP ?")


class CassandraMediaStore:
    """MediaStore over a keyspace with the tables of `MIGRATIONS` and of the outbox."""

    def __init__(self, cassandra: Cassandra) -> None:
        self._cassandra = cassandra
        self._keys = CassandraKeys(cassandra, _READ_KEY, _BIND_KEY)
        self._steps = Steps(cassandra)
        self._bytes = StoredBytes(cassandra)

    async def claim_key(self, owner_id: int, key: str, claim: Claim) -> Claim:
        """Bind a key, or return what it is bound to."""
        return await self._keys.claim(owner_id, key, claim)

    async def add_media(self, media: Media, check_minute: int, quota: int | None = None) -> bool:
        """Plan a medium's first check, count its bytes, then add it. The check finds bytes without a medium."""
        await self.plan_check(check_minute, media.media_id)
        await self._bytes.add(media, quota)
        rows = await self._cassandra.execute(_ADD, media.media_id.pack(), *fields_of(media))
        return count_state(media, is_written=bool(rows[0][0]))

    async def used_bytes(self, owner_id: int) -> int:
        """Return the bytes of an owner's media."""
        return await self._bytes.used(owner_id)

    async def drop_bytes(self, media_id: PublicId) -> None:
        """Stop counting a medium's bytes."""
        await self._bytes.drop(media_id)

    async def get_media(self, media_ids: Sequence[PublicId]) -> Sequence[Media]:
        """Return the media that exist, in order."""
        found = await asyncio.gather(*(self._get(media_id) for media_id in media_ids))
        return [media for media in found if media is not None]

    async def _get(self, media_id: PublicId) -> Media | None:
        media = await self._steps.read(media_id)
        if media is None or media.kind is not MediaKind.VIDEO or not media.is_unfinished:
            return media
        rows = await self._cassandra.execute(_VIDEO_PROGRESS, media_id.pack())
        return replace(media, progress=int(rows[0][0]) if rows else 0)

    async def replace_media(self, old: Media, new: Media, records: Sequence[OutboxRecord]) -> bool:
        """Take a medium's next step, with its events."""
        return count_state(new, is_written=await self._steps.take(old, new, records))

    async def grow_video(self, old: Media, new: Media) -> bool:
        """Write a video's new rungs."""
        return await self._steps.grow(old, new)

    async def swap_renditions(self, old: Media, new: Media, records: Sequence[OutboxRecord]) -> bool:
        """Write better renditions, with their events."""
        return await self._steps.swap(old, new, records)

    async def set_progress(self, media_id: PublicId, percent: int) -> None:
        """Record a video's progress."""
        await self._cassandra.execute(_SET_VIDEO_PROGRESS, media_id.pack(), percent)

    async def add_records(self, records: Sequence[OutboxRecord]) -> None:
        """Write events alone."""
        if records:
            await write_with_events(self._cassandra, [], records)

    async def plan_check(self, minute: int, media_id: PublicId) -> None:
        """Plan a check."""
        await self._cassandra.execute(_PLAN, minute, shard_of(media_id), media_id.pack())

    async def list_checks(self, minute: int, shard: int, after: PublicId | None, limit: int) -> Sequence[PublicId]:
        """Return a bucket's checks above an id."""
        first = after.pack() if after else _BEFORE_ALL
        rows = await self._cassandra.execute(_CHECKS, minute, shard, first, limit)
        return [PublicId.unpack(row[0]) for row in rows]

    async def checks_done_before(self) -> int:
        """Return the minute before which all checks are done."""
        rows = await self._cassandra.execute(_PROGRESS)
        return int(rows[0][0])

    async def set_checks_done_before(self, minute: int) -> None:
        """Advance that minute. Old plans expire by the table's TTL."""
        await self._cassandra.execute(_SET_PROGRESS, minute, minute)
