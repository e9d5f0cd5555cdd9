"""The events that post_svc publishes, and those of media_svc that it handles."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from lensfeed.events.v1 import event_pb2

from meshkit.events import EventStream, OutboxRecord, new_record
from post_svc.manifests import media_ids_in, medium_of
from post_svc.model import Medium, PublishedPost, WaitingPost

STREAM = EventStream("post", ("feed_svc", "media_svc"))
MEDIA_STREAM = EventStream("media", ("media_svc", "post_svc"))
GROUP = "post_svc"


class _Sender(Protocol):
    def send_soon(self, *records: OutboxRecord) -> None: ...


def published_event(author_id: int, place: int) -> OutboxRecord:
    """Return a PostPublished."""
    return new_record(event_pb2.PostPublished(author_id=author_id, place=place))


class PostEvents:
    """Creates post events and sends them through a producer."""

    def __init__(self, producer: _Sender) -> None:
        self._producer = producer

    def published(self, author_id: int, place: int) -> OutboxRecord:
        """Return a PostPublished."""
        return published_event(author_id, place)

    def deleted(self, post: PublishedPost | WaitingPost, place: int) -> OutboxRecord:
        """Return a PostDeleted."""
        return new_record(event_pb2.PostDeleted(author_id=post.id.owner, place=place, media_ids=_media_of(post)))

    def withdrawn(self, post: WaitingPost) -> OutboxRecord:
        """Return a PostWithdrawn."""
        return new_record(event_pb2.PostWithdrawn(author_id=post.id.owner, media_ids=post.media_ids))

    def send_soon(self, *records: OutboxRecord) -> None:
        """Pass records to the producer."""
        self._producer.send_soon(*records)


def _media_of(post: PublishedPost | WaitingPost) -> Sequence[str]:
    if isinstance(post, WaitingPost):
        return post.media_ids
    return media_ids_in(post.manifest)


def media_handler(
    publish_ready: Callable[[str], Awaitable[None]], improve_posts: Callable[[int, Medium], Awaitable[None]]
) -> Callable[[event_pb2.Event], Awaitable[None]]:
    """Return the handler of the media stream. It ignores rejected media: their posts keep waiting, visible to the author."""

    async def handle(event: event_pb2.Event) -> None:
        match event.WhichOneof("payload"):
            case "media_ready":
                await publish_ready(event.media_ready.media.media_id)
            case "media_improved":
                await improve_posts(event.media_improved.owner_id, medium_of(event.media_improved.media))
            case _:
                pass

    return handle
