"""Timelines behave like a simple model of them, whatever happens to them in whatever order."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from feed_svc.model import LOWEST, Entry, LogPosition, Window, author_of, entry_of
from feed_svc.store.author_timelines import RedisAuthorTimelines
from feed_svc.store.timelines import RedisTimelines, key_of
from meshkit.ids import MAX_ID
from meshkit.redis.mux import RedisMux
from tests.feed_svc.examples import run_examples

pytestmark = pytest.mark.slow

VIEWER = 7
LENGTH, SLACK = 60, 5
TTL_SECONDS = 1_000
STORIES = 150
# Neighbours are one double, and differ in more than their last byte.
FIRST = 2**62 - 100
AUTHORS = (1, 255, 256, MAX_ID)
POSITION = LogPosition(b"some log", 5)

entries = st.builds(entry_of, st.integers(FIRST, FIRST + 200), st.sampled_from(AUTHORS))
# Enough that most pushes have their place below the newest 32.
windows = st.lists(entries, max_size=80, unique=True).map(lambda found: sorted(found, reverse=True))
steps = st.lists(
    st.one_of(
        st.tuples(st.just("push"), entries),
        st.tuples(st.just("push_newest"), st.integers(1, 10)),
        st.tuples(st.just("push_below"), st.integers(0, 70)),
        st.tuples(st.just("remove"), st.integers(0, 70)),
        st.tuples(st.just("backfill"), windows, st.sampled_from([0, 1, 100])),
        st.tuples(st.just("pull"), st.sampled_from(AUTHORS)),
        st.tuples(st.just("remove_author"), st.sampled_from(AUTHORS)),
    ),
    max_size=30,
)


@dataclass
class Model:
    """What a timeline contains."""

    entries: list[Entry] = field(default_factory=list)
    floor: Entry = LOWEST
    pulled: set[int] = field(default_factory=set)

    def add(self, added: Sequence[Entry], floor: Entry, slack: int) -> None:
        """Add entries above the floor, and cut what is over the length by more than the slack."""
        self.floor = max(self.floor, floor)
        self.entries = sorted({entry for entry in {*self.entries, *added} if entry > self.floor}, reverse=True)
        if len(self.entries) > LENGTH + slack:
            self.floor = self.entries[LENGTH]
            del self.entries[LENGTH:]


class Story:
    """One timeline in Redis, and its model."""

    def __init__(self, redis: "Redis", mux: RedisMux) -> None:
        self.redis = redis
        self.timelines = RedisTimelines(mux, ttl_seconds=TTL_SECONDS, length=LENGTH, slack=SLACK)
        self.model = Model()

    async def play(self, early: list[Entry], first: list[Entry], story: list[tuple[str, *tuple[object, ...]]]) -> None:
        """Build the timeline while posts are pushed, then take the steps, comparing after each."""
        await self.redis.flushdb()
        token = await self.timelines.begin_build(VIEWER, POSITION, 0)
        assert token
        for entry in early:
            await self.push(entry)
        await self.timelines.finish_build(VIEWER, token, Window(first, LOWEST), [])
        self.model.add(first, LOWEST, 0)
        await self.compare()
        for name, *arguments in story:
            await getattr(self, name)(*arguments)
            await self.compare()
        assert 0 < await self.redis.ttl(key_of(VIEWER)) <= TTL_SECONDS

    async def compare(self) -> None:
        """Compare the whole timeline, and pages below entries and below places between them."""
        found = await self.timelines.whole(VIEWER)
        model = self.model
        assert found is not None
        assert (found.entries, found.floor, set(found.pulled)) == (model.entries, model.floor, model.pulled)
        assert (len(found.pulled), found.position) == (len(model.pulled), POSITION)
        for below in (None, *model.entries[::17], entry_of(FIRST + 33, 300)):
            page = await self.timelines.read(VIEWER, below, 5)
            assert page is not None
            assert page.entries == [entry for entry in model.entries if below is None or entry < below][:5]

    async def push(self, entry: Entry) -> None:
        """Push an entry at any place, twice."""
        for _ in range(2):
            await self.timelines.push([VIEWER], entry)
        self.model.add([entry], LOWEST, SLACK)

    async def push_newest(self, above: int) -> None:
        """Push an entry with its place above all others."""
        newest = int.from_bytes(self.model.entries[0][:8]) if self.model.entries else FIRST
        await self.push(entry_of(newest + above, AUTHORS[above % len(AUTHORS)]))

    async def push_below(self, rank: int) -> None:
        """Push an entry right below another one: among the newest, further down, or below the floor."""
        if rank < len(self.model.entries):
            place = int.from_bytes(self.model.entries[rank][:8])
            await self.push(entry_of(place - 1, AUTHORS[-1]))

    async def remove(self, rank: int) -> None:
        """Remove an entry, twice."""
        if rank < len(self.model.entries):
            entry = self.model.entries.pop(rank)
            for _ in range(2):
                await self.timelines.remove([VIEWER], entry)

    async def backfill(self, window: list[Entry], cut: int) -> None:
        """Add a window of entries, down to the end or to its last entry."""
        floor = window[-cut] if 0 < cut <= len(window) else LOWEST
        added = [entry for entry in window if entry > floor]
        for _ in range(2):
            await self.timelines.backfill(VIEWER, Window(added, floor))
            self.model.add(added, floor, 0)

    async def pull(self, author: int) -> None:
        """Pull an author, twice."""
        for _ in range(2):
            await self.timelines.pull(VIEWER, author)
        self.model.pulled.add(author)

    async def remove_author(self, author: int) -> None:
        """Remove an author."""
        await self.timelines.remove_authors(VIEWER, [author])
        self.model.entries = [entry for entry in self.model.entries if author_of(entry) != author]
        self.model.pulled.discard(author)


async def test_a_timeline_equals_its_model(redis: "Redis", mux: RedisMux) -> None:
    """Entries stay in order wherever they are pushed, and cuts, backfills and removals keep marker and time to live."""
    loop = asyncio.get_running_loop()

    @settings(
        max_examples=STORIES // 5 if mux.is_cluster else STORIES,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(early=st.lists(entries, max_size=5), first=windows, story=steps)
    def check(early: list[Entry], first: list[Entry], story: list[tuple[str, *tuple[object, ...]]]) -> None:
        asyncio.run_coroutine_threadsafe(Story(redis, mux).play(early, first, story), loop).result()

    await run_examples(check)


@pytest.mark.parametrize("rank", [*range(35), 63, 64, 199, 498, 499, 500])
async def test_a_late_entry_gets_its_place(redis: "Redis", mux: RedisMux, rank: int) -> None:
    """A push that comes late puts the entry below newer ones, however many these are."""
    assert await redis.ping()
    timelines = RedisTimelines(mux, ttl_seconds=TTL_SECONDS)
    others = [entry_of(FIRST + 2 * step, 3) for step in range(500, 0, -1)]
    token = await timelines.begin_build(VIEWER, POSITION, 0)
    assert token
    await timelines.finish_build(VIEWER, token, Window(others, LOWEST), [])
    late = entry_of(FIRST + 2 * (500 - rank) + 1, 3)
    for _ in range(2):
        await timelines.push([VIEWER], late)
    home = await timelines.whole(VIEWER)
    assert home is not None
    assert home.entries == [*others[:rank], late, *others[rank:]]


async def test_an_author_timeline_is_read_below_any_bound(redis: "Redis", mux: RedisMux) -> None:
    """A bound is an entry, of the author or not, or right above an entry, which is then read as well."""
    assert await redis.ping()
    authors = RedisAuthorTimelines(mux)
    posts = [entry_of(place, 3) for place in range(60, 0, -2)]
    tokens = await authors.begin_builds([3])
    await authors.finish_builds(tokens, {3: Window(posts, LOWEST)})
    for place in range(62):
        for bound in (entry_of(place, 2), entry_of(place, 3), entry_of(place, 3) + b"\0", entry_of(place, 4)):
            found = (await authors.read({3: bound}, 4))[3]
            assert found is not None
            assert found.entries == [post for post in posts if post < bound][:4]
