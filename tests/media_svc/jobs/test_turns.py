"""Tests of whose job is next, on a real Valkey."""

import asyncio
import itertools
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from media_svc.jobs.queue import Job, JobQueue
from meshkit.ids import PublicId
from meshkit.redis.client import open_redis

pytestmark = pytest.mark.slow

OWNERS, HIGHEST_COST = 4, 9
GREEDY, MODEST, NEW = 1, 2, 3
# Each example has a queue and media of its own, so that all can share one Redis.
NUMBERS = itertools.count(1)
COST = st.integers(1, HIGHEST_COST)
# Add a job, take one, finish one of those taken, or return it.
STEP = st.one_of(
    st.tuples(st.just("add"), st.integers(1, OWNERS), COST),
    st.tuples(st.just("add"), st.integers(1, OWNERS), COST),
    st.tuples(st.just("take"), st.just(0), st.just(0)),
    st.tuples(st.sampled_from(["finish", "correct", "return"]), st.integers(0, 9), COST),
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def redis(redis_url: str) -> AsyncIterator["Redis"]:
    """Provide a client of an empty database, which all examples share."""
    async with open_redis(redis_url) as redis:
        await redis.flushdb()
        yield redis


class Watched:
    """A queue, and what a plain model of it knows: the jobs that wait, those in hand, and the cost done for each owner."""

    def __init__(self, redis: "Redis") -> None:
        self.queue = JobQueue(redis, f"media:{{test{next(NUMBERS)}}}", lease_ms=3_600_000)
        self.waiting: dict[int, deque[PublicId]] = defaultdict(deque)
        self.cost: dict[PublicId, int] = {}
        self.in_hand: list[Job] = []
        self.done: Counter[int] = Counter()

    async def add(self, owner: int, cost: int = 1) -> PublicId:
        """Add a new job."""
        media_id = PublicId(next(NUMBERS), owner)
        assert await self.queue.add(media_id, cost)
        self.waiting[owner].append(media_id)
        self.cost[media_id] = cost
        return media_id

    async def take(self) -> int:
        """Take a job. Returns its owner, whose first job it must be."""
        async with asyncio.timeout(60):
            job = await self.queue.take("worker")
        assert job is not None
        owner = job.media_id.owner
        assert self.waiting[owner].popleft() == job.media_id
        self.in_hand.append(job)
        self.done[owner] += self.cost[job.media_id]
        return owner

    async def finish(self, number: int, cost: int | None) -> None:
        """Finish a job in hand."""
        await self.queue.finish(self.in_hand.pop(number), cost)

    async def put_back(self, number: int) -> None:
        """Return a job in hand. It waits at its former place."""
        job = self.in_hand.pop(number)
        await self.queue.put_back(job, "worker", 0, counts=False)
        first = self.waiting[job.media_id.owner]
        self.waiting[job.media_id.owner] = deque(sorted([*first, job.media_id]))

    @property
    def owners(self) -> set[int]:
        """The owners of waiting jobs."""
        return {owner for owner, jobs in self.waiting.items() if jobs}


class Fairness:
    """Checks that two owners who both wait get the same cost done, but for their largest jobs."""

    def __init__(self) -> None:
        self._leads: dict[tuple[int, int], list[int]] = {}

    def check(self, watched: Watched) -> None:
        """Look at every pair of owners."""
        for pair in itertools.combinations(range(1, OWNERS + 1), 2):
            if not set(pair) <= watched.owners:
                self._leads.pop(pair, None)
                continue
            leads = self._leads.setdefault(pair, [])
            leads.append(watched.done[pair[0]] - watched.done[pair[1]])
            largest = (max(cost for each, cost in watched.cost.items() if each.owner == owner) for owner in pair)
            assert max(leads) - min(leads) <= sum(largest)


# The server is real, so the time of one example means nothing.
@settings(deadline=None, max_examples=60)
@given(steps=st.lists(STEP, max_size=80))
async def test_no_job_is_lost(redis: "Redis", steps: Sequence[tuple[str, int, int]]) -> None:
    """Whatever is added, returned and finished, an owner's jobs come in order, and each until it is done."""
    watched = Watched(redis)
    for verb, number, cost in steps:
        if verb == "add":
            await watched.add(number, cost)
        elif verb == "take" and watched.owners:
            await watched.take()
        elif verb == "return" and number < len(watched.in_hand):
            await watched.put_back(number)
        elif verb in {"finish", "correct"} and number < len(watched.in_hand):
            await watched.finish(number, cost if verb == "correct" else None)
    while watched.owners:
        await watched.take()
    while watched.in_hand:
        await watched.finish(0, None)
    assert not await watched.queue.has_waiting()
    assert {each async for each in redis.scan_iter(f"{watched.queue.key}:*")} <= {
        f"{watched.queue.key}:{name}".encode() for name in ("state", "debts", "bell")
    }


@settings(deadline=None, max_examples=60)
@given(steps=st.lists(STEP, max_size=80))
async def test_owners_take_turns(redis: "Redis", steps: Sequence[tuple[str, int, int]]) -> None:
    """Two owners who both wait never get a cost done that differs by more than one job of each."""
    watched, fairness = Watched(redis), Fairness()
    for verb, number, cost in steps:
        if verb == "add":
            await watched.add(number, cost)
        elif watched.owners:
            await watched.take()
        fairness.check(watched)
    while watched.owners:
        await watched.take()
        fairness.check(watched)


async def test_one_after_many(redis: "Redis") -> None:
    """An owner who comes after another's sixty jobs is next."""
    watched = Watched(redis)
    for _ in range(60):
        await watched.add(GREEDY, 54)
    assert [await watched.take(), await watched.take()] == [GREEDY] * 2
    await watched.add(MODEST, 5)
    assert await watched.take() == MODEST
    assert await watched.take() == GREEDY


async def test_underestimated(redis: "Redis") -> None:
    """An owner whose job cost more than estimated waits until others have had as much."""
    watched = Watched(redis)
    for owner in (GREEDY, MODEST):
        for _ in range(20):
            await watched.add(owner, 1)
    assert await watched.take() == GREEDY
    await watched.finish(0, 10)
    assert [await watched.take() for _ in range(11)] == [MODEST] * 10 + [GREEDY]


async def test_debts_are_kept(redis: "Redis") -> None:
    """An owner who has nothing to do for a moment still pays for earlier jobs, and gets nothing for having waited."""
    watched = Watched(redis)
    await watched.add(GREEDY)
    assert await watched.take() == GREEDY
    await watched.finish(0, 10)
    for _ in range(12):
        await watched.add(MODEST)
    await watched.add(GREEDY)
    assert [await watched.take() for _ in range(5)] == [MODEST] * 5
    await watched.add(NEW)
    await watched.add(NEW)
    assert sorted([await watched.take(), await watched.take()]) == [MODEST, NEW]
