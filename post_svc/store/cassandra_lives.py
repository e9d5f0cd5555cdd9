"""The life of each post: one row that only lightweight transactions write, so that every race is decided there.

What is decided stands in the row in full, so that anybody can write what follows from it, as often as need be.
"""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from meshkit.cassandra import Cassandra, UnknownOutcomeError, claim, kept_events, records_of, serial_read
from meshkit.errors import UnavailableError
from meshkit.events.outbox import OutboxRecord
from meshkit.ids import PublicId
from post_svc.model import PublishedPost, WaitingPost
from post_svc.store.port import CLAIM_TTL_MS, DELETION_TTL_MS

# A life moves on three times at most: more tries than this only meet a cluster that confirms nothing.
MAX_TRIES = 8
# Longer than a key: a retry under it always meets the decision.
AT_ONCE_TTL_SECONDS = CLAIM_TTL_MS // 1000 + 3600
# Longer than the sweeper comes by: a publication that its process did not finish is finished.
WAITED_TTL_SECONDS = 7 * 24 * 3600
DELETED_TTL_SECONDS = DELETION_TTL_MS // 1000
_READ = serial_read(
    "SELECT state, place, caption, media_ids, manifest, events, revision FROM post_lives"
    " WHERE author_id = ? AND post_id = ? LIMIT 1"
)
# Not an INSERT: that would leave a row without columns behind when the TTL is over.
_SWAP = claim(
    "UPDATE post_lives USING TTL ? SET state = ?, place = ?, caption = ?, media_ids = ?, manifest = ?, events = ?, revision = ?"
    " WHERE author_id = ? AND post_id = ? IF revision = ?"
)


class State(StrEnum):
    """How far a post is."""

    WAITING = "waiting"
    PUBLISHED = "published"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Life:
    """One version of a post's life. `media_ids` are those that it waits, or waited, for; `events` those of the last move."""

    state: State
    place: int | None = None
    caption: str = ""
    media_ids: tuple[str, ...] = ()
    manifest: bytes = b""
    events: tuple[OutboxRecord, ...] = ()
    revision: uuid.UUID = field(default_factory=uuid.uuid4)

    @property
    def ttl_seconds(self) -> int:
        """How long this version is kept; 0 for ever."""
        match self.state:
            case State.WAITING:
                return 0
            case State.PUBLISHED:
                return WAITED_TTL_SECONDS if self.media_ids else AT_ONCE_TTL_SECONDS
            case State.DELETED:
                return DELETED_TTL_SECONDS

    @property
    def size(self) -> int:
        """Roughly how many bytes the post takes."""
        return len(self.caption.encode()) + len(self.manifest)

    def waiting(self, post: PublicId) -> WaitingPost:
        """Return the post that waits."""
        return WaitingPost(post, self.caption, self.media_ids, self.place)

    def published(self, post: PublicId, place: int) -> PublishedPost:
        """Return the post that is published at the place of this life."""
        return PublishedPost(post, place, self.caption, self.manifest)


def publication(post: PublishedPost, media_ids: Sequence[str], records: Sequence[OutboxRecord]) -> Life:
    """Make the life of a post from its publication on."""
    return Life(State.PUBLISHED, post.place, post.caption, tuple(media_ids), post.manifest, tuple(records))


def deletion(before: Life | None, place: int | None, records: Sequence[OutboxRecord]) -> Life:
    """Make the life of a post from its deletion on."""
    return Life(State.DELETED, place, media_ids=() if before is None else before.media_ids, events=tuple(records))


class Lives:
    """Reads lives, and moves them on by compare-and-set."""

    def __init__(self, cassandra: Cassandra) -> None:
        self._cassandra = cassandra

    async def read(self, post: PublicId) -> Life | None:
        """Return a life as it is decided now."""
        rows = await self._cassandra.execute(_READ, post.owner, post.local)
        return _life(*rows[0]) if rows else None

    async def begin(self, post: PublicId, life: Life) -> bool:
        """Set a life that has not begun; returns whether that was so."""
        return await self._swap(post, None, life)

    async def move(self, post: PublicId, onward: Callable[[Life | None], Life | None]) -> tuple[Life | None, bool]:
        """Move a life on by a rule: `onward` makes the next version of one, or returns None where it is to stay.

        Returns the life as it is then, and whether it was this call that moved it.
        """
        for _ in range(MAX_TRIES):
            life = await self.read(post)
            following = onward(life)
            if following is None:
                return life, False
            if await self._swap(post, life, following):
                return following, True
        raise UnavailableError

    async def _swap(self, post: PublicId, old: Life | None, new: Life) -> bool:
        values = (new.state, new.place, new.caption, new.media_ids, new.manifest, kept_events(new.events), new.revision)
        key = (post.owner, post.local)
        try:
            rows = await self._cassandra.execute(_SWAP, new.ttl_seconds, *values, *key, old and old.revision)
        except UnknownOutcomeError:
            # The read ends what was under way: from here on the transaction has happened, or never will.
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
