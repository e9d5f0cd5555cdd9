"""Reads a page's entries whatever is down: normally, or from the cache alone, or from the store alone."""

from feed_svc import page_sources
from feed_svc.model import Entry, Skeleton
from feed_svc.ports import IsOutage
from feed_svc.reading.read_cached import ReadCached
from feed_svc.reading.read_skeleton import ReadSkeleton
from feed_svc.reading.read_stored import ReadStored
from meshkit.time_limits import TimeLimits

# After this long a part is considered hung. The slowest first read of a healthy mesh takes less.
PRIMARY_SECONDS = 5.0


class ReadWithFallback:
    """Tries one source after another. Only the cache-only read may miss entries, and it says so."""

    def __init__(
        self,
        primary: ReadSkeleton,
        cached: ReadCached,
        stored: ReadStored,
        is_outage: IsOutage,
        seconds: float = PRIMARY_SECONDS,
    ) -> None:
        self._primary = primary
        self._fallbacks = ((cached, page_sources.CACHE), (stored, page_sources.STORE))
        self._is_outage = is_outage
        self._seconds = seconds
        self._limits = TimeLimits()

    async def __call__(self, viewer: int, below: Entry | None, limit: int) -> Skeleton:
        """Return the newest `limit` entries of a viewer's feed below an entry (None: from the top).

        Raises the first error if every fallback fails: never an empty page instead of an error.
        """
        while True:
            try:
                with self._limits.within(self._seconds):
                    return await self._primary(viewer, below, limit)
            except Exception as error:
                if not self._is_outage(error):
                    raise
                # A long rebuild that gets on is no outage: wait for it until the call's deadline.
                if isinstance(error, TimeoutError) and self._primary.is_rebuilding(viewer, self._seconds):
                    continue
                if (found := await self._fall_back(viewer, below, limit)) is None:
                    raise
                return found

    async def close(self) -> None:
        """Give up running rebuilds."""
        await self._primary.close()

    async def _fall_back(self, viewer: int, below: Entry | None, limit: int) -> Skeleton | None:
        for fallback, source in self._fallbacks:
            try:
                if found := await fallback(viewer, below, limit):
                    source.count += 1
                    return found
            except Exception as error:
                if not self._is_outage(error):
                    raise
        return None
