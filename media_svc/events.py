"""The events that media_svc writes, and how it handles the ones it reads."""

from lensfeed.events.v1 import event_pb2
from lensfeed.media.v1 import media_pb2

from media_svc.delivery.remove_media import RemoveMedia
from media_svc.model import Media
from media_svc.ports import UnfinishedMedia
from media_svc.presenting import Presenter
from media_svc.queue_media import QueueMedia
from meshkit.events import EventStream, OutboxRecord, Producer, new_record
from meshkit.ids import PublicId
from meshkit.sight import for_service

GROUP = "media_svc"
STREAM = EventStream("media", (GROUP, "post_svc"))
POST_STREAM = EventStream("post")


class MediaEvents:
    """Writes events to the outbox and the stream."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self._presenter = Presenter()

    def uploaded(self, media: Media) -> OutboxRecord:
        """Return the event of a medium whose bytes are complete."""
        kind = media_pb2.MediaKind.Value(f"MEDIA_KIND_{media.kind}")
        return new_record(event_pb2.MediaUploaded(media_id=str(media.media_id), kind=kind))

    def ready(self, media: Media) -> OutboxRecord:
        """Return the event of a medium that can be served."""
        shown = self._presenter.media(for_service(media))
        return new_record(event_pb2.MediaReady(owner_id=media.media_id.owner, media=shown))

    def improved(self, media: Media) -> OutboxRecord:
        """Return the event of a medium that has better renditions."""
        shown = self._presenter.media(for_service(media))
        return new_record(event_pb2.MediaImproved(owner_id=media.media_id.owner, media=shown))

    def rejected(self, media: Media) -> OutboxRecord:
        """Return the event of a medium that will never be served."""
        shown = self._presenter.media(for_service(media))
        return new_record(event_pb2.MediaRejected(owner_id=media.media_id.owner, media=shown))

    def send_soon(self, *records: OutboxRecord) -> None:
        """Start sending committed events."""
        self._producer.send_soon(*records)


class HandlePostEvent:
    """Handles events of posts: removes the media of deleted and withdrawn posts."""

    def __init__(self, remove_media: RemoveMedia) -> None:
        self._remove_media = remove_media

    async def __call__(self, event: event_pb2.Event) -> None:
        """Handle one event."""
        if event.HasField("post_deleted"):
            await self._remove_media(event.post_deleted.author_id, event.post_deleted.media_ids)
        elif event.HasField("post_withdrawn"):
            await self._remove_media(event.post_withdrawn.author_id, event.post_withdrawn.media_ids)


class HandleEvent:
    """Handles events of media: queues uploaded ones, and counts finished ones no longer as unfinished."""

    def __init__(self, queue_media: QueueMedia, unfinished: UnfinishedMedia) -> None:
        self._queue_media = queue_media
        self._unfinished = unfinished

    async def __call__(self, event: event_pb2.Event) -> None:
        """Handle one event."""
        if event.HasField("media_uploaded"):
            await self._queue_media(PublicId.parse(event.media_uploaded.media_id))
        elif event.HasField("media_ready"):
            await self._unfinished.remove([PublicId.parse(event.media_ready.media.media_id)])
        elif event.HasField("media_rejected"):
            await self._unfinished.remove([PublicId.parse(event.media_rejected.media.media_id)])
