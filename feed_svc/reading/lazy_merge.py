"""Merges runs of posts, reading further only where that can change the result."""

import heapq
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from itertools import groupby, islice

from feed_svc.model import END, Entry, Run

# Takes the runs to read further and how often that was done before. Returns runs that replace them, with more entries.
Deepen = Callable[[Sequence[Run], int], Awaitable[Sequence[Run]]]
# Returns a run of about the given number of entries of each author below its bound (None: from the newest).
ReadRuns = Callable[[Mapping[int, bytes | None], int], Awaitable[Sequence[Run]]]
# How many entries of an author are read at a time: few at first, because most authors do not matter, then more and more.
FEWEST, GROWTH, MOST = 2, 4, 500


async def newest(runs: Sequence[Run], wanted: int, deepen: Deepen) -> list[Entry]:
    """Return the newest `wanted` entries of all runs and of everything below them, each once.

    Returns fewer only if there are no more. A run whose bound is at or below the last wanted entry cannot change the result, so
    it is not read further. So only authors who post a lot are.
    """
    known, times = list(runs), 0
    while True:
        entries = merged(known, wanted)
        last = entries[-1] if len(entries) == wanted else END
        undecided = [run for run in known if run.bound > last]
        if not undecided:
            return entries
        known = [run for run in known if run.bound <= last]
        known += await deepen(undecided, times)
        times += 1


async def newest_of(authors: Sequence[int], below: Entry | None, wanted: int, read: ReadRuns) -> list[Entry]:
    """Return the newest `wanted` entries of authors below an entry (None: from the top).

    Returns fewer only if there are no more.
    """

    async def deepen(undecided: Sequence[Run], times: int) -> list[Run]:
        bounds: dict[int, bytes | None] = {run.author_id: run.bound for run in undecided}
        count = read_size(wanted, len(bounds), times + 1)
        return [*(run.without_rest() for run in undecided), *await read(bounds, count)]

    first = await read(dict.fromkeys(authors, below), read_size(wanted, len(authors), 0))
    return await newest(first, wanted, deepen)


def merged(runs: Iterable[Run], wanted: int) -> list[Entry]:
    """Return the newest known entries of runs, each once. An entry may be in two: it was pushed and is pulled, too."""
    in_order = heapq.merge(*(run.entries for run in runs if run.entries), reverse=True)
    return [entry for entry, _ in islice(groupby(in_order), wanted)]


def read_size(wanted: int, authors: int, times: int) -> int:
    """Return how many entries of each author to read in order to get `wanted` entries in all."""
    growth: int = GROWTH**times
    return min(MOST, (2 * wanted // max(1, authors) + FEWEST) * growth)
