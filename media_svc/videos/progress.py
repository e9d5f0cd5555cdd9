"""How far a video's processing is, noted every few seconds while it goes on."""

import time
from collections.abc import Sequence

from media_svc.store.port import MediaStore
from media_svc.videos.rules import RungPlan, work_of
from meshkit.errors import LensfeedError
from meshkit.ids import PublicId

# Often enough for somebody who looks, and nothing beside what a film costs.
INTERVAL_SECONDS = 3.0


class VideoProgress:
    """Turns seconds of film that are written into percent of all work, and notes them."""

    def __init__(self, store: MediaStore, media_id: PublicId, plans: Sequence[RungPlan], film_seconds: float) -> None:
        self._store = store
        self._media_id = media_id
        self._work = [work_of(plan) for plan in plans]
        self._film_seconds = film_seconds
        self._rung = 0
        self._next_note = 0.0

    def begin(self, rung: int) -> None:
        """Begin a rung, by its number from 0; those before it are done."""
        self._rung = rung

    async def __call__(self, seconds: float) -> None:
        """Note that so many seconds of film are written in this rung. Nothing depends on whether that can be noted."""
        now = time.monotonic()
        if now < self._next_note:
            return
        self._next_note = now + INTERVAL_SECONDS
        try:
            await self._store.set_progress(self._media_id, self.percent(seconds))
        except LensfeedError:
            return

    def percent(self, seconds: float) -> int:
        """Return what is done, from 0 to 100."""
        share = min(1.0, seconds / self._film_seconds)
        done = sum(self._work[: self._rung]) + self._work[self._rung] * share
        return int(100 * done / sum(self._work))
