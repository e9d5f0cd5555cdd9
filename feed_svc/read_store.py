"""Reads a feed where no timeline helps: the newest posts of all followees, straight from the authors' partitions."""

import asyncio
from collections.abc import Sequence

from feed_svc.model import TIMELINE_LENGTH, Entry, Merged, Places, merge, place_of, places_wanted
from feed_svc.ports import Graph, Posts

# What one call to post_svc asks, and how many calls are under way for one read.
AUTHORS_PER_CALL = 200
CALLS_AT_ONCE = 4


class ReadStore:
    """Reads the truth: exact, and the slower the more accounts the viewer follows."""

    def __init__(self, graph: Graph, posts: Posts) -> None:
        self._graph = graph
        self._posts = posts

    async def newest(self, viewer: int) -> Merged:
        """Return the newest entries of a viewer's feed, as many as a timeline holds, and their floor."""
        followees = await self._graph.followees(viewer)
        return merge(await self._places(followees, None, places_wanted(len(followees))), TIMELINE_LENGTH)

    async def below(self, viewer: int, entry: Entry, limit: int) -> list[Entry]:
        """Return the newest `limit` entries that stand below an entry of a viewer's feed."""
        followees = await self._graph.followees(viewer)
        # Another author's post may stand at the very same place, below the entry by its author's id: ask from one place higher,
        # which costs one entry an author at the most, and one more tells the floor.
        found = await self._places(followees, place_of(entry) + 1, limit + 2)
        entries = (each for each in merge(found, len(followees) + limit + 1).entries if each < entry)
        return list(entries)[:limit]

    async def _places(self, authors: Sequence[int], below_place: int | None, limit: int) -> list[Places]:
        turn = asyncio.Semaphore(CALLS_AT_ONCE)

        async def read(chunk: Sequence[int]) -> list[Places]:
            async with turn:
                return await self._posts.newest(chunk, below_place, limit)

        chunks = [authors[start : start + AUTHORS_PER_CALL] for start in range(0, len(authors), AUTHORS_PER_CALL)]
        return [places for found in await asyncio.gather(*map(read, chunks)) for places in found]
