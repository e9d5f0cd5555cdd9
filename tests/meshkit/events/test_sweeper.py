"""Events get from the outbox to the stream, whatever fails in between."""

import asyncio
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from meshkit.events import EventStream, Publisher, Sweeper
from meshkit.events import publisher as publishing
from meshkit.events.outbox import BEFORE_ALL, CLOSING_MINUTES, MINUTE_MS
from meshkit.events.sqlite_outbox import SqliteOutbox
from meshkit.redis.client import open_redis
from tests.meshkit.events.bus import Heard, Outbox, consuming, later_ms, new_stream, open_outbox, soon_ms

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
KILLED = -9


async def test_an_event_of_a_killed_process_is_delivered(redis: "Redis", tmp_path: Path) -> None:
    """If a process is killed between commit and send, a sweeper sends the event once."""
    path, stream, heard = tmp_path / "outbox.db", new_stream("g"), Heard()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.meshkit.events.commit_and_die", str(path), "7"), cwd=ROOT
    )
    assert await process.wait() == KILLED
    async with open_outbox(path) as outbox, consuming(redis, stream, heard):
        sweeper = Sweeper(redis, stream, outbox)
        assert await sweeper.sweep(soon_ms()) == 1
        await heard.until(handled=1)
        assert await sweeper.sweep(later_ms()) == 0
        assert await Sweeper(redis, stream, outbox).sweep(later_ms()) == 0
    assert heard.handled == [7]


async def test_the_fast_path_and_sweepers_add_an_event_once(redis: "Redis", outbox: Outbox) -> None:
    """However many add an event at the same time, the stream has it once."""
    stream = new_stream()
    records = await outbox.commit_all(range(50))
    publisher = Publisher(redis, stream)
    publisher.send_soon(*records)
    sweepers = [Sweeper(redis, stream, outbox) for _ in range(3)]
    await asyncio.gather(publisher.drain(), *(sweeper.sweep(soon_ms()) for sweeper in sweepers))
    assert await _payloads(redis, stream) == sorted(record.payload for record in records)


async def test_a_young_event_is_left_to_the_fast_path(redis: "Redis", outbox: Outbox) -> None:
    """A sweeper does not send an event that was just committed, but does so a little later."""
    stream = new_stream()
    await outbox.commit(1)
    sweeper = Sweeper(redis, stream, outbox)
    assert await sweeper.sweep() == 0
    assert await sweeper.sweep(soon_ms()) == 1


async def test_a_late_commit_is_found(redis: "Redis", outbox: Outbox) -> None:
    """An event committed after a sweeper passed its time is found before its minute closes."""
    stream = new_stream()
    now_ms = soon_ms()
    sweeper = Sweeper(redis, stream, outbox)
    assert await sweeper.sweep(now_ms + 30_000) == 0
    await outbox.commit(1)
    assert await sweeper.sweep(now_ms + 5 * MINUTE_MS) == 1


async def test_many_events_of_a_minute_are_swept(redis: "Redis", outbox: Outbox) -> None:
    """All events of a minute are sent, even if every shard has more than a page."""
    stream = new_stream()
    await outbox.commit_all(range(2_100))
    sweeper = Sweeper(redis, stream, outbox)
    assert await sweeper.sweep(soon_ms()) == 2_100
    assert await redis.xlen(stream.key) == 2_100


async def test_a_minute_closes_when_every_group_has_handled_it(redis: "Redis", outbox: Outbox) -> None:
    """While a group is missing or has not acknowledged an event, the minute stays open."""
    stream = new_stream("one", "other")
    record = await outbox.commit(1)
    begun = await outbox.outbox_done_before()
    sweeper = Sweeper(redis, stream, outbox)

    async def done_before() -> int:
        await sweeper.sweep(later_ms())
        return await outbox.outbox_done_before()

    assert await done_before() == begun, "no group is there"
    for group in ("one", "other"):
        await redis.xgroup_create(stream.key, group, id="0")
    assert await done_before() == begun, "no group was given the event"
    await _take(redis, stream, "one", acknowledge=True)
    assert await done_before() == begun, "a group was not given the event"
    [entry] = await _take(redis, stream, "other", acknowledge=False)
    assert await done_before() == begun, "a group has not acknowledged the event"
    await redis.xack(stream.key, "other", entry)
    assert await done_before() > record.minute
    assert await outbox.read_outbox(record.minute, record.shard, BEFORE_ALL, 10) == [record], "it is kept for a day"


async def test_one_of_many_sweepers_works(redis: "Redis", outbox: Outbox) -> None:
    """Sweepers of many processes read the outbox as often as one, and another takes over from one that stops."""
    stream, reads = new_stream(), list[int]()

    class Counting(SqliteOutbox):
        async def outbox_done_before(self) -> int:
            reads.append(self.number)
            return await super().outbox_done_before()

        number = 0

    stores = [Counting(outbox._written_to) for _ in range(4)]
    for number, store in enumerate(stores):
        store.number = number
    stops = [asyncio.Event() for _ in stores]
    running = [
        asyncio.create_task(Sweeper(redis, stream, store).run(stop)) for store, stop in zip(stores, stops, strict=True)
    ]
    async with asyncio.timeout(20):
        while not reads:  # noqa: ASYNC110 - a store raises no event
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        [first] = set(reads)
        stops[first].set()
        await running[first]
        while len(set(reads)) == 1:  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.01)
    for stop in stops:
        stop.set()
    await asyncio.gather(*running)


