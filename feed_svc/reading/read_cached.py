"""A page's entries by the cache alone, while the services that know the truth are away."""

from feed_svc.model import END, HOME, Entry, Skeleton, run_of
from feed_svc.reading.lazy_merge import merged
from feed_svc.store.port import AuthorTimelines, Timelines


class ReadCached:
    """As much as the cache knows for certain, or else as much as it has."""

    def __init__(self, timelines: Timelines, authors: AuthorTimelines) -> None:
        self._timelines = timelines
        self._authors = authors

    async def __call__(self, viewer: int, below: Entry | None, limit: int) -> Skeleton | None:
        """Return at most `limit` entries of a viewer's feed below an entry (None: from the top); None where none is known.

        Entries below which another one might be missing are left out, if any are above them. The feed never ends here: what
        the cache does not have may still be in the store.
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
        return Skeleton(found, is_end=False, is_degraded=True) if found else None
