"""The bridge to Cassandra on a healthy cluster."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import cassandra as driver
import pytest
from cassandra import ConsistencyLevel, WriteType
from cassandra.cluster import NoHostAvailable
from cassandra.connection import ConnectionException, ConnectionShutdown
from cassandra.protocol import ErrorMessage, IsBootstrappingErrorMessage, OverloadedErrorMessage, ServerError
from cassandra.query import SimpleStatement

from meshkit.cassandra import (
    Cassandra,
    Statement,
    UnknownOutcomeError,
    claim,
    open_cassandra,
    read,
    serial_read,
    sure_read,
    write,
)
from meshkit.cassandra.cluster import SafeRetries
from meshkit.cassandra.failures import HalfLoggedError, translated
from meshkit.cassandra.statements import Kind
from meshkit.errors import DeadlineExceededError, UnavailableError
from tests.meshkit.redis.clusters import call_of, opened, settings_of

NOWHERE = "127.0.0.1:1"
TABLE = "CREATE TABLE IF NOT EXISTS words (number int PRIMARY KEY, word text);"
PUT = write("INSERT INTO words (number, word) VALUES (?, ?)")
TAKE = claim("INSERT INTO words (number, word) VALUES (?, ?) IF NOT EXISTS")
GET = read("SELECT number, word FROM words WHERE number = ? LIMIT 1")


@pytest.fixture(scope="module")
def migrations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give migrations that create one table."""
    folder = tmp_path_factory.mktemp("migrations")
    (folder / "0001-words.cql").write_text(TABLE)
    return folder


@pytest.fixture(scope="module")
async def words(cassandra: str, migrations: Path) -> AsyncIterator[Cassandra]:
    """Give a keyspace with that table."""
    async with opened(settings_of(cassandra), migrations) as words:
        yield words


async def test_each_caller_gets_its_own_answer(words: Cassandra) -> None:
    """However many statements run at once, every caller gets the rows it asked for."""
    numbers = range(600)
    await asyncio.gather(*(words.execute(PUT, each, f"word {each}") for each in numbers))
    rows = await asyncio.gather(*(words.execute(GET, each) for each in numbers))
    assert rows == [[(each, f"word {each}")] for each in numbers]


@pytest.mark.parametrize("kind", [read, sure_read, serial_read])
async def test_every_kind_of_read_works(words: Cassandra, kind: Callable[[str], Statement]) -> None:
    """At every consistency, a read returns existing rows and no others."""
    await words.execute(PUT, 1_001, "here")
    statement = kind("SELECT word FROM words WHERE number = ? LIMIT 1")
    assert await words.execute(statement, 1_001) == [("here",)]
    assert await words.execute(statement, 1_002) == []


async def test_claim_tells_whether_it_was_applied(words: Cassandra) -> None:
    """The first claim is applied; the answer to a later one contains the existing row."""
    first, second = [await words.execute(TAKE, 2_001, word) for word in ("mine", "yours")]
    assert first[0][0] is True
    assert second == [(False, 2_001, "mine")]


async def test_a_batch_is_atomic(words: Cassandra) -> None:
    """All writes of a batch are visible, and none of a refused one."""
    await words.execute_batch((PUT, (3_001, "a")), (PUT, (3_002, "b")))
    assert [await words.execute(GET, each) for each in (3_001, 3_002)] == [[(3_001, "a")], [(3_002, "b")]]
    with pytest.raises(TypeError):
        await words.execute_batch((PUT, (3_003, "c")), (PUT, ("no number", "d")))
    assert await words.execute(GET, 3_003) == []


async def test_concurrent_statements_are_limited(cassandra: str, migrations: Path) -> None:
    """No more statements than the settings allow run at once, and all of them finish."""
    bound = 5
    async with opened(settings_of(cassandra, cassandra_max_in_flight=bound), migrations) as words:
        await words.execute(GET, 0)
        pools = words._session.get_pools()
        seen = []

        async def watch() -> None:
            while True:
                seen.append(sum(sum(pool.get_state()["in_flights"]) for pool in pools))
                await asyncio.sleep(0)

        watching = asyncio.create_task(watch())
        rows = await asyncio.gather(*(words.execute(GET, each) for each in range(-500, 0)))
        assert not watching.done()
        watching.cancel()
    assert rows == [[]] * 500
    assert 1 < max(seen) <= bound


async def test_call_without_time_left_sends_nothing(words: Cassandra) -> None:
    """A statement of a call past its deadline is not sent and delays nobody."""
    with call_of(seconds=-1), pytest.raises(DeadlineExceededError):
        await words.execute(PUT, 4_001, "late")
    assert await words.execute(GET, 4_001) == []


async def test_an_invalid_statement_is_no_outage(words: Cassandra) -> None:
    """An error in a statement is not reported as an outage."""
    with pytest.raises(driver.InvalidRequest):
        await words.execute(read("SELECT missing FROM words WHERE number = ? LIMIT 1"), 1)


