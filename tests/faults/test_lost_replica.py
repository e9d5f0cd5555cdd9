"""Statements on three nodes while one is down and the others have not noticed."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from devmesh.parts.cassandra.cluster import CassandraCluster, running_cassandra
from meshkit.cassandra import Cassandra, UnknownOutcomeError, claim, serial_read, sure_read, write
from tests.meshkit.redis.clusters import call_of, opened, settings_of, until_it_answers

TABLE = "CREATE TABLE IF NOT EXISTS words (number int PRIMARY KEY, word text);"
PUT = write("INSERT INTO words (number, word) VALUES (?, ?)")
TAKE = claim("UPDATE words SET word = ? WHERE number = ? IF word = null")
GET = sure_read("SELECT word, WRITETIME(word) FROM words WHERE number = ? LIMIT 1")
DECIDED = serial_read("SELECT word FROM words WHERE number = ? LIMIT 1")
CALL_SECONDS = 15
"""The deadline of a call through the edge."""

NUMBERS = range(30)
"""Enough keys for each node to be the first replica of some."""


@pytest.fixture(scope="module")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[CassandraCluster]:
    """Run three nodes."""
    async with running_cassandra(tmp_path_factory.mktemp("three"), nodes=3, heap="256m") as cluster:
        yield cluster


@pytest.fixture(scope="module")
async def words(cluster: CassandraCluster, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cassandra]:
    """Open a keyspace with three replicas and prepare all statements on every node."""
    folder = tmp_path_factory.mktemp("migrations")
    (folder / "0001-words.cql").write_text(TABLE)
    settings = settings_of(cluster.contact_points, cassandra_replication=cluster.replication)
    async with opened(settings, folder) as words:
        for number in NUMBERS:
            await words.execute_batch((PUT, (1_000 + number, "a")), (PUT, (2_000 + number, "b")))
            await words.execute(TAKE, "c", 3_000 + number)
            await words.execute(DECIDED, number)
            await words.execute(GET, number)
        yield words


async def batches(words: Cassandra, start: int) -> None:
    """Write batches, each within a call, and check that each is complete with one write time."""

    async def one(number: int) -> None:
        with call_of(CALL_SECONDS):
            await words.execute_batch((PUT, (number, "first")), (PUT, (number + 1, "second")))
            [(first, first_at)] = await words.execute(GET, number)
            [(second, second_at)] = await words.execute(GET, number + 1)
        assert (first, second) == ("first", "second")
        assert first_at == second_at

    await asyncio.gather(*(one(start + 2 * number) for number in NUMBERS))


async def claims(words: Cassandra, start: int) -> None:
    """Claim rows, each within a call. After an unknown outcome, read and try again."""

    async def one(number: int) -> None:
        with call_of(CALL_SECONDS):
            while await words.execute(DECIDED, number) != [("mine",)]:
                await _try(words, number)

    await asyncio.gather(*(one(start + number) for number in NUMBERS))


async def _try(words: Cassandra, number: int) -> None:
    try:
        await words.execute(TAKE, "mine", number)
    except UnknownOutcomeError:
        return


@pytest.mark.faults
async def test_writes_continue_after_a_node_is_killed(cluster: CassandraCluster, words: Cassandra) -> None:
    """No batch or claim fails while the others still use the dead node for their batch logs."""
    await cluster.nodes[2].kill()
    await asyncio.gather(batches(words, 10_000), claims(words, 20_000))
    await cluster.nodes[2].restart()
    for node in cluster.nodes:
        await node.sees_all()


@pytest.mark.faults
async def test_writes_continue_while_a_node_hangs(cluster: CassandraCluster, words: Cassandra) -> None:
    """No batch or claim fails while a node accepts statements without answering."""
    await until_it_answers(words)
    cluster.nodes[0].pause()
    try:
        await asyncio.gather(batches(words, 30_000), claims(words, 40_000))
    finally:
        cluster.nodes[0].resume()
