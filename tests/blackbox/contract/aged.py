"""State that takes days or thousands of calls to reach, written directly into a mesh's store."""

import contextlib
import sqlite3
from collections.abc import Iterator

from cassandra.cluster import Cluster, Session
from cassandra.concurrent import execute_concurrent_with_args

from follow_svc.model import MAX_FOLLOWEES
from meshkit.ids import PublicId
from tests.blackbox.mesh import Mesh

_EXPIRED = ("REJECTED", "UPLOAD_EXPIRED", "The upload was not finished in time.")


def let_expire(mesh: Mesh, media_id: str) -> None:
    """Turn an upload into one that was not completed in time."""
    medium, changes = PublicId.parse(media_id), "SET state = %s, failure_reason = %s, failure_message = %s"
    if mesh.contact_points:
        with _cassandra(mesh, "media") as session:
            written = session.execute(
                f"UPDATE media {changes} WHERE media_id = %s IF EXISTS", (*_EXPIRED, medium.pack())
            )
            assert written.was_applied
    else:
        with _sqlite(mesh, "media") as database:
            key = "WHERE media_id = ? AND owner_id = ?"
            statement = f"UPDATE media {changes.replace('%s', '?')} {key}"
            assert database.execute(statement, (*_EXPIRED, medium.local, medium.owner)).rowcount == 1


def reach_the_follow_limit(mesh: Mesh, user_id: int) -> None:
    """Make a user follow 7,500 accounts, which do not have to exist."""
    if mesh.contact_points:
        with _cassandra(mesh, "follow") as session:
            insert = session.prepare(
                "INSERT INTO follows (follower_id, followee_id, bucket, created_ms, change, is_ended)"
                " VALUES (?, ?, 0, 0, 1, false)"
            )
            rows = [(user_id, followee) for followee in range(1, MAX_FOLLOWEES + 1)]
            assert all(done for done, _ in execute_concurrent_with_args(session, insert, rows))
            count = "UPDATE follow_counts SET following = following + %s WHERE user_id = %s"
            session.execute(count, (MAX_FOLLOWEES, user_id))
    else:
        with _sqlite(mesh, "follow") as database:
            count = "INSERT INTO follow_counts (user_id, following) VALUES (?, ?)"
            database.execute(count, (user_id, MAX_FOLLOWEES))


@contextlib.contextmanager
def _sqlite(mesh: Mesh, service: str) -> Iterator[sqlite3.Connection]:
    path = mesh.data / "sqlite" / f"{service}_svc.db"
    with contextlib.closing(sqlite3.connect(path, timeout=30)) as database, database:
        yield database


@contextlib.contextmanager
def _cassandra(mesh: Mesh, service: str) -> Iterator[Session]:
    host, _, port = mesh.contact_points.partition(":")
    with Cluster([host], int(port), protocol_version=5) as cluster:
        yield cluster.connect(f"{mesh.keyspace_prefix}_{service}")
