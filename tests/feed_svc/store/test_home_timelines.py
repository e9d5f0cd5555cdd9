"""Home timelines in a real Redis."""

import asyncio

import pytest
from redis.asyncio import Redis

from feed_svc.model import LOWEST, Entry, LogPosition, Window, entry_of
from feed_svc.store import builds
from feed_svc.store.author_timelines import RedisAuthorTimelines
from feed_svc.store.former_timelines import former_author, former_home
from feed_svc.store.timelines import SLACK, RedisTimelines, key_of
from meshkit.ids import MAX_ID
from meshkit.redis.mux import RedisMux

VIEWER = 7
POSITION = LogPosition(b"some log", 5)


@pytest.fixture
async def timelines(redis: "Redis", mux: RedisMux) -> RedisTimelines:
    """Give timelines of ten entries."""
    assert await redis.ping()  # the fixture has emptied it
    return RedisTimelines(mux, ttl_seconds=1_000, length=10)


def entries(*places: int, author: int = 3) -> list[Entry]:
    """Return entries of one author."""
    return [entry_of(place, author) for place in places]


async def make_live(timelines: RedisTimelines, *places: int, floor: Entry = LOWEST) -> None:
    """Build a timeline."""
    await finish(timelines, await begin(timelines), entries(*places), floor)


async def begin(timelines: RedisTimelines, position: LogPosition = POSITION, lowest_seq: int = 0) -> bytes:
    """Begin a build; returns its token."""
    token = await timelines.begin_build(VIEWER, position, lowest_seq)
    assert token
    return token


async def finish(
    timelines: RedisTimelines, token: bytes, found: list[Entry], floor: Entry = LOWEST, pulled: tuple[int, ...] = ()
) -> None:
    """Finish a build."""
    await timelines.finish_build(VIEWER, token, Window(found, floor), pulled)


async def is_refused(timelines: RedisTimelines, position: LogPosition = POSITION, lowest_seq: int = 0) -> bool:
    """Tell whether there is nothing to build."""
    return await timelines.begin_build(VIEWER, position, lowest_seq) is None


async def read(timelines: RedisTimelines) -> list[Entry]:
    """Return all that a live timeline holds."""
    window = await timelines.read(VIEWER, None, 1_000)
    assert window is not None
    return list(window.entries)


async def test_a_push_skips_an_absent_timeline(timelines: RedisTimelines, redis: "Redis") -> None:
    """Nobody reads an absent timeline, so nothing is stored for it."""
    await timelines.push([VIEWER], entry_of(5, 3))
    assert await timelines.read(VIEWER, None, 10) is None
    assert await redis.dbsize() == 0


async def test_a_live_timeline_without_posts_is_not_absent(timelines: RedisTimelines) -> None:
    """A viewer whose followees have no posts does not cause a rebuild on each read."""
    await make_live(timelines)
    assert await read(timelines) == []


async def test_a_push_adds_to_a_live_timeline_once(timelines: RedisTimelines) -> None:
    """A repeated push changes nothing."""
    await make_live(timelines, 4)
    for _ in range(2):
        await timelines.push([VIEWER], entry_of(9, 3))
    assert await read(timelines) == entries(9, 4)


async def test_ids_that_differ_by_one_are_distinct(timelines: RedisTimelines) -> None:
    """Above 2**53, a score would treat both ids as equal."""
    high = 2**62
    await make_live(timelines, high)
    await timelines.push([VIEWER], entry_of(high + 1, 3))
    assert await read(timelines) == entries(high + 1, high)


async def test_a_timeline_is_cut_to_its_length_and_knows_its_floor(timelines: RedisTimelines) -> None:
    """Entries that are cut off are at or below the floor, and nothing above it is missing."""
    await make_live(timelines)
    count = 10 + SLACK + 1
    for place in range(1, count + 1):
        await timelines.push([VIEWER], entry_of(place, 3))
    window = await timelines.read(VIEWER, None, 1_000)
    assert window is not None
    assert list(window.entries) == entries(*range(count, count - 10, -1))
    assert window.floor == entry_of(count - 10, 3)


