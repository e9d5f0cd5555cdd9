"""Publish posts that have waited for their media."""

from meshkit.ids import PublicId, new_id
from post_svc.model import PostView, WaitingPost, are_ready
from post_svc.ports import Events, MediaCatalog
from post_svc.store import PostStore


class PublishWaiting:
    """Publishes a post once all its media are READY. Concurrent calls agree on one place and one event."""

    def __init__(self, store: PostStore, media: MediaCatalog, events: Events) -> None:
        self._store = store
        self._media = media
        self._events = events

    async def __call__(self, post: PublicId) -> PostView | None:
        """Return the post after this call, or None if another call published or deleted it."""
        waiting = await self._store.find(post)
        if not isinstance(waiting, WaitingPost):
            return None
        media = await self._media.media_of(post.owner, waiting.media_ids)
        if not are_ready(media, waiting.media_ids):
            return waiting.view(media)
        place = await self._store.claim_place(post, new_id())
        if place is None:
            return None
        published = waiting.published(place, media)
        record = self._events.published(post.owner, place)
        if not await self._store.publish(published, [record]):
            return None
        self._events.send_soon(record)
        return published.view()


class PublishReady:
    """Publishes the posts that wait for a medium which became READY."""

    def __init__(self, store: PostStore, publish_waiting: PublishWaiting) -> None:
        self._store = store
        self._publish_waiting = publish_waiting

    async def __call__(self, media_id: str) -> None:
        """Publish every post that can be published now. Repeatable."""
        for post in await self._store.waiting_for(media_id):
            await self._publish_waiting(post)
