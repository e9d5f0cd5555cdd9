"""GetPost: one post, if the viewer may see it."""

from meshkit.ids import PublicId
from post_svc.model import PostView, PublishedPost, WaitingPost, post_not_found
from post_svc.ports import MediaCatalog
from post_svc.store import PostStore


class GetPost:
    """Returns a published post to everybody, and a waiting one to its author with its media as they are now."""

    def __init__(self, store: PostStore, media: MediaCatalog) -> None:
        self._store = store
        self._media = media

    async def __call__(self, viewer_id: int, post: PublicId) -> PostView:
        """Return the post. Raises POST_NOT_FOUND, also for a post that the viewer may not see."""
        match await self._store.find(post):
            case PublishedPost() as published:
                return published.view()
            case WaitingPost() as waiting if viewer_id == post.owner:
                return waiting.view(await self._media.media_of(post.owner, waiting.media_ids))
            case _:
                raise post_not_found()
