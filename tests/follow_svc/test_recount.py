"""Recounts of a real graph in Cassandra with wrong counts, half-done pairs and interrupted runs."""

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from follow_svc.model import Follow, FollowCounts
from follow_svc.recount import Recount, SupersededError
from follow_svc.store.cassandra import CassandraFollowStore
from follow_svc.store.cassandra_recount import CassandraRecountStore
from follow_svc.store.recount_port import FIRST_POSITION, Progress, Side, Walk
from meshkit.cassandra import Cassandra, write
from tests.follow_svc.graph_stores import STORE_PREFIX, empty_keyspace, some_event
from tests.follow_svc.store.breaking_cassandra import BATCH, BreakingCassandra, DiedError, as_cassandra, die

pytestmark = pytest.mark.slow

PLENTY = 1_000_000
BUCKET_SIZE = 3
STAR = 500
FANS = range(1, 11)
PATIENCE_SECONDS = 60
_NO_COUNTS = write("TRUNCATE follow_counts")


class Graph:
    """A star with ten followers in four buckets."""

    def __init__(self, keyspace: Cassandra) -> None:
        self.keyspace = keyspace
        self.follows = CassandraFollowStore(keyspace, BUCKET_SIZE)
        self.recounts = CassandraRecountStore(keyspace, self.follows)

    async def follow(self, follower_id: int, followee_id: int) -> None:
        """Follow."""
        await self.follows.add_follow(Follow(follower_id, followee_id, 5), PLENTY, [some_event()])

    async def recount(self, settle_seconds: float = 0.05, page_users: int = 3) -> None:
        """Run a recount."""
        await Recount(self.follows, self.recounts, settle_seconds, page_users)()

    def dying(self) -> CassandraFollowStore:
        """Return a process that dies right after its first decision."""
        return CassandraFollowStore(as_cassandra(BreakingCassandra(self.keyspace, BATCH, die)))

    async def spoil(self) -> None:
        """Spoil counts in every way: too high, too low, missing, and where there should be none."""
        for side, user_id, difference in (
            (Side.FOLLOWERS, STAR, 7),
            (Side.FOLLOWERS, 4, -2),
            (Side.FOLLOWING, 3, 5),
            (Side.FOLLOWING, 4, -1),
            (Side.FOLLOWING, STAR, 3),
            (Side.FOLLOWERS, 900, 2),
            (Side.FOLLOWING, 901, -3),
        ):
            await self.recounts.add_count(side, user_id, difference)

    async def wrong_counts(self) -> list[tuple[Side, int, int]]:
        """Return the wrong counts of all accounts in these tests."""
        found = []
        for user_id in (*FANS, STAR, 900, 901):
            followers = len(await self.follows.list_followers(user_id, None, 1_000))
            following = len(await self.follows.list_followees(user_id, None, 1_000))
            for side, rows in ((Side.FOLLOWERS, followers), (Side.FOLLOWING, following)):
                counted = await self.recounts.read_count(side, user_id)
                if counted != rows:
                    found.append((side, user_id, counted))
        return found


class HeldRecountStore(CassandraRecountStore):
    """A store whose run pauses before it stores its progress for the first time."""

    def __init__(self, cassandra: Cassandra, follows: CassandraFollowStore) -> None:
        super().__init__(cassandra, follows)
        self.reached = asyncio.Event()
        self.open = asyncio.Event()

    async def record_progress(self, run: int, progress: Progress) -> bool:
        """Wait, then store it."""
        self.reached.set()
        await self.open.wait()
        return await super().record_progress(run, progress)


@pytest_asyncio.fixture(loop_scope="session")
async def graph(keyspace: Cassandra) -> AsyncIterator[Graph]:
    """Return the star's graph."""
    await empty_keyspace(keyspace)
    graph = Graph(keyspace)
    for fan in FANS:
        await graph.follow(fan, STAR)
    yield graph
    await graph.follows.drain()


async def test_spoiled_counts_are_corrected(graph: Graph) -> None:
    """A recount sets every wrong count to the number of rows."""
    await graph.spoil()
    assert len(await graph.wrong_counts()) == 7
    await graph.recount()
    assert await graph.wrong_counts() == []
    assert await graph.follows.get_counts(STAR) == FollowCounts(followers=10, following=0)


async def test_counts_that_were_never_made_are_found(graph: Graph) -> None:
    """A followed account without counts gets them once, even if its followers span many buckets."""
    await graph.keyspace.execute(_NO_COUNTS)
    assert await graph.follows.get_counts(STAR) == FollowCounts()
    await graph.recount(page_users=2)
    assert await graph.wrong_counts() == []


