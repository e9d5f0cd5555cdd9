"""Merges runs of posts, and reads on only where that decides the result."""

import heapq
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from itertools import groupby, islice

from feed_svc.model import END, Entry, Run

# Takes the runs to read on with, and how often that has been asked before; returns runs in their place: what they had, and more.
Deepen = Callable[[Sequence[Run], int], Awaitable[Sequence[Run]]]
# Returns a run of each author below its bound (None: from the newest), of some so many entries.
ReadRuns = Callable[[Mapping[int, bytes | None], int], Awaitable[Sequence[Run]]]
# How many entries of an author are read at a time: few at first, as most of many authors decide nothing, then more and more.
FEWEST, GROWTH, MOST = 2, 4, 500


async def newest(runs: Sequence[Run], wanted: int, deepen: Deepen) -> list[Entry]:
    """Return the newest `wanted` entries of all runs and of what stands below them, each once; fewer only if there are no more.

    A run whose bound is at or below the last entry wanted cannot change the result, so that it is not read on: of many authors
    only those are who post much.
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
    """Return the newest `wanted` entries of some authors below an entry (None: from the top); fewer only if there are no more."""

    async def deepen(undecided: Sequence[Run], times: int) -> list[Run]:
        bounds: dict[int, bytes | None] = {run.author_id: run.bound for run in undecided}
        count = share(wanted, len(bounds), times + 1)
        return [*(run.without_rest() for run in undecided), *await read(bounds, count)]

    first = await read(dict.fromkeys(authors, below), share(wanted, len(authors), 0))
    return await newest(first, wanted, deepen)


def merged(runs: Iterable[Run], wanted: int) -> list[Entry]:
    """Return the newest entries of the known parts of runs, each once: one may be in two, as it was pushed and is pulled, too."""
    in_order = heapq.merge(*(run.entries for run in runs if run.entries), reverse=True)
    return [entry for entry, _ in islice(groupby(in_order), wanted)]


def share(wanted: int, authors: int, times: int) -> int:
    """Return how many entries of each author to read for `wanted` ones of all."""
    growth: int = GROWTH**times
    return min(MOST, (2 * wanted // max(1, authors) + FEWEST) * growth)