async def test_minutes_without_events_close(redis: "Redis", outbox: Outbox) -> None:
    """A quiet service does not sweep the same minutes again and again."""
    stream = new_stream("g")
    await redis.xgroup_create(stream.key, "g", id="0", mkstream=True)
    now_ms = later_ms()
    await Sweeper(redis, stream, outbox).sweep(now_ms)
    assert await outbox.outbox_done_before() == now_ms // MINUTE_MS - CLOSING_MINUTES + 1


async def test_a_stream_without_named_groups_uses_the_existing_ones(redis: "Redis", outbox: Outbox) -> None:
    """Without a group nothing is closed or trimmed; with one, its acknowledgement counts."""
    stream = new_stream()
    record = await outbox.commit(1)
    sweeper = Sweeper(redis, stream, outbox)
    await sweeper.sweep(later_ms())
    assert await outbox.outbox_done_before() <= record.minute
    assert await redis.xlen(stream.key) == 1
    await redis.xgroup_create(stream.key, "any", id="0")
    await _take(redis, stream, "any", acknowledge=True)
    await sweeper.sweep(later_ms())
    assert await outbox.outbox_done_before() > record.minute


async def test_a_late_fast_path_adds_nothing(redis: "Redis", outbox: Outbox) -> None:
    """A fast path delayed until its event was handled and its minute closed adds nothing."""
    stream = new_stream("g")
    record = await outbox.commit(1)
    sweeper = Sweeper(redis, stream, outbox)
    await sweeper.sweep(soon_ms())
    await redis.xgroup_create(stream.key, "g", id="0")
    await _take(redis, stream, "g", acknowledge=True)
    await sweeper.sweep(later_ms())
    assert await outbox.outbox_done_before() > record.minute
    assert not await stream.add(redis, record)


async def test_trimming_keeps_pending_entries(redis: "Redis", outbox: Outbox) -> None:
    """Handled entries are deleted, but nothing from the oldest pending entry on."""
    stream = new_stream("g")
    for record in await outbox.commit_all(range(350)):
        await stream.add(redis, record)
    await redis.xgroup_create(stream.key, "g", id="0")
    entries = await _take(redis, stream, "g", acknowledge=False)
    held = entries[250]
    await redis.xack(stream.key, "g", *(entry for entry in entries if entry != held))
    await Sweeper(redis, stream, outbox).sweep(later_ms())
    left: Any = await redis.xrange(stream.key)
    kept = [entry for entry, _ in left]
    assert kept == entries[-len(kept) :]
    assert held in kept
    assert len(kept) < len(entries)


async def test_old_events_are_purged(redis: "Redis", outbox: Outbox) -> None:
    """A day after it was handled, an event is deleted from the outbox."""
    stream = new_stream("g")
    record = await outbox.commit(1)
    await redis.xgroup_create(stream.key, "g", id="0", mkstream=True)
    sweeper = Sweeper(redis, stream, outbox)
    await sweeper.sweep(later_ms())
    await _take(redis, stream, "g", acknowledge=True)
    await sweeper.sweep(later_ms() + 23 * 60 * MINUTE_MS)
    assert await outbox.read_outbox(record.minute, record.shard, BEFORE_ALL, 10) == [record]
    await sweeper.sweep(later_ms() + 25 * 60 * MINUTE_MS)
    assert await outbox.read_outbox(record.minute, record.shard, BEFORE_ALL, 10) == []


async def test_without_redis_commits_succeed(outbox: Outbox) -> None:
    """While Redis is down, sending fails silently and the event stays in the outbox."""
    async with open_redis("redis://127.0.0.1:1/0") as nobody:
        publisher = Publisher(nobody, new_stream())
        record = await outbox.commit(1)
        publisher.send_soon(record)
        await publisher.drain()
    assert await outbox.read_outbox(record.minute, record.shard, BEFORE_ALL, 10) == [record]


async def test_a_hung_redis_delays_no_exit(monkeypatch: pytest.MonkeyPatch, outbox: Outbox) -> None:
    """A stopping process waits for its last events only briefly, as they are in the outbox."""
    monkeypatch.setattr(publishing, "DRAIN_SECONDS", 0.1)

    with socket.create_server(("127.0.0.1", 0)) as server:  # takes connections and never answers
        async with open_redis(f"redis://127.0.0.1:{server.getsockname()[1]}/0") as hung:
            publisher = Publisher(hung, new_stream())
            publisher.send_soon(*await outbox.commit_all(range(100)))
            async with asyncio.timeout(2):
                await publisher.drain()


async def _take(redis: "Redis", stream: EventStream, group: str, *, acknowledge: bool) -> list[bytes]:
    """Deliver all new entries to a group, like its consumer; returns their ids."""
    answer: Any = await redis.xreadgroup(group, "m", {stream.key: ">"})
    taken = [entry for _, entries in answer for entry, _ in entries]
    assert taken
    if acknowledge:
        await redis.xack(stream.key, group, *taken)
    return taken


async def _payloads(redis: "Redis", stream: EventStream) -> list[bytes]:
    entries: Any = await redis.xrange(stream.key)
    return sorted(fields[b"event"] for _, fields in entries)