async def test_a_push_below_the_floor_is_ignored(timelines: RedisTimelines) -> None:
    """A late fan-out of an old post adds no isolated entry below the floor."""
    await make_live(timelines, 20, floor=entry_of(10, 3))
    await timelines.push([VIEWER], entry_of(9, 3))
    await timelines.push([VIEWER], entry_of(10, 3))
    await timelines.push([VIEWER], entry_of(11, 3))
    assert await read(timelines) == entries(20, 11)


async def test_a_backfill_raises_the_floor_to_the_authors(timelines: RedisTimelines) -> None:
    """Older posts of others below the new floor are removed, because this author's older posts were not read."""
    await make_live(timelines, 30, 5)
    await timelines.backfill(VIEWER, Window(entries(40, 20, author=4), entry_of(10, 4)))
    window = await timelines.read(VIEWER, None, 100)
    assert window is not None
    assert list(window.entries) == [entry_of(40, 4), entry_of(30, 3), entry_of(20, 4)]
    assert window.floor == entry_of(10, 4)


async def test_a_backfill_skips_an_absent_timeline(timelines: RedisTimelines, redis: "Redis") -> None:
    """A timeline of one author's posts alone would look complete."""
    await timelines.backfill(VIEWER, Window(entries(1), LOWEST))
    assert await redis.dbsize() == 0


async def test_a_timeline_being_built_takes_pushes_but_is_not_read(timelines: RedisTimelines) -> None:
    """Posts published during a build are in the timeline once it is live."""
    token = await begin(timelines)
    await timelines.push([VIEWER], entry_of(50, 3))
    assert await timelines.read(VIEWER, None, 10) is None
    await finish(timelines, token, entries(40), entry_of(30, 3))
    assert await read(timelines) == entries(50, 40)


async def test_a_backfill_during_a_build_keeps_its_floor(timelines: RedisTimelines) -> None:
    """The higher of both floors counts when the build ends."""
    token = await begin(timelines)
    await timelines.backfill(VIEWER, Window(entries(60), entry_of(55, 3)))
    assert await timelines.read(VIEWER, None, 10) is None
    await finish(timelines, token, entries(70, 50, 45), entry_of(40, 3))
    window = await timelines.read(VIEWER, None, 100)
    assert window is not None
    assert (list(window.entries), window.floor) == (entries(70, 60), entry_of(55, 3))


async def test_only_one_of_many_readers_builds(timelines: RedisTimelines) -> None:
    """The other readers see that a build is running."""
    tokens = await asyncio.gather(*(timelines.begin_build(VIEWER, POSITION, 0) for _ in range(20)))
    assert sum(token is not None for token in tokens) == 1


async def test_a_dead_builder_is_replaced(timelines: RedisTimelines, monkeypatch: pytest.MonkeyPatch) -> None:
    """After its lease another reader takes over, keeping pushed entries. The dead builder can no longer finish."""
    dead = await begin(timelines)
    await timelines.push([VIEWER], entry_of(8, 3))
    assert await is_refused(timelines)
    monkeypatch.setattr(builds, "BUILD_LEASE_MS", -1)
    token = await begin(timelines)
    await finish(timelines, dead, entries(7))
    assert await timelines.read(VIEWER, None, 10) is None
    await finish(timelines, token, entries(6))
    assert await read(timelines) == entries(8, 6)


async def test_an_abandoned_build_leaves_nothing(timelines: RedisTimelines, redis: "Redis") -> None:
    """The next reader starts over at once."""
    token = await begin(timelines)
    await timelines.abandon_build(VIEWER, token)
    assert await redis.dbsize() == 0
    await make_live(timelines, 1)
    await timelines.abandon_build(VIEWER, token)
    assert await read(timelines) == entries(1)


