"""The bytes of each owner's media in Cassandra: one row for each medium, and their sum.

Both are in the owner's partition, so that one lightweight transaction changes them together. The sum is therefore exact after
lost answers, repeats and crashes, and nobody has to count again. A sum over the rows, read for each upload, would cost more the
more an owner has, and two uploads at once could both pass the quota.
"""

from media_svc.errors import StorageQuotaError
from media_svc.model import Media
from meshkit.cassandra import Cassandra, Step, UnknownOutcomeError, claim, serial_read, sure_read
from meshkit.errors import UnavailableError
from meshkit.ids import PublicId

# An owner starts few uploads at once. More conflicts than this mean a cluster that confirms nothing.
MAX_TRIES = 16
_USED = sure_read("SELECT used_bytes FROM stored_bytes WHERE owner_id = ? LIMIT 1")
_USED_NOW = serial_read("SELECT used_bytes FROM stored_bytes WHERE owner_id = ? LIMIT 1")
_SIZE_NOW = serial_read("SELECT size_bytes FROM stored_bytes WHERE owner_id = ? AND media_id = ? LIMIT 1")
_SET_USED = claim("UPDATE stored_bytes SET used_bytes = ? WHERE owner_id = ? IF used_bytes = ?")
_ADD = claim("INSERT INTO stored_bytes (owner_id, media_id, size_bytes) VALUES (?, ?, ?) IF NOT EXISTS")
_DROP = claim("DELETE FROM stored_bytes WHERE owner_id = ? AND media_id = ? IF EXISTS")


class StoredBytes:
    """Counts the bytes of media."""

    def __init__(self, cassandra: Cassandra) -> None:
        self._cassandra = cassandra

    async def used(self, owner_id: int) -> int:
        """Return the bytes of all media of an owner."""
        rows = await self._cassandra.execute(_USED, owner_id)
        return (rows[0][0] or 0) if rows else 0

    async def add(self, media: Media, quota: int | None) -> None:
        """Count a medium, once. Raises StorageQuotaError if the owner has no room for it."""
        owner, key, size = media.media_id.owner, media.media_id.pack(), media.size_bytes
        used: int | None = await self.used(owner) or None
        for _ in range(MAX_TRIES):
            total = (used or 0) + size
            is_over = quota is not None and total > quota
            if not is_over and await self._claimed((_SET_USED, (total, owner, used)), (_ADD, (owner, key, size))):
                return
            # The row is this medium's if the answer was lost, or if the call is a repeat.
            if await self._size(media.media_id) is not None:
                return
            if is_over and quota is not None:
                raise StorageQuotaError(size, used or 0, quota)
            used = await self._used_now(owner)
        raise UnavailableError

    async def drop(self, media_id: PublicId) -> None:
        """Stop counting a medium. Repeating it changes nothing."""
        owner, key = media_id.owner, media_id.pack()
        for _ in range(MAX_TRIES):
            size = await self._size(media_id)
            if size is None:
                return
            used = await self._used_now(owner)
            if await self._claimed((_SET_USED, ((used or 0) - size, owner, used)), (_DROP, (owner, key))):
                return
        raise UnavailableError

    async def _claimed(self, *steps: Step) -> bool:
        """Return whether the claims were carried out. False may also mean unknown: the serial reads find out."""
        try:
            return await self._cassandra.claim_together(*steps)
        except UnknownOutcomeError:
            return False

    async def _size(self, media_id: PublicId) -> int | None:
        rows = await self._cassandra.execute(_SIZE_NOW, media_id.owner, media_id.pack())
        return rows[0][0] if rows else None

    async def _used_now(self, owner_id: int) -> int | None:
        rows = await self._cassandra.execute(_USED_NOW, owner_id)
        return rows[0][0] if rows else None
