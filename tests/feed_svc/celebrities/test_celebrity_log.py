"""The celebrities' log in a real Redis."""

import pytest
from redis.asyncio import Redis

from feed_svc.model import LogUpdate, ModeChange
from feed_svc.store.celebrities import RedisCelebrities
from meshkit.ids import MAX_ID
from meshkit.redis.mux import RedisMux

KEEP_MS = 1_000_000


@pytest.fixture
def log(redis: "Redis", mux: RedisMux) -> RedisCelebrities:
    """Give a log with a threshold of 100 followers and no grace period."""
    return RedisCelebrities(mux, threshold=100, grace_ms=0, keep_ms=KEEP_MS)


def steps_of(update: LogUpdate) -> list[tuple[int, int, bool]]:
    """Return changes without their times."""
    return [(change.seq, change.author_id, change.is_pulled) for change in update.changes]


async def test_an_author_is_demoted_below_nine_tenths_of_the_threshold(log: RedisCelebrities) -> None:
    """Counts between nine tenths and the threshold change nothing, so an author near it does not flap."""
    answers = [await log.decide(7, count) for count in (0, 90, 99, 100, 99, 90, 89, 90, 99, 100)]
    assert answers == [True, True, True, False, False, False, True, True, True, False]
    assert steps_of(await log.changes_since(b"", 0)) == [(1, 7, True), (2, 7, False), (3, 7, True)]


async def test_a_new_celebrity_is_pushed_during_the_grace_period(redis: "Redis", mux: RedisMux) -> None:
    """Readers that do not know of the promotion yet still get its posts."""
    patient = RedisCelebrities(mux, threshold=100, grace_ms=60_000, keep_ms=KEEP_MS)
    assert await patient.decide(7, 100)
    assert await patient.decide(7, 100)
    assert await patient.pulled_for_ms(7) is not None
    impatient = RedisCelebrities(mux, threshold=100, grace_ms=0, keep_ms=KEEP_MS)
    assert not await impatient.decide(7, 100)
    assert await redis.dbsize() == 1


async def test_authors_who_were_never_promoted_are_not_stored(log: RedisCelebrities) -> None:
    """The log stores celebrities only, not all authors."""
    assert await log.decide(7, 99)
    assert await log.pulled_for_ms(7) is None
    update = await log.changes_since(b"", 0)
    assert (list(update.changes), update.pulled) == ([], [])


@pytest.mark.parametrize("author", [0, 1, 0xFF, 2**53 + 1, MAX_ID])
async def test_similar_author_ids_are_distinct(log: RedisCelebrities, author: int) -> None:
    """Ids that a double cannot hold, and ids that differ by one, are distinct."""
    assert not await log.decide(author, 100)
    others = [other for other in (author - 1, author + 1) if 0 <= other <= MAX_ID]
    assert [await log.pulled_for_ms(other) for other in others] == [None] * len(others)
    assert (await log.changes_since(b"", 0)).pulled == [author]
    assert await log.decide(author, 0)
    assert (await log.changes_since(b"", 0)).pulled == []


async def test_an_unknown_count_changes_nothing(log: RedisCelebrities) -> None:
    """A celebrity whose count is lost stays pulled, and an author without a count stays pushed."""
    assert not await log.decide(7, 100)
    assert not await log.decide(7, None)
    assert await log.decide(8, None)
    update = await log.changes_since(b"", 0)
    assert (steps_of(update), update.pulled) == ([(1, 7, True)], [7])


async def test_a_reader_learns_only_what_is_new(log: RedisCelebrities) -> None:
    """After the first read, a reader gets only the changes since."""
    await log.decide(7, 100)
    first = await log.changes_since(b"", 0)
    assert (steps_of(first), first.pulled) == ([(1, 7, True)], [7])
    again = await log.changes_since(first.life, 1)
    assert (again.life, again.changes, again.pulled) == (first.life, [], None)
    await log.decide(8, 100)
    await log.decide(7, 1)
    later = await log.changes_since(first.life, 1)
    assert (steps_of(later), later.pulled) == ([(2, 8, True), (3, 7, False)], None)
    assert all(0 <= later.now_ms - change.since_ms < 60_000 for change in later.changes)


async def test_a_lost_log_begins_a_new_life(log: RedisCelebrities, redis: "Redis") -> None:
    """After a loss, readers start over, because what they knew is void."""
    await log.decide(7, 100)
    old = await log.changes_since(b"", 0)
    await redis.flushdb()
    new = await log.changes_since(old.life, 1)
    assert new.life != old.life
    assert (list(new.changes), new.pulled) == ([], [])
    assert (await log.changes_since(new.life, 0)).life == new.life


async def test_a_log_that_went_back_begins_a_new_life(log: RedisCelebrities, redis: "Redis") -> None:
    """After a failover to a lagging replica, a reader who knows more than the log must start over."""
    await log.decide(7, 100)
    before = await redis.dump("celebrities")
    await log.decide(8, 100)
    assert before is not None
    ahead = await log.changes_since(b"", 0)
    await redis.restore("celebrities", 0, before, replace=True)
    back = await log.changes_since(ahead.life, 2)
    assert back.life != ahead.life
    assert (steps_of(back), back.pulled) == ([(1, 7, True)], [7])


async def test_old_changes_are_dropped_but_celebrities_stay(redis: "Redis", mux: RedisMux) -> None:
    """Old changes are dropped and numbers continue; a reader who knows only dropped ones starts over."""
    forgetful = RedisCelebrities(mux, threshold=100, grace_ms=0, keep_ms=-1)
    for author in range(1, 6):
        await forgetful.decide(author, 100)
    await forgetful.decide(3, 0)
    update = await forgetful.changes_since(b"", 0)
    assert (steps_of(update), update.pulled) == ([(6, 3, False)], [1, 2, 4, 5])
    assert (await forgetful.changes_since(update.life, 4)).pulled == [1, 2, 4, 5]
    assert (await forgetful.changes_since(update.life, 5)).pulled is None
    assert await redis.zcard("celebrities") == 1 + 1 + 4


async def test_a_change_has_its_time(log: RedisCelebrities) -> None:
    """A change has its time by the log's own clock, which also gives the current time."""
    await log.decide(7, 100)
    update = await log.changes_since(b"", 0)
    age = await log.pulled_for_ms(7)
    assert age is not None
    assert update.changes == [ModeChange(1, 7, is_pulled=True, since_ms=update.changes[0].since_ms)]
    assert update.now_ms - update.changes[0].since_ms <= age + 60_000
