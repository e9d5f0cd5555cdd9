"""ListUserPosts: an author's posts, page by page."""

import struct
from collections.abc import Sequence

from meshkit.cursors import Cursors, invalid_cursor
from meshkit.ids import MAX_ID
from meshkit.paging import clamp_limit, fitting
from meshkit.sight import Gate, Seen
from post_svc.model import PostView, PublishedPost
from post_svc.store import PostStore

CURSOR_KIND = "user_posts"
# The author, and the place of the previous page's last post.
_POSITION = struct.Struct(">qq")


class ListUserPosts:
    """Lists published posts, most recently published first."""

    def __init__(self, store: PostStore, cursors: Cursors, gate: Gate) -> None:
        self._store = store
        self._gate = gate
        self._cursors = cursors

    async def __call__(
        self, viewer_id: int, author_id: int, cursor: str, limit: int
    ) -> tuple[Sequence[Seen[PostView]], str | None]:
        """Return a page and the next cursor, None at the end. A page ends early when it gets too large.

        An unknown author, and one who blocks the viewer, has no posts.

        Raises CURSOR_INVALID if this viewer did not get the cursor from this author's list, UserBlockedError and
        AccountPrivateError.
        """
        size = clamp_limit(limit)
        before = self._place_of(viewer_id, author_id, cursor) if cursor else MAX_ID
        posts = await self._gate.list_of(viewer_id, author_id, self._store.list_posts(author_id, before, size + 1))
        page = posts[: fitting(len(post.value.manifest) for post in posts[:size])]
        last = page[-1].value.place if len(posts) > len(page) else None
        next_cursor = None if last is None else self._cursors.encode(viewer_id, _POSITION.pack(author_id, last))
        return [post.map(PublishedPost.view) for post in page], next_cursor

    def _place_of(self, viewer_id: int, author_id: int, cursor: str) -> int:
        try:
            author, place = _POSITION.unpack(self._cursors.decode(viewer_id, cursor))
        except struct.error:
            raise invalid_cursor() from None
        if author != author_id:
            raise invalid_cursor()
        return int(place)
