"""Cards in the memory of several processes over one Redis, and how changes reach them."""

import asyncio
from collections.abc import Callable, Sequence

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from feed_svc.model import Entry, entry_of
from feed_svc.store import card_changes
from feed_svc.store.card_changes import BEGINNING, CardChanges, CardLog
from feed_svc.store.card_memory import KEEP_SECONDS, TRUST_SECONDS, CardMemory
from feed_svc.store.cards import RedisCards
from feed_svc.store.kept_bytes import OVERHEAD, KeptBytes
from feed_svc.store.port import GONE
from meshkit.redis.mux import RedisMux

ENTRIES = [entry_of(place, 7) for place in (30, 20, 10)]
CARDS = [b"card " + entry for entry in ENTRIES]
SPACE = 1_000_000


@pytest.fixture
async def cards(mux: RedisMux, redis: "Redis") -> RedisCards:
    """Give cards of three posts in Redis."""
    cards = RedisCards(mux)
    await cards.put(dict(zip(ENTRIES, CARDS, strict=True)))
    return cards


async def following(cards: RedisCards, log: CardLog, now: Callable[[], float] | None = None) -> CardMemory:
    """Return a process's memory that has read all cards."""
    memory = CardMemory(cards, log, SPACE, *([now] if now else []))
    await memory.follow()
    assert await memory.get(ENTRIES) == CARDS
    return memory


async def forget_in_redis(redis: "Redis") -> None:
    """Remove the cards from Redis, so that only memory has them."""
    for entry in ENTRIES:
        await redis.delete(b"card:" + entry)


async def test_kept_cards_need_no_redis(cards: RedisCards, redis: "Redis") -> None:
    """A second read comes from memory, in its own order; other cards come from Redis."""
    memory = await following(cards, CardLog(redis))
    await forget_in_redis(redis)
    other = entry_of(5, 8)
    await cards.put({other: b"other"})
    assert await memory.get([ENTRIES[2], other, ENTRIES[0]]) == [CARDS[2], b"other", CARDS[0]]
    assert await cards.get(ENTRIES) == [None] * 3


async def test_a_deleted_post_leaves_every_memory(cards: RedisCards, redis: "Redis") -> None:
    """Each process follows the log, and shows the post as gone as soon as it has read the change."""
    memories = [await following(cards, CardLog(redis)) for _ in range(2)]
    await cards.mark_gone(ENTRIES[1])
    for memory in memories:
        await memory.follow()
        assert await memory.get(ENTRIES) == [CARDS[0], GONE, CARDS[2]]


async def test_dropped_cards_are_read_again(cards: RedisCards, redis: "Redis") -> None:
    """After a change of a profile, the new cards are shown."""
    memory = await following(cards, CardLog(redis))
    await cards.drop(ENTRIES[:2])
    await cards.put({ENTRIES[0]: b"new"})
    await memory.follow()
    assert await memory.get(ENTRIES) == [b"new", None, CARDS[2]]


async def test_a_change_wakes_a_waiting_process(cards: RedisCards, redis: "Redis") -> None:
    """A running process learns of a change without polling for it."""
    memory = CardMemory(cards, CardLog(redis), SPACE)
    stopping = asyncio.Event()
    running = asyncio.create_task(memory.run(stopping))
    async with asyncio.timeout(TRUST_SECONDS):
        while await memory.get(ENTRIES) != [GONE] * 3:
            for entry in ENTRIES:
                await cards.mark_gone(entry)
    stopping.set()
    await running


async def test_a_gone_card_is_not_kept(cards: RedisCards, redis: "Redis") -> None:
    """A post that was absent for a moment appears once Redis no longer says that it is absent."""
    late = entry_of(40, 7)
    memory = await following(cards, CardLog(redis))
    await memory.put_absent([late])
    assert await memory.get([late]) == [GONE]
    await redis.delete(b"card:" + late)
    await memory.put({late: b"late"})
    assert await memory.get([late]) == [b"late"]


class ReadsBeforeAChange(RedisCards):
    """Cards whose answer arrives after a change was applied."""

    memory: CardMemory

    async def get(self, entries: Sequence[Entry]) -> list[bytes | None]:
        """Read, then let a post be deleted."""
        found = await super().get(entries)
        await self.mark_gone(ENTRIES[0])
        await self.memory.follow()
        return found


async def test_an_answer_from_before_a_change_is_not_kept(cards: RedisCards, mux: RedisMux, redis: "Redis") -> None:
    """An answer that the log overtakes is shown once, but not from memory."""
    slow = ReadsBeforeAChange(mux)
    slow.memory = CardMemory(slow, CardLog(redis), SPACE)
    await slow.memory.follow()
    assert await slow.memory.get(ENTRIES) == CARDS
    assert await slow.memory.get(ENTRIES) == [GONE, *CARDS[1:]]


