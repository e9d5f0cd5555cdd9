"""Publishing what has waited for its media."""

from meshkit.ids import PublicId, new_id
from post_svc.model import PostView, WaitingPost, are_ready
from post_svc.ports import Events, MediaCatalog
from post_svc.store import PostStore


class PublishWaiting:
    """Publishes a post once all its media are READY. Any number of publishers may try: one place, one event."""

    def __init__(self, store: PostStore, media: MediaCatalog, events: Events) -> None:
        self._store = store
        self._media = media
        self._events = events

    async def __call__(self, post: PublicId) -> PostView | None:
        """Return the post as this call leaves it; None where somebody else published or deleted it."""
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
    """Follows a medium that became READY: tries every post that waits for it."""

    def __init__(self, store: PostStore, publish_waiting: PublishWaiting) -> None:
        self._store = store
        self._publish_waiting = publish_waiting

    async def __call__(self, media_id: str) -> None:
        """Publish what can be published now. May be repeated."""
        for post in await self._store.waiting_for(media_id):
            await self._publish_waiting(post)
