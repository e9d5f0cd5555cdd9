"""SQLite for asyncio."""

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from meshkit.errors import UnavailableError
from meshkit.sqlite import Database, open_database

ROOT = Path(__file__).parents[2]
COUNTER = """
CREATE TABLE counter (value INTEGER NOT NULL CHECK (value < 1000000));
INSERT INTO counter VALUES (0);
"""


@pytest.fixture
def migrations(tmp_path: Path) -> Path:
    """Give a folder with a table in it."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "counter-0001.sql").write_text(COUNTER)
    return folder


@pytest_asyncio.fixture
async def database(tmp_path: Path, migrations: Path) -> AsyncIterator[Database]:
    """Give a database with that table."""
    async with open_database(tmp_path / "deep" / "one.db", migrations) as opened:
        yield opened


def _add_one(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE counter SET value = value + 1")


def _value(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT value FROM counter").fetchone()[0])


async def test_a_reader_sees_what_is_committed(database: Database) -> None:
    """After a write has returned, a read sees it."""
    for expected in (1, 2):
        await database.write(_add_one)
        assert await database.read(_value) == expected


async def test_an_error_rolls_back(database: Database) -> None:
    """Writes before an exception are rolled back, the exception is raised, and later writes work."""

    def write_and_fail(connection: sqlite3.Connection) -> None:
        _add_one(connection)
        raise KeyError("changed its mind")

    with pytest.raises(KeyError, match="changed its mind"):
        await database.write(write_and_fail)
    assert await database.read(_value) == 0
    await database.write(_add_one)
    assert await database.read(_value) == 1


async def test_a_constraint_violation_rolls_back(database: Database) -> None:
    """An error of SQLite rolls back the whole transaction."""

    def write_and_break(connection: sqlite3.Connection) -> None:
        _add_one(connection)
        connection.execute("UPDATE counter SET value = 1000000")

    with pytest.raises(sqlite3.IntegrityError):
        await database.write(write_and_break)
    assert await database.read(_value) == 0


async def test_a_failed_commit_rolls_back(tmp_path: Path) -> None:
    """The next transaction works after a failed COMMIT."""
    folder = tmp_path / "deferred"
    folder.mkdir()
    (folder / "deferred-0001.sql").write_text(
        "CREATE TABLE parent (id INTEGER PRIMARY KEY);"
        "CREATE TABLE child (id INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED);"
    )
    async with open_database(tmp_path / "deferred.db", folder) as database:
        with pytest.raises(sqlite3.IntegrityError):
            await database.write(lambda connection: connection.execute("INSERT INTO child VALUES (1)"))
        await database.write(lambda connection: connection.execute("INSERT INTO parent VALUES (1)"))
        children = await database.read(lambda connection: connection.execute("SELECT count(*) FROM child").fetchone())
        assert children == (0,)


async def test_a_cancelled_write_is_finished(database: Database) -> None:
    """If the caller is cancelled, the transaction is still committed as a whole."""
    entered, go_on = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def write_slowly(connection: sqlite3.Connection) -> None:
        _add_one(connection)
        loop.call_soon_threadsafe(entered.set)
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result()
        _add_one(connection)

    writing = asyncio.create_task(database.write(write_slowly))
    await entered.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert await database.read(_value) == 0, "readers see nothing of a transaction under way"
    go_on.set()
    await database.write(_add_one)
    assert await database.read(_value) == 3


async def test_an_invalid_statement_is_no_outage(database: Database) -> None:
    """An invalid statement raises SQLite's own error, because retrying would not help."""
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        await database.read(lambda connection: connection.execute("SELECT * FROM absent"))


async def test_a_locked_file_is_an_outage(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file locked by another process for too long is UNAVAILABLE, because retrying helps."""
    path = await database.read(lambda connection: connection.execute("PRAGMA database_list").fetchone()[2])
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        database._writer.execute("PRAGMA busy_timeout = 10")
        with pytest.raises(UnavailableError):
            await database.write(_add_one)
    finally:
        other.execute("ROLLBACK")
        other.close()
    await database.write(_add_one)
    assert await database.read(_value) == 1


async def test_processes_share_a_file(tmp_path: Path, migrations: Path) -> None:
    """Four processes that start on a new file migrate it once and lose no write."""
    path = tmp_path / "shared.db"
    processes = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.meshkit.write_and_exit", str(path), str(migrations), "50"), cwd=ROOT
        )
        for _ in range(4)
    ]
    assert [await process.wait() for process in processes] == [0, 0, 0, 0]
    async with open_database(path, migrations) as database:
        assert await database.read(_value) == 4 * 50


async def test_a_killed_migration_releases_its_lock(tmp_path: Path, migrations: Path) -> None:
    """A process killed during a migration does not keep the next one from starting."""
    path = tmp_path / "killed.db"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.meshkit.lock_and_die", str(path), str(migrations)), cwd=ROOT
    )
    assert await process.wait() < 0
    async with asyncio.timeout(30), open_database(path, migrations) as database:
        assert await database.read(_value) == 0
