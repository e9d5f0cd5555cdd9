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
    """Give a log whose celebrities have 100 followers, and are pushed no more at once."""
    return RedisCelebrities(mux, threshold=100, grace_ms=0, keep_ms=KEEP_MS)


def steps_of(update: LogUpdate) -> list[tuple[int, int, bool]]:
    """Return changes without their times."""
    return [(change.seq, change.author_id, change.is_pulled) for change in update.changes]


async def test_an_author_is_pulled_at_the_threshold_until_a_tenth_has_gone(log: RedisCelebrities) -> None:
    """Counts between nine tenths and the threshold change nothing: an author at the border would flap."""
    answers = [await log.decide(7, count) for count in (0, 90, 99, 100, 99, 90, 89, 90, 99, 100)]
    assert answers == [True, True, True, False, False, False, True, True, True, False]
    assert steps_of(await log.changes_since(b"", 0)) == [(1, 7, True), (2, 7, False), (3, 7, True)]


async def test_a_new_celebrity_is_pushed_for_the_grace(redis: "Redis", mux: RedisMux) -> None:
    """Readers that do not know of the promotion yet still get its posts."""
    patient = RedisCelebrities(mux, threshold=100, grace_ms=60_000, keep_ms=KEEP_MS)
    assert await patient.decide(7, 100)
    assert await patient.decide(7, 100)
    assert await patient.pulled_for_ms(7) is not None
    impatient = RedisCelebrities(mux, threshold=100, grace_ms=0, keep_ms=KEEP_MS)
    assert not await impatient.decide(7, 100)
    assert await redis.dbsize() == 1


async def test_who_was_never_promoted_leaves_no_trace(log: RedisCelebrities) -> None:
    """The log holds the few, not the many."""
    assert await log.decide(7, 99)
    assert await log.pulled_for_ms(7) is None
    update = await log.changes_since(b"", 0)
    assert (list(update.changes), update.pulled) == ([], [])


@pytest.mark.parametrize("author", [0, 1, 0xFF, 2**53 + 1, MAX_ID])
async def test_authors_of_any_id_stay_apart(log: RedisCelebrities, author: int) -> None:
    """Ids beyond what a double holds, and ids one apart."""
    assert not await log.decide(author, 100)
    others = [other for other in (author - 1, author + 1) if 0 <= other <= MAX_ID]
    assert [await log.pulled_for_ms(other) for other in others] == [None] * len(others)
    assert (await log.changes_since(b"", 0)).pulled == [author]
    assert await log.decide(author, 0)
    assert (await log.changes_since(b"", 0)).pulled == []


async def test_a_reader_learns_only_what_is_new(log: RedisCelebrities) -> None:
    """After the first time, update are the changes since."""
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
    """What was known of the old one is void, and readers are told everything anew."""
    await log.decide(7, 100)
    old = await log.changes_since(b"", 0)
    await redis.flushdb()
    new = await log.changes_since(old.life, 1)
    assert new.life != old.life
    assert (list(new.changes), new.pulled) == ([], [])
    assert (await log.changes_since(new.life, 0)).life == new.life


async def test_a_log_that_went_back_begins_a_new_life(log: RedisCelebrities, redis: "Redis") -> None:
    """A replica that lagged took over: who knows more than the log does must not go on by its numbers."""
    await log.decide(7, 100)
    before = await redis.dump("celebrities")
    await log.decide(8, 100)
    assert before is not None
    ahead = await log.changes_since(b"", 0)
    await redis.restore("celebrities", 0, before, replace=True)
    back = await log.changes_since(ahead.life, 2)
    assert back.life != ahead.life
    assert (steps_of(back), back.pulled) == ([(1, 7, True)], [7])


async def test_old_changes_go_but_who_is_pulled_stays(redis: "Redis", mux: RedisMux) -> None:
    """The log does not grow for ever, and its numbers go on; who knows only what is gone is told everything."""
    forgetful = RedisCelebrities(mux, threshold=100, grace_ms=0, keep_ms=-1)
    for author in range(1, 6):
        await forgetful.decide(author, 100)
    await forgetful.decide(3, 0)
    update = await forgetful.changes_since(b"", 0)
    assert (steps_of(update), update.pulled) == ([(6, 3, False)], [1, 2, 4, 5])
    assert (await forgetful.changes_since(update.life, 4)).pulled == [1, 2, 4, 5]
    assert (await forgetful.changes_since(update.life, 5)).pulled is None
    assert await redis.zcard("celebrities") == 1 + 1 + 4


async def test_a_change_tells_when_it_was(log: RedisCelebrities) -> None:
    """By the clock of the log, in which ages are told, too."""
    await log.decide(7, 100)
    update = await log.changes_since(b"", 0)
    age = await log.pulled_for_ms(7)
    assert age is not None
    assert update.changes == [ModeChange(1, 7, is_pulled=True, since_ms=update.changes[0].since_ms)]
    assert update.now_ms - update.changes[0].since_ms <= age + 60_000
