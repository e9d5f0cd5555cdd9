"""Migrations: numbered `.cql` files, each applied once and in order by the first process to start.

No maintained library does this for Cassandra 5. If several processes start at once, one takes a lock by a lightweight transaction
and the others wait. An applied file must not change, so its checksum is recorded. The lock's table has a fixed id, because two
nodes that create a table at the same moment would otherwise create two.
"""

import hashlib
import json
import re
import threading
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import structlog
from cassandra import ConsistencyLevel
from cassandra.query import SimpleStatement

# The lock of a dead process expires after this. A migration must take less.
LOCK_TTL_SECONDS = 60
POLL_SECONDS = 0.2
_NAMESPACE = uuid.UUID("1f1c3a54-7f0f-4f0e-9a39-3d5a3f8a9d21")
_NO_COMMENTS = re.compile(r"^\s*--.*$", re.MULTILINE)
# One per process: after a time-out the lock may have been taken, and the next attempt must recognize it.
_HOLDER = uuid.uuid4().hex
# All keyspaces opened in one process share a holder, so the lock between processes does not separate them.
_one_at_a_time = threading.Lock()
_log = structlog.get_logger()


class MigrationError(Exception):
    """An applied migration has changed since."""


def migrate(session: Any, keyspace: str, replication: dict[str, str | int], folders: Sequence[Path]) -> None:
    """Migrate a keyspace and select it for the session. Blocks. Safe from many processes at once."""
    files = sorted((path for folder in folders for path in folder.glob("*.cql")), key=lambda path: path.name)
    with _one_at_a_time:
        _make_keyspace(session, keyspace, replication)
        session.set_keyspace(keyspace)
        _bring_up_to_date(session, keyspace, files)


def statements_of(text: str) -> list[str]:
    """Split a `.cql` file into its statements. Lines that begin with `--` are comments."""
    return [part.strip() for part in _NO_COMMENTS.sub("", text).split(";") if part.strip()]


def _bring_up_to_date(session: Any, keyspace: str, files: Sequence[Path]) -> None:
    if not _pending(session, files):
        return
    while not _lock(session):
        time.sleep(POLL_SECONDS)
        if not _pending(session, files):
            return  # another process has applied them
    try:
        for path in _pending(session, files):
            _apply(session, path)
            _log.info("migration_applied", keyspace=keyspace, migration=path.stem)
    finally:
        _run(session, "DELETE FROM migration_lock WHERE id = 0 IF holder = %s", _HOLDER)


def _make_keyspace(session: Any, keyspace: str, replication: dict[str, str | int]) -> None:
    options = json.dumps(replication).replace('"', "'")
    session.execute(f'CREATE KEYSPACE IF NOT EXISTS "{keyspace}" WITH replication = {options}')
    for table, columns in (
        ("migration_lock", "id int PRIMARY KEY, holder text"),
        ("migrations", "name text PRIMARY KEY, checksum text, applied_at timestamp"),
    ):
        table_id = uuid.uuid5(_NAMESPACE, f"{keyspace}.{table}")
        session.execute(f'CREATE TABLE IF NOT EXISTS "{keyspace}".{table} ({columns}) WITH id = {table_id}')


def _pending(session: Any, files: Sequence[Path]) -> list[Path]:
    """Return the files that are not applied yet. Raises MigrationError if an applied one has changed."""
    applied = dict(_run(session, "SELECT name, checksum FROM migrations"))
    for path in files:
        if applied.get(path.stem, _checksum(path)) != _checksum(path):
            raise MigrationError(f"{path.stem} was changed after it was applied; add a new migration instead")
    return [path for path in files if path.stem not in applied]


def _lock(session: Any) -> bool:
    insert = "INSERT INTO migration_lock (id, holder) VALUES (0, %s) IF NOT EXISTS USING TTL %s"
    is_applied, *found = _run(session, insert, _HOLDER, LOCK_TTL_SECONDS)[0]
    # Under contention an insert may report as not applied although it was: the existing row is then its own.
    return is_applied or _HOLDER in found


def _apply(session: Any, path: Path) -> None:
    for statement in statements_of(path.read_text()):
        session.execute(statement)
    record = "INSERT INTO migrations (name, checksum, applied_at) VALUES (%s, %s, toTimestamp(now()))"
    _run(session, record, path.stem, _checksum(path))


def _run(session: Any, cql: str, *parameters: Any) -> list[Any]:
    # Not LOCAL_: the schema is shared by all datacenters.
    statement = SimpleStatement(
        cql, consistency_level=ConsistencyLevel.QUORUM, serial_consistency_level=ConsistencyLevel.SERIAL
    )
    return list(session.execute(statement, parameters))


def _checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
