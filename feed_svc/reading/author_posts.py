"""Reads what authors have posted: from their timelines in the cache, and from the store what is not there."""

from collections.abc import Mapping, Sequence

from feed_svc.model import END, Run, part_of, run_of, window_of
from feed_svc.ports import Posts
from feed_svc.reading.stored_posts import StoredRuns
from feed_svc.store.port import AuthorTimelines

# How many posts of an author an absent timeline is built from at the least. Pushes make it longer.
BUILD_COUNT = 20


class AuthorRuns:
    """Reads many authors at once. Exact: what the cache does not have is read from the store."""

    def __init__(self, timelines: AuthorTimelines, posts: Posts, build_count: int = BUILD_COUNT) -> None:
        self._timelines = timelines
        self._posts = posts
        self._stored = StoredRuns(posts)
        self._build_count = build_count

    async def __call__(self, bounds: Mapping[int, bytes | None], count: int) -> list[Run]:
        """Return a run of each author below its bound (None: from the newest), of some `count` entries or of all there are.

        Each run gets on: it has an entry at the least, or there is none.
        """
        windows = await self._timelines.read(bounds, count)
        runs = {author: run_of(author, window, bounds[author], count) for author, window in windows.items() if window}
        absent = [author for author, window in windows.items() if window is None]
        for author, built in (await self._build(absent, count)).items():
            runs[author] = part_of(built, bounds[author], count)
        stuck: dict[int, bytes | None] = {
            author: run.bound for author, run in runs.items() if not run.entries and run.bound != END
        }
        return [run for author, run in runs.items() if author not in stuck] + await self._stored(stuck, count)

    async def _build(self, authors: Sequence[int], count: int) -> dict[int, Run]:
        """Build absent timelines, and return them from the newest. What somebody else builds is left to them, but read."""
        if not authors:
            return {}
        tokens = await self._timelines.begin_builds(authors)
        try:
            found = await self._posts.newest(authors, None, max(self._build_count, count + 1))
            windows = {places.author_id: window_of(places) for places in found}
            await self._timelines.finish_builds(tokens, windows)
        except BaseException:
            await self._timelines.abandon_builds(tokens)
            raise
        return {author: run_of(author, window, None, len(window.entries) + 1) for author, window in windows.items()}
