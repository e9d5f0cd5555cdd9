"""Rebuilds a home timeline when a read finds it missing, while posts are still being pushed."""

import asyncio
import contextlib
import time
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

import structlog

from feed_svc.celebrities.modes import CelebrityModes
from feed_svc.fan_out.apply_follow import ApplyFollow
from feed_svc.model import LOWEST, TIMELINE_LENGTH, Run, Window
from feed_svc.ports import Graph
from feed_svc.reading.author_posts import AuthorPosts
from feed_svc.reading.lazy_merge import newest_of
from feed_svc.reading.rebuild_progress import RebuildProgress
from feed_svc.store.builds import RENEW_SECONDS
from feed_svc.store.port import RecentUnfollows, Timelines
from meshkit.call import CURRENT, current_call
from meshkit.tasks.to_the_end import ToTheEnd

# How often a waiting reader checks whether another process has finished its rebuild. One takes about 10 ms for few followees.
POLL_SECONDS = 0.01
# How many authors are read, and kept in the cache, at a time: as many as are asked for in parallel.
BATCH = 800
# A process rebuilds this many timelines at once for readers that wait. More would only make each of them slower.
MAX_REBUILDS = 64
# While this many rebuilds run, no page is shown before its rebuild: the reader waits, which slows down those who send readers.
MAX_BEHIND = 16
# A rebuild behind a page first lets the page read its cards, because both need the same parts.
PAUSE_SECONDS = 0.1
# How long a stopping process waits for the last step of its rebuilds.
CLOSE_SECONDS = 2.0
_log = structlog.get_logger()


class RebuildTimeline:
    """Makes a timeline live, in a task of its own that outlives impatient readers.

    The order makes it exact: the timeline accepts pushes before the authors' posts are read, so a post published meanwhile is
    pushed, read, or both. Unfollows that happen meanwhile are applied again at the end.
    """

    def __init__(
        self,
        timelines: Timelines,
        modes: CelebrityModes,
        graph: Graph,
        author_posts: AuthorPosts,
        recent_unfollows: RecentUnfollows,
        apply_follow: ApplyFollow,
        *,
        batch: int = BATCH,
    ) -> None:
        self._timelines = timelines
        self._modes = modes
        self._graph = graph
        self._author_posts = author_posts
        self._recent_unfollows = recent_unfollows
        self._apply_follow = apply_follow
        self._batch = batch
        self._slots = asyncio.Semaphore(MAX_REBUILDS)
        self._running: dict[int, asyncio.Task[None]] = {}
        self._pauses: dict[int, asyncio.Event] = {}
        self._is_closed = False
        self.progress = RebuildProgress()
        self.to_the_end = ToTheEnd()

    async def __call__(self, viewer: int) -> None:
        """Rebuild a timeline, or wait for the reader or process that does. Read the timeline again afterwards.

        A reader that leaves while it waits for a slot leaves nothing behind.
        """
        if viewer not in self._running:
            await self._slots.acquire()
            if viewer in self._running:  # another reader has started it meanwhile
                self._slots.release()
            else:
                self._start(viewer, self._rebuild(viewer)).add_done_callback(lambda _: self._slots.release())
        if pause := self._pauses.get(viewer):
            pause.set()
        if task := self._running.get(viewer):
            await asyncio.shield(task)

    def has_room_behind(self, viewer: int) -> bool:
        """Tell whether a rebuild can run behind a page now: this viewer has none, and the process has few."""
        return viewer not in self._running and len(self._running) < MAX_BEHIND and not self._is_closed

    def start_behind(self, viewer: int) -> None:
        """Start a rebuild that nobody waits for, if there is room."""
        if self.has_room_behind(viewer):
            self._pauses[viewer] = asyncio.Event()
            self._start(viewer, self._rebuild_behind(viewer))

    async def close(self) -> None:
        """Give up running rebuilds. What they have cached stays."""
        self._is_closed = True
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self.to_the_end.close(CLOSE_SECONDS)

    def _start(self, viewer: int, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._running[viewer] = task
        self.progress.advance(viewer, 0)
        task.add_done_callback(lambda done: self._forget(viewer, done))
        return task

    def _forget(self, viewer: int, task: asyncio.Task[None]) -> None:
        del self._running[viewer]
        self._pauses.pop(viewer, None)
        self.progress.end(viewer)
        if not task.cancelled() and (error := task.exception()):  # perhaps nobody waits for it any more
            _log.info("timeline_not_rebuilt", viewer=viewer, error=repr(error))

    async def _rebuild_behind(self, viewer: int) -> None:
        """Rebuild after a pause, which ends early if a reader waits."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PAUSE_SECONDS):
                await self._pauses[viewer].wait()
        await self._rebuild(viewer)

    async def _rebuild(self, viewer: int) -> None:
        # The reader's deadline is not the rebuild's.
        CURRENT.set(current_call()._replace(deadline=None))
        token = await self._timelines.begin_build(viewer, self._modes.position, self._modes.lowest_seq)
        if token:
            await _Build(self, viewer, token).run()
        else:
            self.progress.advance(viewer, 0)
            await asyncio.sleep(POLL_SECONDS)


class _Build:
    """One rebuild that holds its timeline by a token."""

    def __init__(self, rebuild: RebuildTimeline, viewer: int, token: bytes) -> None:
        self._of = rebuild
        self._viewer = viewer
        self._token = token
        self._renewed = time.monotonic()

    async def run(self) -> None:
        of, viewer = self._of, self._viewer
        try:
            followees, cut = await of._graph.followees_and_cut(viewer)
            # An author promoted since the position was taken is applied here or by a later read. The posts of a demoted one are
            # read below, after the change.
            pulled = of._modes.pulled & set(followees)
            of.progress.begin(viewer, len(followees))
            window = await self._window([author for author in followees if author not in pulled])
        except BaseException:
            await of._timelines.abandon_build(viewer, self._token)
            raise
        await of.to_the_end(lambda: self._finish(window, sorted(pulled), cut))

    async def _finish(self, window: Window, pulled: Sequence[int], cut: int) -> None:
        """Make the timeline live, and apply unfollows that happened meanwhile: never one without the other."""
        of, viewer = self._of, self._viewer
        try:
            await of._timelines.finish_build(viewer, self._token, window, pulled, cut)
        except BaseException:
            await of._timelines.abandon_build(viewer, self._token)
            raise
        for author_id in await of._recent_unfollows.unfollowed_by(viewer):
            await of._apply_follow(viewer, author_id)

    async def _window(self, authors: Sequence[int]) -> Window:
        """Return the authors' newest posts, as many as a timeline holds."""
        wanted = TIMELINE_LENGTH + 1
        entries = await newest_of(authors, None, wanted, self._in_batches)
        return Window(entries, LOWEST) if len(entries) < wanted else Window(entries[:-1], entries[-1])

    async def _in_batches(self, bounds: Mapping[int, bytes | None], count: int) -> list[Run]:
        """Read authors batch by batch, so that an interrupted rebuild leaves the batches it finished in the cache."""
        authors = list(bounds)
        runs: list[Run] = []
        for start in range(0, len(authors), self._of._batch):
            batch = authors[start : start + self._of._batch]
            runs += await self._of._author_posts({author: bounds[author] for author in batch}, count)
            self._of.progress.advance(self._viewer, len(batch))
            await self._renew()
        return runs

    async def _renew(self) -> None:
        """Keep the timeline from being taken for abandoned. If it was taken over, finishing does nothing."""
        if time.monotonic() - self._renewed > RENEW_SECONDS:
            self._renewed = time.monotonic()
            self._token = await self._of._timelines.renew_build(self._viewer, self._token)