async def test_a_build_whose_timeline_vanished_does_not_come_back(timelines: RedisTimelines, redis: "Redis") -> None:
    """The timeline missed pushes while it was absent, so finishing the build would leave gaps."""
    token = await begin(timelines)
    await redis.flushdb()
    await finish(timelines, token, entries(1))
    assert await redis.dbsize() == 0


async def test_a_timeline_of_another_log_is_rebuilt(timelines: RedisTimelines) -> None:
    """A timeline whose pulled authors come from a lost log, or that knows too little of this one, is rebuilt."""
    await make_live(timelines, 1)
    assert await is_refused(timelines)
    assert await is_refused(timelines, lowest_seq=5)
    token = await begin(timelines, lowest_seq=6)
    assert await is_refused(timelines)
    newer = LogPosition(b"new life", 1)
    token = await begin(timelines, newer)
    await finish(timelines, token, entries(2))
    window = await timelines.read(VIEWER, None, 10)
    assert window is not None
    assert (list(window.entries), window.position) == (entries(2), newer)


async def test_a_timeline_returns_its_pulled_authors(timelines: RedisTimelines) -> None:
    """Pulled authors from the build and later are returned once, are no entries, and are removed with their author."""
    token = await begin(timelines)
    await timelines.pull(VIEWER, MAX_ID)
    await finish(timelines, token, entries(1), pulled=(0, 1, 4))
    for _ in range(2):
        await timelines.pull(VIEWER, 5)
    window = await timelines.read(VIEWER, None, 10)
    assert window is not None
    assert (list(window.entries), sorted(window.pulled)) == (entries(1), [0, 1, 4, 5, MAX_ID])
    await timelines.remove_authors(VIEWER, [4])
    window = await timelines.read(VIEWER, entry_of(1, 3), 10)
    assert window is not None
    assert (list(window.entries), sorted(window.pulled)) == ([], [0, 1, 5, MAX_ID])


async def test_pulled_authors_do_not_count_towards_the_length(timelines: RedisTimelines, redis: "Redis") -> None:
    """A timeline keeps its length however many authors it pulls; an absent one gets none."""
    await timelines.pull(VIEWER, 1)
    assert await redis.dbsize() == 0
    await make_live(timelines)
    for author in range(100, 200):
        await timelines.pull(VIEWER, author)
    for place in range(1, 30):
        await timelines.push([VIEWER], entry_of(place, 3))
    assert await read(timelines) == entries(*range(29, 0, -1))
    await timelines.backfill(VIEWER, Window([], LOWEST))
    assert await read(timelines) == entries(*range(29, 19, -1))


async def test_changes_of_mode_are_applied_atomically(timelines: RedisTimelines) -> None:
    """Pulled authors, demoted authors with their posts, and the log position are written together."""
    await make_live(timelines, 30, floor=entry_of(2, 3))
    await timelines.pull(VIEWER, 4)
    await timelines.integrate(VIEWER, POSITION, 9, [6], [4, 5], Window(entries(40, 20, author=4), entry_of(10, 4)))
    window = await timelines.read(VIEWER, None, 10)
    assert window is not None
    assert list(window.entries) == [entry_of(40, 4), entry_of(30, 3), entry_of(20, 4)]
    assert (window.floor, window.pulled, window.position) == (entry_of(10, 4), [6], LogPosition(POSITION.life, 9))


@pytest.mark.parametrize(
    ("known", "seq"),
    [
        (POSITION, 5),
        (POSITION, 4),
        (LogPosition(POSITION.life, 6), 7),
        (LogPosition(b"old life", 1), 9),
    ],
)
async def test_changes_of_mode_skip_a_timeline_that_does_not_match(
    timelines: RedisTimelines, known: LogPosition, seq: int
) -> None:
    """A timeline that has the changes, or was rebuilt with less knowledge or another log, is left alone."""
    await make_live(timelines, 1)
    before = await timelines.read(VIEWER, None, 10)
    await timelines.integrate(VIEWER, known, seq, [6], [], Window(entries(2), LOWEST))
    after = await timelines.read(VIEWER, None, 10)
    assert before is not None
    assert after is not None
    assert after[:4] == before[:4]


