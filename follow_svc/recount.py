"""Recount the counts, and complete what crashes left half done.

It walks all of the graph in pages, beside the processes that serve, and may be killed at any moment: the next run goes on with
the page that was not finished. Three walks find everybody that a count can be wrong for: those who follow (here each pair is
looked at, too), those who are followed, and those who have counts and perhaps nothing else.

A count that differs from its rows may only be on its way: rows change first. So it is looked at again after `settle_seconds`,
which is more than a change may take, and corrected if nothing moved in between. An account where something always moves is left
for another time, and told in the log.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import stamina
import structlog

from follow_svc.events import follow_created, follow_deleted
from follow_svc.store.port import FollowStore
from follow_svc.store.recount_port import FIRST_POSITION, Halfway, Progress, RecountStore, Side, Walk
from meshkit.errors import UnavailableError
from meshkit.ids import new_id

# A page is what a killed run does again.
PAGE_USERS = 100
PAGE_ROWS = 2_000
# Beside processes that serve: few at a time.
CONCURRENCY = 16
# A store that is away for longer ends the run; the next one goes on.
PATIENCE_SECONDS = 300
_WALKS = list(Walk)
_log = structlog.get_logger()
T = TypeVar("T")
R = TypeVar("R")


class OvertakenError(Exception):
    """A run that began later goes on in this one's place: two would correct a count twice."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What is counted on one side of an account, and what stands there."""

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
        """Go on from where the last run stopped, to the end. Raises OvertakenError where another run begins."""
        progress = await _patiently(lambda: self._store.take_over(self._run))
        _log.info("recount_begins", walk=progress.walk.value, position=progress.position)
        while True:
            following = await _patiently(lambda: self._page(progress))  # noqa: B023 - awaited before the next turn
            if following is None:
                break
            progress = following
        _log.info("recount_ended")

    async def _page(self, progress: Progress) -> Progress | None:
        """Do one page. Returns where the next one is; None after the last."""
        page = await self._store.list_users(progress.walk, progress.position, self._page_users)
        completed = sum(await _each(page.user_ids, self._complete)) if progress.walk is Walk.FOLLOWS else 0
        corrected = await self._correct(progress, await self._sides(progress.walk, page.user_ids))
        following = _after(progress.walk, page.position)
        await self._record(following or Progress(_WALKS[0], FIRST_POSITION))
        _log.info(
            "recounted",
            walk=progress.walk.value,
            users=len(page.user_ids),
            completed=completed,
            corrected=corrected,
            position=page.position,
        )
        return following

    async def _record(self, progress: Progress) -> None:
        if not await self._store.record_progress(self._run, progress):
            raise OvertakenError

    async def _complete(self, follower_id: int) -> int:
        """Complete the pairs of a follower that have been half done for too long to be under way."""
        before_us = int((time.time() - self._settle_seconds) * 1_000_000)
        found = await self._store.list_halfway(follower_id, before_us)
        await _each(found, self._finish)
        return len(found)

    async def _finish(self, halfway: Halfway) -> None:
        tell = follow_deleted if halfway.is_ended else follow_created
        await self._store.complete(halfway, [tell(halfway.follower_id, halfway.followee_id)])

    async def _sides(self, walk: Walk, user_ids: Sequence[int]) -> list[tuple[Side, int]]:
        """Return what a walk counts of its users. The last one counts only what the others cannot find: empty sides."""
        if walk is Walk.FOLLOWS:
            return [(Side.FOLLOWING, user_id) for user_id in user_ids]
        if walk is Walk.FOLLOWERS:
            return [(Side.FOLLOWERS, user_id) for user_id in user_ids]
        both = [(side, user_id) for user_id in user_ids for side in Side]
        are_empty = await _each(both, self._is_empty)
        return [each for each, is_empty in zip(both, are_empty, strict=True) if is_empty]

    async def _is_empty(self, subject: tuple[Side, int]) -> bool:
        side, user_id = subject
        if side is Side.FOLLOWING:
            return not await self._follows.list_followees(user_id, None, 1)
        return not await self._follows.list_followers(user_id, None, 1)

    async def _correct(self, progress: Progress, subjects: Sequence[tuple[Side, int]]) -> int:
        """Correct the counts of a page that are wrong and at rest; returns how many."""
        wrong = [tally for tally in await _each(subjects, self._tally) if tally.counted != tally.rows]
        if not wrong:
            return 0
        await asyncio.sleep(self._settle_seconds)
        again = await _each([(tally.side, tally.user_id) for tally in wrong], self._tally)
        resting = [now for now, before in zip(again, wrong, strict=True) if now == before]
        for tally in set(wrong) - set(resting):
            _log.info("count_moves", side=tally.side.value, user_id=tally.user_id)
        await self._record(progress)  # only the one run may add
        return sum(await _each(resting, self._add))

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
        """Add what is missing. What is not confirmed is not tried again: the next run sees what became of it."""
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


async def _each(items: Iterable[T], work: Callable[[T], Awaitable[R]]) -> list[R]:
    """Do some work for each item, a few at a time."""
    turn = asyncio.Semaphore(CONCURRENCY)

    async def one(item: T) -> R:
        async with turn:
            return await work(item)

    return await asyncio.gather(*map(one, items))


async def _patiently(work: Callable[[], Awaitable[R]]) -> R:
    """Do what may be done again, again while the store is away."""
    async for attempt in stamina.retry_context(
        on=UnavailableError, attempts=None, timeout=PATIENCE_SECONDS, wait_max=5.0
    ):
        with attempt:
            return await work()
    raise AssertionError("the last attempt returns or raises")
