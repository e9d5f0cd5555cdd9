"""Correct the follower and followee counts, and finish changes that a crash interrupted.

A run walks the whole graph in pages while the services keep serving. It may be killed at any time: the next run repeats the
unfinished page and continues from there. Three walks cover every account whose count can be wrong: accounts that follow
(this walk also checks each pair), accounts that are followed, and accounts that have counts but perhaps no rows.

Rows change before counts, so a count that differs from its rows may just be late. The run therefore reads it again after
`settle_seconds`, longer than any change takes, and corrects it only if nothing has moved. Accounts that keep moving are logged
and left for a later run.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import stamina
import structlog

from follow_svc.events import follow_created, follow_deleted, follow_requested
from follow_svc.store.port import FollowStore
from follow_svc.store.recount_port import FIRST_POSITION, HalfDone, Progress, RecountStore, Side, Walk
from meshkit.errors import UnavailableError
from meshkit.ids import new_id

# A killed run repeats at most one page.
PAGE_USERS = 100
PAGE_ROWS = 2_000
# Low, because the services keep serving meanwhile.
CONCURRENCY = 16
# A run ends if the store is down for longer; the next run resumes it.
PATIENCE_SECONDS = 300
_WALKS = list(Walk)
_log = structlog.get_logger()
T = TypeVar("T")
R = TypeVar("R")


class SupersededError(Exception):
    """A later run has taken over. If both went on, they would correct a count twice."""


@dataclass(frozen=True, slots=True)
class Tally:
    """The stored count of one side of an account, and the number of its rows."""

    side: Side
    user_id: int
    counted: int
    rows: int


class Recount:
    """One run over the graph."""

    def __init__(
        self, follows: FollowStore, store: RecountStore, settle_seconds: float, page_users: int = PAGE_USERS
    ) -> None:
        self._follows = follows
        self._store = store
        self._settle_seconds = settle_seconds
        self._page_users = page_users
        self._run = new_id()

    async def __call__(self) -> None:
        """Resume where the last run stopped and go on to the end. Raises SupersededError if another run starts."""
        progress = await _retry(lambda: self._store.take_over(self._run))
        _log.info("recount_begins", walk=progress.walk.value, position=progress.position)
        while True:
            next_progress = await _retry(lambda: self._page(progress))  # noqa: B023 - awaited before the next turn
            if next_progress is None:
                break
            progress = next_progress
        _log.info("recount_ended")

    async def _page(self, progress: Progress) -> Progress | None:
        """Process one page. Returns the position of the next page, or None after the last."""
        page = await self._store.list_users(progress.walk, progress.position, self._page_users)
        completed = sum(await _map_bounded(page.user_ids, self._complete)) if progress.walk is Walk.FOLLOWS else 0
        corrected = await self._correct(progress, await self._sides(progress.walk, page.user_ids))
        next_progress = _after(progress.walk, page.position)
        await self._record(next_progress or Progress(_WALKS[0], FIRST_POSITION))
        _log.info(
            "recounted",
            walk=progress.walk.value,
            users=len(page.user_ids),
            completed=completed,
            corrected=corrected,
            position=page.position,
        )
        return next_progress

    async def _record(self, progress: Progress) -> None:
        if not await self._store.record_progress(self._run, progress):
            raise SupersededError

    async def _complete(self, follower_id: int) -> int:
        """Finish a follower's interrupted changes that are too old to be still in progress."""
        before_us = int((time.time() - self._settle_seconds) * 1_000_000)
        found = await self._store.list_half_done(follower_id, before_us)
        await _map_bounded(found, self._finish)
        return len(found)

    async def _finish(self, half_done: HalfDone) -> None:
        make_event = follow_deleted if half_done.is_ended else follow_created
        pair = half_done.follower_id, half_done.followee_id
        await self._store.complete(half_done, [make_event(*pair)], [follow_requested(*pair)])

    async def _sides(self, walk: Walk, user_ids: Sequence[int]) -> list[tuple[Side, int]]:
        """Return the counts that a walk checks for its users. The last walk checks only accounts without rows."""
        if walk is Walk.FOLLOWS:
            return [(Side.FOLLOWING, user_id) for user_id in user_ids]
        if walk is Walk.FOLLOWERS:
            return [(Side.FOLLOWERS, user_id) for user_id in user_ids]
        both = [(side, user_id) for user_id in user_ids for side in Side]
        are_empty = await _map_bounded(both, self._is_empty)
        return [each for each, is_empty in zip(both, are_empty, strict=True) if is_empty]

    async def _is_empty(self, subject: tuple[Side, int]) -> bool:
        side, user_id = subject
        if side is Side.FOLLOWING:
            return not await self._follows.list_followees(user_id, None, 1)
        return not await self._follows.list_followers(user_id, None, 1)

    async def _correct(self, progress: Progress, subjects: Sequence[tuple[Side, int]]) -> int:
        """Correct the wrong counts of a page that have stopped moving. Returns how many."""
        wrong = [tally for tally in await _map_bounded(subjects, self._tally) if tally.counted != tally.rows]
        if not wrong:
            return 0
        await asyncio.sleep(self._settle_seconds)
        again = await _map_bounded([(tally.side, tally.user_id) for tally in wrong], self._tally)
        settled = [now for now, before in zip(again, wrong, strict=True) if now == before]
        for tally in set(wrong) - set(settled):
            _log.info("count_moves", side=tally.side.value, user_id=tally.user_id)
        await self._record(progress)  # only one run may add
        return sum(await _map_bounded(settled, self._add))

    async def _tally(self, subject: tuple[Side, int]) -> Tally:
        side, user_id = subject
        counted = await self._store.read_count(side, user_id)
        return Tally(side, user_id, counted, await self._rows(side, user_id))

    async def _rows(self, side: Side, user_id: int) -> int:
        rows, after, place = 0, None, None
        while True:
            if side is Side.FOLLOWING:
                followees = await self._follows.list_followees(user_id, after, PAGE_ROWS)
                size, after = len(followees), followees[-1] if followees else None
            else:
                followers = await self._follows.list_followers(user_id, place, PAGE_ROWS)
                size, place = len(followers), followers[-1] if followers else None
            rows += size
            if size < PAGE_ROWS:
                return rows

    async def _add(self, tally: Tally) -> bool:
        """Add the difference. If the outcome is unknown, do not retry: the next run will see the result."""
        try:
            await self._store.add_count(tally.side, tally.user_id, tally.rows - tally.counted)
        except UnavailableError:
            _log.warning("correction_unconfirmed", side=tally.side.value, user_id=tally.user_id)
            return False
        _log.info("count_corrected", **_fields(tally))
        return True


def _after(walk: Walk, position: int | None) -> Progress | None:
    if position is not None:
        return Progress(walk, position)
    later = _WALKS[_WALKS.index(walk) + 1 :]
    return Progress(later[0], FIRST_POSITION) if later else None


def _fields(tally: Tally) -> dict[str, int | str]:
    return {"side": tally.side.value, "user_id": tally.user_id, "counted": tally.counted, "rows": tally.rows}


async def _map_bounded(items: Iterable[T], work: Callable[[T], Awaitable[R]]) -> list[R]:
    """Call `work` for each item, with limited concurrency."""
    turn = asyncio.Semaphore(CONCURRENCY)

    async def one(item: T) -> R:
        async with turn:
            return await work(item)

    return await asyncio.gather(*map(one, items))


async def _retry(work: Callable[[], Awaitable[R]]) -> R:
    """Call idempotent `work`, and retry while the store is unavailable."""
    async for attempt in stamina.retry_context(
        on=UnavailableError, attempts=None, timeout=PATIENCE_SECONDS, wait_max=5.0
    ):
        with attempt:
            return await work()
    raise AssertionError("the last attempt returns or raises")