async def test_changes_of_mode_skip_a_timeline_that_is_not_live(timelines: RedisTimelines, redis: "Redis") -> None:
    """The builder reads the log itself."""
    window = Window(entries(2), LOWEST)
    await timelines.integrate(VIEWER, POSITION, 9, [6], [], window)
    assert await redis.dbsize() == 0
    token = await begin(timelines)
    await timelines.integrate(VIEWER, POSITION, 9, [6], [], window)
    await finish(timelines, token, [])
    found = await timelines.read(VIEWER, None, 10)
    assert found is not None
    assert (list(found.entries), found.pulled, found.position) == ([], [], POSITION)


async def test_an_author_is_removed_completely(timelines: RedisTimelines) -> None:
    """Other authors' entries and the floor stay, even if the author's id resembles part of a marker."""
    await make_live(timelines, 30, 5)
    await timelines.backfill(VIEWER, Window(entries(40, 20, author=4), LOWEST))
    await timelines.remove_authors(VIEWER, [4])
    await timelines.remove_authors(VIEWER, [0])
    window = await timelines.read(VIEWER, None, 100)
    assert window is not None
    assert (list(window.entries), window.floor) == (entries(30, 5), LOWEST)


async def test_reads_renew_the_time_to_live_rarely(timelines: RedisTimelines, redis: "Redis") -> None:
    """A timeline in use does not expire, but few reads write, because writes are replicated."""
    await make_live(timelines, 1)
    key = (await redis.keys("timeline:*"))[0]
    await redis.expire(key, 950)
    await read(timelines)
    assert await redis.ttl(key) <= 950
    await redis.expire(key, 500)
    await read(timelines)
    assert await redis.ttl(key) > 950


async def test_the_time_to_live_survives_a_cut_to_nothing(timelines: RedisTimelines, redis: "Redis") -> None:
    """A backfill that removes every entry must not leave a timeline that never expires."""
    await make_live(timelines, 2, 1)
    await timelines.backfill(VIEWER, Window([], entry_of(9, 3)))
    key = (await redis.keys("timeline:*"))[0]
    assert 0 < await redis.ttl(key) <= 1_000
    assert await read(timelines) == []


async def test_an_entry_costs_at_most_19_bytes(redis: "Redis", mux: RedisMux) -> None:
    """Full timelines are packed, however they were filled: 100 million of them must fit."""
    timelines = RedisTimelines(mux, ttl_seconds=1_000)
    token = await begin(timelines)
    full = [entry_of((1 << 61) + step * 10_007, 3 + step) for step in range(500, 0, -1)]
    pulled = tuple((1 << 61) + author for author in range(15))
    await finish(timelines, token, full[250:], pulled=pulled)
    for entry in reversed(full[:250]):
        await timelines.push([VIEWER], entry)
    used = await redis.memory_usage(key_of(VIEWER), samples=0)
    assert used is not None
    assert used / 500 <= 19


async def test_a_build_removes_the_former_timeline(timelines: RedisTimelines, redis: "Redis", mux: RedisMux) -> None:
    """Memory is not needed for both. A timeline that is not built keeps its former one."""
    for viewer in (VIEWER, 8):
        await redis.zadd(former_home(viewer), {entry_of(5, 3): 0})
    for author in (3, 4):
        await redis.zadd(former_author(author), {entry_of(5, 3): 0})
    await begin(timelines)
    await RedisAuthorTimelines(mux).begin_builds([3])
    assert set(await redis.keys("?[lt]:*")) == {former_home(8).encode(), former_author(4).encode()}
