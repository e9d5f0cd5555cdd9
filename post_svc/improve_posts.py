"""A medium has better renditions: the author's posts that show it get them, too."""

from collections.abc import Callable

from meshkit.ids import MAX_ID, PublicId, first_id, id_millis
from post_svc.model import Medium, Place
from post_svc.store import PostStore

# Some 3 KB each: a page is a megabyte or two.
PAGE = 500
# By how much the clocks of two services may differ.
CLOCKS_MS = 60_000


class ImprovePosts:
    """Looks through an author's posts down to the time of the medium's upload. That happens once in the life of a popular medium.

    A waiting post needs nothing: its media are asked for anew when it is shown or published. One that is published in this very
    moment may keep the renditions it has; they are served on. `shows` tells whether a manifest holds a medium.
    """

    def __init__(self, store: PostStore, shows: Callable[[bytes, str], bool]) -> None:
        self._store = store
        self._shows = shows

    async def __call__(self, owner_id: int, medium: Medium) -> None:
        """Write a medium's new version into the posts that show it. May be repeated."""
        oldest = first_id(id_millis(PublicId.parse(medium.media_id).local) - CLOCKS_MS)
        before = MAX_ID
        while posts := await self._store.list_posts(owner_id, before, PAGE):
            for post in posts:
                if self._shows(post.manifest, medium.media_id):
                    await self._store.improve_medium(Place(owner_id, post.place), medium)
            before = posts[-1].place
            if len(posts) < PAGE or before < oldest:
                return
