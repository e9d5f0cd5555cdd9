"""Tell media_svc which media people look at: one item in a hundred, beside the reads and never in their way."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

import structlog

from meshkit.errors import UnavailableError

EVERY = 100
INTERVAL_SECONDS = 5.0
# Far above what a process serves in one interval; a sample may lose some.
MAX_PICKED = 10_000
# What one message takes.
MAX_MEDIA = 1_000
# Counts views by the id of their medium. Raises UnavailableError.
Count = Callable[[Mapping[str, int]], Awaitable[None]]
# Returns the ids of the media of a serialized FeedItem.
MediaOf = Callable[[bytes], Iterable[str]]
_log = structlog.get_logger()


class SampleReads:
    """Picks items as they are served, and counts their media every few seconds. What is not counted then is lost."""

    def __init__(self, count: Count, media_of: MediaOf, every: int = EVERY) -> None:
        self._count = count
        self._media_of = media_of
        self._every = every
        self._left = self._step()
        self._picked: list[bytes] = []

    def saw(self, items: Sequence[bytes]) -> None:
        """Take notice of a page: a subtraction, mostly."""
        self._left -= len(items)
        while self._left <= 0:
            # Counted from the end of the page, where the last item is 0 steps back.
            self._picked.append(items[self._left - 1])
            self._left += self._step()

    async def run(self, stopping: asyncio.Event) -> None:
        """Tell until the process stops."""
        while not stopping.is_set():
            try:
                await asyncio.wait_for(stopping.wait(), INTERVAL_SECONDS)
            except TimeoutError:
                await self.tell()

    async def tell(self) -> None:
        """Tell what was picked since the last time. Never fails."""
        picked, self._picked = self._picked[:MAX_PICKED], []
        try:
            await self._tell(picked)
        except UnavailableError as error:
            _log.info("views_not_counted", error=repr(error))
        except Exception as error:  # noqa: BLE001 - the boundary: a loop that raises would end the process that serves feeds
            _log.warning("views_not_counted", error=repr(error), exc_info=error)

    async def _tell(self, picked: Sequence[bytes]) -> None:
        views: Counter[str] = Counter()
        for item in picked:
            views.update(self._media_of(item))
        for some in _batches(list(views)):
            await self._count({media_id: views[media_id] * self._every for media_id in some})

    def _step(self) -> int:
        """Return how many items on the next one is picked: `every` on average, at random, as pages have round sizes."""
        return random.randint(1, 2 * self._every - 1)  # noqa: S311 - a sample is no secret


def _batches(media_ids: Sequence[str]) -> Iterable[Sequence[str]]:
    return (media_ids[first : first + MAX_MEDIA] for first in range(0, len(media_ids), MAX_MEDIA))