class Wavering(CardLog):
    """A log whose connection can break."""

    is_away = False

    async def after(self, position: bytes, wait_ms: int | None = None) -> CardChanges:
        """Read, if the connection is there."""
        if self.is_away:
            raise RedisConnectionError
        return await super().after(position, wait_ms)


async def test_a_broken_connection_drops_all_cards(cards: RedisCards, redis: "Redis") -> None:
    """Reads go to Redis, and memory begins empty once the log can be read again."""
    log = Wavering(redis)
    memory = await following(cards, log)
    log.is_away = True
    with pytest.raises(RedisConnectionError):
        await memory.follow()
    await cards.mark_gone(ENTRIES[0])
    assert await memory.get(ENTRIES) == [GONE, *CARDS[1:]]
    log.is_away = False
    await memory.follow()
    await forget_in_redis(redis)
    assert await memory.get(ENTRIES) == [None] * 3


async def test_a_running_process_outlives_an_outage(cards: RedisCards, redis: "Redis") -> None:
    """The loop continues while the log cannot be read, and memory is used again afterwards."""
    log = Wavering(redis)
    memory = CardMemory(cards, log, SPACE)
    log.is_away = True
    stopping = asyncio.Event()
    running = asyncio.create_task(memory.run(stopping))
    assert await memory.get(ENTRIES) == CARDS
    log.is_away = False
    async with asyncio.timeout(10):
        while await memory.get(ENTRIES) == CARDS:  # until they come from memory alone
            await asyncio.sleep(0.01)
            await forget_in_redis(redis)
            if await memory.get(ENTRIES) == CARDS:
                break
            await cards.put(dict(zip(ENTRIES, CARDS, strict=True)))
    stopping.set()
    await running


async def test_memory_is_not_trusted_without_the_log(cards: RedisCards, redis: "Redis") -> None:
    """A process that has not read the log for two seconds asks Redis, and trusts its memory after it has."""
    clock = [0.0]
    memory = await following(cards, CardLog(redis), lambda: clock[0])
    await cards.mark_gone(ENTRIES[0])
    clock[0] += TRUST_SECONDS
    assert await memory.get(ENTRIES) == [GONE, *CARDS[1:]]
    await memory.follow()
    await forget_in_redis(redis)
    assert await memory.get(ENTRIES) == [None, *CARDS[1:]]


async def test_cards_leave_memory_by_age(cards: RedisCards, redis: "Redis") -> None:
    """A change that nobody announced is shown in time."""
    clock = [0.0]
    memory = await following(cards, CardLog(redis), lambda: clock[0])
    await forget_in_redis(redis)
    clock[0] += KEEP_SECONDS + 1
    await memory.follow()
    assert await memory.get(ENTRIES) == [None] * 3


async def test_a_reader_that_is_far_behind_drops_everything(
    cards: RedisCards, redis: "Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many changes as the log keeps may have followed others that it dropped."""
    monkeypatch.setattr(card_changes, "LENGTH", 2)
    memory = await following(cards, CardLog(redis))
    await forget_in_redis(redis)
    for _ in range(2):
        await cards.mark_gone(entry_of(1, 1))
    await memory.follow()
    assert await memory.get(ENTRIES) == [None] * 3


async def test_the_log_keeps_only_the_newest_changes(cards: RedisCards, redis: "Redis") -> None:
    """A reader gets exactly what follows its position, and an empty log begins at its beginning."""
    log = CardLog(redis)
    assert await log.end() == BEGINNING
    await cards.drop(ENTRIES[:2])
    end = await log.end()
    await cards.mark_gone(ENTRIES[2])
    assert (await log.after(BEGINNING)).entries == ENTRIES
    found = await log.after(end)
    assert (found.entries, found.is_complete) == ([ENTRIES[2]], True)
    assert await log.after(found.position) == ((), found.position, True)


def test_the_oldest_cards_make_room() -> None:
    """Memory is bounded by bytes, and a card that was discarded and kept again is as young as its last time."""
    size = len(ENTRIES[0]) + len(CARDS[0]) + OVERHEAD
    kept = KeptBytes(3 * size)
    for moment, entry in enumerate(ENTRIES):
        kept.keep(entry, b"card " + entry, moment)
    kept.keep(ENTRIES[0], b"ignored", 9)
    kept.discard(ENTRIES[0])
    kept.keep(ENTRIES[0], CARDS[0], 9)
    assert set(kept.by_key) == set(ENTRIES)
    kept.keep(entry_of(1, 1), CARDS[0], 10)
    assert set(kept.by_key) == {ENTRIES[0], ENTRIES[2], entry_of(1, 1)}
    kept.drop_older_than(10)
    assert set(kept.by_key) == {entry_of(1, 1)}
    kept.clear()
    assert kept.by_key == {}
