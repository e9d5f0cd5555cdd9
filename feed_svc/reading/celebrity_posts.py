"""Celebrities' newest posts in the memory of a serving process, as many of its readers ask for the same."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from feed_svc.model import END, Entry, Run, part_of
from feed_svc.reading.author_posts import AuthorRuns

# How old a window may be: a feed may show a post so much later. A deleted post's card hides it at once.
FRESH_SECONDS = 1.0
# What pages near the top need of one author; who scrolls down reads on in Redis.
WINDOW = 64
# Some 5 KB each.
MAX_WINDOWS = 10_000


@dataclass(frozen=True, slots=True)
class _Held:
    run: Run
    loaded_at: float


class PulledWindows:
    """The windows, and the loads under way: a window is loaded once for all who wait for it."""

    def __init__(self, runs: AuthorRuns, fresh_seconds: float = FRESH_SECONDS, window: int = WINDOW) -> None:
        self._runs = runs
        self._window = window
        self._fresh = fresh_seconds
        self._held: dict[int, _Held] = {}
        self._loading: dict[int, asyncio.Task[dict[int, Run]]] = {}

    async def runs(self, authors: Sequence[int], below: Entry | None, limit: int, last: bytes) -> list[Run]:
        """Return the authors' runs of at most `limit` entries below `below`; who has nothing above `last` is left out."""
        found = await self._windows(authors)
        return [
            part_of(run, below, limit) for run in found if (run.entries[0] > last if run.entries else run.bound != END)
        ]

    async def _windows(self, authors: Sequence[int]) -> list[Run]:
        oldest = time.monotonic() - self._fresh
        held = [self._held.get(author) for author in authors]
        stale = [a for a, each in zip(authors, held, strict=True) if each is None or each.loaded_at < oldest]
        loaded = await self._load(stale) if stale else {}
        return [each.run if each and a not in loaded else loaded[a] for a, each in zip(authors, held, strict=True)]

    async def _load(self, authors: Sequence[int]) -> dict[int, Run]:
        if unasked := [author for author in authors if author not in self._loading]:
            task = asyncio.create_task(self._read(unasked))
            task.add_done_callback(lambda done: done.cancelled() or done.exception())  # all who wait may have gone
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
            self._held.pop(run.author_id, None)  # to be the newest of the dict
            self._held[run.author_id] = _Held(run, asked_at)
        while len(self._held) > MAX_WINDOWS:
            del self._held[next(iter(self._held))]
        return {run.author_id: run for run in loaded}
