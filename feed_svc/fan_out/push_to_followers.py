"""Applies a change of a post to all followers' timelines: the first page directly, the rest in chunks."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence

from feed_svc.fan_out.apply_follow import ApplyFollow
from feed_svc.fan_out.chunks import PAGES_PER_CHUNK, Change, Chunks, FanOutChunk, PostChange
from feed_svc.model import entry_of
from feed_svc.ports import Graph
from feed_svc.store.port import RecentUnfollows, Timelines
from meshkit.crash_points import crash_point

# Called with a post's place once it has reached a page or chunk of followers, and whether these were the last.
Arrived = Callable[[int, bool], None]


class PushToFollowers:
    """Applies a change page by page. Everything may be repeated, or done by several workers at once.

    Followers after the first page wait in a chunk, so that other authors' posts need not. A chunk is only done once its timelines
    are changed *and* the next chunk is queued: if a worker dies, its chunk is repeated and no follower is missed.
    """

    def __init__(
        self,
        graph: Graph,
        timelines: Timelines,
        recent_unfollows: RecentUnfollows,
        apply_follow: ApplyFollow,
        chunks: Chunks,
        arrived: Arrived,
    ) -> None:
        self._graph = graph
        self._timelines = timelines
        self._recent_unfollows = recent_unfollows
        self._apply_follow = apply_follow
        self._chunks = chunks
        self._arrived = arrived

    async def __call__(self, change: PostChange) -> None:
        """Change the timelines of the first page of followers and queue a chunk for the rest."""
        await self._change_pages(change, "", 1, 1)

    async def continue_chunk(self, chunk: FanOutChunk) -> None:
        """Change the timelines of a chunk's followers and queue the next chunk, for another worker."""
        await self._change_pages(chunk.of, chunk.page_token, PAGES_PER_CHUNK, chunk.number + 1)

    async def _change_pages(self, change: PostChange, token: str, count: int, number: int) -> None:
        """Change the timelines of some pages' followers, each page while the next is read, and queue the chunk after them.

        If this is a repetition, the chunk is already queued and begins where the pages ended then. New followers may have moved
        others out of these pages since; they are on the page after them.
        """
        async with _finishing() as begun:
            for _ in range(count):
                token = await self._begin_page(change, token, begun)
                if not token:
                    break
            if token and not await self._chunks.add(FanOutChunk(change, number, token)):
                await self._begin_page(change, token, begun)
            crash_point("fan_out.queued")
        if change.change is Change.PUSH:
            self._arrived(change.place, not token)

    async def _begin_page(self, change: PostChange, token: str, begun: list[asyncio.Task[None]]) -> str:
        """Read a page and begin to change its followers' timelines. Returns the token of the page after it."""
        page = await self._graph.follower_page(change.author_id, token)
        begun.append(asyncio.create_task(self._change(change, page.viewers)))
        return page.next_token

    async def _change(self, change: PostChange, viewers: Sequence[int]) -> None:
        entry = entry_of(change.place, change.author_id)
        if change.change is Change.PUSH:
            await self._push(change.author_id, viewers, entry)
        else:
            await self._timelines.remove(viewers, entry)

    async def _push(self, author_id: int, viewers: Sequence[int], entry: bytes) -> None:
        """Push to some followers.

        Recent unfollows are looked up after the push: whichever of the push and the unfollow's own removal came last, one of
        them removes the entry. Followers who came back keep it, because the graph decides.
        """
        await self._timelines.push(viewers, entry)
        crash_point("fan_out.pushed")
        left = await self._recent_unfollows.unfollowers_of(author_id)
        for viewer in left.intersection(viewers):
            await self._apply_follow(viewer, author_id)


@contextlib.asynccontextmanager
async def _finishing() -> AsyncIterator[list[asyncio.Task[None]]]:
    """Yield a list for tasks, and wait for them at the end of the block, even after an error. Raises the first of theirs."""
    begun: list[asyncio.Task[None]] = []
    try:
        yield begun
    finally:
        errors = await asyncio.gather(*begun, return_exceptions=True)
    for error in errors:
        if error is not None:
            raise error
