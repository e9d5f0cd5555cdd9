"""Reads a page of a viewer whose home timeline is absent, so that the page need not wait for the build."""

from collections.abc import Mapping

from feed_svc.model import Entry, Run, Skeleton
from feed_svc.ports import Graph
from feed_svc.reading.author_posts import AuthorPosts
from feed_svc.reading.lazy_merge import newest_of
from feed_svc.reading.rebuild_timeline import RebuildTimeline
from meshkit.time_limits import TimeLimits

# With so few followees the build takes about as long as the page, and the next page finds the timeline live.
FEW = 50
# A page that takes longer waits for the build instead, which keeps what it has read.
UNBUILT_SECONDS = 2.0


class ReadUnbuilt:
    """Reads the newest posts of all followees and nothing else, then starts the build behind the page.

    It reads at most one page per build and process: other readers wait for the build. So it at most doubles a build's reads.
    """

    def __init__(
        self,
        graph: Graph,
        author_posts: AuthorPosts,
        rebuild: RebuildTimeline,
        *,
        few: int = FEW,
        seconds: float = UNBUILT_SECONDS,
    ) -> None:
        self._graph = graph
        self._author_posts = author_posts
        self._rebuild = rebuild
        self._few = few
        self._seconds = seconds
        self._limits = TimeLimits()
        self._reading: set[int] = set()

    async def __call__(self, viewer: int, below: Entry | None, limit: int) -> Skeleton | None:
        """Return the newest `limit` entries below an entry (None: from the top), or None to wait for the build.

        It is exact: it reads the same followees and posts as the build.
        """
        if viewer in self._reading or not self._rebuild.has_room_behind(viewer):
            return None
        self._reading.add(viewer)
        try:
            return await self._page(viewer, below, limit)
        finally:
            self._reading.discard(viewer)

    async def _page(self, viewer: int, below: Entry | None, limit: int) -> Skeleton | None:
        followees = await self._graph.followees(viewer)
        if len(followees) <= self._few:
            return None
        try:
            with self._limits.within(self._seconds):
                entries = await newest_of(followees, below, limit + 1, self._read)
        except TimeoutError:
            return None
        finally:
            # Even if the reader has left: otherwise a reader with little patience would never get a timeline.
            self._rebuild.start_behind(viewer)
        return Skeleton(entries[:limit], is_end=len(entries) <= limit)

    async def _read(self, bounds: Mapping[int, bytes | None], count: int) -> list[Run]:
        return await self._author_posts.without_building(bounds, count)
