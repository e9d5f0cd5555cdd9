"""What the use cases need besides their store."""

from collections.abc import Callable, Sequence
from typing import Protocol

from meshkit.events.outbox import OutboxRecord
from post_svc.model import Medium, PublishedPost, WaitingPost

# Tells whether an error means that a part is down or too slow, so that other posts would fail too.
IsOutage = Callable[[Exception], bool]


class MediaCatalog(Protocol):
    """Access to media."""

    async def media_of(self, owner_id: int, media_ids: Sequence[str]) -> Sequence[Medium]:
        """Return the media that exist and belong to the owner, in the order of the request."""
        ...


class Events(Protocol):
    """Creates events about posts. A record is stored together with the write, and sent afterwards."""

    def published(self, author_id: int, place: int) -> OutboxRecord:
        """Return the record of a published post."""
        ...

    def deleted(self, post: PublishedPost | WaitingPost, place: int) -> OutboxRecord:
        """Return the record of a post that is deleted at its place, or at the place it had claimed."""
        ...

    def withdrawn(self, post: WaitingPost) -> OutboxRecord:
        """Return the record of a post that is deleted before publication."""
        ...

    def send_soon(self, *records: OutboxRecord) -> None:
        """Start sending committed records. Does not wait and does not fail."""
        ...
