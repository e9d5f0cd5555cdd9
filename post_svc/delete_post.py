"""DeletePost: delete a waiting or published post for good."""

import time

from meshkit.ids import PublicId
from post_svc.model import DeletedPost, PublishedPost, WaitingPost, post_not_found
from post_svc.ports import Events
from post_svc.store import PostStore


class DeletePost:
    """Deletes a post of the caller. Repeatable while the deletion is remembered (30 days)."""

    def __init__(self, store: PostStore, events: Events) -> None:
        self._store = store
        self._events = events

    async def __call__(self, caller_id: int, post: PublicId) -> None:
        """Return once the post is gone. Raises POST_NOT_FOUND if it does not exist or is not the caller's."""
        if post.owner != caller_id:
            raise post_not_found()
        now = time.time_ns() // 1_000_000
        found = await self._store.find(post)
        if isinstance(found, WaitingPost) and found.place is None:
            record = self._events.withdrawn(found)
            if await self._store.withdraw(post, now, [record]):
                self._events.send_soon(record)
                return
            found = await self._store.find(post)  # a publisher or another deletion was faster
        await self._delete(found, post, now)

    async def _delete(self, found: WaitingPost | PublishedPost | DeletedPost | None, post: PublicId, now: int) -> None:
        match found:
            case None:
                raise post_not_found()
            case WaitingPost(place=int(place)) | PublishedPost(place=place):
                record = self._events.deleted(found, place)
                if await self._store.delete(post, place, now, [record]):
                    self._events.send_soon(record)
