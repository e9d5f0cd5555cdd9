"""The life of each post: one row, written only by LWTs, that decides every race.

The row holds the whole decision, so that any process can write what follows from it, as often as necessary.
"""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from meshkit.cassandra import Cassandra, UnknownOutcomeError, claim, kept_events, records_of, serial_read
from meshkit.errors import UnavailableError
from meshkit.events.outbox import OutboxRecord
from meshkit.idempotency import TTL_MS
from meshkit.ids import PublicId
from post_svc.model import PublishedPost, WaitingPost
from post_svc.store.port import DELETION_TTL_MS

# A life changes at most three times. A call that needs more tries is talking to a cluster that confirms nothing.
MAX_TRIES = 8
# Longer than a key lives, so that a retry with the key always sees the decision.
AT_ONCE_TTL_SECONDS = TTL_MS // 1000 + 3600
# Longer than the sweeper looks back, so that it can finish an interrupted publication.
WAITED_TTL_SECONDS = 7 * 24 * 3600
DELETED_TTL_SECONDS = DELETION_TTL_MS // 1000
_READ = serial_read(
    "SELECT state, place, caption, media_ids, manifest, events, revision FROM post_lives"
    " WHERE author_id = ? AND post_id = ? LIMIT 1"
)
# Not an INSERT: that would leave a row without columns behind when the TTL expires.
_SWAP = claim(
    "UPDATE post_lives USING TTL ? SET state = ?, place = ?, caption = ?, media_ids = ?, manifest = ?, events = ?, revision = ?"
    " WHERE author_id = ? AND post_id = ? IF revision = ?"
)


class State(StrEnum):
    """The state of a post."""

    WAITING = "waiting"
    PUBLISHED = "published"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Life:
    """One version of a post's life. `media_ids` are those it waits or waited for; `events` are those of the last change."""

    state: State
    place: int | None = None
    caption: str = ""
    media_ids: tuple[str, ...] = ()
    manifest: bytes = b""
    events: tuple[OutboxRecord, ...] = ()
    revision: uuid.UUID = field(default_factory=uuid.uuid4)

    @property
    def ttl_seconds(self) -> int:
        """How long this version is kept; 0 means without limit."""
        match self.state:
            case State.WAITING:
                return 0
            case State.PUBLISHED:
                return WAITED_TTL_SECONDS if self.media_ids else AT_ONCE_TTL_SECONDS
            case State.DELETED:
                return DELETED_TTL_SECONDS

    @property
    def size(self) -> int:
        """The approximate size of the post in bytes."""
        return len(self.caption.encode()) + len(self.manifest)

    def waiting(self, post: PublicId) -> WaitingPost:
        """Return the waiting post."""
        return WaitingPost(post, self.caption, self.media_ids, self.place)

    def published(self, post: PublicId, place: int) -> PublishedPost:
        """Return the post as published at this life's place."""
        return PublishedPost(post, place, self.caption, self.manifest)


def publication(post: PublishedPost, media_ids: Sequence[str], records: Sequence[OutboxRecord]) -> Life:
    """Return the life of a post that is being published."""
    return Life(State.PUBLISHED, post.place, post.caption, tuple(media_ids), post.manifest, tuple(records))


def deletion(before: Life | None, place: int | None, records: Sequence[OutboxRecord]) -> Life:
    """Return the life of a post that is being deleted."""
    return Life(State.DELETED, place, media_ids=() if before is None else before.media_ids, events=tuple(records))


class Lives:
    """Reads lives and changes them by compare-and-set."""

    def __init__(self, cassandra: Cassandra) -> None:
        self._cassandra = cassandra

    async def read(self, post: PublicId) -> Life | None:
        """Return the current decision, by a serial read."""
        rows = await self._cassandra.execute(_READ, post.owner, post.local)
        return _life(*rows[0]) if rows else None

    async def begin(self, post: PublicId, life: Life) -> bool:
        """Store the first version of a life. Returns whether there was none."""
        return await self._swap(post, None, life)

    async def move(
        self, post: PublicId, next_version: Callable[[Life | None], Life | None]
    ) -> tuple[Life | None, bool]:
        """Change a life. `next_version` returns the next version, or None to leave the life as it is.

        Returns the resulting life, and whether this call changed it.
        """
        for _ in range(MAX_TRIES):
            life = await self.read(post)
            changed = next_version(life)
            if changed is None:
                return life, False
            if await self._swap(post, life, changed):
                return changed, True
        raise UnavailableError

    async def _swap(self, post: PublicId, old: Life | None, new: Life) -> bool:
        values = (new.state, new.place, new.caption, new.media_ids, new.manifest, kept_events(new.events), new.revision)
        key = (post.owner, post.local)
        try:
            rows = await self._cassandra.execute(_SWAP, new.ttl_seconds, *values, *key, old and old.revision)
        except UnknownOutcomeError:
            # A serial read settles pending transactions: after it, ours has either happened or never will.
            life = await self.read(post)
            return life is not None and life.revision == new.revision
        return bool(rows[0][0])


def _life(
    state: str,
    place: int | None,
    caption: str,
    media_ids: Sequence[str] | None,
    manifest: bytes,
    events: dict[int, bytes] | None,
    revision: uuid.UUID,
) -> Life:
    return Life(State(state), place, caption, tuple(media_ids or ()), manifest, tuple(records_of(events)), revision)