async def test_an_unreachable_cluster_fails_at_once() -> None:
    """Without a cluster every statement fails at once, and closing does not wait."""
    async with open_cassandra(settings_of(NOWHERE), "meshkit") as words:
        for statement in (GET, PUT, TAKE):
            with pytest.raises(UnavailableError):
                await words.execute(statement)
        with pytest.raises(UnavailableError):
            await words.check()


WRITE_TIMEOUT = driver.WriteTimeout("", consistency=6, required_responses=2, received_responses=1, write_type=0)
HALF_LOGGED = driver.WriteTimeout(
    "", consistency=2, required_responses=2, received_responses=1, write_type=WriteType.BATCH_LOG
)
NOT_LOGGED = driver.WriteTimeout(
    "", consistency=2, required_responses=2, received_responses=0, write_type=WriteType.BATCH_LOG
)
READ_TIMEOUT = driver.ReadTimeout("", consistency=1, required_responses=1, received_responses=0)
UNAVAILABLE = driver.Unavailable("", consistency=6, required_replicas=2, alive_replicas=1)
NEVER_SENT = ConnectionException("Host has been marked down or removed")


@pytest.mark.parametrize(
    ("error", "kind", "raised"),
    [
        *((WRITE_TIMEOUT, kind, UnknownOutcomeError) for kind in (Kind.WRITE, Kind.CLAIM)),
        *((ConnectionShutdown("gone"), kind, UnknownOutcomeError) for kind in (Kind.WRITE, Kind.CLAIM)),
        *((driver.OperationTimedOut(), kind, UnknownOutcomeError) for kind in (Kind.WRITE, Kind.CLAIM)),
        (HALF_LOGGED, Kind.WRITE, HalfLoggedError),
        (NOT_LOGGED, Kind.WRITE, UnknownOutcomeError),
        (driver.WriteFailure("", consistency=6), Kind.WRITE, UnknownOutcomeError),
        (OverloadedErrorMessage(0x1001, "", None), Kind.WRITE, UnknownOutcomeError),
        (OverloadedErrorMessage(0x1001, "", None), Kind.READ, UnavailableError),
        (IsBootstrappingErrorMessage(0x1002, "", None), Kind.READ, UnavailableError),
        (ErrorMessage(0x1700, "CAS write unknown", None), Kind.CLAIM, UnknownOutcomeError),
        (READ_TIMEOUT, Kind.READ, UnavailableError),
        (READ_TIMEOUT, Kind.SERIAL_READ, UnavailableError),
        (UNAVAILABLE, Kind.WRITE, UnavailableError),
        (UNAVAILABLE, Kind.CLAIM, UnknownOutcomeError),
        (NoHostAvailable("", {"a": NEVER_SENT}), Kind.WRITE, UnavailableError),
        (NoHostAvailable("", {"a": WRITE_TIMEOUT, "b": NEVER_SENT}), Kind.WRITE, UnknownOutcomeError),
        (NoHostAvailable("", {}), Kind.CLAIM, UnavailableError),
        (ServerError(0x0000, "a bug", None), Kind.READ, ServerError),
        (driver.InvalidRequest("what?"), Kind.WRITE, driver.InvalidRequest),
    ],
)
def test_driver_errors_are_classified(error: Exception, kind: Kind, raised: type[Exception]) -> None:
    """Errors with an unknown outcome are distinguished from failures without effect and from bugs."""
    assert type(translated(error, kind)) is raised


def test_only_idempotent_statements_are_retried() -> None:
    """An idempotent statement is sent to at most two more nodes, any other to none."""
    policy, level = SafeRetries(), ConsistencyLevel.LOCAL_QUORUM
    for is_idempotent, sent_again in ((True, 2), (False, 0)):
        query = SimpleStatement("SELECT …", is_idempotent=is_idempotent)
        for number in range(4):
            decisions = [
                policy.on_read_timeout(query, level, 2, 1, data_retrieved=True, retry_num=number),
                policy.on_write_timeout(query, level, WriteType.SIMPLE, 2, 1, retry_num=number),
                policy.on_unavailable(query, level, 2, 1, retry_num=number),
                policy.on_request_error(query, level, ConnectionShutdown("gone"), retry_num=number),
            ]
            again = (SafeRetries.RETRY_NEXT_HOST, level) if number < sent_again else (SafeRetries.RETHROW, None)
            assert decisions == [again] * 4


def test_a_half_logged_batch_is_not_retried() -> None:
    """Another coordinator would wait for the same dead node; a batch without any log is retried elsewhere."""
    policy, level = SafeRetries(), ConsistencyLevel.LOCAL_QUORUM
    query = SimpleStatement("BEGIN BATCH …", is_idempotent=True)
    decisions = [policy.on_write_timeout(query, level, WriteType.BATCH_LOG, 2, found, retry_num=0) for found in (1, 0)]
    assert decisions == [(SafeRetries.RETHROW, None), (SafeRetries.RETRY_NEXT_HOST, level)]
