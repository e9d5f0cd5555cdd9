"""Record how far the processing of a video is, every few seconds."""

import time
from collections.abc import Sequence

from media_svc.store.port import MediaStore
from media_svc.videos.rules import RungPlan, work_of
from meshkit.errors import LensfeedError
from meshkit.ids import PublicId

# Often enough for a viewer, and cheap compared to the film.
INTERVAL_SECONDS = 3.0


class VideoProgress:
    """Converts seconds of written film into percent of all work, and stores them."""

    def __init__(self, store: MediaStore, media_id: PublicId, plans: Sequence[RungPlan], film_seconds: float) -> None:
        self._store = store
        self._media_id = media_id
        self._work = [work_of(plan) for plan in plans]
        self._film_seconds = film_seconds
        self._rung = 0
        self._next_write = 0.0

    def begin(self, rung: int) -> None:
        """Begin a rung, by its index; the ones before it are done."""
        self._rung = rung

    async def __call__(self, seconds: float) -> None:
        """Record the seconds written of this rung. Nothing depends on whether that succeeds."""
        now = time.monotonic()
        if now < self._next_write:
            return
        self._next_write = now + INTERVAL_SECONDS
        try:
            await self._store.set_progress(self._media_id, self.percent(seconds))
        except LensfeedError:
            return

    def percent(self, seconds: float) -> int:
        """Return the work done, from 0 to 100."""
        share = min(1.0, seconds / self._film_seconds)
        done = sum(self._work[: self._rung]) + self._work[self._rung] * share
        return int(100 * done / sum(self._work))
