"""Media in SQLite: each write is one transaction, including its events."""

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from media_svc.model import Media, MediaState
from media_svc.state_counts import count_state
from media_svc.store.port import shard_of
from media_svc.store.rows import (
    FIELDS,
    SWAP_FIELDS,
    VIDEO_FIELDS,
    fields_of,
    media_of,
    names_of,
    swap_fields_of,
    video_fields_of,
)
from media_svc.store.sqlite_bytes import add_bytes, drop_bytes, used_bytes
from meshkit.events.outbox import OutboxRecord
from meshkit.events.sqlite_outbox import insert_records
from meshkit.idempotency import Claim
from meshkit.idempotency.sqlite_keys import SqliteKeys
from meshkit.ids import PublicId
from meshkit.sqlite import Database

MIGRATIONS = Path(__file__).parent / "migrations"
_COLUMNS = ", ".join(FIELDS)
# Below every id.
_BEFORE_ALL = PublicId(-1, -1)


class SqliteMediaStore:
    """MediaStore over a database with the tables of `MIGRATIONS` and of the outbox."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._keys = SqliteKeys(database, "media_id")

    async def claim_key(self, owner_id: int, key: str, claim: Claim) -> Claim:
        """Bind a key, or return what it is bound to."""
        return await self._keys.claim(owner_id, key, claim)

    async def add_media(self, media: Media, check_minute: int, quota: int | None = None) -> bool:
        """Add a medium with its bytes and its first check, unless its id is taken."""

        def work(connection: sqlite3.Connection) -> bool:
            row = (media.media_id.local, media.media_id.owner, *fields_of(media))
            marks = ", ".join("?" * len(row))
            statement = f"INSERT OR IGNORE INTO media (media_id, owner_id, {_COLUMNS}) VALUES ({marks})"  # noqa: S608 - both are ours
            if not connection.execute(statement, row).rowcount:
                return False
            add_bytes(connection, media, quota)
            _plan(connection, check_minute, media.media_id)
            return True

        return count_state(media, is_written=await self._database.write(work))

    async def used_bytes(self, owner_id: int) -> int:
        """Return the bytes of an owner's media."""
        return await self._database.read(lambda connection: used_bytes(connection, owner_id))

    async def drop_bytes(self, media_id: PublicId) -> None:
        """Stop counting a medium's bytes."""
        await self._database.write(lambda connection: drop_bytes(connection, media_id))

    async def get_media(self, media_ids: Sequence[PublicId]) -> Sequence[Media]:
        """Return the media that exist, in order."""
        query = f"SELECT progress, replaced_names, {_COLUMNS} FROM media WHERE media_id = ? AND owner_id = ?"  # noqa: S608 - the columns are ours

        def work(connection: sqlite3.Connection) -> list[Media]:
            rows = ((each, connection.execute(query, (each.local, each.owner)).fetchone()) for each in media_ids)
            return [_media(each, *row) for each, row in rows if row]

        return await self._database.read(work)

    async def replace_media(self, old: Media, new: Media, records: Sequence[OutboxRecord]) -> bool:
        """Take a medium's next step, with its events."""
        row = fields_of(new)
        columns = ", ".join(f"{name} = ?" for name in FIELDS)
        statement = f"UPDATE media SET {columns} WHERE media_id = ? AND owner_id = ? AND state = ?"  # noqa: S608 - ours

        def work(connection: sqlite3.Connection) -> bool:
            changed = connection.execute(statement, (*row, old.media_id.local, old.media_id.owner, old.state)).rowcount
            if changed:
                insert_records(connection, records)
            return bool(changed)

        return count_state(new, is_written=await self._database.write(work))

    async def grow_video(self, old: Media, new: Media) -> bool:
        """Write a video's new rungs."""
        revision = old.video.revision if old.video else 0
        columns = ", ".join(f"{name} = ?" for name in VIDEO_FIELDS)
        statement = (
            f"UPDATE media SET {columns} WHERE media_id = ? AND owner_id = ? AND state = ? AND video_revision = ?"  # noqa: S608 - ours
        )
        values = (*video_fields_of(new), old.media_id.local, old.media_id.owner, MediaState.READY, revision)
        return await self._database.write(lambda connection: bool(connection.execute(statement, values).rowcount))

    async def swap_renditions(self, old: Media, new: Media, records: Sequence[OutboxRecord]) -> bool:
        """Write better renditions, with their events. Nothing else changes those of a READY photo."""
        columns = ", ".join(f"{name} = ?" for name in SWAP_FIELDS)
        statement = (
            f"UPDATE media SET {columns} WHERE media_id = ? AND owner_id = ? AND state = ? AND replaced_names IS NULL"  # noqa: S608 - ours
        )
        values = (*swap_fields_of(new), old.media_id.local, old.media_id.owner, MediaState.READY)

        def work(connection: sqlite3.Connection) -> bool:
            changed = connection.execute(statement, values).rowcount
            if changed:
                insert_records(connection, records)
            return bool(changed)

        return await self._database.write(work)

    async def set_progress(self, media_id: PublicId, percent: int) -> None:
        """Record a video's progress."""
        statement = "UPDATE media SET progress = ? WHERE media_id = ? AND owner_id = ?"
        await self._database.write(
            lambda connection: connection.execute(statement, (percent, media_id.local, media_id.owner))
        )

    async def add_records(self, records: Sequence[OutboxRecord]) -> None:
        """Write events alone."""
        await self._database.write(lambda connection: insert_records(connection, records))

    async def plan_check(self, minute: int, media_id: PublicId) -> None:
        """Plan a check."""
        await self._database.write(lambda connection: _plan(connection, minute, media_id))

    async def list_checks(self, minute: int, shard: int, after: PublicId | None, limit: int) -> Sequence[PublicId]:
        """Return a bucket's checks above an id."""
        first = after or _BEFORE_ALL
        query = (
            "SELECT media_id, owner_id FROM uploads_by_minute"
            " WHERE minute = ? AND shard = ? AND (media_id, owner_id) > (?, ?) ORDER BY media_id, owner_id LIMIT ?"
        )
        return await self._database.read(
            lambda connection: [
                PublicId(*row) for row in connection.execute(query, (minute, shard, first.local, first.owner, limit))
            ]
        )

    async def checks_done_before(self) -> int:
        """Return the minute before which all checks are done."""
        return await self._database.read(
            lambda connection: int(connection.execute("SELECT done_before FROM uploads_progress").fetchone()[0])
        )

    async def set_checks_done_before(self, minute: int) -> None:
        """Advance that minute."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("UPDATE uploads_progress SET done_before = max(done_before, ?)", (minute,))
            connection.execute("DELETE FROM uploads_by_minute WHERE minute < ?", (minute,))

        await self._database.write(work)


def _media(media_id: PublicId, progress: int, replaced_names: str | None, *fields: Any) -> Media:
    return replace(media_of(media_id, fields), progress=progress, replaced_names=names_of(replaced_names))


def _plan(connection: sqlite3.Connection, minute: int, media_id: PublicId) -> None:
    connection.execute(
        "INSERT OR IGNORE INTO uploads_by_minute (minute, shard, media_id, owner_id) VALUES (?, ?, ?, ?)",
        (minute, shard_of(media_id), media_id.local, media_id.owner),
    )
