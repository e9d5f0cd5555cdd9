"""Dead letters are inspected, replayed and dropped; streams of jobs are trimmed."""

from typing import Any

from lensfeed.events.v1 import event_pb2
from redis.asyncio import Redis

from meshkit.events import DeadLetters, EventStream, OutboxRecord, Trim, new_record
from meshkit.events.entry import Entry
from meshkit.events.stream import PAYLOAD_FIELD
from tests.meshkit.events.bus import Heard, consuming, new_stream, pending


def record_of(user_id: int) -> OutboxRecord:
    """Return an event."""
    return new_record(event_pb2.UserUpdated(user_id=user_id))


async def _given(redis: "Redis", stream: EventStream, *payloads: bytes) -> list[Entry]:
    """Put payloads into a stream, and give them to member m of group g."""
    await redis.xgroup_create(stream.key, "g", id="0", mkstream=True)
    fields: list[Any] = [{PAYLOAD_FIELD: payload} for payload in payloads]
    ids: list[Any] = [await redis.xadd(stream.key, each) for each in fields]
    await redis.xreadgroup("g", "m", {stream.key: ">"})
    return [Entry(entry_id, payload) for entry_id, payload in zip(ids, payloads, strict=True)]


async def test_a_dead_letter_describes_the_event(redis: "Redis") -> None:
    """A letter has the group, the reason, the entry and the event, which is no longer pending."""
    stream, record = new_stream(), record_of(7)
    [entry] = await _given(redis, stream, record.payload)
    letters = DeadLetters(redis, stream)
    await letters.bury("g", entry, "failed too often")
    [letter] = await letters.read()
    assert (letter.group, letter.why, letter.entry_id) == ("g", "failed too often", entry.entry_id.decode())
    assert letter.event == event_pb2.Event.FromString(record.payload)
    assert letter.dead_ms >= entry.added_ms
    assert await pending(redis, stream) == 0


async def test_two_members_create_one_dead_letter(redis: "Redis") -> None:
    """The second member finds that nothing is pending."""
    stream = new_stream()
    [entry] = await _given(redis, stream, b"poison")
    letters = DeadLetters(redis, stream)
    for _ in range(2):
        await letters.bury("g", entry, "no event")
    assert await letters.count() == 1


async def test_a_replayed_event_is_handled(redis: "Redis") -> None:
    """A replay adds the event as a new entry and deletes its letter; repeating it changes nothing."""
    stream, heard = new_stream(), Heard()
    entries = await _given(redis, stream, *(record_of(user_id).payload for user_id in (1, 2)))
    letters = DeadLetters(redis, stream)
    for entry in entries:
        await letters.bury("g", entry, "failed too often")
    first, second = await letters.read()
    assert await letters.replay([first.letter_id]) == 1
    assert await letters.replay([first.letter_id]) == 0
    assert await letters.read() == [second]
    async with consuming(redis, stream, heard):
        await heard.until(handled=1)
    assert heard.handled == [1]


async def test_an_invalid_dead_letter_has_no_event(redis: "Redis") -> None:
    """A replay cannot help such a letter, but it can be dropped."""
    stream = new_stream()
    letters = DeadLetters(redis, stream)
    for entry in await _given(redis, stream, b"\xff\xff", b""):
        await letters.bury("g", entry, "no event")
    found = await letters.read()
    assert [letter.event for letter in found] == [None, None]
    assert await letters.drop([letter.letter_id for letter in found]) == 2
    assert await letters.count() == 0


async def test_letters_are_read_in_pages(redis: "Redis") -> None:
    """Pages are ordered oldest first, and the next begins after the last letter seen."""
    stream = new_stream()
    letters = DeadLetters(redis, stream)
    for entry in await _given(redis, stream, *(record_of(user_id).payload for user_id in range(5))):
        await letters.bury("g", entry, "failed too often")
    whole = await letters.read()
    assert len(whole) == 5
    page = await letters.read(limit=2)
    assert page + await letters.read(f"({page[-1].letter_id}") == whole


async def test_a_step_of_a_job_is_added_once(redis: "Redis") -> None:
    """An existing or earlier step is not added again, and other jobs are not affected."""
    stream = new_stream()
    steps = [("a", 1), ("a", 2), ("a", 2), ("a", 1), ("b", 1), ("a", 3)]
    added = [await stream.add_step(redis, job, number, f"{job}{number}".encode()) for job, number in steps]
    assert added == [True, True, False, False, True, True]
    entries: Any = await redis.xrange(stream.key)
    assert [fields[PAYLOAD_FIELD] for _, fields in entries] == [b"a1", b"a2", b"b1", b"a3"]


async def test_the_progress_of_a_job_expires(redis: "Redis") -> None:
    """Nothing of a job stays in Redis."""
    stream = new_stream()
    await stream.add_step(redis, "a", 1, b"")
    assert 0 < await redis.ttl(f"{stream.key}:job:a") <= 3_600


async def test_a_stream_without_an_outbox_is_trimmed(redis: "Redis") -> None:
    """Handled entries are deleted; pending and undelivered ones stay. Without its group nothing is deleted."""
    stream = new_stream("g")
    for number in range(1, 501):
        await stream.add_step(redis, "a", number, record_of(number).payload)
    trim = Trim(redis, stream)
    await trim()
    assert await redis.xlen(stream.key) == 500
    await redis.xgroup_create(stream.key, "g", id="0")
    answer: Any = await redis.xreadgroup("g", "m", {stream.key: ">"}, count=400)
    taken = [entry for _, entries in answer for entry, _ in entries]
    held = taken[300]
    await redis.xack(stream.key, "g", *(entry for entry in taken if entry != held))
    await trim()
    left: Any = await redis.xrange(stream.key)
    kept = [entry for entry, _ in left]
    assert held in kept
    assert 200 <= len(kept) < 500