async def test_right_counts_are_left_alone(graph: Graph) -> None:
    """A recount of a correct graph changes nothing and does not wait."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        await graph.recount(settle_seconds=10 * PATIENCE_SECONDS)
    assert await graph.wrong_counts() == []


async def test_half_done_pairs_are_completed(graph: Graph) -> None:
    """A follow and an unfollow whose processes died are completed and counted."""
    with pytest.raises(DiedError):
        await graph.dying().add_follow(Follow(1, 2, 5), PLENTY, [some_event()])
    with pytest.raises(DiedError):
        await graph.dying().remove_follow(3, STAR, [some_event()])
    assert await graph.follows.list_followers(2, None, 10) == []
    await asyncio.sleep(0.1)  # older than any change takes
    await graph.recount(settle_seconds=0.05)
    assert [place.follower_id for place in await graph.follows.list_followers(2, None, 10)] == [1]
    stayed = {place.follower_id for place in await graph.follows.list_followers(STAR, None, 100)}
    assert stayed == set(FANS) - {3}
    assert await graph.wrong_counts() == []


async def test_half_done_mutes_are_completed(graph: Graph) -> None:
    """A mute and an unmute whose processes died are completed, and no count changes."""
    await graph.follows.mute(2, STAR, 5, [])
    with pytest.raises(DiedError):
        await graph.dying().mute(1, STAR, 5, [some_event()])
    with pytest.raises(DiedError):
        await graph.dying().unmute(2, STAR, [some_event()])
    await asyncio.sleep(0.1)  # older than any change takes
    await graph.recount(settle_seconds=0.05)
    muted = {each.follower_id for each in await graph.follows.list_followers(STAR, None, 100) if each.is_muted}
    assert muted == {1}
    assert await graph.wrong_counts() == []
    assert await graph.follows.get_counts(STAR) == FollowCounts(followers=10, following=0)


async def test_a_run_goes_on_where_the_last_one_stopped(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that dies keeps what it did; the next one continues. A run after a complete one starts over."""
    await graph.spoil()
    seen: list[tuple[Walk, int]] = []
    list_users = graph.recounts.list_users

    async def dies_at_the_sixth(walk: Walk, after: int, limit: int) -> object:
        if len(seen) == 5:
            raise DiedError
        seen.append((walk, after))
        return await list_users(walk, after, limit)

    monkeypatch.setattr(graph.recounts, "list_users", dies_at_the_sixth)
    with pytest.raises(DiedError):
        await graph.recount(page_users=3)
    assert seen[0] == (Walk.FOLLOWS, FIRST_POSITION)
    monkeypatch.undo()
    progress = await graph.recounts.take_over(1)
    assert progress != Progress(Walk.FOLLOWS, FIRST_POSITION)
    assert (progress.walk, progress.position) not in seen
    await graph.recount(page_users=3)
    assert await graph.wrong_counts() == []
    assert await graph.recounts.take_over(2) == Progress(Walk.FOLLOWS, FIRST_POSITION)


async def test_only_the_newest_run_corrects(graph: Graph) -> None:
    """A run that was superseded stops before it corrects anything, so nothing is added twice."""
    await graph.spoil()
    held = HeldRecountStore(graph.keyspace, graph.follows)
    older = asyncio.create_task(Recount(graph.follows, held, 0.05, page_users=100)())
    await held.reached.wait()  # it has seen a wrong count and is about to correct it
    await graph.recount(page_users=100)
    held.open.set()
    with pytest.raises(SupersededError):
        await older
    assert await graph.wrong_counts() == []


async def test_a_recount_beside_traffic_spoils_nothing(graph: Graph) -> None:
    """Recounts during traffic spoil no count. Once traffic stops, a recount corrects the rest."""
    await graph.spoil()
    end = asyncio.Event()

    async def traffic(fans: list[int]) -> None:
        chance = random.Random(fans[0])
        while not end.is_set():
            fan, other = chance.sample(fans, 2)
            await graph.follow(fan, other)
            await graph.follow(fan, STAR)
            await graph.follows.remove_follow(*chance.choice([(fan, other), (fan, STAR)]), [])

    busy = [asyncio.create_task(traffic(list(fans))) for fans in (FANS[:5], FANS[5:])]
    for _ in range(3):
        await graph.recount(settle_seconds=0.5, page_users=5)
    end.set()
    await asyncio.gather(*busy)
    await graph.recount()
    assert await graph.wrong_counts() == []


async def test_a_killed_process_is_gone_on_with(graph: Graph, cassandra: str, tmp_path: Path) -> None:
    """`recount`, killed and restarted, corrects everything, starting with the page where it was killed."""
    await graph.spoil()
    first = await _start(cassandra, tmp_path)
    await _line_with(first, "recounted")
    first.send_signal(signal.SIGKILL)
    await first.wait()
    second = await _start(cassandra, tmp_path)
    began = await _line_with(second, "recount_begins")
    assert f'"position": {FIRST_POSITION}' not in began or '"walk": "follows"' not in began
    await _line_with(second, "recount_ended")
    assert await second.wait() == 0
    assert await graph.wrong_counts() == []


async def test_there_is_nothing_to_recount_in_sqlite(tmp_path: Path) -> None:
    """On SQLite the command says that there is nothing to do and exits with 0."""
    process = await _start(None, tmp_path)
    assert "nothing_to_recount" in await _line_with(process, "nothing_to_recount")
    assert await process.wait() == 0


async def _start(contact_points: str | None, directory: Path) -> asyncio.subprocess.Process:
    settings = {"LENSFEED_SQLITE_DIR": str(directory), "LENSFEED_LOG_FORMAT": "json"}
    if contact_points is not None:
        settings |= {
            "LENSFEED_STORE": "cassandra",
            "LENSFEED_CASSANDRA_CONTACT_POINTS": contact_points,
            "LENSFEED_CASSANDRA_KEYSPACE_PREFIX": STORE_PREFIX,
            "LENSFEED_RECOUNT_SETTLE_SECONDS": "0.5",
        }
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "follow_svc", "recount"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=os.environ | settings,
    )


async def _line_with(process: asyncio.subprocess.Process, event: str) -> str:
    """Return the next line of a process that logs an event."""
    assert process.stdout is not None
    told = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while line := (await process.stdout.readline()).decode():
            if f'"{event}"' in line:
                return line
            told.append(line)
    raise AssertionError(f"no {event} in {told}")
