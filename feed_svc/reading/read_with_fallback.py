"""Which entries a page has, whatever is down: the usual way, or by the cache alone, or by the store alone."""

from feed_svc.model import Entry, Skeleton
from feed_svc.ports import IsOutage
from feed_svc.reading.read_cached import ReadCached
from feed_svc.reading.read_skeleton import ReadSkeleton
from feed_svc.reading.read_stored import ReadStored
from meshkit.time_limits import TimeLimits

# After so long a part is taken for one that hangs. The slowest first read of a healthy mesh takes less.
USUAL_SECONDS = 5.0


class ReadAnyhow:
    """Tries one way after the other. Only the cache alone may miss something, and says so."""

    def __init__(
        self,
        usual: ReadSkeleton,
        cached: ReadCached,
        stored: ReadStored,
        is_outage: IsOutage,
        seconds: float = USUAL_SECONDS,
    ) -> None:
        self._usual = usual
        self._others = (cached, stored)
        self._is_outage = is_outage
        self._seconds = seconds
        self._limits = TimeLimits()

    async def __call__(self, viewer: int, below: Entry | None, limit: int) -> Skeleton:
        """Return the newest `limit` entries of a viewer's feed below an entry (None: from the top).

        Raises what went wrong first where no way is left: never an empty page instead of an error.
        """
        try:
            with self._limits.within(self._seconds):
                return await self._usual(viewer, below, limit)
        except Exception as error:
            if not self._is_outage(error):
                raise
            if (found := await self._otherwise(viewer, below, limit)) is None:
                raise
            return found

    async def _otherwise(self, viewer: int, below: Entry | None, limit: int) -> Skeleton | None:
        for way in self._others:
            try:
                if found := await way(viewer, below, limit):
                    return found
            except Exception as error:
                if not self._is_outage(error):
                    raise
        return None
