"""The bytes of each owner's media in SQLite: one row for each medium, and their sum, changed in one transaction."""

import sqlite3

from media_svc.errors import StorageQuotaError
from media_svc.model import Media
from meshkit.ids import PublicId


def used_bytes(connection: sqlite3.Connection, owner_id: int) -> int:
    """Return the bytes of all media of an owner."""
    row = connection.execute("SELECT used_bytes FROM used_bytes WHERE owner_id = ?", (owner_id,)).fetchone()
    return int(row[0]) if row else 0


def add_bytes(connection: sqlite3.Connection, media: Media, quota: int | None) -> None:
    """Count a new medium. Raises StorageQuotaError if its owner has no room for it."""
    media_id, size = media.media_id, media.size_bytes
    used = used_bytes(connection, media_id.owner)
    if quota is not None and used + size > quota:
        raise StorageQuotaError(size, used, quota)
    connection.execute("INSERT INTO stored_bytes VALUES (?, ?, ?)", (media_id.owner, media_id.local, size))
    connection.execute("INSERT OR REPLACE INTO used_bytes VALUES (?, ?)", (media_id.owner, used + size))


def drop_bytes(connection: sqlite3.Connection, media_id: PublicId) -> None:
    """Stop counting a medium. Repeating it changes nothing."""
    statement = "DELETE FROM stored_bytes WHERE owner_id = ? AND media_id = ? RETURNING size_bytes"
    for (size,) in connection.execute(statement, (media_id.owner, media_id.local)).fetchall():
        connection.execute(
            "UPDATE used_bytes SET used_bytes = used_bytes - ? WHERE owner_id = ?", (size, media_id.owner)
        )
