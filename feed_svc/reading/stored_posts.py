"""Reads authors' posts from the store alone."""

import asyncio
from collections.abc import Mapping, Sequence

from feed_svc.model import END, Places, Run, entry_of, place_of
from feed_svc.ports import Posts

# How many calls to the store one read makes at a time.
CALLS_AT_ONCE = 8


class StoredPosts:
    """Reads many authors at once."""

    def __init__(self, posts: Posts) -> None:
        self._posts = posts

    async def __call__(self, bounds: Mapping[int, bytes | None], count: int) -> list[Run]:
        """Return a run of each author below its bound (None: from the newest), with one call per bound.

        A run is only empty if the author has no more posts.
        """
        together: dict[bytes | None, list[int]] = {}
        for author, bound in bounds.items():
            together.setdefault(bound, []).append(author)
        turn = asyncio.Semaphore(CALLS_AT_ONCE)

        async def read(bound: bytes | None, authors: Sequence[int]) -> list[Run]:
            async with turn:
                # Two authors may share a place, one above the bound and one below it: begin one place higher, for one more.
                below_place = None if bound is None else place_of(bound) + 1
                found = await self._posts.newest(authors, below_place, count + 1)
            return [_run_below(places, bound) for places in found]

        runs = await asyncio.gather(*(read(bound, authors) for bound, authors in together.items()))
        return [run for some in runs for run in some]


def _run_below(places: Places, bound: bytes | None) -> Run:
    entries = [entry_of(place, places.author_id) for place in places.places]
    below = entries if bound is None else [entry for entry in entries if entry < bound]
    return Run(places.author_id, below, END if places.is_all else entries[-1])
