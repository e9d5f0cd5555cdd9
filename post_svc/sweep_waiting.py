"""The safety net for waiting posts: those that no event published are retried at growing intervals.

A process may die right after it stored a waiting post, and an event may become a dead letter while media_svc is down. Each sweep
therefore tries the posts created 1, 2, 4, 8, … minutes ago. While media_svc is down no post can be published: the sweep stops at
once, and a later one starts again at the same minute.
"""

import asyncio
import time

import structlog

from meshkit.events.outbox import MINUTE_MS
from meshkit.ids import PublicId
from meshkit.tasks.periodic import every
from post_svc.ports import IsOutage
from post_svc.publish_waiting import PublishWaiting
from post_svc.store import PostStore

INTERVAL_SECONDS = 60.0
# 1 minute to 5 days 16 hours: longer than an upload may take.
AGES = tuple(2**power for power in range(14))
# How far a sweeper catches up after an outage. Older minutes wait for their next age.
MAX_MINUTES_BEHIND = 60
_log = structlog.get_logger()


class SweepWaiting:
    """Retries waiting posts. Several sweepers may run at once."""

    def __init__(self, store: PostStore, publish_waiting: PublishWaiting, is_outage: IsOutage) -> None:
        self._store = store
        self._is_outage = is_outage
        self._publish_waiting = publish_waiting
        self._swept: int | None = None

    async def run(self, stopping: asyncio.Event) -> None:
        """Sweep once a minute until the process stops."""
        async for _ in every(INTERVAL_SECONDS, stopping):
            try:
                await self.sweep()
            except Exception as error:  # noqa: BLE001 - the boundary: the next sweep comes in a minute
                _log.warning("sweep_failed", error=repr(error))

    async def sweep(self, now_ms: int | None = None) -> None:
        """Sweep every minute since the last sweep. `now_ms` is the time in milliseconds since 1970.

        Raises the error of a post that cannot be tried because a part is down.
        """
        minute = (time.time_ns() // 1_000_000 if now_ms is None else now_ms) // MINUTE_MS
        begin = minute if self._swept is None else max(self._swept + 1, minute - MAX_MINUTES_BEHIND)
        for each in range(begin, minute + 1):
            for age in AGES:
                async for post in self._store.waiting_since(each - age):
                    await self._try(post)
            self._swept = each

    async def _try(self, post: PublicId) -> None:
        try:
            view = await self._publish_waiting(post)
        except Exception as error:  # one post must not hold up the others
            if self._is_outage(error):
                raise
            _log.warning("waiting_post_not_tried", post=str(post), error=repr(error))
            return
        if view is not None and view.published_at is not None:
            _log.info("waiting_post_published", post=str(post))
