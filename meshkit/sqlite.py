"""SQLite for asyncio, with one thread for writes and one for reads.

A store passes a function of a connection; `write` runs it in one IMMEDIATE transaction. So stores contain plain SQL, a call
costs one hop to a thread, and two processes may share a file (WAL).
"""

import asyncio
import contextlib
import fcntl
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from meshkit.call import mark_begun
from meshkit.errors import UnavailableError
from meshkit.telemetry.catalog import STATEMENT_DURATION
from meshkit.telemetry.statement_attributes import attributes_of

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]
# How long a writer waits for another process's transaction, in seconds. Ours take milliseconds.
BUSY_TIMEOUT = 10.0
PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    # An acknowledged write survives a power failure, as in production.
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
)
_duration = STATEMENT_DURATION.buckets()


class Database:
    """One SQLite file. Created by `open_database`."""

    def __init__(self, path: Path) -> None:
        self.name = str(path.absolute())
        self._namespace = path.stem
        self._writer = _connect(path)
        self._reader = _connect(path)
        self._write_thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-write")
        self._read_thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-read")

    async def write(self, work: Work[T]) -> T:
        """Run `work` in one transaction and return its result. An exception rolls it back.

        The transaction continues if the caller is cancelled, who then does not know whether it took effect.
        """
        result = await self._timed(self._write_thread, work, lambda: _transaction(self._writer, work))
        mark_begun()
        return result

    async def read(self, work: Work[T]) -> T:
        """Run `work` outside of a transaction. It sees committed data."""
        return await self._timed(self._read_thread, work, lambda: work(self._reader))

    async def check(self) -> None:
        """Return if the database responds: the health check."""
        await self.read(lambda connection: connection.execute("SELECT 1").fetchone())

    async def _timed(self, thread: ThreadPoolExecutor, named: Work[Any], work: Callable[[], T]) -> T:
        """Run `work` and record how long it took, with the wait for the thread, under the name of the store's method."""
        start = time.perf_counter()
        error = ""
        try:
            return await self._run(thread, work)
        except BaseException as failure:
            error = type(failure).__name__
            raise
        finally:
            attributes = attributes_of("sqlite", self._namespace, _name_of(named), error)
            _duration.record(time.perf_counter() - start, attributes)

    @staticmethod
    async def _run(thread: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(thread, work)
        except sqlite3.OperationalError as error:
            # An error in the statement itself is a bug, and retrying does not help.
            if getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) == sqlite3.SQLITE_ERROR:
                raise
            raise UnavailableError from error

    def close(self) -> None:
        """Finish running work and close the file."""
        for thread, connection in ((self._write_thread, self._writer), (self._read_thread, self._reader)):
            thread.shutdown()
            connection.close()


@contextlib.asynccontextmanager
async def open_database(path: Path, *migrations: Path) -> AsyncIterator[Database]:
    """Open a file, creating and migrating it if needed. `migrations` are folders of yoyo's `.sql` files."""
    path.parent.mkdir(parents=True, exist_ok=True)
    await asyncio.to_thread(_migrate, path, migrations)
    database = Database(path)
    try:
        yield database
    finally:
        await asyncio.to_thread(database.close)


def _name_of(work: Work[Any]) -> str:
    """Return the function that a transaction is written in: `get` for a lambda in `SqlitePosts.get`."""
    name = getattr(work, "__qualname__", None) or getattr(getattr(work, "func", None), "__qualname__", "statement")
    return str(name).partition(".<locals>")[0].rpartition(".")[2]


def _connect(path: Path) -> sqlite3.Connection:
    # Each connection is opened in one thread and used in another one only.
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False)
    for pragma in PRAGMAS:
        connection.execute(pragma)
    return connection


def _transaction(connection: sqlite3.Connection, work: Work[T]) -> T:
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = work(connection)
        connection.execute("COMMIT")
    except BaseException:
        # Some errors, such as a full disk, have already rolled back. If a COMMIT fails, an open transaction would fail every
        # later write.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return result


def _migrate(path: Path, migrations: tuple[Path, ...]) -> None:
    from yoyo import get_backend, read_migrations

    with _locked(path.with_name(f"{path.name}.lock")):
        backend = get_backend(f"sqlite:///{path}")
        try:
            backend.apply_migrations(backend.to_apply(read_migrations(*map(str, migrations))))
        finally:
            backend.connection.close()


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Lock the file between processes, so that all processes of a service can start at once.

    The kernel releases this lock if its holder dies. yoyo's own lock is a row, which a killed process would leave behind.
    """
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
