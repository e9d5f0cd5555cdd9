"""CreatePost: turn a draft into a post, once per idempotency key."""

import time
from collections.abc import Callable, Sequence

from meshkit.errors import (
    FailedPreconditionError,
    FieldViolation,
    NotFoundError,
)
from meshkit.idempotency import Claim, check_key, mismatch
from meshkit.ids import PublicId, new_id
from post_svc.get_post import FindPost
from post_svc.model import (
    Draft,
    Medium,
    MediumState,
    PostView,
    PublishedPost,
    WaitingPost,
    are_ready,
    is_late,
    manifest_of,
    post_not_found,
)
from post_svc.ports import Events, MediaCatalog
from post_svc.publish_waiting import PublishWaiting
from post_svc.store import PostStore


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class CreatePost:
    """Creates a post. It is published at once if all media are READY; otherwise it waits for them.

    A key binds its first draft to one post id for 24 hours. A failed call keeps that binding and stores nothing else, so the call
    can be repeated until it succeeds. After that it returns the same post, or POST_NOT_FOUND once the post is deleted.
    """

    def __init__(
        self,
        store: PostStore,
        media: MediaCatalog,
        events: Events,
        publish_waiting: PublishWaiting,
        find_post: FindPost,
        make_id: Callable[[], int] = new_id,
        now_ms: Callable[[], int] = _now_ms,
    ) -> None:
        self._store = store
        self._media = media
        self._events = events
        self._publish_waiting = publish_waiting
        self._find_post = find_post
        self._make_id = make_id
        self._now_ms = now_ms

    async def __call__(self, author_id: int, draft: Draft, key: str | None) -> PostView:
        """Return the post in its current state. Without a key, each call creates a new post.

        Raises IDEMPOTENCY_KEY_INVALID, IDEMPOTENCY_MISMATCH, MEDIA_NOT_FOUND, MEDIA_REJECTED, POST_NOT_FOUND.
        """
        post, is_first = await self._claim(author_id, draft, key)
        if not is_first and await self._store.find(post) is not None:
            return await self._publish_or_show(post)
        media = await self._media.media_of(author_id, draft.media_ids)
        _check_media(draft, media)
        # A retry may come hours after the id was made, and a call may have waited for seconds. Then the post must get a fresh
        # place, like a waiting post.
        is_at_once = is_first and are_ready(media, draft.media_ids) and not is_late(post.local, self._now_ms())
        while True:
            if is_at_once:
                if view := await self._publish(PublishedPost(post, post.local, draft.caption, manifest_of(media))):
                    return view
            elif await self._store.add_waiting(WaitingPost(post, draft.caption, draft.media_ids)):
                break
            if key is not None:
                break  # a concurrent call with the same key was faster
            # Without a key nobody else uses this id on purpose: the author made another post in the same millisecond.
            post = PublicId(self._make_id(), author_id)
        # The last medium may have become READY before the waiting post was stored, so check once more.
        return await self._publish_or_show(post)

    async def _claim(self, author_id: int, draft: Draft, key: str | None) -> tuple[PublicId, bool]:
        """Return the post's id, and whether this call is the first to use it."""
        proposed = self._make_id()
        if key is None:
            return PublicId(proposed, author_id), True
        check_key(key)
        claim = Claim(proposed, draft.fingerprint, time.time_ns() // 1_000_000)
        winner = await self._store.claim_key(author_id, key, claim)
        if winner.fingerprint != claim.fingerprint:
            raise mismatch()
        return PublicId(winner.claimed_id, author_id), winner.claimed_id == proposed

    async def _publish(self, post: PublishedPost) -> PostView | None:
        record = self._events.published(post.id.owner, post.place)
        if not await self._store.publish(post, [record]):
            return None
        self._events.send_soon(record)
        return post.view()

    async def _publish_or_show(self, post: PublicId) -> PostView:
        view = await self._publish_waiting(post) or await self._find_post(post.owner, post)
        if view is None:
            raise post_not_found()
        return view


def _check_media(draft: Draft, media: Sequence[Medium]) -> None:
    if len(media) < len(draft.media_ids):
        message = "a medium does not exist or belongs to another user"
        violation = FieldViolation("media_ids", message, "MEDIA_NOT_FOUND")
        raise NotFoundError("MEDIA_NOT_FOUND", message, violations=[violation])
    if any(medium.state is MediumState.REJECTED for medium in media):
        message = "a medium was rejected and will never be served"
        violation = FieldViolation("media_ids", message, "MEDIA_REJECTED")
        raise FailedPreconditionError("MEDIA_REJECTED", message, violations=[violation])
