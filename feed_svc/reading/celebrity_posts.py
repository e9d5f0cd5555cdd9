"""Celebrities' newest posts, cached in a serving process because many readers need the same ones."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from feed_svc.model import END, Entry, Run, part_of
from feed_svc.reading.author_posts import AuthorPosts

# The maximum age of a cached run, by which a post may appear late. A deleted post's card hides it at once.
FRESH_SECONDS = 1.0
# Enough of one author for the pages near the top. Deeper pages are read from Redis.
WINDOW = 64
# Some 5 KB each.
MAX_AUTHORS = 10_000


@dataclass(frozen=True, slots=True)
class _Cached:
    run: Run
    loaded_at: float


class CelebrityPosts:
    """Caches a run of each celebrity. Readers that miss the same one share its load."""

    def __init__(self, runs: AuthorPosts, fresh_seconds: float = FRESH_SECONDS, window: int = WINDOW) -> None:
        self._runs = runs
        self._window = window
        self._fresh = fresh_seconds
        self._cached: dict[int, _Cached] = {}
        self._loading: dict[int, asyncio.Task[dict[int, Run]]] = {}

    async def runs(self, authors: Sequence[int], below: Entry | None, limit: int, last: bytes) -> list[Run]:
        """Return runs of at most `limit` entries below `below`, leaving out authors with nothing above `last`."""
        found = await self._newest_posts(authors)
        return [
            part_of(run, below, limit) for run in found if (run.entries[0] > last if run.entries else run.bound != END)
        ]

    async def _newest_posts(self, authors: Sequence[int]) -> list[Run]:
        oldest = time.monotonic() - self._fresh
        cached = [self._cached.get(author) for author in authors]
        stale = [a for a, each in zip(authors, cached, strict=True) if each is None or each.loaded_at < oldest]
        loaded = await self._load(stale) if stale else {}
        return [each.run if each and a not in loaded else loaded[a] for a, each in zip(authors, cached, strict=True)]

    async def _load(self, authors: Sequence[int]) -> dict[int, Run]:
        if unasked := [author for author in authors if author not in self._loading]:
            task = asyncio.create_task(self._read(unasked))
            task.add_done_callback(
                lambda done: done.cancelled() or done.exception()
            )  # everybody who waited may be gone
            self._loading |= dict.fromkeys(unasked, task)
        tasks = dict.fromkeys(self._loading[author] for author in authors)
        found: dict[int, Run] = {}
        for loaded in await asyncio.gather(*map(asyncio.shield, tasks)):
            found |= loaded
        return found

    async def _read(self, authors: Sequence[int]) -> dict[int, Run]:
        asked_at = time.monotonic()
        try:
            loaded = await self._runs(dict.fromkeys(authors), self._window)
        finally:
            for author in authors:
                del self._loading[author]
        for run in loaded:
            self._cached.pop(run.author_id, None)  # so that it moves to the end
            self._cached[run.author_id] = _Cached(run, asked_at)
        while len(self._cached) > MAX_AUTHORS:
            del self._cached[next(iter(self._cached))]
        return {run.author_id: run for run in loaded}
