"""Rebuilds an absent home timeline by the read that misses it, completely, while posts go on being pushed."""

import asyncio

from feed_svc.model import Merged
from feed_svc.read_store import ReadStore
from feed_svc.store.port import Partings, Timelines

# How often a reader looks whether another's build is done. A build takes some 10 ms for few followees.
POLL_SECONDS = 0.01


class RebuildTimeline:
    """Makes a timeline live.

    The order makes it exact: the timeline takes pushes before the store is read, so a post published meanwhile comes by one way
    or by both; and who was unfollowed meanwhile is taken out at the end.
    """

    def __init__(self, timelines: Timelines, partings: Partings, store: ReadStore) -> None:
        self._timelines = timelines
        self._partings = partings
        self._store = store

    async def __call__(self, viewer: int) -> None:
        """Rebuild a timeline, or wait for the reader who does. Returns when it is worth reading again."""
        if await self._timelines.begin_build(viewer):
            await self._build(viewer)
        else:
            await asyncio.sleep(POLL_SECONDS)

    async def _build(self, viewer: int) -> None:
        try:
            merged: Merged = await self._store.newest(viewer)
            await self._timelines.finish_build(viewer, merged.entries, merged.floor)
        except BaseException:
            await self._timelines.abandon_build(viewer)
            raise
        for author_id in await self._partings.authors_left_by(viewer):
            await self._timelines.remove_author(viewer, author_id)
