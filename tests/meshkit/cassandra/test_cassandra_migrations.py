"""Migrations of a keyspace, on a real cluster."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from meshkit.cassandra import Cassandra, CassandraSettings, open_cassandra, read
from meshkit.cassandra.migrations import MigrationError, statements_of
from meshkit.errors import UnavailableError
from tests.meshkit.redis.clusters import PATIENCE_SECONDS, opened, settings_of

# Counting is the one thing in CQL that shows how often it was done.
TABLE = "CREATE TABLE IF NOT EXISTS runs (id int PRIMARY KEY, times counter);"
COUNT = "UPDATE runs SET times = times + 1 WHERE id = 0;"
RUNS = read("SELECT times FROM runs WHERE id = 0 LIMIT 1")


@pytest.fixture
def migrations(tmp_path: Path) -> Path:
    """Give two migrations, of which the second counts how often it is applied."""
    (tmp_path / "0001-runs.cql").write_text(TABLE)
    (tmp_path / "0002-count.cql").write_text(f"-- A remark; with a semicolon.\n{COUNT}\n")
    return tmp_path


@pytest.fixture
def settings(cassandra: str) -> CassandraSettings:
    """Give a keyspace that does not exist yet."""
    return settings_of(cassandra)


async def until_it_is_logged(logs: Sequence[Mapping[str, object]], event: str) -> None:
    """Wait for a line of the log."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while event not in {each["event"] for each in logs}:  # noqa: ASYNC110 - a log tells nobody that it has grown
            await asyncio.sleep(0.05)


async def test_processes_that_start_at_once_apply_once(settings: CassandraSettings, migrations: Path) -> None:
    """When four processes open a new keyspace at once, each migration is applied once."""
    words = (settings.cassandra_contact_points, settings.cassandra_keyspace_prefix, str(migrations))
    command = (sys.executable, "-m", "tests.meshkit.cassandra.migrate_and_exit", *words)
    processes = [await asyncio.create_subprocess_exec(*command, stdout=DEVNULL) for _ in range(4)]
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert [await each.wait() for each in processes] == [0] * 4
    async with opened(settings, migrations) as cassandra:
        assert await cassandra.execute(RUNS) == [(1,)]


async def test_one_process_may_open_a_keyspace_many_times_at_once(
    settings: CassandraSettings, migrations: Path
) -> None:
    """Opening a new keyspace four times in one process applies each migration once."""

    async def runs() -> object:
        async with opened(settings, migrations) as cassandra:
            return await cassandra.execute(RUNS)

    assert await asyncio.gather(*(runs() for _ in range(4))) == [[(1,)]] * 4


async def test_a_later_migration_is_applied(settings: CassandraSettings, migrations: Path) -> None:
    """Only the new migration is applied, after the earlier ones."""
    async with opened(settings, migrations):
        pass
    (migrations / "0003-count-again.cql").write_text(COUNT)
    async with opened(settings, migrations) as cassandra:
        assert await cassandra.execute(RUNS) == [(2,)]


async def test_changed_migration_is_refused(settings: CassandraSettings, migrations: Path) -> None:
    """A file that changed after it was applied is named in the health check, and nothing is served."""
    async with opened(settings, migrations):
        pass
    (migrations / "0002-count.cql").write_text(COUNT * 2)
    with capture_logs() as logs:
        async with open_cassandra(settings, "meshkit", migrations) as cassandra:
            await until_it_is_logged(logs, "migration_refused")
            with pytest.raises(MigrationError, match="0002-count"):
                await cassandra.check()
            with pytest.raises(UnavailableError):
                await cassandra.execute(RUNS)
    async with opened(settings) as cassandra:
        assert await cassandra.execute(RUNS) == [(1,)]


async def test_half_applied_migration_is_applied_again(settings: CassandraSettings, migrations: Path) -> None:
    """A migration that failed half-way is retried until it succeeds."""
    half = migrations / "0003-half.cql"
    half.write_text("CREATE TABLE IF NOT EXISTS halves (id int PRIMARY KEY); UPDATE nothing SET a = 1 WHERE b = 2;")
    with capture_logs() as logs:
        async with open_cassandra(settings, "meshkit", migrations) as cassandra:
            await until_it_is_logged(logs, "cassandra_not_reached")
            with pytest.raises(UnavailableError):
                await cassandra.check()
            half.write_text(
                "CREATE TABLE IF NOT EXISTS halves (id int PRIMARY KEY); INSERT INTO halves (id) VALUES (1);"
            )
            await until_it_is_logged(logs, "cassandra_connected")
            assert await found(cassandra) == ([(1,)], [(1,)])


async def found(cassandra: Cassandra) -> tuple[object, object]:
    """Return the runs of the second migration, and the row of the third."""
    halves = read("SELECT id FROM halves WHERE id = 1 LIMIT 1")
    return await cassandra.execute(RUNS), await cassandra.execute(halves)


def test_statements_of_a_file() -> None:
    """Statements end with semicolons, and lines that begin with dashes are comments."""
    text = "-- first; a remark\nCREATE TABLE a (b int);\n\n  -- another\nINSERT INTO a\n  (b) VALUES (-1) ;\n"
    assert statements_of(text) == ["CREATE TABLE a (b int)", "INSERT INTO a\n  (b) VALUES (-1)"]
