"""Reads a page's entries from the cache alone, while follow_svc or post_svc is down."""

from feed_svc.model import END, HOME, Entry, Skeleton, run_of
from feed_svc.reading.lazy_merge import merged
from feed_svc.store.port import AuthorTimelines, Timelines


class ReadCached:
    """Returns the entries that are certain to be complete, or else all cached ones."""

    def __init__(self, timelines: Timelines, authors: AuthorTimelines) -> None:
        self._timelines = timelines
        self._authors = authors

    async def __call__(self, viewer: int, below: Entry | None, limit: int) -> Skeleton | None:
        """Return at most `limit` entries below an entry (None: from the top), or None if none is cached.

        Entries are left out if newer ones might be missing, unless that would leave none. `is_end` is never set, as the store may
        have older entries.
        """
        home = await self._timelines.read(viewer, below, limit + 1)
        if home is None:
            return None
        windows = await self._authors.read(dict.fromkeys(home.pulled, below), limit + 1) if home.pulled else {}
        runs = [run_of(HOME, home, below, limit + 1)]
        runs += [run_of(author, window, below, limit + 1) for author, window in windows.items() if window]
        entries = merged(runs, limit)
        certain_from = max((run.bound for run in runs), default=END)
        certain = [entry for entry in entries if entry >= certain_from]
        found = certain or entries
        if not found:
            return None
        return Skeleton(found, is_end=False, is_degraded=True, is_checked=home.unleased is None)
