"""What the use cases need of the world beside their store."""

from collections.abc import Sequence
from typing import Protocol

from meshkit.events.outbox import OutboxRecord
from post_svc.model import Medium, PublishedPost, WaitingPost


class MediaCatalog(Protocol):
    """The media of the mesh."""

    async def media_of(self, owner_id: int, media_ids: Sequence[str]) -> Sequence[Medium]:
        """Return those of the media that exist and are the owner's, in the order asked for."""
        ...


class Events(Protocol):
    """How others learn what happened to a post: a record goes into the store with the write, and is sent after it."""

    def published(self, author_id: int, place: int) -> OutboxRecord:
        """Make the record of a post that appears."""
        ...

    def deleted(self, post: PublishedPost | WaitingPost, place: int) -> OutboxRecord:
        """Make the record of a post that is deleted where it stands, or was about to stand."""
        ...

    def withdrawn(self, post: WaitingPost) -> OutboxRecord:
        """Make the record of a post that is deleted before it was published."""
        ...

    def send_soon(self, *records: OutboxRecord) -> None:
        """Begin to send committed records; never waits, never fails."""
        ...
