"""Reads authors' posts from their cached timelines, and from the store where these end."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from feed_svc.model import END, Run, part_of, run_of, window_of
from feed_svc.ports import Posts
from feed_svc.reading.stored_posts import StoredPosts
from feed_svc.store.port import AuthorTimelines

# An absent author timeline is built from at least this many posts. Pushes make it longer.
BUILD_COUNT = 20
# How many authors one call to post_svc reads, and how many of these calls one read makes at a time.
BATCH, BATCHES_AT_ONCE = 200, 4


def _ignore(_authors: int) -> None:
    """Count nothing."""


class AuthorPosts:
    """Reads many authors at once. Exact: whatever is missing from the cache is read from the store."""

    def __init__(self, timelines: AuthorTimelines, posts: Posts, build_count: int = BUILD_COUNT) -> None:
        self._timelines = timelines
        self._posts = posts
        self._stored_posts = StoredPosts(posts)
        self._build_count = build_count

    async def __call__(
        self, bounds: Mapping[int, bytes | None], count: int, on_stored: Callable[[int], None] = _ignore
    ) -> list[Run]:
        """Return a run of about `count` entries of each author below its bound (None: from the newest).

        A run is only empty if the author has no more posts. `on_stored` learns how many authors are read from the store.
        """
        runs, absent = await self._cached(bounds, count)
        for author, built in (await self._build(absent, count)).items():
            runs[author] = part_of(built, bounds[author], count)
        stuck = _stuck(runs)
        on_stored(len(absent) + len(stuck))
        return [run for author, run in runs.items() if author not in stuck] + await self._stored_posts(stuck, count)

    async def without_building(self, bounds: Mapping[int, bytes | None], count: int) -> list[Run]:
        """Return the same without building absent timelines: a third of the work if most are absent."""
        runs, absent = await self._cached(bounds, count)
        stuck = _stuck(runs)
        stored = await self._stored_posts({**stuck, **{author: bounds[author] for author in absent}}, count)
        return [run for author, run in runs.items() if author not in stuck] + stored

    async def _cached(self, bounds: Mapping[int, bytes | None], count: int) -> tuple[dict[int, Run], list[int]]:
        """Return a run of each cached timeline, and the authors whose timelines are absent."""
        windows = await self._timelines.read(bounds, count)
        runs = {author: run_of(author, window, bounds[author], count) for author, window in windows.items() if window}
        return runs, [author for author, window in windows.items() if window is None]

    async def _build(self, authors: Sequence[int], count: int) -> dict[int, Run]:
        """Build absent timelines and return their posts. Timelines that another reader is building are read but not cached."""
        if not authors:
            return {}
        # Batch by batch: what one has read stays, even if the next one fails or the reader leaves.
        turn = asyncio.Semaphore(BATCHES_AT_ONCE)

        async def build(batch: Sequence[int]) -> dict[int, Run]:
            async with turn:
                return await self._build_batch(batch, count)

        batches = [authors[start : start + BATCH] for start in range(0, len(authors), BATCH)]
        tasks = [asyncio.create_task(build(batch)) for batch in batches]
        try:
            return {author: run for built in await asyncio.gather(*tasks) for author, run in built.items()}
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _build_batch(self, authors: Sequence[int], count: int) -> dict[int, Run]:
        tokens = await self._timelines.begin_builds(authors)
        try:
            found = await self._posts.newest(authors, None, max(self._build_count, count + 1))
            windows = {places.author_id: window_of(places) for places in found}
            await self._timelines.finish_builds(tokens, windows)
        except BaseException:
            await self._timelines.abandon_builds(tokens)
            raise
        return {author: run_of(author, window, None, len(window.entries) + 1) for author, window in windows.items()}


def _stuck(runs: Mapping[int, Run]) -> dict[int, bytes | None]:
    """Return where the runs end that are empty although their authors may have older posts."""
    return {author: run.bound for author, run in runs.items() if not run.entries and run.bound != END}
