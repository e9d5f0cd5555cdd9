"""What the use cases need of a store, in words that a partitioned one can keep."""

from collections.abc import Sequence
from typing import Protocol

from media_svc.model import Media
from meshkit.events.outbox import OutboxRecord
from meshkit.ids import PublicId

# A minute's checks are split so that no partition grows with the whole mesh's uploads.
SHARDS = 4


def shard_of(media_id: PublicId) -> int:
    """Return the part of a minute in which a medium's checks stand."""
    return media_id.local % SHARDS


class MediaStore(Protocol):
    """Media, and the minutes in which uploads are to be looked at. A read sees every write that returned before it began."""

    async def add_media(self, media: Media, check_minute: int) -> bool:
        """Add a medium, and plan its first check, unless its id is taken. Returns whether it was added.

        Of concurrent calls with one id at most one returns True. Where the outcome is unknown it raises UnavailableError.
        """
        ...

    async def get_media(self, media_ids: Sequence[PublicId]) -> Sequence[Media]:
        """Return the media that exist, in the order asked for, at most 100. An absent one is no error."""
        ...

    async def replace_media(self, old: Media, new: Media, records: Sequence[OutboxRecord]) -> bool:
        """Write `new` and its events as one, if the medium is still in the state of `old`; returns whether it was.

        Of concurrent calls from one state exactly one returns True. Both are the same medium, and `new` is in a state that comes
        after. Where a store cannot write events into the outbox at once, it keeps them until it has.
        """
        ...

    async def grow_video(self, old: Media, new: Media) -> bool:
        """Write the video and renditions of `new`, if the medium's video is still at the revision of `old`.

        Returns whether it was. Of concurrent calls from one revision exactly one returns True, or several that write the same.
        Both are READY, and the revision of `new` is the next one.
        """
        ...

    async def swap_renditions(self, old: Media, new: Media, records: Sequence[OutboxRecord]) -> bool:
        """Write the renditions of `new`, the names of those that they replace, and its events as one.

        Returns whether it was written: if the medium is READY and its renditions are those of `old`, a photo that was never
        improved. Of concurrent calls exactly one returns True, or several that write the same.
        """
        ...

    async def set_progress(self, media_id: PublicId, percent: int) -> None:
        """Note how much of a video's processing is done. `get_media` returns it for as long as that is not finished."""
        ...

    async def add_records(self, records: Sequence[OutboxRecord]) -> None:
        """Write events alone."""
        ...

    async def plan_check(self, minute: int, media_id: PublicId) -> None:
        """Plan to look at an upload in a minute since 1970. Planning the same twice is planning it once."""
        ...

    async def list_checks(self, minute: int, shard: int, after: PublicId | None, limit: int) -> Sequence[PublicId]:
        """Return whom to look at in a minute, above an id (None: from the first), ascending, at most `limit`.

        Fewer than `limit` means that there are no more.
        """
        ...

    async def checks_done_before(self) -> int:
        """Return the minute before which everything was looked at."""
        ...

    async def set_checks_done_before(self, minute: int) -> None:
        """Move that minute on; it never moves back. Plans before it may be dropped. A store with a TTL need not do so."""
        ...
