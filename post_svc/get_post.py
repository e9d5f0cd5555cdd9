"""GetPost: one post, if the viewer may see it."""

from meshkit.ids import PublicId
from meshkit.sight import Gate, Seen
from post_svc.model import PostView, PublishedPost, WaitingPost, post_not_found
from post_svc.ports import MediaCatalog
from post_svc.store import PostStore


class FindPost:
    """Finds published posts, and waiting ones for their authors with their media as they are now."""

    def __init__(self, store: PostStore, media: MediaCatalog) -> None:
        self._store = store
        self._media = media

    async def __call__(self, viewer_id: int, post: PublicId) -> PostView | None:
        """Return the post if its state lets the viewer see it. Whether the viewer may see its author, the gate decides."""
        match await self._store.find(post):
            case PublishedPost() as published:
                return published.view()
            case WaitingPost() as waiting if viewer_id == post.owner:
                return waiting.view(await self._media.media_of(post.owner, waiting.media_ids))
            case _:
                return None


class GetPost:
    """Returns a post to those who see its author."""

    def __init__(self, find: FindPost, gate: Gate) -> None:
        self._find = find
        self._gate = gate

    async def __call__(self, viewer_id: int, post: PublicId) -> Seen[PostView]:
        """Return the post. Raises POST_NOT_FOUND, also for a post that the viewer may not see, and UserBlockedError."""
        return await self._gate.show(viewer_id, post.owner, self._find(viewer_id, post), post_not_found)
