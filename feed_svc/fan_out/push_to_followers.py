"""Takes a change of a post to the timelines of all followers: a page at once, the rest in chunks that the workers share."""

from collections.abc import Callable, Sequence

from feed_svc.fan_out.apply_follow import ApplyFollow
from feed_svc.fan_out.chunks import PAGES_PER_CHUNK, Change, Chunks, FanOutChunk, PostChange
from feed_svc.model import entry_of
from feed_svc.ports import Graph
from feed_svc.store.port import Partings, Timelines

# Told of the place of a post that has just come to the last of some followers.
Arrived = Callable[[int], None]


class ReachFollowers:
    """Goes through an author's followers. All of it may be done twice, or by several workers at once: nothing changes by that.

    Who comes after the first page waits in a chunk, and so does no other author's post. A chunk is done when its timelines are
    changed *and* the next chunk waits: a worker that dies leaves its chunk to be done again, and no follower is passed over.
    """

    def __init__(
        self,
        graph: Graph,
        timelines: Timelines,
        partings: Partings,
        apply_follow: ApplyFollow,
        chunks: Chunks,
        arrived: Arrived,
    ) -> None:
        self._graph = graph
        self._timelines = timelines
        self._partings = partings
        self._apply_follow = apply_follow
        self._chunks = chunks
        self._arrived = arrived

    async def __call__(self, change: PostChange) -> None:
        """Change the timelines of the first page of followers, and leave the others to chunks."""
        page = await self._graph.follower_page(change.author_id, "")
        await self._reach(change, [page.viewers], 1, page.next_token)

    async def go_on(self, chunk: FanOutChunk) -> None:
        """Change the timelines of a chunk's followers. The next chunk comes first: another worker may do it meanwhile."""
        token = chunk.page_token
        pages: list[Sequence[int]] = []
        while token and len(pages) < PAGES_PER_CHUNK:
            page = await self._graph.follower_page(chunk.of.author_id, token)
            pages.append(page.viewers)
            token = page.next_token
        await self._reach(chunk.of, pages, chunk.number + 1, token)

    async def _reach(self, change: PostChange, pages: list[Sequence[int]], number: int, token: str) -> None:
        """Leave who comes after some pages to the chunk of a number, and change the timelines of the pages' followers.

        The chunk may wait already, as this is done again. It begins where the pages ended then; whom new followers have moved out
        of them since is on the page after them.
        """
        if token and not await self._chunks.add(FanOutChunk(change, number, token)):
            pages.append((await self._graph.follower_page(change.author_id, token)).viewers)
        await self._change(change, pages)

    async def _change(self, change: PostChange, pages: Sequence[Sequence[int]]) -> None:
        entry = entry_of(change.place, change.author_id)
        for viewers in pages:
            if change.change is Change.PUSH:
                await self._push(change.author_id, viewers, entry)
            else:
                await self._timelines.remove(viewers, entry)
        if change.change is Change.PUSH:
            self._arrived(change.place)

    async def _push(self, author_id: int, viewers: Sequence[int], entry: bytes) -> None:
        """Push to some followers.

        Who unfollowed after their page was read is looked up after the push, not before: whichever of the push and the unfollow's
        own removal came last, one of the two takes the entry out. Who has come back by now keeps it: the graph decides.
        """
        await self._timelines.push(viewers, entry)
        left = await self._partings.viewers_who_left(author_id)
        for viewer in left.intersection(viewers):
            await self._apply_follow(viewer, author_id)
