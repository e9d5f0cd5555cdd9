"""Reports a sample of the media people look at to media_svc, without slowing reads down."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

import structlog

from meshkit.errors import UnavailableError

EVERY = 100
INTERVAL_SECONDS = 5.0
# Far more than a process serves in one interval. A sample may lose some.
MAX_SAMPLED = 10_000
# The limit of one request.
MAX_MEDIA = 1_000
# Counts views by the id of their medium. Raises UnavailableError.
Count = Callable[[Mapping[str, int]], Awaitable[None]]
# Returns the ids of the media of a serialized FeedItem.
MediaOf = Callable[[bytes], Iterable[str]]
_log = structlog.get_logger()


class CountViews:
    """Samples served items and reports their media every few seconds. A failed report is lost."""

    def __init__(self, count: Count, media_of: MediaOf, every: int = EVERY) -> None:
        self._count = count
        self._media_of = media_of
        self._every = every
        self._left = self._step()
        self._sampled: list[bytes] = []

    def record(self, items: Sequence[bytes]) -> None:
        """Sample a page. Usually this is only a subtraction."""
        self._left -= len(items)
        while self._left <= 0:
            # `_left` is 0 or negative here: it counts back from the page's last item.
            self._sampled.append(items[self._left - 1])
            self._left += self._step()

    async def run(self, stopping: asyncio.Event) -> None:
        """Report until the process stops."""
        while not stopping.is_set():
            try:
                await asyncio.wait_for(stopping.wait(), INTERVAL_SECONDS)
            except TimeoutError:
                await self.flush()

    async def flush(self) -> None:
        """Report what was sampled since the last report. Never fails."""
        sampled, self._sampled = self._sampled[:MAX_SAMPLED], []
        try:
            await self._send(sampled)
        except UnavailableError as error:
            _log.info("views_not_counted", error=repr(error))
        except Exception as error:  # noqa: BLE001 - a background loop that raises would stop the process
            _log.warning("views_not_counted", error=repr(error), exc_info=error)

    async def _send(self, sampled: Sequence[bytes]) -> None:
        views: dict[str, int] = {}
        # Most samples are of a few items. Each is parsed once, so that the calls meanwhile do not wait for the rest.
        for item, times in Counter(sampled).items():
            for media_id in self._media_of(item):
                views[media_id] = views.get(media_id, 0) + times
        for some in _batches(list(views)):
            await self._count({media_id: views[media_id] * self._every for media_id in some})

    def _step(self) -> int:
        """Return the distance to the next sampled item: `every` on average, random because pages have round sizes."""
        return random.randint(1, 2 * self._every - 1)  # noqa: S311 - a sample is no secret


def _batches(media_ids: Sequence[str]) -> Iterable[Sequence[str]]:
    return (media_ids[first : first + MAX_MEDIA] for first in range(0, len(media_ids), MAX_MEDIA))
