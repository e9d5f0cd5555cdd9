"""The store that the use cases need, designed so that a partitioned database can implement it."""

from collections.abc import Sequence
from typing import Protocol

from media_svc.model import Media
from meshkit.events.outbox import OutboxRecord
from meshkit.idempotency import Claim
from meshkit.ids import PublicId

# A minute's checks are split so that no partition holds all uploads of the mesh.
SHARDS = 4


def shard_of(media_id: PublicId) -> int:
    """Return the shard of a medium's checks."""
    return media_id.local % SHARDS


class MediaStore(Protocol):
    """Media, and the minutes at which to check uploads. A read sees every write that returned before it began."""

    async def claim_key(self, owner_id: int, key: str, claim: Claim) -> Claim:
        """Bind an owner's idempotency key to a claim unless it was bound within 24 hours. Return what it is bound to."""
        ...

    async def add_media(self, media: Media, check_minute: int, quota: int | None = None) -> bool:
        """Add a medium and plan its first check, unless its id is taken. Returns whether it was added.

        Of concurrent calls with the same id at most one returns True. Its bytes count until `drop_bytes`: raises
        StorageQuotaError if they and those that its owner has already would exceed the quota, whatever happens at the same
        time. Raises UnavailableError if the outcome is unknown; a check of an id that has no medium must then `drop_bytes`.
        """
        ...

    async def used_bytes(self, owner_id: int) -> int:
        """Return the bytes that an owner's media count for."""
        ...

    async def drop_bytes(self, media_id: PublicId) -> None:
        """Stop counting a medium's bytes, because they are erased. Repeating it changes nothing."""
        ...

    async def get_media(self, media_ids: Sequence[PublicId]) -> Sequence[Media]:
        """Return the media that exist, in the requested order, at most 100. Missing ones are skipped."""
        ...

    async def replace_media(self, old: Media, new: Media, records: Sequence[OutboxRecord]) -> bool:
        """Write `new` and its events atomically, if the state is still that of `old`. Returns whether it was.

        Of concurrent calls from one state exactly one returns True. Both are the same medium, and the state of `new` comes
        after that of `old`. A store that cannot write to the outbox at once keeps the events until it can.
        """
        ...

    async def grow_video(self, old: Media, new: Media) -> bool:
        """Write the video and renditions of `new`, if the revision is still that of `old`. Returns whether it was.

        Of concurrent calls from one revision exactly one returns True, or several that write the same. Both are READY, and
        the revision of `new` is the next one.
        """
        ...

    async def swap_renditions(self, old: Media, new: Media, records: Sequence[OutboxRecord]) -> bool:
        """Write the renditions of `new`, the names they replace, and the events atomically.

        Returns whether they were written: only for a READY photo that still has the renditions of `old` and was never
        improved. Of concurrent calls exactly one returns True, or several that write the same.
        """
        ...

    async def set_progress(self, media_id: PublicId, percent: int) -> None:
        """Record a video's progress. `get_media` returns it until the video is complete."""
        ...

    async def add_records(self, records: Sequence[OutboxRecord]) -> None:
        """Write events without a step."""
        ...

    async def plan_check(self, minute: int, media_id: PublicId) -> None:
        """Plan a check of an upload in a minute since 1970. Repeating it changes nothing."""
        ...

    async def list_checks(self, minute: int, shard: int, after: PublicId | None, limit: int) -> Sequence[PublicId]:
        """Return up to `limit` media to check in a minute, ascending, above an id (None: from the first).

        Fewer than `limit` means that there are no more.
        """
        ...

    async def checks_done_before(self) -> int:
        """Return the minute before which all checks are done."""
        ...

    async def set_checks_done_before(self, minute: int) -> None:
        """Advance that minute; it never moves back. Older plans may be deleted."""
        ...
