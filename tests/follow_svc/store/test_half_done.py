"""Changes in Cassandra that a process left half done, finished late, or whose answer it lost."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from follow_svc.errors import FollowLimitError
from follow_svc.model import AddedFollow, Follow
from follow_svc.store.cassandra import CassandraFollowStore
from meshkit.call import CURRENT, Call
from meshkit.cassandra import Cassandra, CassandraOutbox, UnknownOutcomeError, claim, read, write
from meshkit.errors import UnavailableError
from meshkit.events import OutboxRecord
from meshkit.events.outbox import BEFORE_ALL, MINUTE_MS, SHARDS, before
from meshkit.ids import new_id
from tests.follow_svc.graph_stores import BUCKET_SIZE, empty_keyspace, is_written, some_event
from tests.follow_svc.store.breaking_cassandra import (
    BATCH,
    BEGIN,
    COUNT,
    DELETE,
    END,
    LOOK,
    BreakingCassandra,
    DiedError,
    Gate,
    Mishap,
    Send,
    as_cassandra,
    die,
    lose_answer,
    lose_request,
)

PLENTY = 1_000_000
FIRST = Follow(1, 2, created_ms=100)
_FORGET_EVENTS = claim("UPDATE follows SET events = null WHERE follower_id = 1 AND followee_id = 2 IF EXISTS")
_COUNT_MORE = write("UPDATE follow_counts SET following = following + ? WHERE user_id = ?", is_idempotent=False)
_PART_OF_A_ROW = write("UPDATE follows SET bucket = 0 WHERE follower_id = 1 AND followee_id = 2")
# With a bound on the followee, because the last cut stays when no row is left.
_ROWS = read("SELECT followee_id FROM follows WHERE follower_id = 1 AND followee_id > 0 LIMIT 10")


class Graph:
    """Several processes on one keyspace."""

    def __init__(self, keyspace: Cassandra) -> None:
        self.keyspace = keyspace
        self.outbox = CassandraOutbox(keyspace)
        self.store = CassandraFollowStore(keyspace, BUCKET_SIZE)

    def with_mishap(self, at: str, mishap: Mishap) -> tuple[CassandraFollowStore, BreakingCassandra]:
        """Return a process that has a mishap at a step."""
        breaking = BreakingCassandra(self.keyspace, at, mishap)
        return CassandraFollowStore(as_cassandra(breaking), BUCKET_SIZE), breaking

    async def follow_and_die(self, at: str = BATCH) -> OutboxRecord:
        """Start a follow in a process that dies before a step. Returns its event."""
        record = some_event()
        store, _ = self.with_mishap(at, die)
        with pytest.raises(DiedError):
            await store.add_follow(FIRST, PLENTY, [record])
        return record

    async def unfollow_and_die(self, at: str = BATCH) -> OutboxRecord:
        """Start an unfollow in a process that dies before a step. Returns its event."""
        record = some_event()
        store, _ = self.with_mishap(at, die)
        with pytest.raises(DiedError):
            await store.remove_follow(1, 2, [record])
        return record

    async def age(self) -> None:
        """Age a change until its own events may no longer be written."""
        await self.keyspace.execute(_FORGET_EVENTS)

    async def followers(self) -> list[int]:
        """Return the followers of account 2."""
        return [place.follower_id for place in await self.store.list_followers(2, None, 10)]

    async def counts(self) -> tuple[int, int]:
        """Return how many account 1 follows and how many follow account 2."""
        return (await self.store.get_counts(1)).following, (await self.store.get_counts(2)).followers

    async def written(self, records: list[OutboxRecord]) -> int:
        """Return how many of the events were written."""
        return [await is_written(self.outbox, record) for record in records].count(True)


@pytest_asyncio.fixture(loop_scope="session")
async def graph(keyspace: Cassandra) -> AsyncIterator[Graph]:
    """Return an empty graph."""
    await empty_keyspace(keyspace)
    graph = Graph(keyspace)
    yield graph
    await graph.store.drain()


async def test_a_repeated_follow_completes_one_that_was_left(graph: Graph) -> None:
    """Repeating a follow whose process died completes it and writes its first event."""
    first, repeated = await graph.follow_and_die(), some_event()
    assert await graph.followers() == []
    assert await graph.store.confirm_follow(1, 2, [repeated]) == FIRST
    assert await graph.followers() == [1]
    assert await graph.written([first]) == 1
    assert await graph.written([repeated]) == 0


async def test_many_repeats_at_once_tell_a_follow_once(graph: Graph) -> None:
    """Concurrent repeats of a half-done follow all return it and write only its first event."""
    first, repeated = await graph.follow_and_die(), [some_event() for _ in range(10)]
    stores = [CassandraFollowStore(graph.keyspace) for _ in range(3)]
    added = await asyncio.gather(
        *(stores[number % 3].add_follow(Follow(1, 2, 200), PLENTY, [record]) for number, record in enumerate(repeated))
    )
    assert added == [AddedFollow(FIRST, is_new=False)] * 10
    assert await graph.followers() == [1]
    assert (await graph.written([first]), await graph.written(repeated)) == (1, 0)


async def test_a_follow_that_was_left_for_long_is_told_by_one_new_event(graph: Graph) -> None:
    """If the first event is too old to be swept, concurrent repeats write exactly one new one."""
    first, repeated = await graph.follow_and_die(), [some_event() for _ in range(10)]
    await graph.age()
    stores = [CassandraFollowStore(graph.keyspace) for _ in range(3)]
    confirmed = await asyncio.gather(
        *(stores[number % 3].confirm_follow(1, 2, [record]) for number, record in enumerate(repeated))
    )
    assert confirmed == [FIRST] * 10
    assert await graph.followers() == [1]
    assert (await graph.written([first]), await graph.written(repeated)) == (0, 1)


async def test_an_event_that_waited_is_written_into_an_open_minute(graph: Graph) -> None:
    """An event that was made minutes before its follow is decided gets its id when it is written."""
    made_ms = graph.keyspace.now_ms() - 5 * MINUTE_MS
    record = replace(some_event(), event_id=new_id(made_ms))
    await graph.store.add_follow(FIRST, PLENTY, [record])
    at_its_place = await graph.outbox.read_outbox(record.minute, record.shard, before(record.event_id), 1)
    assert record.event_id not in [each.event_id for each in at_its_place]  # other tests' events may follow
    minute = graph.keyspace.now_ms() // MINUTE_MS
    found = [
        each.payload
        for at in (minute - 1, minute)
        for shard in range(SHARDS)
        for each in await graph.outbox.read_outbox(at, shard, BEFORE_ALL, 1_000)
    ]
    assert found.count(record.payload) == 1


@pytest.mark.parametrize("is_follow", [True, False], ids=["follow", "unfollow"])
async def test_nothing_begins_after_its_call(graph: Graph, is_follow: bool) -> None:
    """A change whose request was lost is not tried again once its caller has given up."""

    async def lose_slowly(_send: Send) -> None:
        await asyncio.sleep(deadline - time.monotonic() + 0.05)
        raise UnknownOutcomeError

    if not is_follow:
        await graph.store.add_follow(FIRST, PLENTY, [some_event()])
    store, breaking = graph.with_mishap(BEGIN if is_follow else END, lose_slowly)
    # Time enough to come to that step on a busy machine.
    deadline = time.monotonic() + 2
    CURRENT.set(Call("r", deadline=deadline))
    with pytest.raises(UnavailableError):
        await (
            store.add_follow(FIRST, PLENTY, [some_event()]) if is_follow else store.remove_follow(1, 2, [some_event()])
        )
    CURRENT.set(Call("r"))
    assert breaking.has_happened
    assert (await graph.store.get_follow(1, 2) is None) == is_follow


async def test_a_whole_follow_is_not_told_again(graph: Graph) -> None:
    """Repeating a complete follow writes nothing, however old it is."""
    await graph.store.add_follow(FIRST, PLENTY, [some_event()])
    await graph.age()
    repeated = some_event()
    assert await graph.store.confirm_follow(1, 2, [repeated]) == FIRST
    assert await graph.store.add_follow(Follow(1, 2, 200), PLENTY, [repeated]) == AddedFollow(FIRST, is_new=False)
    assert await graph.written([repeated]) == 0


@pytest.mark.parametrize("is_late", [False, True])
@pytest.mark.parametrize("at", [LOOK, BATCH, DELETE])
async def test_a_repeated_unfollow_completes_one_that_was_left(graph: Graph, at: str, is_late: bool) -> None:
    """An unfollow whose process died takes effect with its decision, and a repeat completes it."""
    await graph.store.add_follow(FIRST, PLENTY, [])
    first, repeated = await graph.unfollow_and_die(at), some_event()
    assert await graph.store.get_follow(1, 2) is None
    assert await graph.store.list_followees(1, None, 10) == []
    assert await graph.store.filter_unmuted(1, [2]) == set()
    assert await graph.store.confirm_follow(1, 2, []) is None
    if is_late:
        await graph.age()
    assert not await graph.store.remove_follow(1, 2, [repeated])
    assert await graph.followers() == []
    assert await graph.written([first, repeated]) >= 1
    assert await graph.written([repeated]) == is_late
    assert await graph.keyspace.execute(_ROWS) == []


@pytest.mark.parametrize("is_late", [False, True])
async def test_a_follow_anew_stands_after_an_unfollow_that_was_left(graph: Graph, is_late: bool) -> None:
    """A follow that finds a half-done unfollow finishes it and is new."""
    await graph.store.add_follow(FIRST, PLENTY, [])
    deleted, created = await graph.unfollow_and_die(), some_event()
    if is_late:
        await graph.age()
    anew = Follow(1, 2, created_ms=200)
    assert await graph.store.add_follow(anew, PLENTY, [created]) == AddedFollow(anew, is_new=True)
    assert await graph.followers() == [1]
    assert await graph.written([created]) == 1
    assert await graph.written([deleted]) == (not is_late)


async def test_a_late_follow_does_not_undo_an_unfollow(graph: Graph) -> None:
    """A slow process that finishes its follow after an unfollow changes nothing: nobody follows."""
    gate = Gate()
    slow, _ = graph.with_mishap(BATCH, gate)
    following = asyncio.create_task(slow.add_follow(FIRST, PLENTY, []))
    await gate.reached.wait()
    assert await graph.store.remove_follow(1, 2, [])
    gate.open.set()
    assert (await following).is_new
    assert await graph.followers() == []
    assert await graph.counts() == (0, 0)


async def test_a_late_unfollow_does_not_undo_a_follow_anew(graph: Graph) -> None:
    """A slow process that finishes its unfollow after a new follow changes nothing: the follow stays."""
    await graph.store.add_follow(FIRST, PLENTY, [])
    gate = Gate()
    slow, _ = graph.with_mishap(BATCH, gate)
    ending = asyncio.create_task(slow.remove_follow(1, 2, []))
    await gate.reached.wait()
    assert (await graph.store.add_follow(Follow(1, 2, 200), PLENTY, [])).is_new
    gate.open.set()
    assert await ending
    assert await graph.followers() == [1]
    assert await graph.store.get_follow(1, 2) == Follow(1, 2, 200)
    assert await graph.counts() == (1, 1)


@pytest.mark.parametrize("mishap", [lose_answer, lose_request])
async def test_a_follow_whose_answer_is_lost_is_made_once(graph: Graph, mishap: Mishap) -> None:
    """A follow whose answer was lost is new, counted once and sent as an event, whether or not it was applied."""
    record = some_event()
    store, breaking = graph.with_mishap(BEGIN, mishap)
    assert await store.add_follow(FIRST, PLENTY, [record]) == AddedFollow(FIRST, is_new=True)
    assert breaking.has_happened
    assert await graph.followers() == [1]
    assert await graph.counts() == (1, 1)
    assert await graph.written([record]) == 1


@pytest.mark.parametrize("mishap", [lose_answer, lose_request])
async def test_an_unfollow_whose_answer_is_lost_is_made_once(graph: Graph, mishap: Mishap) -> None:
    """An unfollow whose answer was lost ends the follow, is counted once and sent as an event, whether or not it was applied."""
    await graph.store.add_follow(FIRST, PLENTY, [])
    record = some_event()
    store, breaking = graph.with_mishap(END, mishap)
    assert await store.remove_follow(1, 2, [record])
    assert breaking.has_happened
    assert await graph.followers() == []
    assert await graph.counts() == (0, 0)
    assert await graph.written([record]) == 1


@pytest.mark.parametrize("mishap", [lose_answer, lose_request])
async def test_an_end_that_cannot_be_cleared_away_is_an_end(graph: Graph, mishap: Mishap) -> None:
    """If the row of an ended follow may have stayed, the follow is over anyway and can start again."""
    await graph.store.add_follow(FIRST, PLENTY, [])
    store, breaking = graph.with_mishap(DELETE, mishap)
    assert await store.remove_follow(1, 2, [])
    assert breaking.has_happened
    assert await graph.store.get_follow(1, 2) is None
    assert (await graph.store.add_follow(Follow(1, 2, 200), PLENTY, [])).is_new
    assert await graph.counts() == (1, 1)


async def test_a_count_that_fails_fails_no_follow(graph: Graph) -> None:
    """A follow that could not be counted is complete and sent. A recount will correct the count."""
    record = some_event()
    store, breaking = graph.with_mishap(COUNT, lose_request)
    assert (await store.add_follow(FIRST, PLENTY, [record])).is_new
    assert breaking.has_happened
    assert await graph.followers() == [1]
    assert await graph.written([record]) == 1


async def test_processes_that_change_one_pair_at_once_agree(graph: Graph) -> None:
    """After concurrent follows and unfollows from several processes, rows and counts agree."""
    stores = [CassandraFollowStore(graph.keyspace, BUCKET_SIZE) for _ in range(3)]
    added = await asyncio.gather(
        *(stores[number % 3].add_follow(Follow(1, 2, number), PLENTY, []) for number in range(24))
    )
    assert [each.is_new for each in added].count(True) == 1
    assert len({each.follow for each in added}) == 1
    assert await graph.counts() == (1, 1)
    removed = await asyncio.gather(*(stores[number % 3].remove_follow(1, 2, []) for number in range(24)))
    assert removed.count(True) == 1
    assert await graph.counts() == (0, 0)
    assert await graph.followers() == []


async def test_the_rows_decide_near_the_limit(graph: Graph) -> None:
    """Near the limit the rows decide: lost counts do not raise it and surplus counts do not lower it."""
    store, breaking = graph.with_mishap(COUNT, lose_request)
    for followee_id in (2, 3):
        await store.add_follow(Follow(1, followee_id, 5), 2, [])
    assert breaking.has_happened
    assert await graph.counts() == (1, 1)
    with pytest.raises(FollowLimitError):
        await graph.store.add_follow(Follow(1, 4, 5), 2, [])
    await graph.keyspace.execute(_COUNT_MORE, 10, 1)
    await graph.store.remove_follow(1, 3, [])
    assert (await graph.store.add_follow(Follow(1, 4, 5), 2, [])).is_new


async def test_a_follow_of_which_only_a_part_is_there_is_absent(graph: Graph) -> None:
    """What is left of a deleted row is no follow: it is not confirmed, not listed, and breaks no read."""
    await graph.keyspace.execute(_PART_OF_A_ROW)
    assert await graph.store.confirm_follow(1, 2, [some_event()]) is None
    assert await graph.store.get_follow(1, 2) is None
    assert await graph.store.list_followees(1, None, 10) == []
    assert await graph.store.filter_unmuted(1, [2]) == set()
